"""`python -m bench`: make a large bureau in a throw-away installation, serve it, measure, write docs/performance.md."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from sqlalchemy import text

from bench import desk, journeys, report
from bench.bureau import build_bureau, keep_bureau, kept_bureau
from bench.measure import HOUSE, Compared, Load, Server
from bench.sweeping import sweeping
from chuncha.installation import Installation, open_installation
from chuncha.processes import Child, free_port, wait_for
from domain.settings import Settings, read_settings

PAGE = HOUSE / "docs" / "performance.md"


def main() -> None:
    """Measure and report; with --quick only to see that everything runs."""
    told = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    told.add_argument("--tickets", type=int, default=100_000, help="how many tickets there are (100 000)")
    told.add_argument("--rounds", type=int, default=5, help="rounds of each pair (5)")
    told.add_argument("--quick", action="store_true", help="500 tickets, one round; prints only")
    told.add_argument(
        "--print", action="store_true", help="print the figures and leave docs/performance.md as it is"
    )
    told.add_argument(
        "--desk", action="store_true", help="only the board and the work queue: 200 units, 50 000 tickets"
    )
    told.add_argument(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="with --desk: make the bureau in this folder and leave it there; when it is there, measure it again",
    )
    options = told.parse_args()
    if options.keep and not options.desk:
        told.error("--keep goes with --desk")
    if options.desk:
        at_the_desk(options)
        return
    if options.quick:
        options.tickets, options.rounds, options.print = 500, 1, True
    measured = measure(tickets=options.tickets, rounds=options.rounds, size=4 if options.quick else 80)
    print(measured)
    if not options.print:
        report.write(PAGE, measured)


def at_the_desk(options: argparse.Namespace) -> None:
    """Measure the supervisor's desk and report."""
    if options.quick:
        measured = measure_desk(tickets=500, rounds=1, size=4, stations=2, teams=2, keep=options.keep)
    else:
        measured = measure_desk(tickets=desk.TICKETS, rounds=options.rounds, size=40, keep=options.keep)
    print(measured)
    if not (options.print or options.quick):
        report.write(PAGE, measured, mark=report.DESK)


def measure_desk(
    *,
    tickets: int,
    rounds: int,
    size: int,
    stations: int = desk.STATIONS,
    teams: int = desk.TEAMS,
    keep: Path | None = None,
) -> str:
    """The desk from an empty folder to its figures; processes are gone afterwards, and the folder unless it is kept."""
    load = os.getloadavg()[0]
    folder = keep or Path(tempfile.mkdtemp(prefix="chuncha-bench-"))
    try:
        settings = read_settings(data=folder, port=free_port())
        with open_installation(settings, migrate=True, own=True) as installation:
            bureau = kept_bureau(folder)
            if bureau is None:
                now = datetime.now(UTC)
                bureau = build_bureau(
                    installation.database, tickets=tickets, now=now, stations=stations, teams=teams
                )
                desk.furnish(installation.database, now=now)
                keep_bureau(folder, bureau)
                _say(f"{len(bureau.units)} units and {tickets} tickets made")
            with installation.database.reading() as session:
                postgres = str(session.scalar(text("SHOW server_version")))
                tickets = session.scalar(text("SELECT count(*) FROM tickets")) or 0
            with _serving(installation) as (web, _), Load() as clients:
                seen = []
                for each in desk.measured(
                    installation.database, bureau, web, clients, data=folder, rounds=rounds, size=size
                ):
                    _say(f"{each.look.name}: {each.figures.p50:.1f} ms ({each.figures.p95:.1f})")
                    seen.append(each)
                poll = desk.unchanged(web, clients, bureau, times=size)
        return desk.tables(seen, poll, tickets=tickets, units=len(bureau.units), postgres=postgres, load=load)
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def measure(*, tickets: int, rounds: int, size: int) -> str:
    """Everything from an empty folder to the figures; the folder and all processes are gone afterwards."""
    load = os.getloadavg()[0]
    folder = Path(tempfile.mkdtemp(prefix="chuncha-bench-"))
    try:
        settings = read_settings(data=folder, port=free_port())
        with open_installation(settings, migrate=True, own=True) as installation:
            begun = time.monotonic()
            bureau = build_bureau(installation.database, tickets=tickets, now=datetime.now(UTC))
            _say(f"{tickets} tickets made in {time.monotonic() - begun:.0f} s")
            with _serving(installation) as (web, bare), Load() as clients:
                stage = journeys.Stage(
                    installation.database, bureau, clients, web, bare, rounds=rounds, size=size
                )
                compared = list(
                    _told(chain(journeys.reading(stage), journeys.status(stage), journeys.writing(stage)))
                )
            swept = sweeping(installation.database, due=1000, rounds=min(rounds, 3), now=datetime.now(UTC))
            _say(f"sweep: {min(swept.swept):.0f} tickets per second")
            with installation.database.reading() as session:
                postgres = str(session.scalar(text("SHOW server_version")))
        return report.tables(compared, swept, tickets=tickets, postgres=postgres, load=load)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _told(compared: Iterator[Compared]) -> Iterator[Compared]:
    for each in compared:
        ours, bare = each.subject, each.bare
        _say(
            f"{each.name}, {each.clients} clients: {ours.p50:.1f} ms ({ours.p95:.1f}), {ours.per_second:.0f}/s,"
            f" CPU {ours.cpu:.1f} ms; beside {bare.p50:.1f} ms, CPU {bare.cpu:.1f} ms: {each.ratio:.1f} ×"
        )
        yield each


@contextmanager
def _serving(installation: Installation) -> Iterator[list[Server]]:
    """The real web process and the bare one, each one process of uvicorn."""
    settings: Settings = installation.settings
    environment = {**installation.environment(), "PYTHONPATH": str(HOUSE)}
    bare_port = free_port()
    bare = [
        "uvicorn",
        "bench.bare:application",
        "--factory",
        "--port",
        str(bare_port),
        "--log-level",
        "warning",
    ]
    children = [
        (Child("web", [sys.executable, "-m", "chuncha", "web"], environment=environment), settings.port),
        (Child("bare", [sys.executable, "-m", *bare], environment=environment), bare_port),
    ]
    try:
        for child, port in children:
            child.start(settings.data / f"{child.name}.log")
            try:
                wait_for(f"http://127.0.0.1:{port}/healthz", child, seconds=60)
            except RuntimeError:
                _say((settings.data / f"{child.name}.log").read_text())
                raise
        yield [Server(port, child.process.pid) for child, port in children if child.process is not None]
    finally:
        for child, _ in children:
            if child.process is not None:
                child.process.terminate()
        for child, _ in children:
            if child.process is not None:
                try:
                    child.process.wait(15)
                except subprocess.TimeoutExpired:
                    child.process.kill()


if __name__ == "__main__":
    main()
