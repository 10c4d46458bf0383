"""Supervision (督办): a ticket is listed at a level, with a number, requirements and reports by date; raised; delisted.

Inside one enterprise the way upwards is 工会督办 → 本单位督办 → 挂牌督办 (domain rules 2.7). A ticket has at most one
order in force; listing it at a higher level closes the lower one as raised.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload, selectinload
from sqlalchemy.sql.base import ExecutableOption

from domain import supervision_notices
from domain.chases import follow
from domain.deadlines import end_of_day
from domain.errors import BadInput, NotFound
from domain.history import record
from domain.paging import Key, Page, page_of
from domain.people import holders, person_by_login, unit_by_code
from domain.records import (
    Campaign,
    Person,
    SupervisionCounter,
    SupervisionOrder,
    SupervisionReport,
    Ticket,
    TreatmentPlan,
    Unit,
)
from domain.visibility import tickets_visible_to
from statemachines.chart import begin, move
from statemachines.labels import Level, local_day
from statemachines.roles import Actor
from statemachines.supervision import SUPERVISING, SupervisionEvent, SupervisionLevel, SupervisionState
from statemachines.ticket import TicketState
from statemachines.treatment_plan import PlanState

Text = Annotated[str, Field(max_length=4000)]

REPORT_DAYS = {Level.GENERAL: 7, Level.SERIOUS: 7, Level.MAJOR: 1}
"""Natural days between two reports where nobody says otherwise; a major hazard is reported on daily (rules 6.5)."""

REPORTED_ON = (TicketState.FOUND, TicketState.ASSIGNED)
"""While the ticket stands here its progress is reported; a reported fix awaits its re-check instead."""


class Supervision(BaseModel):
    """督办: why, and if given the level (union, company, listed), what is required, who watches over it (login), and
    every how many natural days progress is reported.

    Left out: the first level not yet reached, nothing further required, whoever lists it, and a day for a major hazard,
    a week for others.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    reason: Annotated[str, Field(max_length=2000)] | None = None
    level: SupervisionLevel | None = None
    requirements: Text = ""
    supervisor: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    report_every_days: int | None = Field(default=None, ge=1, le=92)


class ProgressReport(BaseModel):
    """报告督办进展: what was done since the last report, and what is still in the way."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    text: Text | None = None


class Delisting(BaseModel):
    """摘牌: the opinion of whoever takes the hazard off the list."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    opinion: Annotated[str, Field(max_length=2000)] | None = None


