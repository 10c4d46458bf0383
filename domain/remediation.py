"""What becomes of a ticket: assigned under 三定, acknowledged, fixed, verified or returned, corrected with a reason.

Every command has the same five beats: load (by the caller, with the row locked), move, write facts, record, tell.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from domain import notices
from domain.calendars import calendar_of
from domain.campaign_settings import settings_of
from domain.chases import follow
from domain.deadlines import Due, due_for, end_of_day
from domain.errors import BadInput
from domain.files import ListedFile, counted, list_files
from domain.history import record
from domain.people import assignee_by_login
from domain.quantities import NewQuantity, record_fix_quantities
from domain.records import CancelKind, FileKind, Person, Ticket, Unit
from domain.sample_checks import answer_samples
from domain.tickets import load_fixers_roles, ticket_by_number
from domain.verifiers import eligible_verifiers
from statemachines.chart import move
from statemachines.labels import Level
from statemachines.roles import Actor
from statemachines.ticket import INDEPENDENCE, RETURNS_BEFORE_SUPERVISION, TicketState

Text = Annotated[str, Field(max_length=2000)]
Login = Annotated[str, Field(max_length=64)]
Money = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=2, allow_inf_nan=False)]
Deadline = AwareDatetime | date
"""A moment, or a day: then the deadline is the end of that day in Asia/Shanghai."""


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Assignment(_Told):
    """三定: 定人 `assignee` (login), 定责 `duty` and `measure`, 定期 `due`; major also `budget` and `emergency_plan`.

    `due` left out is computed from the level, the checklist item and the calendar.
    """

    assignee: Login | None = None
    duty: Text | None = None
    measure: Text | None = None
    due: Deadline | None = None
    budget: Money | None = None
    emergency_plan: Text | None = None


class Acknowledgement(_Told):
    """签收: the person responsible has read it."""

    note: Text | None = None


class Progress(_Told):
    """A note on the work, without finishing it."""

    note: Text | None = None
    files: list[ListedFile] = Field(default_factory=list, max_length=20)


class Fix(_Told):
    """整改回复: what was done, when, at what cost (yuan), with which quantities and photos after the fix."""

    note: Text | None = None
    fixed_at: AwareDatetime | None = None
    cost: Money | None = None
    quantities: list[NewQuantity] = Field(default_factory=list, max_length=50)
    files: list[ListedFile] = Field(default_factory=list, max_length=20)


class Verification(_Told):
    """复查意见: passed or not, the opinion, and for a return an optional new deadline."""

    passed: bool
    opinion: Text | None = None
    due: Deadline | None = None
    files: list[ListedFile] = Field(default_factory=list, max_length=20)


class Reassignment(_Told):
    """改派: another person responsible, with the reason."""

    assignee: Login | None = None
    reason: Text | None = None
    duty: Text | None = None
    measure: Text | None = None


class Cancellation(_Told):
    """作废: the reason, and its kind when it is one of the usual ones."""

    reason: Text | None = None
    kind: CancelKind | None = None
    duplicate_of: Annotated[str, Field(max_length=64)] | None = None


class Regrading(_Told):
    """调整等级: the new level and the reason; raising an assigned ticket to major needs the five assurances."""

    level: Level | None = None
    reason: Text | None = None
    budget: Money | None = None
    emergency_plan: Text | None = None


def _moment(due: Deadline | None) -> datetime | None:
    return due if due is None or isinstance(due, datetime) else end_of_day(due)


def _responsible(session: Session, ticket: Ticket, login: str | None) -> Person | None:
    """The person named, who must hold the role assignee for the ticket's unit."""
    return assignee_by_login(session, login, unit=ticket.unit) if login else None


def proposed_due(session: Session, ticket: Ticket, *, now: datetime) -> Due:
    """The deadline a ticket gets when nobody gives one: what was proposed when it was found, else from its checklist
    item, else from its level, by the calendar.

    Counted from the day of finding; when that is already past, from today (domain rules 6.3, 6.4). It explains itself.
    """
    settings = settings_of(ticket.campaign)
    item = ticket.checklist_item
    days = ticket.proposed_days
    if days is None and item is not None and item.level == ticket.level:
        days = item.deadline_days
    calendar = calendar_of(session, ticket.unit.path)
    due = due_for(ticket.found_at, level=ticket.level, days=days, settings=settings, calendar=calendar)
    if due.at > now:
        return due
    return due_for(now, level=ticket.level, days=days, settings=settings, calendar=calendar)


