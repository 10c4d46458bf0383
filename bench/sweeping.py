"""The sweep: rows per second with some due, what it costs when nothing is, beside the same rows written plainly."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

import psycopg
from sqlalchemy import text
from uuid_utils.compat import uuid7

from bench.measure import timed
from domain.database import Database
from domain.deadlines import end_of_day
from domain.escalation import BATCH, SweepResult, sweep_all


@dataclass(slots=True)
class Swept:
    """`swept` and `written` are rows per second by round; `nothing` the milliseconds of sweeps with nothing due."""

    due: int
    told: int = 0
    swept: list[float] = field(default_factory=list)
    written: list[float] = field(default_factory=list)
    nothing: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """How many times the plain writing the sweep takes; the median over the rounds."""
        return median(plain / ours for ours, plain in zip(self.swept, self.written, strict=True))


def sweeping(database: Database, *, due: int, rounds: int, now: datetime) -> Swept:
    """In each round let `due` tickets fall overdue and sweep them, then write as much by plain statements."""
    with database.reading() as session:
        most = (
            session.scalar(text("SELECT count(*) FROM tickets WHERE state = 'assigned' AND due_at > now()"))
            or 0
        )
    due = min(due, most // (rounds + 1))
    found = Swept(due)
    address = database.url.replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(address) as connection:
        # What fell overdue when the bureau was made is swept first, and warms everything up.
        sweep_all(database, as_of=now)
        for _ in range(rounds):
            found.nothing += timed(lambda: sweep_all(database, as_of=now), 20).milliseconds
            tickets = _let_fall_due(connection, due, now=now)
            begun = time.perf_counter()
            done = sweep_all(database, as_of=now)
            found.swept.append(due / (time.perf_counter() - begun))
            if done.matters != due or done.put_off:
                raise RuntimeError(f"{due} tickets were due and {done.said()} was done")
            found.told += done.told
            found.written.append(due / write_plainly(connection, tickets, done, now=now))
    return found


def _let_fall_due(connection: psycopg.Connection, due: int, *, now: datetime) -> list[object]:
    """Move the deadlines of some running tickets, already reminded, to yesterday; returns their keys."""
    yesterday = end_of_day(now - timedelta(days=1))
    rows = connection.execute(
        """UPDATE tickets SET due_at = %(at)s, first_due_at = %(at)s
           WHERE id IN (SELECT id FROM tickets WHERE state = 'assigned' AND due_at > now() AND found_at < %(at)s
                        ORDER BY id LIMIT %(due)s)
           RETURNING id""",
        {"at": yesterday, "due": due},
    ).fetchall()
    keys = [key for (key,) in rows]
    connection.execute(
        """UPDATE chases SET anchor_at = %(at)s, next_step_at = %(at)s::timestamptz + interval '1 second'
           WHERE subject_id = ANY(%(keys)s)""",
        {"at": yesterday, "keys": keys},
    )
    connection.execute(
        """INSERT INTO step_records (id, matter, subject_id, ticket_id, step, turn, planned_at, done_at, told)
           SELECT uuidv7(), 'deadline', id, id, 'due-in-' || days, due_version, due_at - interval '1 day' * days,
                  due_at - interval '1 day' * days, 1
           FROM tickets CROSS JOIN unnest(ARRAY[3, 1]) AS days WHERE id = ANY(%(keys)s) AND level <> 'major'""",
        {"keys": keys},
    )
    connection.commit()
    if len(rows) != due:
        raise RuntimeError("not enough running tickets to let fall due; measure with more")
    return list[object](keys)


def write_plainly(
    connection: psycopg.Connection, tickets: Sequence[object], done: SweepResult, *, now: datetime
) -> float:
    """Seconds for as many UPDATEs and INSERTs as a sweep has `done` for these tickets, in batches of the same size.

    The notices' text and the history's facts cost nothing to find, and are as long as the sweep's.
    """
    steps, told = (round(count / len(tickets)) or 1 for count in (done.steps, done.told))
    person = connection.execute("SELECT id FROM people LIMIT 1").fetchone()
    assert person is not None
    facts = json.dumps({"step": "overdue", "steps": ["overdue"], "told": ["赵主任"], "due": now.isoformat()})
    body = "整改期限已过，仍未报告整改完成。请督促责任人尽快整改。" * 4
    begun = time.perf_counter()
    for start in range(0, len(tickets), BATCH):
        batch = tickets[start : start + BATCH]
        cursor = connection.cursor()
        cursor.executemany(
            "UPDATE chases SET next_step_at = %s WHERE subject_id = %s",
            [(now + timedelta(days=3), key) for key in batch],
        )
        cursor.executemany(
            "INSERT INTO step_records (id, matter, subject_id, ticket_id, step, turn, planned_at, done_at, told)"
            " VALUES (%s, 'deadline', %s, %s, %s, 99, %s, %s, 1)",
            [(uuid7(), key, key, f"plain-{step}", now, now) for key in batch for step in range(steps)],
        )
        cursor.executemany(
            "INSERT INTO history (subject, subject_id, at, actor_name, event, from_state, to_state, facts)"
            " VALUES ('ticket', %s, %s, 'bench', 'escalate', 'assigned', 'assigned', %s)",
            [(key, now, facts) for key in batch],
        )
        cursor.executemany(
            "INSERT INTO notices (id, key, kind, person_id, channel, address, ticket_id, subject, body, created_at,"
            " not_before, responsible, shown)"
            " VALUES (%s, %s, 'escalate', %s, 'email', 'x@example.org', %s, 'bench', %s, %s, %s, false, true)",
            [
                (key := uuid7(), str(key), person[0], ticket, body, now, now)
                for ticket in batch
                for _ in range(told)
            ],
        )
        connection.commit()
    return time.perf_counter() - begun