class SupervisionFilter(BaseModel):
    """What a list is narrowed to; everything may be left out. `unit` means the unit and all below it."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    unit: str | None = Field(default=None, max_length=24)
    campaign: str | None = Field(default=None, max_length=24)
    ticket: str | None = Field(default=None, max_length=64)
    level: list[SupervisionLevel] = Field(default_factory=list, max_length=len(SupervisionLevel))
    state: list[SupervisionState] = Field(default_factory=list, max_length=len(SupervisionState))
    late: bool | None = None
    """Whether a report is overdue."""


def report_late(now: datetime) -> ColumnElement[bool]:
    """The condition that an order in force awaits a report whose day has passed. Needs the ticket joined."""
    return and_(
        SupervisionOrder.state == SupervisionState.OPEN,
        SupervisionOrder.next_report_at < now,
        Ticket.state.in_(REPORTED_ON),
    )


def is_report_late(order: SupervisionOrder, now: datetime) -> bool:
    """`report_late` for a loaded order."""
    waiting = order.state is SupervisionState.OPEN and order.ticket.state in REPORTED_ON
    return waiting and order.next_report_at is not None and order.next_report_at < now


# Reading.


def order_by_key(session: Session, key: str, *, actor: Actor, lock: bool = False) -> SupervisionOrder:
    """The order with this number or id, its ticket, people and reports loaded. Raises NotFound when out of sight."""
    try:
        named = SupervisionOrder.id == UUID(key)
    except ValueError:
        named = SupervisionOrder.number == key
    query = (
        select(SupervisionOrder)
        .join(Ticket, Ticket.id == SupervisionOrder.ticket_id)
        .where(named, tickets_visible_to(actor))
        .options(*_whole(), selectinload(SupervisionOrder.reports).joinedload(SupervisionReport.reported_by))
    )
    if lock:
        query = query.with_for_update(of=SupervisionOrder).execution_options(populate_existing=True)
    order = session.scalars(query).one_or_none()
    if order is None:
        raise NotFound(what=key)
    return order


def _whole() -> tuple[ExecutableOption, ...]:
    ticket = joinedload(SupervisionOrder.ticket)
    return (
        ticket.joinedload(Ticket.unit),
        ticket.joinedload(Ticket.campaign).joinedload(Campaign.unit),
        ticket.joinedload(Ticket.assignee),
        joinedload(SupervisionOrder.supervisor),
        joinedload(SupervisionOrder.listed_by),
        joinedload(SupervisionOrder.delisted_by),
    )


def list_orders(
    session: Session,
    wanted: SupervisionFilter,
    *,
    actor: Actor,
    now: datetime,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[SupervisionOrder]:
    """One page of orders about tickets the actor may see, newest first. Raises BadInput for a wrong cursor or unit."""
    query = (
        select(SupervisionOrder)
        .join(Ticket, Ticket.id == SupervisionOrder.ticket_id)
        .where(tickets_visible_to(actor))
        .options(*_whole())
    )
    if wanted.unit:
        top = unit_by_code(session, wanted.unit, actor=actor)
        below = select(Unit.id).where(Unit.path.startswith(top.path, autoescape=True))
        query = query.where(Ticket.unit_id.in_(below))
    if wanted.campaign:
        query = query.where(
            Ticket.campaign_id.in_(select(Campaign.id).where(Campaign.code == wanted.campaign))
        )
    if wanted.ticket:
        query = query.where(Ticket.number == wanted.ticket)
    if wanted.level:
        query = query.where(SupervisionOrder.level.in_(wanted.level))
    if wanted.state:
        query = query.where(SupervisionOrder.state.in_(wanted.state))
    if wanted.late is not None:
        late = report_late(now)
        query = query.where(late if wanted.late else ~late)
    return page_of(
        session, query, Key(SupervisionOrder.id, UUID), limit=limit, cursor=cursor, newest_first=True
    )


def orders_of(session: Session, ticket: Ticket) -> list[SupervisionOrder]:
    """Every order about a ticket the caller has loaded, oldest first, people and reports loaded."""
    query = (
        select(SupervisionOrder)
        .where(SupervisionOrder.ticket_id == ticket.id)
        .options(*_whole(), selectinload(SupervisionOrder.reports).joinedload(SupervisionReport.reported_by))
        .order_by(SupervisionOrder.id)
    )
    return list(session.scalars(query))


def possible_supervisors(session: Session, unit_path: str) -> list[Person]:
    """Who can watch over a hazard at this unit: its leaders and supervisors and those above it, nearest first."""
    found = [person for role in SUPERVISING for person in holders(session, role, unit_path)]
    return list(dict.fromkeys(found))


def next_level(present: SupervisionOrder | None) -> SupervisionLevel | None:
    """The level above the one in force; None at the top."""
    levels = list(SupervisionLevel)
    place = 0 if present is None else levels.index(present.level) + 1
    return levels[place] if place < len(levels) else None


# What happens. The ticket's row must be locked.


def supervise(session: Session, ticket: Ticket, told: Supervision, *, actor: Actor, now: datetime) -> Ticket:
    """督办: list the ticket, or raise it to a higher level. Raises SupervisionNotHigher, BadInput, RoleMissing."""
    move(ticket, "supervise", actor=actor, now=now, reason=told.reason)
    assert told.reason is not None  # the chart has asked for it
    present = _in_force(session, ticket)
    level = told.level or next_level(present) or SupervisionLevel.LISTED
    if present is not None:
        _raise(session, present, level, actor=actor, now=now)
    days = told.report_every_days or REPORT_DAYS[ticket.level]
    order = SupervisionOrder(
        number=_next_number(session, now),
        ticket=ticket,
        level=level,
        reason=told.reason,
        requirements=told.requirements,
        supervisor=_supervisor(session, told.supervisor, ticket, actor),
        listed_by_id=actor.id,
        listed_at=now,
        report_every_days=days,
        next_report_at=_next_report(now, days),
        delisted_by=None,
        reports=[],
    )
    begin(order)
    session.add(order)
    ticket.supervised_at = ticket.supervised_at or now
    ticket.supervision_reason = told.reason
    session.flush()
    follow(session, order, now=now, new=True)
    record(
        session,
        ticket,
        "supervise",
        actor=actor,
        now=now,
        before=ticket.state,
        after=ticket.state,
        reason=told.reason,
        order=order.number,
        order_level=level,
        requirements=told.requirements or None,
        supervisor=order.supervisor,
        next_report=order.next_report_at,
    )
    supervision_notices.listed(session, order, now=now)
    return ticket


def _in_force(session: Session, ticket: Ticket) -> SupervisionOrder | None:
    query = select(SupervisionOrder).where(
        SupervisionOrder.ticket_id == ticket.id, SupervisionOrder.state == SupervisionState.OPEN
    )
    return session.scalars(query.options(*_whole()).with_for_update(of=SupervisionOrder)).one_or_none()


def _raise(
    session: Session, present: SupervisionOrder, level: SupervisionLevel, *, actor: Actor, now: datetime
) -> None:
    move(present, SupervisionEvent.RAISE, actor=actor, now=now, present=present.level, level=level)
    follow(session, present, now=now)
    session.flush()


def _supervisor(session: Session, login: str | None, ticket: Ticket, actor: Actor) -> Person:
    if login is None:
        return session.get_one(Person, actor.id)
    person = person_by_login(session, login, pointer="/supervisor")
    if not any(g.role in SUPERVISING and ticket.unit.path.startswith(g.unit.path) for g in person.grants):
        raise BadInput(
            "/supervisor",
            "not-a-supervisor",
            zh=f"“{person.name}”不是“{ticket.unit.name}”的安监主管或领导，请另选督办人。",
            en=f"“{person.name}” is neither a supervisor nor a leader of “{ticket.unit.name}”; choose another person.",
        )
    return person


def _next_report(since: datetime, days: int) -> datetime:
    return end_of_day(local_day(since) + timedelta(days=days))


def _next_number(session: Session, now: datetime) -> str:
    """安监督〔2026〕3号: given out in the transaction, so no gap and never twice."""
    year = local_day(now).year
    row = insert(SupervisionCounter).values(year=year, last=1)
    query = row.on_conflict_do_update(
        index_elements=["year"], set_={"last": SupervisionCounter.last + 1}
    ).returning(SupervisionCounter.last)
    return f"安监督〔{year}〕{session.execute(query).scalar_one()}号"


def report(
    session: Session, order: SupervisionOrder, told: ProgressReport, *, actor: Actor, now: datetime
) -> SupervisionOrder:
    """报告督办进展: the next report's clock starts anew. Raises NoteMissing, NotTheReporter, WrongState."""
    move(order, SupervisionEvent.REPORT, actor=actor, now=now, text=told.text)
    assert told.text is not None  # the chart has asked for it
    order.reports.append(
        SupervisionReport(reported_by=session.get_one(Person, actor.id), reported_at=now, text=told.text)
    )
    if order.report_every_days is not None:
        order.next_report_at = _next_report(now, order.report_every_days)
    session.flush()
    follow(session, order, now=now)
    _recorded(session, order, "supervision_report", actor=actor, now=now, text=told.text)
    supervision_notices.reported(session, order, told.text, by=actor, now=now)
    return order


