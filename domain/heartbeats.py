"""Heartbeats: when each flow last ran to its end. A late one turns the readiness check and the pages red."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.records import Heartbeat

LONGEST_SILENCE: Mapping[str, timedelta] = {
    "sweep-deadlines": timedelta(minutes=20),
    "deliver-notices": timedelta(minutes=10),
    "advance-campaigns": timedelta(hours=3),
    "plan-inspections": timedelta(hours=26),
    "publish-summaries": timedelta(minutes=20),
    "forget-expired": timedelta(hours=26),
}
"""Each flow and how long it may be silent: its schedule (flows/deployments.py) with room for a missed run or two."""


@dataclass(frozen=True, slots=True)
class Late:
    """A flow that has been silent too long. `last` is its last end, None when it never ran to its end."""

    flow: str
    last: datetime | None
    allowed: timedelta
    error: str | None


def expect(session: Session, *, now: datetime) -> None:
    """From now on the flows are scheduled here: a new one is given its longest silence to run for the first time.

    To the others the time is not counted in which no flow gave a sign of life, because nothing was on. A scheduler that
    is started again and again without one gets no more time.
    """
    known = heartbeats(session)
    rows = [{"flow": flow, "started_at": now, "expected_at": now, "outcome": {}} for flow in LONGEST_SILENCE]
    session.execute(insert(Heartbeat).values(rows).on_conflict_do_nothing())
    signs = [at for row in known for at in (row.started_at, row.finished_at) if at is not None and at <= now]
    alive = max(signs, default=None)
    if alive is None or alive <= max(row.expected_at for row in known):
        return
    for row in known:
        row.expected_at = _silent_since(row) + (now - alive)


def _silent_since(row: Heartbeat) -> datetime:
    return row.expected_at if row.finished_at is None else max(row.finished_at, row.expected_at)


def begin(session: Session, flow: str, *, now: datetime) -> None:
    """A run begins. `started_at` stays at the first run since the last end, so a flow that never ends is late."""
    new = insert(Heartbeat).values(flow=flow, started_at=now, expected_at=now, outcome={})
    waits = Heartbeat.finished_at.is_(None)
    session.execute(
        new.on_conflict_do_update(
            index_elements=["flow"], set_={"started_at": case((waits, Heartbeat.started_at), else_=now)}
        )
    )


def finish(session: Session, flow: str, outcome: Mapping[str, Any], *, now: datetime) -> None:
    """A run has come to its end."""
    _set(session, flow, finished_at=now, outcome=dict(outcome), error=None)


def fail(session: Session, flow: str, error: str) -> None:
    """A run broke off; its last end stays where it was, so that it becomes late."""
    _set(session, flow, error=error[:500])


def _set(session: Session, flow: str, **values: object) -> None:
    session.execute(
        update(Heartbeat).where(Heartbeat.flow == flow).values(**values),
        execution_options={"synchronize_session": False},
    )


def heartbeats(session: Session) -> list[Heartbeat]:
    """Every flow's heartbeat, by name."""
    return list(session.scalars(select(Heartbeat).order_by(Heartbeat.flow)))


def last_end(session: Session, flow: str) -> datetime | None:
    """When the flow last came to its end, or began to be expected; None when it is not."""
    row = session.get(Heartbeat, flow)
    return None if row is None else row.finished_at or row.started_at


def late(session: Session, *, now: datetime, known: Sequence[Heartbeat] | None = None) -> list[Late]:
    """The flows that have been silent for longer than they may; one that never was scheduled is late.

    `known` are the heartbeats, where they were read already.
    A last end far ahead was noted by a clock that has been put back since: it proves nothing either.
    """
    beats = {row.flow: row for row in (heartbeats(session) if known is None else known)}
    found = []
    for flow, allowed in LONGEST_SILENCE.items():
        row = beats.get(flow)
        if row is None or abs(now - _silent_since(row)) > allowed:
            found.append(Late(flow, row.finished_at if row else None, allowed, row.error if row else None))
    return found