def assign(session: Session, ticket: Ticket, told: Assignment, *, actor: Actor, now: datetime) -> Ticket:
    """下达整改: found → assigned, once the three-fixed rule (and for major the five assurances) holds."""
    before = ticket.state
    person = _responsible(session, ticket, told.assignee)
    computed = None if told.due is not None else proposed_due(session, ticket, now=now)
    due = computed.at if computed is not None else _moment(told.due)
    move(
        ticket,
        "assign",
        actor=actor,
        now=now,
        assignee=person,
        duty=told.duty,
        measure=told.measure,
        due=due,
        budget=told.budget,
        emergency_plan=told.emergency_plan,
    )
    ticket.assignee, ticket.duty, ticket.measure = person, told.duty, told.measure
    ticket.budget, ticket.emergency_plan = told.budget, told.emergency_plan
    ticket.due_at = due
    # A ticket that was passed on keeps the deadline it was first given.
    ticket.first_due_at = ticket.first_due_at or due
    ticket.due_basis = None if computed is None else computed.basis()
    ticket.due_version += 1
    ticket.assigned_at = now
    follow(session, ticket, now=now)
    record(
        session,
        ticket,
        "assign",
        actor=actor,
        now=now,
        before=before,
        after=ticket.state,
        **told.model_dump(exclude={"due"}),
        due=due,
        basis=ticket.due_basis,
    )
    notices.assigned(session, ticket, now=now)
    return ticket


def _stood_in_for(ticket: Ticket, actor: Actor) -> Person | None:
    """The person responsible, when somebody else acts in their place."""
    return ticket.assignee if actor.id != ticket.assignee_id else None


def acknowledge(
    session: Session, ticket: Ticket, told: Acknowledgement, *, actor: Actor, now: datetime
) -> Ticket:
    """签收: the first time is kept; repeating it changes nothing."""
    move(ticket, "acknowledge", actor=actor, now=now)
    if ticket.acknowledged_at is None:
        ticket.acknowledged_at = now
        follow(session, ticket, now=now)
        record(
            session,
            ticket,
            "acknowledge",
            actor=actor,
            now=now,
            before=ticket.state,
            after=ticket.state,
            note=told.note,
            instead_of=_stood_in_for(ticket, actor),
        )
    return ticket


def progress(session: Session, ticket: Ticket, told: Progress, *, actor: Actor, now: datetime) -> Ticket:
    """报告进展 without finishing."""
    move(ticket, "progress", actor=actor, now=now, note=told.note)
    list_files(session, ticket, told.files, kind=FileKind.AFTER, actor=actor, now=now)
    record(
        session,
        ticket,
        "progress",
        actor=actor,
        now=now,
        before=ticket.state,
        after=ticket.state,
        note=told.note,
        files=len(told.files) or None,
        instead_of=_stood_in_for(ticket, actor),
    )
    return ticket


def fix(session: Session, ticket: Ticket, told: Fix, *, actor: Actor, now: datetime) -> Ticket:
    """报告整改完成: assigned → fixed, by the person responsible or who stands in for them."""
    before = ticket.state
    after_photos = len(told.files) + counted(session, ticket, FileKind.AFTER)
    move(
        ticket,
        "fix",
        actor=actor,
        now=now,
        note=told.note,
        fixed_at=told.fixed_at,
        after_photos=after_photos,
    )
    _write_fix(session, ticket, told, actor=actor, now=now)
    record(
        session,
        ticket,
        "fix",
        actor=actor,
        now=now,
        before=before,
        after=ticket.state,
        instead_of=_stood_in_for(ticket, actor),
        **_said(told),
    )
    notices.fixed(session, ticket, now=now)
    return ticket


