"""`python -m bench.millions`: the sweep of a million tickets of which few are due, by one, two and four workers.

Prints a table, a line as soon as it is measured. Each worker is a process with a database session of its own, as the
flows have; what it takes is from the word "go" until the last has found nothing more due. Beside it the same rows
written plainly (bench/sweeping.py): by one connection, from values that cost nothing to find.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from sqlalchemy import text

from bench.bureau import build_bureau
from bench.measure import HOUSE, timed
from bench.sweeping import write_plainly
from chuncha.installation import open_installation
from domain.database import Database
from domain.deadlines import end_of_day
from domain.escalation import SweepResult, sweep_all
from domain.settings import read_settings

_AFRESH = (
    "TRUNCATE step_records, notices, dispatches CASCADE",
    # What a ticket was reminded of before; the few major ones, asked every day, are left out.
    """CREATE TEMPORARY TABLE falling ON COMMIT DROP AS
       SELECT id, matter, subject_id, turn FROM chases WHERE level <> 'major'
       ORDER BY matter <> 'deadline', id LIMIT :due""",
    """UPDATE chases SET last_step = NULL, next_step_at = :now - interval '1 hour',
              anchor_at = CASE chases.matter WHEN 'deadline' THEN :yesterday ELSE anchor_at END
       FROM falling WHERE falling.id = chases.id""",
    """INSERT INTO step_records (id, matter, subject_id, ticket_id, step, turn, planned_at, done_at, told)
       SELECT uuidv7(), 'deadline', subject_id, subject_id, 'due-in-' || days, turn,
              CAST(:yesterday AS timestamptz) - interval '1 day' * days,
              CAST(:yesterday AS timestamptz) - interval '1 day' * days, 1
       FROM falling CROSS JOIN unnest(ARRAY[3, 1]) AS days WHERE matter = 'deadline'""",
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One sweep: `seconds` until the last worker ended, `peak` the most memory one of them held, MiB."""

    tickets: int
    due: int
    workers: int
    seconds: float
    steps: int
    told: int
    peak: float

    def row(self, base: Measured, plainly: float) -> str:
        """A line of the table; `base` is the same with one worker, `plainly` the seconds of the rows alone."""
        rate = self.due / self.seconds
        return (
            f"| {self.due:,} of {self.tickets:,} | {self.workers} | {self.seconds:.1f} | {rate:.0f}"
            f" | {rate / self.workers:.0f} | {base.seconds / self.seconds:.2f} × | {self.seconds / plainly:.1f} ×"
            f" | {self.peak:.0f} | {self.told:,} |"
        )


def main() -> None:
    """Make the tickets, sweep, print."""
    told = argparse.ArgumentParser(prog="python -m bench.millions", description=__doc__)
    told.add_argument("--tickets", type=int, default=1_000_000, help="how many tickets there are (1 000 000)")
    told.add_argument(
        "--due", type=int, nargs="+", default=[10_000, 100_000], help="how many are due (10 000 100 000)"
    )
    told.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4], help="how many sweep (1 2 4)")
    told.add_argument("--work", nargs=2, metavar=("DATABASE", "MOMENT"), help=argparse.SUPPRESS)
    options = told.parse_args()
    if options.work:
        _work(options.work[0], datetime.fromisoformat(options.work[1]))
        return
    for line in measure(tickets=options.tickets, due=options.due, workers=options.workers):
        print(line, flush=True)


def measure(*, tickets: int, due: list[int], workers: list[int]) -> Iterator[str]:
    """The lines of the table, from an empty folder; the folder is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="chuncha-bench-"))
    try:
        with open_installation(read_settings(data=folder), migrate=True, own=True) as installation:
            database, now = installation.database, datetime.now(UTC)
            begun = time.monotonic()
            build_bureau(database, tickets=tickets, now=now, past=False)
            yield f"{tickets:,} tickets made in {time.monotonic() - begun:.0f} s; load {os.getloadavg()[0]:.1f}"
            _let_fall_due(database, 0, now=now)
            sweep_all(database, as_of=now)
            nothing = timed(lambda: sweep_all(database, as_of=now), 20).milliseconds
            yield f"nothing due of {tickets:,}: {sorted(nothing)[len(nothing) // 2]:.1f} ms for the whole sweep"
            yield ""
            yield (
                "| due | workers | seconds | tickets/s | per worker | beside one worker | time beside the rows alone"
                " | peak MiB of a worker | told |"
            )
            yield "|---|--:|--:|--:|--:|--:|--:|--:|--:|"
            for count in due:
                base, plainly = None, 0.0
                for many in workers:
                    _let_fall_due(database, count, now=now)
                    measured = _sweep(database, tickets, count, many, now=now)
                    if base is None:
                        base = measured
                        plainly = _plainly(database, measured, now=now)
                    yield measured.row(base, plainly)
                yield (
                    f"| the rows of {count:,} alone | 1 | {plainly:.1f} | {count / plainly:.0f} | {count / plainly:.0f}"
                    " | | 1.0 × | | |"
                )
            yield ""
            yield f"load at the end {os.getloadavg()[0]:.1f}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _let_fall_due(database: Database, due: int, *, now: datetime) -> None:
    """Forget what was swept and let so many matters be due: deadlines of yesterday, then whatever else is chased."""
    moments = {"due": due, "now": now, "yesterday": end_of_day(now - timedelta(days=1))}
    with database.engine.begin() as connection:
        for statement in _AFRESH:
            connection.execute(text(statement), moments)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE chases"))


def _plainly(database: Database, measured: Measured, *, now: datetime) -> float:
    """Seconds for the same rows written plainly, on the same tables, for as many matters that are due."""
    _let_fall_due(database, measured.due, now=now)
    with psycopg.connect(database.url.replace("postgresql+psycopg", "postgresql")) as connection:
        found = connection.execute("SELECT ticket_id FROM chases WHERE next_step_at <= %s", [now]).fetchall()
        done = SweepResult(measured.due, measured.steps, measured.told)
        return write_plainly(connection, [key for (key,) in found], done, now=now)


def _sweep(database: Database, tickets: int, due: int, workers: int, *, now: datetime) -> Measured:
    command = [sys.executable, "-m", "bench.millions", "--work", database.url, now.isoformat()]
    processes = [
        subprocess.Popen(command, cwd=HOUSE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(workers)
    ]
    for each in processes:
        assert each.stdout is not None
        each.stdout.readline()
    begun = time.perf_counter()
    for each in processes:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    said = [json.loads(each.communicate()[0]) for each in processes]
    seconds = time.perf_counter() - begun
    done = sum(each["matters"] for each in said)
    if done != due or any(each["put_off"] for each in said):
        raise RuntimeError(f"{due} were due and {said} was done")
    return Measured(
        tickets,
        due,
        workers,
        seconds,
        sum(each["steps"] for each in said),
        sum(each["told"] for each in said),
        max(each["peak"] for each in said),
    )


def _work(url: str, now: datetime) -> None:
    """One worker: ready, go, sweep, what was done."""
    database = Database(url, pool_size=1)
    with database.reading() as session:
        session.execute(text("SELECT 1"))
    print("ready", flush=True)
    sys.stdin.readline()
    done = sweep_all(database, as_of=now)
    database.close()
    print(
        json.dumps({**done.said(), "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}),
        flush=True,
    )


if __name__ == "__main__":
    main()
