"""Runs of flows that people ask for: asked on the pages, given to the scheduler beside the flows, ended by the run.

A run does what the clock would do anyway, so whoever watches over a unit may ask for one. It happens at the present
moment: only a dry run may be of another, because a record dated otherwise than it happened would be no evidence.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload
from uuid_utils.compat import uuid7

from domain.errors import BadInput, NotFound, wrong
from domain.heartbeats import LONGEST_SILENCE
from domain.history import record
from domain.records import FlowRequest, FlowRun
from domain.rights import RIGHTS, Deed
from statemachines.refusals import RoleMissing
from statemachines.roles import SYSTEM, Actor

PATIENCE = timedelta(minutes=10)
"""How long a run the scheduler took may take to begin before it is asked for again."""
TRIES = 3


class NewRun(BaseModel):
    """A run to be asked for. `as_of` takes another moment for now, in a dry run alone."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    flow: str = Field(min_length=1, max_length=64)
    as_of: AwareDatetime | None = None
    dry_run: bool = False

    @model_validator(mode="after")
    def _only_dry(self) -> NewRun:
        if self.as_of is not None and not self.dry_run:
            raise wrong(
                "only-dry",
                zh="指定时点只能试运行：真正运行写入的记录须是当时的时间。",
                en="Another moment needs a dry run: what a real run writes must bear the time it happened.",
            )
        return self


def must_be_allowed(actor: Actor) -> None:
    """Raise RoleMissing unless the actor holds, at any unit, a role that may ask for runs."""
    if not actor.system and not actor.roles & set(RIGHTS[Deed.RUN_FLOW]):
        raise RoleMissing(roles=RIGHTS[Deed.RUN_FLOW], event=Deed.RUN_FLOW)


def ask(session: Session, new: NewRun, *, actor: Actor, now: datetime) -> FlowRequest:
    """Ask for a run; the same one still waiting is asked for once. Raises RoleMissing, BadInput (flow)."""
    must_be_allowed(actor)
    if new.flow not in LONGEST_SILENCE:
        known = ", ".join(LONGEST_SILENCE)
        raise BadInput("/flow", "unknown-flow", zh=f"须为以下之一：{known}。", en=f"Must be one of {known}.")
    row = {**new.model_dump(), "id": uuid7(), "requested_by_id": actor.id, "requested_at": now, "tries": 0}
    made = session.scalar(insert(FlowRequest).values(row).on_conflict_do_nothing().returning(FlowRequest.id))
    same = (FlowRequest.flow == new.flow, FlowRequest.dry_run == new.dry_run)
    at = FlowRequest.as_of.is_not_distinct_from(new.as_of)
    request = session.scalars(select(FlowRequest).where(*same, at, FlowRequest.ended_at.is_(None))).one()
    if made is not None:
        told = new.model_dump(exclude_none=True)
        record(session, request, "requested", actor=actor, now=now, **told)
    return request


def ask_again(session: Session, run_id: UUID, *, actor: Actor, now: datetime) -> FlowRequest:
    """Ask for the same run once more, at the present moment unless it was a dry run. Raises RoleMissing, NotFound."""
    must_be_allowed(actor)
    run = run_by_id(session, run_id)
    return ask(
        session,
        NewRun(flow=run.flow, as_of=run.as_of if run.dry_run else None, dry_run=run.dry_run),
        actor=actor,
        now=now,
    )


def run_by_id(session: Session, run_id: UUID) -> FlowRun:
    """The run with this id, with who asked for it. Raises NotFound."""
    query = select(FlowRun).where(FlowRun.id == run_id).options(joinedload(FlowRun.requested_by))
    run = session.scalars(query).one_or_none()
    if run is None:
        raise NotFound(what=str(run_id))
    return run


def open_requests(session: Session) -> list[FlowRequest]:
    """What was asked for and has not ended, the newest first, with who asked."""
    query = (
        select(FlowRequest)
        .where(FlowRequest.ended_at.is_(None))
        .options(joinedload(FlowRequest.requested_by))
        .order_by(FlowRequest.requested_at.desc())
    )
    return list(session.scalars(query))


# Whoever runs the flows.


def take(session: Session, *, now: datetime) -> FlowRequest | None:
    """The next request to give to the scheduler, marked as given; None when none waits.

    One whose run was killed is given again at once, one whose run never began after PATIENCE; after TRIES times it is
    ended with that as its error.
    """
    query = (
        select(FlowRequest)
        .where(FlowRequest.ended_at.is_(None))
        .order_by(FlowRequest.requested_at)
        .with_for_update(skip_locked=True)
    )
    for request in session.scalars(query).all():
        if request.handed_at is not None and not _lost(session, request, now=now):
            continue
        if request.tries < TRIES:
            request.tries, request.handed_at, request.error = request.tries + 1, now, None
            return request
        end(session, request.id, {}, error=f"given to the scheduler {TRIES} times, never ended", now=now)
    return None


def _lost(session: Session, request: FlowRequest, *, now: datetime) -> bool:
    """Whether nothing will come of the run the scheduler took."""
    begun = (FlowRun.request_id == request.id, FlowRun.started_at >= request.handed_at)
    run = session.scalars(
        select(FlowRun).where(*begun).order_by(FlowRun.started_at.desc()).limit(1)
    ).one_or_none()
    if run is None:
        return request.handed_at is not None and now - request.handed_at > PATIENCE
    # Whoever runs it holds this lock until its process ends, however that happens.
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(*lock_of(str(run.id))))))


def lock_of(name: str) -> tuple[Any, Any]:
    """The advisory lock of a flow or of a run, as PostgreSQL's functions take it."""
    return func.hashtext("chuncha flow"), func.hashtext(name)


def not_taken(session: Session, request_id: UUID, error: str) -> None:
    """The scheduler did not take it: it waits as before, and this does not count as a try."""
    session.execute(
        update(FlowRequest)
        .where(FlowRequest.id == request_id)
        .values(handed_at=None, tries=FlowRequest.tries - 1, error=error[:500]),
        execution_options={"synchronize_session": False},
    )


def end(
    session: Session, request_id: UUID, outcome: dict[str, Any], *, error: str | None, now: datetime
) -> None:
    """A run has brought it to its end, or broke off. One that ended before stays as it was."""
    request = session.get(FlowRequest, request_id, with_for_update=True)
    if request is None or request.ended_at is not None:
        return
    request.ended_at, request.error = now, error
    # Whom a dry run would have told is kept with the run, for a month, not in the ledger.
    counts = {name: value for name, value in outcome.items() if name != "lines"}
    record(session, request, "ran", actor=SYSTEM, now=now, flow=request.flow, outcome=counts, error=error)