def delist(
    session: Session, order: SupervisionOrder, told: Delisting, *, actor: Actor, now: datetime
) -> SupervisionOrder:
    """摘牌, once the ticket is closed; a verified major hazard needs its approved plan.

    Raises SupervisedTicketOpen, PlanMissing, SelfDelisting, OpinionMissing, RoleMissing, WrongState.
    """
    approved = session.scalar(
        select(TreatmentPlan.id).where(
            TreatmentPlan.ticket_id == order.ticket_id, TreatmentPlan.state == PlanState.APPROVED
        )
    )
    move(
        order,
        SupervisionEvent.DELIST,
        actor=actor,
        now=now,
        opinion=told.opinion,
        plan_approved=approved is not None,
    )
    # By key: looking a person up would write the row half delisted.
    order.delisted_by_id, order.delisted_at, order.delist_opinion = actor.id, now, told.opinion
    follow(session, order, now=now)
    session.flush()
    session.refresh(order, ["delisted_by"])
    _recorded(session, order, "delist", actor=actor, now=now, opinion=told.opinion)
    supervision_notices.delisted(session, order, now=now)
    return order


def _recorded(
    session: Session, order: SupervisionOrder, event: str, *, actor: Actor, now: datetime, **facts: object
) -> None:
    """What happens to an order stands in the history of its ticket, where people look for it."""
    ticket = order.ticket
    record(
        session,
        ticket,
        event,
        actor=actor,
        now=now,
        before=ticket.state,
        after=ticket.state,
        order=order.number,
        **facts,
    )
