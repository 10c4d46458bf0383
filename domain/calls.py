"""Calls and visits (来电来访, 12351): written down for the caller, answered, called back, settled, counted.

The work-order flow of the union's hotline 12351 (domain rules 3): taken, passed on, handled, answered, called back,
settled; its figures are how many were settled and how many callers were satisfied. Who called may stay unnamed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.sql.base import ExecutableOption

from domain.campaigns import campaign_by_code, must_be_open
from domain.coverage import scope_unit_of
from domain.errors import BadInput, NotFound
from domain.findings import CLOCK_SKEW, NewFinding, submit_finding
from domain.history import record
from domain.paging import Key, Page, page_of
from domain.people import unit_by_code
from domain.records import CallCounter, CallWay, Campaign, HotlineCall, Person, Ticket
from domain.rights import Deed, must_be_allowed
from domain.tickets import ticket_by_number
from domain.visibility import calls_visible_to
from statemachines.call import CallEvent, CallState
from statemachines.chart import begin, move
from statemachines.labels import Level, local_day
from statemachines.roles import Actor

SOURCE = "hotline"
"""The source of a ticket that began as a call."""


class NewCall(BaseModel):
    """A call, visit or letter as it was taken. `received_at` is now when left out; `answer` if it was given at once."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    way: CallWay = CallWay.PHONE
    source: str = Field(default="12351", min_length=1, max_length=40)
    unit: str = Field(min_length=1, max_length=24)
    campaign: str | None = Field(default=None, min_length=1, max_length=24)
    caller_name: str = Field(default="", max_length=40)
    caller_phone: Annotated[str, Field(pattern=r"^[0-9+() -]*$", max_length=40)] = ""
    content: str = Field(min_length=1, max_length=4000)
    received_at: AwareDatetime | None = None
    callback_wanted: bool = False
    answer: str | None = Field(default=None, max_length=4000)


class CallAnswer(BaseModel):
    """答复: what the caller was told."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    answer: str | None = Field(default=None, max_length=4000)


class CallBack(BaseModel):
    """回访: the caller was called back, and whether they are satisfied, if they said so."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    satisfied: bool | None = None


class CallFinding(BaseModel):
    """What makes a hazard of a call; words and unit are the call's."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    campaign: str | None = Field(default=None, min_length=1, max_length=24)
    level: Level | None = None
    category: str | None = Field(default=None, min_length=1, max_length=100)
    checklist_item: str | None = Field(default=None, min_length=1, max_length=32)
    description: str | None = Field(default=None, min_length=1, max_length=4000)
    location: str = Field(default="", max_length=200)


@dataclass(frozen=True, slots=True)
class CallCounts:
    """How a campaign's calls stand. `asked` is how many callers said whether they are satisfied."""

    received: int
    answered: int
    settled: int
    satisfied: int
    asked: int


def take_call(session: Session, new: NewCall, *, actor: Actor, now: datetime) -> HotlineCall:
    """Write a call down; it gets its number. Raises BadInput (unit, campaign, in the future), RoleMissing."""
    unit = unit_by_code(session, new.unit, actor=actor)
    must_be_allowed(actor, Deed.RECORD_CALL, at=unit.path)
    campaign = None
    if new.campaign:
        campaign = campaign_by_code(session, new.campaign, actor=actor, pointer="/campaign")
        must_be_open(campaign)
        if unit.id != campaign.unit_id and scope_unit_of(session, campaign, unit) is None:
            raise BadInput(
                "/campaign",
                "not-in-scope",
                zh=f"“{unit.name}”不在“{campaign.name}”的范围内；可不填检查活动。",
                en=f"“{unit.name}” is not within “{campaign.name}”; leave the campaign out.",
            )
    received_at = new.received_at or now
    if received_at > now + CLOCK_SKEW:
        raise BadInput(
            "/received_at",
            "received-in-future",
            zh="来电时间晚于现在，请核对。",
            en="The time of the call is in the future; check it.",
        )
    call = HotlineCall(
        number=_next_number(session, now),
        way=new.way,
        source=new.source,
        unit=unit,
        campaign=campaign,
        caller_name=new.caller_name,
        caller_phone=new.caller_phone,
        content=new.content,
        received_at=min(received_at, now),
        recorded_by=session.get_one(Person, actor.id),
        recorded_at=now,
        callback_wanted=new.callback_wanted,
        ticket=None,
    )
    begin(call)
    session.add(call)
    session.flush()
    record(session, call, "taken", actor=actor, now=now, after=call.state, unit=unit, way=new.way)
    if new.answer:
        answer(session, call, CallAnswer(answer=new.answer), actor=actor, now=now)
    return call


def _next_number(session: Session, now: datetime) -> str:
    """LF2026-0007 (来访): given out in the transaction, so no gap and never twice."""
    year = local_day(now).year
    row = insert(CallCounter).values(year=year, last=1)
    query = row.on_conflict_do_update(index_elements=["year"], set_={"last": CallCounter.last + 1}).returning(
        CallCounter.last
    )
    return f"LF{year}-{session.execute(query).scalar_one():04d}"


def answer(
    session: Session, call: HotlineCall, told: CallAnswer, *, actor: Actor, now: datetime
) -> HotlineCall:
    """答复. Raises AnswerMissing, RoleMissing, WrongState."""
    before = call.state
    move(call, CallEvent.ANSWER, actor=actor, now=now, answer=told.answer)
    call.answer, call.answered_at = told.answer, now
    _done(session, call, CallEvent.ANSWER, before, actor=actor, now=now, answer=told.answer)
    return call


