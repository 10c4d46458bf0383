"""Runs of flows: one at a time, each kept with what it did, its heartbeat noted, its request ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from socket import gethostname
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session, joinedload
from uuid_utils.compat import uuid7

from domain.database import Database
from domain.flow_requests import end as end_request
from domain.flow_requests import lock_of
from domain.heartbeats import begin, fail, finish
from domain.records import FlowRequest, FlowRun


class AnotherRunIsGoing(Exception):
    """A run of the same flow is at work: it does what this one would have done."""


@contextmanager
def beat(
    database: Database,
    flow: str,
    *,
    dry_run: bool = False,
    request: UUID | None = None,
) -> Iterator[dict[str, Any]]:
    """Note the beginning and the end of a run by the real clock; put what it did into the mapping.

    Each note is a transaction of its own: it stays when the run fails. The run is kept as a FlowRun; one that was
    killed shows as never finished. `request` is what asked for it, if somebody did. A dry run beats not, and is kept
    only for whoever asked.
    """
    outcome: dict[str, Any] = {}
    if dry_run and request is None:
        yield outcome
        return
    run = FlowRun(id=uuid7(), flow=flow, dry_run=dry_run, host=gethostname())
    # Whoever asked for it is told that it is at work for as long as its process lives.
    with nullcontext() if request is None else held(database, str(run.id)):
        with database.transaction() as session:
            if not dry_run:
                begin(session, flow, now=datetime.now(UTC))
            if request is not None and (asked := session.get(FlowRequest, request)) is not None:
                run.request_id, run.requested_by_id, run.as_of = asked.id, asked.requested_by_id, asked.as_of
            run.started_at = datetime.now(UTC)
            session.add(run)
        try:
            yield outcome
        except Exception as error:
            said = f"{type(error).__name__}: {error}"[:500]
            with database.transaction() as session:
                if not dry_run:
                    fail(session, flow, said)
                _end(session, run, {}, said)
            raise
        with database.transaction() as session:
            if not dry_run:
                finish(session, flow, outcome, now=datetime.now(UTC))
            _end(session, run, outcome, None)


def _end(session: Session, run: FlowRun, outcome: Mapping[str, Any], error: str | None) -> None:
    ended = {"finished_at": datetime.now(UTC), "outcome": dict(outcome), "error": error}
    session.execute(
        update(FlowRun).where(FlowRun.id == run.id).values(**ended),
        execution_options={"synchronize_session": False},
    )
    if run.request_id is not None:
        end_request(session, run.request_id, dict(outcome), error=error, now=datetime.now(UTC))


@contextmanager
def held(database: Database, name: str) -> Iterator[None]:
    """Hold the lock of a flow or of a run: nobody else does, in any process on any machine. Raises AnotherRunIsGoing.

    The lock is the connection's, so it ends with a killed process; a lost machine is noticed within a minute.
    """
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for setting, value in (("idle", 30), ("interval", 10), ("count", 3)):
            connection.execute(text(f"SET tcp_keepalives_{setting} = {value}"))
        if not connection.scalar(select(func.pg_try_advisory_lock(*lock_of(name)))):
            raise AnotherRunIsGoing(name)
        try:
            yield
        finally:
            # Not given back to the pool: closed, the lock is gone, also when the server was restarted meanwhile.
            connection.invalidate()


def runs(session: Session, *, flow: str | None = None, limit: int = 50) -> list[FlowRun]:
    """What the flows, or one of them, did lately, the newest first, with who asked for it."""
    query = select(FlowRun).options(joinedload(FlowRun.requested_by)).order_by(FlowRun.started_at.desc())
    if flow is not None:
        query = query.where(FlowRun.flow == flow)
    return list(session.scalars(query.limit(limit)))
