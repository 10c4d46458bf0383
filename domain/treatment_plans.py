"""Plans of treatment (治理方案): six parts laid before a leader, approved or refused, revised by a new one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.sql.base import ExecutableOption

from domain import supervision_notices
from domain.errors import NotFound
from domain.history import record
from domain.records import Campaign, Person, Ticket, TreatmentPlan
from domain.visibility import tickets_visible_to
from statemachines.chart import begin, move
from statemachines.roles import Actor
from statemachines.treatment_plan import PARTS, PlanEvent, PlanState, draft_plan

Part = Annotated[str, Field(max_length=4000)]


class NewPlan(BaseModel):
    """The six parts of 16号令 Art. 15: goals, methods, funds and materials, people, time limit, safety measures."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    goals: Part | None = None
    methods: Part | None = None
    funds: Part | None = None
    people: Part | None = None
    schedule: Part | None = None
    safety: Part | None = None


class PlanDecision(BaseModel):
    """Approved, or refused with the reason as `opinion`."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    opinion: Annotated[str, Field(max_length=2000)] | None = None


def _whole() -> tuple[ExecutableOption, ...]:
    ticket = joinedload(TreatmentPlan.ticket)
    return (
        ticket.joinedload(Ticket.unit),
        ticket.joinedload(Ticket.campaign).joinedload(Campaign.unit),
        ticket.joinedload(Ticket.assignee),
        joinedload(TreatmentPlan.drafted_by),
        joinedload(TreatmentPlan.decided_by),
    )


def plan_by_id(session: Session, key: UUID, *, actor: Actor, lock: bool = False) -> TreatmentPlan:
    """The plan with this id, ticket and people loaded. Raises NotFound when its ticket is out of sight."""
    query = (
        select(TreatmentPlan)
        .join(Ticket, Ticket.id == TreatmentPlan.ticket_id)
        .where(TreatmentPlan.id == key, tickets_visible_to(actor))
        .options(*_whole())
    )
    if lock:
        query = query.with_for_update(of=TreatmentPlan).execution_options(populate_existing=True)
    plan = session.scalars(query).one_or_none()
    if plan is None:
        raise NotFound(what=str(key))
    return plan


def plans_of(session: Session, ticket: Ticket) -> list[TreatmentPlan]:
    """Every plan for a ticket the caller has loaded, oldest first."""
    query = select(TreatmentPlan).where(TreatmentPlan.ticket_id == ticket.id).options(*_whole())
    return list(session.scalars(query.order_by(TreatmentPlan.id)))


def plan_in_force(session: Session, ticket: Ticket) -> TreatmentPlan | None:
    """The newest plan for a loaded ticket that no later one replaced, whatever was decided about it."""
    found = [each for each in plans_of(session, ticket) if each.state is not PlanState.REPLACED]
    return found[-1] if found else None


def draft(session: Session, ticket: Ticket, told: NewPlan, *, actor: Actor, now: datetime) -> TreatmentPlan:
    """编制治理方案: laid before the leaders; an earlier one, decided or not, is replaced. The ticket must be locked.

    Raises PlanIncomplete, NotTheReporter, WrongState.
    """
    draft_plan(ticket, actor=actor, parts=told.model_dump())
    for earlier in plans_of(session, ticket):
        if earlier.state in (PlanState.DRAFTED, PlanState.APPROVED):
            move(earlier, PlanEvent.REPLACE, actor=actor, now=now)
    session.flush()
    plan = TreatmentPlan(
        ticket=ticket,
        drafted_by=session.get_one(Person, actor.id),
        drafted_at=now,
        decided_by=None,
        **told.model_dump(),
    )
    begin(plan)
    session.add(plan)
    session.flush()
    said = {part.value: getattr(plan, part.value) for part in PARTS}
    _recorded(session, plan, "plan_drafted", actor=actor, now=now, **said)
    supervision_notices.plan_drafted(session, plan, now=now)
    return plan


def approve(
    session: Session, plan: TreatmentPlan, told: PlanDecision, *, actor: Actor, now: datetime
) -> TreatmentPlan:
    """批准, by a leader who did not draft it. Raises OwnPlan, RoleMissing, WrongState."""
    move(plan, PlanEvent.APPROVE, actor=actor, now=now)
    return _decided(session, plan, told, "plan_approved", actor=actor, now=now)


def refuse(
    session: Session, plan: TreatmentPlan, told: PlanDecision, *, actor: Actor, now: datetime
) -> TreatmentPlan:
    """不批准, with the reason. Raises ReasonMissing, OwnPlan, RoleMissing, WrongState."""
    move(plan, PlanEvent.REFUSE, actor=actor, now=now, reason=told.opinion)
    return _decided(session, plan, told, "plan_refused", actor=actor, now=now)


def _decided(
    session: Session, plan: TreatmentPlan, told: PlanDecision, event: str, *, actor: Actor, now: datetime
) -> TreatmentPlan:
    # By key: looking a person up would write the row half decided.
    plan.decided_by_id, plan.decided_at, plan.opinion = actor.id, now, told.opinion
    session.flush()
    session.refresh(plan, ["decided_by"])
    _recorded(session, plan, event, actor=actor, now=now, opinion=told.opinion)
    supervision_notices.plan_decided(session, plan, now=now)
    return plan


def _recorded(
    session: Session, plan: TreatmentPlan, event: str, *, actor: Actor, now: datetime, **facts: object
) -> None:
    ticket = plan.ticket
    record(session, ticket, event, actor=actor, now=now, before=ticket.state, after=ticket.state, **facts)