def fix_on_spot(session: Session, ticket: Ticket, told: Fix, *, actor: Actor, now: datetime) -> Ticket:
    """立查立改: found → fixed the same day, general level, with photos before and after.

    The three-fixed facts are filled from the act itself: who did it, what was done, the day it was found.
    """
    before = ticket.state
    list_files(session, ticket, told.files, kind=FileKind.AFTER, actor=actor, now=now)
    move(
        ticket,
        "fix_on_spot",
        actor=actor,
        now=now,
        fixed_at=told.fixed_at,
        before_photos=counted(session, ticket, FileKind.BEFORE),
        after_photos=counted(session, ticket, FileKind.AFTER),
    )
    note = told.note or "当场整改完成"
    ticket.on_the_spot = True
    ticket.assignee_id, ticket.duty, ticket.measure = actor.id, "立查立改", note
    ticket.first_due_at = ticket.due_at = end_of_day(ticket.found_at)
    ticket.due_version += 1
    ticket.assigned_at = now
    _write_fix(session, ticket, told.model_copy(update={"files": [], "note": note}), actor=actor, now=now)
    record(
        session, ticket, "fix_on_spot", actor=actor, now=now, before=before, after=ticket.state, **_said(told)
    )
    notices.fixed(session, ticket, now=now)
    return ticket


def _said(told: Fix) -> dict[str, object]:
    said = told.model_dump(exclude={"files", "quantities"})
    return {**said, "files": len(told.files) or None, "quantities": len(told.quantities) or None}


def _write_fix(session: Session, ticket: Ticket, told: Fix, *, actor: Actor, now: datetime) -> None:
    ticket.fixer_id, ticket.fixer_unit_id = actor.id, actor.unit_id
    ticket.fixed_at, ticket.fix_note, ticket.cost = told.fixed_at or now, told.note, told.cost
    list_files(session, ticket, told.files, kind=FileKind.AFTER, actor=actor, now=now)
    record_fix_quantities(session, ticket, told.quantities, actor=actor, now=now)
    follow(session, ticket, now=now)
    session.flush()
    # They are here already, most of them: a refresh would read the ticket once more.
    for name, record_of, key in (
        ("fixer", Person, ticket.fixer_id),
        ("fixer_unit", Unit, ticket.fixer_unit_id),
        ("assignee", Person, ticket.assignee_id),
    ):
        set_committed_value(ticket, name, session.get_one(record_of, key))
    load_fixers_roles(session, [ticket])


def verify(session: Session, ticket: Ticket, told: Verification, *, actor: Actor, now: datetime) -> Ticket:
    """复查: passed closes the ticket (major: once a second person agrees), failed sends it back and is counted.

    A refusal for want of independence says who may instead.
    """
    try:
        return (_pass if told.passed else _return)(session, ticket, told, actor=actor, now=now)
    except INDEPENDENCE as refusal:
        refusal.advice = eligible_verifiers(session, ticket, now=now).advice()
        raise


def _pass(session: Session, ticket: Ticket, told: Verification, *, actor: Actor, now: datetime) -> Ticket:
    before = ticket.state
    after = move(
        ticket,
        "verify",
        actor=actor,
        now=now,
        opinion=told.opinion,
        independent_team=settings_of(ticket.campaign).independent_team,
    )
    if after == TicketState.VERIFIED:
        ticket.verifier_id, ticket.verified_at = actor.id, now
        follow(session, ticket, now=now)
        answer_samples(session, ticket, passed=True, opinion=told.opinion, actor=actor, now=now)
    else:
        ticket.first_verifier_id = actor.id
    # Last: what is judged must have arrived, the photos of this re-check are listed by it and follow.
    list_files(session, ticket, told.files, kind=FileKind.RECHECK, actor=actor, now=now)
    record(session, ticket, "verify", actor=actor, now=now, before=before, after=after, opinion=told.opinion)
    notices.verified(session, ticket, now=now)
    return ticket


