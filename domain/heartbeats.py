"""Heartbeats: when each flow last ran to its end. A late one turns the readiness check and the pages red."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from socket import gethostname
from typing import Any

from sqlalchemy import case, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from domain.database import Database
from domain.records import FlowRun, Heartbeat

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
    """From now on the flows are scheduled here: each is given its longest silence to run for the first time."""
    rows = [{"flow": flow, "started_at": now, "outcome": {}} for flow in LONGEST_SILENCE]
    new = insert(Heartbeat).values(rows)
    session.execute(
        new.on_conflict_do_update(
            index_elements=["flow"], set_={"started_at": now, "finished_at": None, "error": None}
        )
    )


def begin(session: Session, flow: str, *, now: datetime) -> None:
    """A run begins. `started_at` stays at the first run since the last end, so a flow that never ends is late."""
    new = insert(Heartbeat).values(flow=flow, started_at=now, outcome={})
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


@contextmanager
def beat(database: Database, flow: str, *, dry_run: bool = False) -> Iterator[dict[str, Any]]:
    """Note the beginning and the end of a run by the real clock; put what it did into the mapping. A dry run beats not.

    Each note is a transaction of its own: it stays when the run fails. The run is kept as a FlowRun; one that was
    killed shows as never finished.
    """
    outcome: dict[str, Any] = {}
    if dry_run:
        yield outcome
        return
    run = uuid7()
    with database.transaction() as session:
        begin(session, flow, now=datetime.now(UTC))
        session.add(FlowRun(id=run, flow=flow, started_at=datetime.now(UTC), host=gethostname()))
    try:
        yield outcome
    except Exception as error:
        said = f"{type(error).__name__}: {error}"[:500]
        with database.transaction() as session:
            fail(session, flow, said)
            session.execute(update(FlowRun).where(FlowRun.id == run).values(error=said))
        raise
    with database.transaction() as session:
        finish(session, flow, outcome, now=datetime.now(UTC))
        ended = {"finished_at": datetime.now(UTC), "outcome": dict(outcome)}
        session.execute(update(FlowRun).where(FlowRun.id == run).values(**ended))


def runs(session: Session, *, limit: int = 50) -> list[FlowRun]:
    """What the flows did lately, the newest first."""
    return list(session.scalars(select(FlowRun).order_by(FlowRun.started_at.desc()).limit(limit)))


def heartbeats(session: Session) -> list[Heartbeat]:
    """Every flow's heartbeat, by name."""
    return list(session.scalars(select(Heartbeat).order_by(Heartbeat.flow)))


def late(session: Session, *, now: datetime) -> list[Late]:
    """The flows that have been silent for longer than they may; one that never was scheduled is late.

    A last end far ahead was noted by a clock that has been put back since: it proves nothing either.
    """
    known = {row.flow: row for row in heartbeats(session)}
    found = []
    for flow, allowed in LONGEST_SILENCE.items():
        row = known.get(flow)
        if row is None or abs(now - (row.finished_at or row.started_at)) > allowed:
            found.append(Late(flow, row.finished_at if row else None, allowed, row.error if row else None))
    return found
