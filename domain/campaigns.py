"""Campaigns (春查…): set up with dates and units in scope, then moved from phase to phase under their
guards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session, joinedload, selectinload
from sqlalchemy.sql.base import ExecutableOption

from domain.calendars import calendar_of
from domain.campaign_setup import NewCampaign, create_campaign
from domain.chases import follow
from domain.coverage import Coverage, UnitReport, coverage
from domain.errors import BadInput, NotFound, PreconditionFailed
from domain.history import record
from domain.paging import Key, Page, page_of
from domain.phases import Day, Note, PhaseDates, holiday_notes
from domain.records import Campaign, CampaignUnit, Ticket, Unit
from domain.rights import Deed, must_be_allowed
from domain.visibility import campaigns_visible_to
from statemachines.campaign import CampaignChart, CampaignEvent, CampaignState, accepts_findings
from statemachines.chart import move, option
from statemachines.labels import local_day
from statemachines.refusals import Refusal
from statemachines.roles import SYSTEM, Actor
from statemachines.ticket import TicketState

__all__ = [
    "EVENT_FACTS",
    "CampaignClosed",
    "Coverage",
    "NewCampaign",
    "Note",
    "PhaseDates",
    "UnitReport",
    "campaign_by_code",
    "campaign_notes",
    "coverage",
    "create_campaign",
    "event_due",
    "list_campaigns",
    "move_campaign",
    "must_be_open",
    "zero_report",
]

OPEN = (TicketState.FOUND, TicketState.ASSIGNED, TicketState.FIXED)
"""Tickets in these states are carried over: everything a chart has not ended."""


class CampaignClosed(Refusal):
    """The campaign has been summed up; its figures stand."""

    code, status = "campaign-closed", 409
    title_zh, title_en = "活动已总结", "The campaign is closed"
    zh = "“{campaign}”已总结，不再登记，请登记到正在进行的活动。"
    en = "“{campaign}” has been summed up and takes no more records; use one that is running."


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, populate_by_name=True)


class Mobilisation(_Told):
    """动员部署: the notice sent out, the day of the meeting, how many came."""

    notice_number: str | None = Field(default=None, max_length=100)
    held_on: Day | None = None
    attendance: int | None = Field(default=None, le=1_000_000)


class ToRectification(_Told):
    """转入整改: a reason when units have not reported."""

    reason: str | None = Field(default=None, max_length=2000)


class Archiving(_Told):
    """归档: the code of the campaign that takes over what is still open (结转)."""

    next_campaign: str | None = Field(default=None, max_length=24)


class NothingTold(_Told):
    """An event that asks for no facts."""


EVENT_FACTS: Mapping[CampaignEvent, type[_Told]] = {
    CampaignEvent.MOBILISE: Mobilisation,
    CampaignEvent.INSPECT: NothingTold,
    CampaignEvent.RECTIFY: ToRectification,
    CampaignEvent.RECHECK: NothingTold,
    CampaignEvent.SUMMARISE: NothingTold,
    CampaignEvent.ARCHIVE: Archiving,
}
"""The body of each event of the campaign chart."""


# Reading.


def campaign_by_code(
    session: Session,
    code: str,
    *,
    actor: Actor,
    lock: bool = False,
    pointer: str | None = None,
    expected_version: int | None = None,
    with_scope: bool = True,
) -> Campaign:
    """The campaign with this code, with unit, checklist, phases and scope loaded; without scope where it is not wanted.

    With `pointer` the code stands in another body: a wrong one raises BadInput at that field instead of
    NotFound, and only the unit is loaded. Raises PreconditionFailed for another version.
    """
    question = _question(
        actor, lock=lock, with_phases=pointer is None, with_scope=with_scope and pointer is None
    )
    campaign = session.scalars(question, {"code": code}).one_or_none()
    if campaign is None:
        if pointer is None:
            raise NotFound(what=code)
        raise BadInput(
            pointer,
            "unknown-campaign",
            zh=f"没有编号为“{code}”的检查活动，或不在您的管辖范围内。",
            en=f"There is no campaign “{code}” within your reach.",
        )
    if expected_version is not None and campaign.version != expected_version:
        raise PreconditionFailed(expected=expected_version, current=campaign.version)
    return campaign


@lru_cache(maxsize=1024)
def _question(actor: Actor, *, lock: bool, with_phases: bool, with_scope: bool) -> Select[tuple[Campaign]]:
    """The campaign in sight with the code that is bound to it; kept, because nearly every page asks for one."""
    query = select(Campaign).where(Campaign.code == bindparam("code"), campaigns_visible_to(actor))
    query = query.options(joinedload(Campaign.unit))
    if with_phases:
        query = query.options(*_phases())
    if with_scope:
        query = query.options(_scope())
    if lock:
        query = query.with_for_update(of=Campaign, key_share=True).execution_options(populate_existing=True)
    return query


def _phases() -> tuple[ExecutableOption, ...]:
    return joinedload(Campaign.checklist), selectinload(Campaign.phases)


def _scope() -> ExecutableOption:
    return selectinload(Campaign.scope).joinedload(CampaignUnit.unit)


def list_campaigns(
    session: Session,
    *,
    actor: Actor,
    state: Sequence[CampaignState] = (),
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Campaign]:
    """One page of the campaigns the actor may see, newest first. Raises BadInput for a wrong cursor."""
    query = (
        select(Campaign)
        .where(campaigns_visible_to(actor))
        .options(joinedload(Campaign.unit), *_phases(), _scope())
    )
    if state:
        query = query.where(Campaign.state.in_(state))
    # A UUIDv7 sorts by the moment it was made.
    return page_of(session, query, Key(Campaign.id, UUID), limit=limit, cursor=cursor, newest_first=True)


def must_be_open(campaign: Campaign) -> None:
    """Raise CampaignClosed once the campaign is summed up."""
    if not accepts_findings(campaign.state):
        raise CampaignClosed(campaign=campaign.name)


def campaign_notes(session: Session, campaign: Campaign) -> list[Note]:
    """What the planner warns of: phases that begin on a day off, with working days proposed. Phases must
    be loaded.
    """
    return holiday_notes(campaign.phases, calendar_of(session, campaign.unit.path))


def event_due(campaign: Campaign, *, now: datetime) -> CampaignEvent | None:
    """The event the clock may cause now: its phase has dates and has begun. Phases and unit must be
    loaded.
    """
    starts = {phase.phase: phase.starts_on for phase in campaign.phases}
    for transition in CampaignChart.states_map[campaign.state].transitions:
        begins = starts.get(CampaignState(transition.target.value))
        event = CampaignEvent(transition.event)
        if (
            begins is not None
            and begins <= local_day(now)
            and option(campaign, event, actor=SYSTEM, now=now).allowed
        ):
            return event
    return None


# Reporting and moving on.


def zero_report(
    session: Session, campaign: Campaign, unit: Unit, *, actor: Actor, now: datetime
) -> CampaignUnit:
    """零报告: signed by `actor`, "checked, nothing found". The first one is kept; repeating it changes
    nothing.

    Raises BadInput when the unit is not in scope, RoleMissing.
    """
    must_be_allowed(actor, Deed.ZERO_REPORT, at=unit.path)
    entry = session.get(CampaignUnit, (campaign.id, unit.id))
    if entry is None:
        raise BadInput(
            "/unit",
            "unit-not-in-campaign",
            zh=f"“{unit.name}”不在“{campaign.name}”的检查范围内。",
            en=f"“{unit.name}” is not in the scope of “{campaign.name}”.",
        )
    if entry.zero_reported_at is None:
        entry.zero_reported_at, entry.zero_reported_by_id = now, actor.id
        record(session, campaign, "zero_report", actor=actor, now=now, after=campaign.state, unit=unit)
    return entry


def move_campaign(
    session: Session,
    campaign: Campaign,
    event: str,
    facts: Mapping[str, object] | BaseModel,
    *,
    actor: Actor,
    now: datetime,
    mismatches: Sequence[str] | None = None,
) -> Campaign:
    """Cause an event of the campaign chart; `facts` are those of EVENT_FACTS[event].

    What the guards ask is read here: who has not reported, what is not assigned, what is still open.
    `mismatches` are the figures that do not add up, told by the summary when it ends the campaign.
    Archiving carries open tickets over. Raises the refusals of the chart, BadInput for a mobilisation in
    the future or an unsuitable next campaign.
    """
    name = CampaignEvent(event)
    told = EVENT_FACTS[name].model_validate(facts)
    before = campaign.state
    given = told.model_dump()
    match told:
        case Mobilisation():
            _not_in_future(told, now)
            move(campaign, name, actor=actor, now=now, **given)
            campaign.notice_number, campaign.held_on = told.notice_number, told.held_on
            campaign.attendance = told.attendance
        case ToRectification():
            unreported = [unit.name for unit in coverage(session, campaign).unreported]
            move(campaign, name, actor=actor, now=now, unreported=unreported, **given)
            campaign.coverage_reason = told.reason if unreported else None
            given["unreported"] = unreported or None
        case Archiving():
            successor = _successor(session, campaign, told.next_campaign, actor)
            left = _numbers(session, campaign, OPEN)
            move(campaign, name, actor=actor, now=now, open_tickets=left, next_campaign=successor)
            if successor is not None:
                campaign.next_campaign_id = successor.id
                given["carried_over"] = _carry_over(session, campaign, successor, actor=actor, now=now)
        case _ if name is CampaignEvent.RECHECK:
            unassigned = _numbers(session, campaign, (TicketState.FOUND,))
            move(campaign, name, actor=actor, now=now, unassigned=unassigned)
        case _ if name is CampaignEvent.SUMMARISE:
            if mismatches is None:
                raise TypeError("the figures of a summary are checked before a campaign is summed up")
            move(campaign, name, actor=actor, now=now, mismatches=mismatches)
        case _:
            move(campaign, name, actor=actor, now=now)
    record(session, campaign, name, actor=actor, now=now, before=before, after=campaign.state, **given)
    session.flush()
    return campaign


def _not_in_future(told: Mobilisation, now: datetime) -> None:
    if told.held_on is not None and told.held_on > local_day(now):
        raise BadInput(
            "/held_on",
            "held-in-future",
            zh="动员会日期晚于今天，会议召开后再登记。",
            en="The day of the meeting is in the future; record it once it was held.",
        )


def _numbers(session: Session, campaign: Campaign, states: Sequence[TicketState]) -> list[str]:
    query = select(Ticket.number).where(Ticket.campaign_id == campaign.id, Ticket.state.in_(states))
    return list(session.scalars(query.order_by(Ticket.number)))


def _successor(session: Session, campaign: Campaign, code: str | None, actor: Actor) -> Campaign | None:
    if not code:
        return None
    successor = campaign_by_code(session, code, actor=actor, pointer="/next_campaign")
    if successor.id == campaign.id or not accepts_findings(successor.state):
        raise BadInput(
            "/next_campaign",
            "not-a-next-campaign",
            zh=f"“{successor.name}”不能接收结转，请指定另一个尚未总结的检查活动。",
            en=f"“{successor.name}” cannot take tickets over; name another campaign that is not summed up.",
        )
    return successor


def _carry_over(
    session: Session, campaign: Campaign, successor: Campaign, *, actor: Actor, now: datetime
) -> int:
    """结转: open tickets count in the next campaign from now on; numbers and deadlines stay, its ladder applies."""
    query = (
        select(Ticket)
        .where(Ticket.campaign_id == campaign.id, Ticket.state.in_(OPEN))
        .options(joinedload(Ticket.unit))
        .order_by(Ticket.number)
        .with_for_update(of=Ticket, key_share=True)
    )
    tickets = list(session.scalars(query))
    for ticket in tickets:
        # Archiving causes it: whoever may archive the campaign need hold no role at each ticket's unit.
        move(ticket, "carry_over", actor=SYSTEM, now=now)
        ticket.campaign = successor
        follow(session, ticket, now=now)
        record(
            session,
            ticket,
            "carry_over",
            actor=actor,
            now=now,
            before=ticket.state,
            after=ticket.state,
            previous_campaign=campaign,
            campaign=successor,
        )
    return len(tickets)