def _return(session: Session, ticket: Ticket, told: Verification, *, actor: Actor, now: datetime) -> Ticket:
    before = ticket.state
    due = _moment(told.due)
    move(
        ticket,
        "return",
        actor=actor,
        now=now,
        opinion=told.opinion,
        due=due,
        independent_team=settings_of(ticket.campaign).independent_team,
    )
    list_files(session, ticket, told.files, kind=FileKind.RECHECK, actor=actor, now=now)
    ticket.return_count += 1
    ticket.first_verifier_id = None
    # What has to be done again was not put right on the spot; from here on it is a ticket like any other.
    ticket.on_the_spot = False
    if due is not None:
        ticket.due_at, ticket.due_basis = due, None
    # A new deadline, or the old one running again: either way the ladder starts over.
    ticket.due_version += 1
    follow(session, ticket, now=now)
    answer_samples(session, ticket, passed=False, opinion=told.opinion, actor=actor, now=now)
    record(
        session,
        ticket,
        "return",
        actor=actor,
        now=now,
        before=before,
        after=ticket.state,
        opinion=told.opinion,
        due=due,
        times=ticket.return_count,
    )
    notices.returned(
        session, ticket, now=now, propose_supervision=ticket.return_count >= RETURNS_BEFORE_SUPERVISION
    )
    return ticket


def reassign(session: Session, ticket: Ticket, told: Reassignment, *, actor: Actor, now: datetime) -> Ticket:
    """改派: another person is responsible; deadline and history stay."""
    person = _responsible(session, ticket, told.assignee)
    previous = ticket.assignee
    move(ticket, "reassign", actor=actor, now=now, assignee=person, reason=told.reason)
    ticket.assignee = person
    ticket.duty, ticket.measure = told.duty or ticket.duty, told.measure or ticket.measure
    ticket.acknowledged_at = None
    # From now on it is this person's, and theirs to acknowledge.
    ticket.assigned_at = now
    follow(session, ticket, now=now)
    record(
        session,
        ticket,
        "reassign",
        actor=actor,
        now=now,
        before=ticket.state,
        after=ticket.state,
        previous=previous,
        **told.model_dump(),
    )
    notices.assigned(session, ticket, now=now)
    notices.relieved(session, ticket, previous, reason=told.reason or "", now=now)
    return ticket


def cancel(session: Session, ticket: Ticket, told: Cancellation, *, actor: Actor, now: datetime) -> Ticket:
    """作废: struck with a reason, never deleted."""
    before = ticket.state
    original = None
    if told.duplicate_of:
        original = ticket_by_number(session, told.duplicate_of, actor=actor)
        if original.id == ticket.id:
            raise BadInput(
                "/duplicate_of",
                "duplicate-of-itself",
                zh="隐患单不能与自身重复。",
                en="A ticket is no duplicate of itself.",
            )
    elif told.kind is CancelKind.DUPLICATE:
        raise BadInput(
            "/duplicate_of",
            "missing",
            zh="重复登记须写明与哪一张隐患单重复。",
            en="Name the ticket this one repeats.",
        )
    if told.kind is CancelKind.ACCEPTED and ticket.level != Level.GENERAL:
        raise BadInput(
            "/kind",
            "accepted-only-general",
            zh=f"只有一般隐患可以经评估不再整改，本单等级为{ticket.level.zh}。",
            en=f"Only a general hazard may be accepted as it is; this one is {ticket.level.en.lower()}.",
        )
    move(ticket, "cancel", actor=actor, now=now, reason=told.reason)
    ticket.cancelled_at, ticket.cancel_reason, ticket.cancel_kind = now, told.reason, told.kind
    ticket.duplicate_of_id = original.id if original else None
    follow(session, ticket, now=now)
    record(
        session,
        ticket,
        "cancel",
        actor=actor,
        now=now,
        before=before,
        after=ticket.state,
        **told.model_dump(),
    )
    notices.cancelled(session, ticket, now=now)
    return ticket


def regrade(session: Session, ticket: Ticket, told: Regrading, *, actor: Actor, now: datetime) -> Ticket:
    """调整等级: with a reason; the ladder is planned anew, the deadline stays."""
    previous = ticket.level
    move(
        ticket,
        "regrade",
        actor=actor,
        now=now,
        level=told.level,
        reason=told.reason,
        budget=told.budget,
        emergency_plan=told.emergency_plan,
    )
    ticket.level = told.level or previous
    # They were proposed for the level it had.
    ticket.proposed_days = None
    if told.budget is not None:
        ticket.budget = told.budget
    if told.emergency_plan:
        ticket.emergency_plan = told.emergency_plan
    follow(session, ticket, now=now)
    record(
        session,
        ticket,
        "regrade",
        actor=actor,
        now=now,
        before=ticket.state,
        after=ticket.state,
        previous=previous,
        **told.model_dump(),
    )
    return ticket