def call_back(
    session: Session, call: HotlineCall, told: CallBack, *, actor: Actor, now: datetime
) -> HotlineCall:
    """回访. Raises RoleMissing, WrongState."""
    before = call.state
    move(call, CallEvent.CALL_BACK, actor=actor, now=now)
    call.called_back_at, call.satisfied = now, told.satisfied
    _done(session, call, CallEvent.CALL_BACK, before, actor=actor, now=now, satisfied=told.satisfied)
    return call


def settle(session: Session, call: HotlineCall, *, actor: Actor, now: datetime) -> HotlineCall:
    """办结. Raises AnswerMissing, CallbackMissing, RoleMissing, WrongState."""
    before = call.state
    move(call, CallEvent.SETTLE, actor=actor, now=now)
    call.settled_at = now
    _done(session, call, CallEvent.SETTLE, before, actor=actor, now=now)
    return call


def to_ticket(
    session: Session, call: HotlineCall, told: CallFinding, *, actor: Actor, now: datetime
) -> Ticket:
    """A hazard told by telephone becomes a ticket, once. Raises BadInput when it has one, RoleMissing, and what
    refuses a finding.
    """
    must_be_allowed(actor, Deed.RECORD_CALL, at=call.unit.path)
    if call.ticket_id is not None:
        raise _has_ticket()
    campaign = told.campaign or (call.campaign.code if call.campaign else None)
    if campaign is None:
        raise BadInput("/campaign", "missing", zh="须选择检查活动。", en="Choose a campaign.")
    finding = NewFinding(
        id=call.id,
        campaign=campaign,
        unit=call.unit.code,
        description=told.description or call.content,
        level=told.level,
        category=told.category,
        checklist_item=told.checklist_item,
        location=told.location,
        found_at=call.received_at,
        source=SOURCE,
    )
    ticket = submit_finding(session, finding, actor=actor, now=now).ticket
    _linked(session, call, ticket, actor=actor, now=now)
    return ticket


def link(session: Session, call: HotlineCall, number: str, *, actor: Actor, now: datetime) -> Ticket:
    """The call is about a ticket that is there already. Raises BadInput when it has one, NotFound, RoleMissing."""
    must_be_allowed(actor, Deed.RECORD_CALL, at=call.unit.path)
    if call.ticket_id is not None:
        raise _has_ticket()
    ticket = ticket_by_number(session, number, actor=actor)
    _linked(session, call, ticket, actor=actor, now=now)
    return ticket


def _has_ticket() -> BadInput:
    return BadInput(
        "/ticket",
        "has-ticket",
        zh="这次来电已关联隐患单。",
        en="This call has a ticket already.",
    )


def _linked(session: Session, call: HotlineCall, ticket: Ticket, *, actor: Actor, now: datetime) -> None:
    call.ticket = ticket
    session.flush()
    record(session, call, "linked", actor=actor, now=now, ticket=ticket)


def _done(
    session: Session,
    call: HotlineCall,
    event: CallEvent,
    before: CallState,
    *,
    actor: Actor,
    now: datetime,
    **facts: object,
) -> None:
    session.flush()
    record(session, call, event, actor=actor, now=now, before=before, after=call.state, **facts)


def _whole() -> tuple[ExecutableOption, ...]:
    return (
        joinedload(HotlineCall.unit),
        joinedload(HotlineCall.campaign),
        joinedload(HotlineCall.recorded_by),
        joinedload(HotlineCall.ticket),
    )


def call_by_number(session: Session, number: str, *, actor: Actor, lock: bool = False) -> HotlineCall:
    """The call with this number, in the actor's sight. Raises NotFound."""
    query = (
        select(HotlineCall).where(HotlineCall.number == number, calls_visible_to(actor)).options(*_whole())
    )
    if lock:
        query = query.with_for_update(of=HotlineCall).execution_options(populate_existing=True)
    call = session.scalars(query).one_or_none()
    if call is None:
        raise NotFound(what=number)
    return call


def list_calls(
    session: Session,
    *,
    actor: Actor,
    state: CallState | None = None,
    campaign: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[HotlineCall]:
    """One page of calls the actor may read, newest first. Raises BadInput for a wrong cursor."""
    query = select(HotlineCall).where(calls_visible_to(actor)).options(*_whole())
    if state is not None:
        query = query.where(HotlineCall.state == state)
    if campaign:
        query = query.where(HotlineCall.campaign_id.in_(select(Campaign.id).where(Campaign.code == campaign)))
    return page_of(session, query, Key(HotlineCall.id, UUID), limit=limit, cursor=cursor, newest_first=True)


def calls_about(session: Session, ticket: Ticket, *, actor: Actor) -> list[HotlineCall]:
    """The calls a ticket came from or that are about it, as far as the actor may read them, oldest first."""
    query = select(HotlineCall).where(HotlineCall.ticket_id == ticket.id, calls_visible_to(actor))
    return list(session.scalars(query.order_by(HotlineCall.id)))


def call_counts(session: Session, campaign: Campaign) -> CallCounts:
    """How the campaign's calls stand, in one query; figures of a campaign know no actor."""
    return CallCounts(*session.execute(_counting(campaign)).one())


def call_counts_by_way(session: Session, campaign: Campaign) -> list[tuple[CallWay, CallCounts]]:
    """How the campaign's calls stand by the way they came, in the order of CallWay."""
    query = _counting(campaign).add_columns(HotlineCall.way).group_by(HotlineCall.way)
    found = {way: CallCounts(*counts) for *counts, way in session.execute(query)}
    return [(way, found[way]) for way in CallWay if way in found]


def _counting(campaign: Campaign) -> Select[Any]:
    return select(
        func.count(),
        func.count(HotlineCall.answered_at),
        func.count().filter(HotlineCall.state == CallState.SETTLED),
        func.count().filter(HotlineCall.satisfied.is_(True)),
        func.count(HotlineCall.satisfied),
    ).where(HotlineCall.campaign_id == campaign.id)
