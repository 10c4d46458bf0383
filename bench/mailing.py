"""`python -m bench.mailing`: how many e-mails a second one deliverer hands over, beside a bare smtplib loop.

A real SMTP server (aiosmtpd) listens in a process of its own. In each round every person is told of three tickets;
their digests are made and delivered as the flow does it: claim, compose as text and HTML, hand over, mark, each message
with its own transaction. The baseline sends as many messages of the same size over one connection and does nothing
else: no database, nothing to compose.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import smtplib
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

from aiosmtpd.controller import Controller
from sqlalchemy import select, text

from bench.bureau import build_bureau
from chuncha.installation import open_installation
from chuncha.processes import free_port
from domain.database import Database
from domain.delivery import deliver_all
from domain.outbox import Telling, tell_all
from domain.records import Person, Ticket
from domain.settings import read_settings

TICKETS = 3
"""Notices in one digest."""


def main() -> None:
    """Make the people, deliver, print."""
    told = argparse.ArgumentParser(prog="python -m bench.mailing", description=__doc__)
    told.add_argument("--people", type=int, default=1000, help="how many are written to in a round (1 000)")
    told.add_argument("--rounds", type=int, default=5, help="rounds of both (5)")
    options = told.parse_args()
    for line in measure(people=options.people, rounds=options.rounds):
        print(line, flush=True)


class _Counting:
    """What the server does with a message: it counts it."""

    def __init__(self) -> None:
        self.messages = self.size = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.messages += 1
        self.size += len(envelope.content)
        return "250 OK"


def _listen(port: int, line: Connection) -> None:
    """The mail server's process: says when it listens, answers each question with what it has taken since the last."""
    handler = _Counting()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    line.send("listening")
    while line.recv() == "how many":
        line.send((handler.messages, handler.size))
        handler.messages = handler.size = 0
    controller.stop()


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server in a process of its own."""

    port: int
    line: Connection

    def taken(self) -> tuple[int, int]:
        """How many messages since the last question, and their bytes."""
        self.line.send("how many")
        messages, size = self.line.recv()
        return messages, size


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """One that counts and throws away."""
    ours, theirs = multiprocessing.Pipe()
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=_listen, args=(port, theirs), daemon=True)
    process.start()
    ours.recv()
    try:
        yield MailServer(port, ours)
    finally:
        ours.send("enough")
        process.join(10)


@dataclass(slots=True)
class Mailed:
    """Messages a second, round by round."""

    ours: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    size: int = 0

    def rows(self) -> Iterator[str]:
        """The table."""
        ratio = median(bare / ours for ours, bare in zip(self.ours, self.bare, strict=True))
        yield "| e-mail | messages/s, median (by round) |"
        yield "|---|--:|"
        yield f"| one deliverer, digests of {TICKETS} tickets | {_spread(self.ours)} |"
        yield f"| bare `smtplib` loop, as many messages of the same {self.size:,} bytes | {_spread(self.bare)} |"
        yield f"| time beside the bare loop | {ratio:.1f} × |"


def _spread(rates: list[float]) -> str:
    return f"{median(rates):.0f} ({min(rates):.0f} to {max(rates):.0f})"


def measure(*, people: int, rounds: int) -> Iterator[str]:
    """The lines of the table, from an empty folder; the folder is gone afterwards."""
    yield f"load {os.getloadavg()[0]:.1f}"
    folder = Path(tempfile.mkdtemp(prefix="chuncha-bench-"))
    try:
        with (
            mail_server() as server,
            open_installation(
                read_settings(data=folder, smtp_url=f"smtp://127.0.0.1:{server.port}"), migrate=True, own=True
            ) as installation,
        ):
            database, now = installation.database, datetime.now(UTC)
            build_bureau(database, tickets=500, now=now, past=False)
            _many_people(database, people)
            found = Mailed()
            # The first round warms up.
            for number in range(rounds + 1):
                moment = now + timedelta(minutes=10 * number)
                _tell(database, number, now=moment)
                begun = time.perf_counter()
                done = deliver_all(database, installation.settings, as_of=moment)
                ours = people / (time.perf_counter() - begun)
                messages, size = server.taken()
                if (done.sent, messages) != (people, people):
                    raise RuntimeError(f"{people} were to be written to and {done} was done")
                found.size = size // messages
                bare = people / _loop(server.port, people, found.size)
                server.taken()
                if number:
                    found.ours.append(ours)
                    found.bare.append(bare)
            yield from found.rows()
            yield f"load at the end {os.getloadavg()[0]:.1f}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _many_people(database: Database, count: int) -> None:
    with database.engine.begin() as connection:
        connection.execute(
            text(
                """INSERT INTO people (id, login, name, unit_id, email, language, password_is_one_time, active,
                                       created_at)
                   SELECT uuidv7(), 'bench' || n, '收件人' || n, unit_id, 'bench' || n || '@example.org', 'zh', false,
                          true, now()
                   FROM people CROSS JOIN generate_series(1, :count) AS n WHERE login = 'gong01a0'"""
            ),
            {"count": count},
        )


def _tell(database: Database, number: int, *, now: datetime) -> None:
    with database.transaction() as session:
        tickets = session.execute(select(Ticket.id, Ticket.number, Ticket.description).limit(TICKETS)).all()
        body = "整改期限已过，仍未报告整改完成。请督促责任人尽快整改。"
        tell_all(
            session,
            [
                Telling(
                    key=f"bench-{number}-{ticket.number}",
                    kind="escalate",
                    person=person,
                    subject=f"逾期催办 {ticket.number} {ticket.description[:20]}",
                    body=f"{body}\n\n编号：{ticket.number}\n隐患：{ticket.description}",
                    ticket_id=ticket.id,
                )
                for person in session.scalars(select(Person).where(Person.login.startswith("bench")))
                for ticket in tickets
            ],
            now=now,
        )


def _loop(port: int, count: int, size: int) -> float:
    """Seconds for so many messages of this size over one connection."""
    head = b"From: chuncha@localhost\r\nTo: bench@example.org\r\nSubject: bench\r\n\r\n"
    line = b"x" * 74 + b"\r\n"
    message = head + line * ((size - len(head)) // len(line))
    begun = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as server:
        for _ in range(count):
            server.sendmail("chuncha@localhost", ["bench@example.org"], message)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
