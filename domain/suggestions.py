"""Suggestions of the union (工会劳动保护监督检查意见书): made, answered in time, disputed, explained, settled.

The unit must study a suggestion and answer it (安全生产法 Art. 60, 工会法 Art. 25). No national number of days exists;
an answer is due within seven natural days, about a major hazard by the next working day (domain rules 3). Not adopting
it needs a reason; the union may dispute that, and a written explanation is due within seven days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, DateTime, Select, and_, bindparam, func, select, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.sql.base import ExecutableOption

from domain import suggestion_notices
from domain.calendars import calendar_of, period
from domain.campaigns import campaign_by_code, must_be_open
from domain.chases import follow
from domain.coverage import scope_unit_of
from domain.deadlines import end_of_day
from domain.errors import BadInput, NotFound
from domain.history import record
from domain.paging import Key, Page, page_of
from domain.people import holders, person_by_login, unit_by_code
from domain.phases import Day
from domain.records import Campaign, Person, Suggestion, SuggestionCounter, Ticket, Unit
from domain.rights import Deed, must_be_allowed
from domain.tickets import ticket_by_number
from domain.visibility import suggestions_visible_to
from domain.workdays import WorkCalendar
from statemachines.chart import begin, move
from statemachines.labels import Level, local_day
from statemachines.roles import Actor
from statemachines.suggestion import ADDRESSEES, OPEN, SuggestionEvent, SuggestionState

ANSWER_DAYS = 7
EXPLANATION_DAYS = 7

Text = Annotated[str, Field(max_length=4000)]


class NewSuggestion(BaseModel):
    """What the union suggests. With a `ticket` its unit and campaign are the ticket's, otherwise `unit` is named.

    `addressee` is the login of a leader or supervisor of the unit; `answer_due` a day or a moment, computed when it is
    left out.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    text: str = Field(min_length=1, max_length=4000)
    addressee: str = Field(min_length=1, max_length=64)
    unit: str | None = Field(default=None, min_length=1, max_length=24)
    campaign: str | None = Field(default=None, min_length=1, max_length=24)
    ticket: str | None = Field(default=None, min_length=1, max_length=64)
    answer_due: AwareDatetime | Day | None = None


class SuggestionAnswer(BaseModel):
    """答复: whether it is adopted, what will be done, or why not."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    adopted: bool | None = None
    answer: Text | None = None


class Dispute(BaseModel):
    """异议: why the answer does not convince the union."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    reason: Text | None = None


class Explanation(BaseModel):
    """书面说明 of a disputed answer; with `adopt` the suggestion is adopted after all."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    answer: Text | None = None
    adopt: bool = False


class SuggestionFilter(BaseModel):
    """What a list is narrowed to; everything may be left out. `unit` means the unit and all below it."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    unit: str | None = Field(default=None, max_length=24)
    campaign: str | None = Field(default=None, max_length=24)
    ticket: str | None = Field(default=None, max_length=64)
    state: list[SuggestionState] = Field(default_factory=list, max_length=len(SuggestionState))
    overdue: bool | None = None


@dataclass(frozen=True, slots=True)
class SuggestionCounts:
    """How the suggestions of a campaign stand. `overdue` await a written answer whose day has passed."""

    made: int
    answered: int
    adopted: int
    overdue: int


def is_unanswered_late(suggestion: Suggestion, now: datetime) -> bool:
    """Whether a written answer is awaited and its day has passed."""
    return suggestion.state in OPEN and suggestion.answer_due_at < now


def unanswered_late(now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """`is_unanswered_late` as a condition for queries."""
    return and_(Suggestion.state.in_(OPEN), Suggestion.answer_due_at < now)


def answer_due(now: datetime, *, level: Level | None, calendar: WorkCalendar) -> datetime:
    """When an answer is due: the end of the next working day about a major hazard, else of the seventh day from now,
    moved on to a working day.
    """
    today = local_day(now)
    return end_of_day(calendar.next(today)) if level is Level.MAJOR else _after(today, ANSWER_DAYS, calendar)


def _after(today: date, days: int, calendar: WorkCalendar) -> datetime:
    """A period's last day off moves to the next working day (民法典 Art. 203)."""
    return end_of_day(period(calendar, today, days, workdays=False).end)


def possible_addressees(session: Session, unit_path: str, *, actor: Actor) -> list[Person]:
    """Who can be asked to answer: leaders and supervisors of the unit or above it, nearest first, never the actor."""
    found = [person for role in ADDRESSEES for person in holders(session, role, unit_path)]
    return [person for person in dict.fromkeys(found) if person.id != actor.id]


def make(session: Session, new: NewSuggestion, *, actor: Actor, now: datetime) -> Suggestion:
    """Make a suggestion for the union; it gets its number, and the addressee is told.

    Raises BadInput (unknown unit, campaign, person or ticket's unit; addressee without the role; due in the past),
    CampaignClosed, NotFound for the ticket, RoleMissing.
    """
    ticket = ticket_by_number(session, new.ticket, actor=actor) if new.ticket else None
    unit = _unit(session, new, ticket, actor)
    must_be_allowed(actor, Deed.SUGGEST, at=unit.path)
    campaign = _campaign(session, new, ticket, unit, actor)
    suggestion = Suggestion(
        number=_next_number(session, now),
        campaign=campaign,
        ticket=ticket,
        unit=unit,
        text=new.text,
        issued_by=session.get_one(Person, actor.id),
        issued_at=now,
        addressee=_addressee(session, new.addressee, unit, actor),
        answer_due_at=_due(new.answer_due, now)
        or answer_due(now, level=ticket.level if ticket else None, calendar=calendar_of(session, unit.path)),
        answered_by=None,
    )
    begin(suggestion)
    session.add(suggestion)
    session.flush()
    follow(session, suggestion, now=now, new=True)
    record(
        session,
        suggestion,
        "made",
        actor=actor,
        now=now,
        after=suggestion.state,
        unit=unit,
        addressee=suggestion.addressee,
        ticket=ticket,
        due=suggestion.answer_due_at,
        text=new.text,
    )
    suggestion_notices.made(session, suggestion, now=now)
    return suggestion


def _unit(session: Session, new: NewSuggestion, ticket: Ticket | None, actor: Actor) -> Unit:
    if ticket is None:
        if new.unit is None:
            raise BadInput(
                "/unit",
                "missing",
                zh="须填写单位 unit，或写明隐患单 ticket。",
                en="Name the unit, or the ticket it is about.",
            )
        return unit_by_code(session, new.unit, actor=actor)
    if new.unit is not None and new.unit != ticket.unit.code:
        raise BadInput(
            "/unit",
            "not-the-tickets-unit",
            zh=f"隐患单“{ticket.number}”属于“{ticket.unit.name}”，意见须向该单位提出；可不填单位。",
            en=f"The ticket “{ticket.number}” belongs to “{ticket.unit.name}”, and so does what is suggested about it;"
            " leave the unit out.",
        )
    return ticket.unit


def _campaign(
    session: Session, new: NewSuggestion, ticket: Ticket | None, unit: Unit, actor: Actor
) -> Campaign | None:
    if new.campaign is None or (ticket is not None and ticket.campaign.code == new.campaign):
        return ticket.campaign if ticket else None
    campaign = campaign_by_code(session, new.campaign, actor=actor, pointer="/campaign")
    if ticket is not None or scope_unit_of(session, campaign, unit) is None:
        raise BadInput(
            "/campaign",
            "not-in-scope",
            zh=f"“{ticket.number if ticket else unit.name}”不在“{campaign.name}”的范围内；可不填检查活动。",
            en=f"“{ticket.number if ticket else unit.name}” is not within “{campaign.name}”; leave the campaign out.",
        )
    must_be_open(campaign)
    return campaign


def _addressee(session: Session, login: str, unit: Unit, actor: Actor) -> Person:
    person = person_by_login(session, login, pointer="/addressee")
    held = any(grant.role in ADDRESSEES and unit.path.startswith(grant.unit.path) for grant in person.grants)
    if not held:
        raise BadInput(
            "/addressee",
            "not-an-addressee",
            zh=f"“{person.name}”不是“{unit.name}”的分管领导或安监主管，请另选受文人。",
            en=f"“{person.name}” is neither a leader nor a supervisor of “{unit.name}”; address somebody who is.",
        )
    if person.id == actor.id:
        raise BadInput(
            "/addressee",
            "own-addressee",
            zh="意见不能向自己提出，请另选受文人。",
            en="A suggestion is not made to oneself; address another leader or supervisor.",
        )
    return person


def _due(given: datetime | date | None, now: datetime) -> datetime | None:
    if given is None:
        return None
    due = given if isinstance(given, datetime) else end_of_day(given)
    if due <= now:
        raise BadInput(
            "/answer_due",
            "due-in-past",
            zh="答复期限须晚于现在。",
            en="The answer must be due later than now.",
        )
    return due


def _next_number(session: Session, now: datetime) -> str:
    """工劳监意〔2026〕3号: given out in the transaction, so no gap and never twice."""
    year = local_day(now).year
    row = insert(SuggestionCounter).values(year=year, last=1)
    query = row.on_conflict_do_update(
        index_elements=["year"], set_={"last": SuggestionCounter.last + 1}
    ).returning(SuggestionCounter.last)
    return f"工劳监意〔{year}〕{session.execute(query).scalar_one()}号"


def suggestion_by_key(session: Session, key: str, *, actor: Actor, lock: bool = False) -> Suggestion:
    """The suggestion with this number or id, everybody named in it loaded. Raises NotFound when it is out of sight."""
    try:
        named = Suggestion.id == UUID(key)
    except ValueError:
        named = Suggestion.number == key
    query = select(Suggestion).where(named, suggestions_visible_to(actor)).options(*_whole())
    if lock:
        query = query.with_for_update(of=Suggestion).execution_options(populate_existing=True)
    suggestion = session.scalars(query).one_or_none()
    if suggestion is None:
        raise NotFound(what=key)
    return suggestion


def _whole() -> tuple[ExecutableOption, ...]:
    return (
        joinedload(Suggestion.unit),
        joinedload(Suggestion.campaign),
        joinedload(Suggestion.ticket),
        joinedload(Suggestion.issued_by),
        joinedload(Suggestion.addressee),
        joinedload(Suggestion.answered_by),
    )


def list_suggestions(
    session: Session,
    wanted: SuggestionFilter,
    *,
    actor: Actor,
    now: datetime,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Suggestion]:
    """One page of suggestions the actor may see, newest first. Raises BadInput for a wrong cursor or unknown unit."""
    query = select(Suggestion).where(suggestions_visible_to(actor)).options(*_whole())
    if wanted.unit:
        top = unit_by_code(session, wanted.unit, actor=actor)
        below = select(Unit.id).where(Unit.path.startswith(top.path, autoescape=True))
        query = query.where(Suggestion.unit_id.in_(below))
    if wanted.campaign:
        query = query.where(
            Suggestion.campaign_id.in_(select(Campaign.id).where(Campaign.code == wanted.campaign))
        )
    if wanted.ticket:
        query = query.where(Suggestion.ticket_id.in_(select(Ticket.id).where(Ticket.number == wanted.ticket)))
    if wanted.state:
        query = query.where(Suggestion.state.in_(wanted.state))
    if wanted.overdue is not None:
        late = unanswered_late(now)
        query = query.where(late if wanted.overdue else ~late)
    return page_of(session, query, Key(Suggestion.id, UUID), limit=limit, cursor=cursor, newest_first=True)


def suggestions_about(session: Session, ticket: Ticket, *, actor: Actor) -> list[Suggestion]:
    """What the union suggested about this ticket, oldest first."""
    query = select(Suggestion).where(Suggestion.ticket_id == ticket.id, suggestions_visible_to(actor))
    return list(session.scalars(query.options(*_whole()).order_by(Suggestion.id)))


def suggestion_counts(
    session: Session, campaign: Campaign, *, actor: Actor, now: datetime, within: str | None = None
) -> SuggestionCounts:
    """How the campaign's suggestions in the actor's sight stand, in one query.

    `within`: of the units whose path begins so.
    """
    given = {"campaign": campaign.id, "now": now}
    return SuggestionCounts(*session.execute(_counted(actor, within), given).one())


@lru_cache(maxsize=256)
def _counted(actor: Actor, within: str | None) -> Select[Any]:
    inside = Unit.path.startswith(within, autoescape=True) if within else None
    units = true() if inside is None else Suggestion.unit_id.in_(select(Unit.id).where(inside))
    late = unanswered_late(bindparam("now", type_=DateTime(timezone=True)))
    return select(
        func.count(),
        func.count(Suggestion.answered_at),
        func.count().filter(Suggestion.adopted.is_(True)),
        func.count().filter(late),
    ).where(Suggestion.campaign_id == bindparam("campaign"), suggestions_visible_to(actor), units)


# What happens to it. The row must be locked, so that two answers follow each other.


def answer(
    session: Session, suggestion: Suggestion, told: SuggestionAnswer, *, actor: Actor, now: datetime
) -> Suggestion:
    """答复: adopted, or the reason why not. Raises AnswerMissing, NotTheAddressee, WrongState."""
    before = suggestion.state
    move(suggestion, SuggestionEvent.ANSWER, actor=actor, now=now, adopted=told.adopted, answer=told.answer)
    suggestion.adopted, suggestion.answer = told.adopted, told.answer
    # By key: looking a person up would write the row half answered.
    suggestion.answered_by_id, suggestion.answered_at = actor.id, now
    _done(session, suggestion, "answer", before, actor=actor, now=now, **told.model_dump())
    return suggestion


def dispute(
    session: Session, suggestion: Suggestion, told: Dispute, *, actor: Actor, now: datetime
) -> Suggestion:
    """提出异议: a written explanation is due within seven days. Raises NotTheUnion, ReasonMissing, WrongState."""
    before = suggestion.state
    move(suggestion, SuggestionEvent.DISPUTE, actor=actor, now=now, reason=told.reason)
    suggestion.dispute, suggestion.disputed_at = told.reason, now
    suggestion.answer_due_at = _after(
        local_day(now), EXPLANATION_DAYS, calendar_of(session, suggestion.unit.path)
    )
    due = suggestion.answer_due_at
    _done(session, suggestion, "dispute", before, actor=actor, now=now, reason=told.reason, due=due)
    return suggestion


def explain(
    session: Session, suggestion: Suggestion, told: Explanation, *, actor: Actor, now: datetime
) -> Suggestion:
    """书面说明 of a disputed answer. Raises AnswerMissing, NotTheAddressee, WrongState."""
    before = suggestion.state
    move(suggestion, SuggestionEvent.EXPLAIN, actor=actor, now=now, answer=told.answer)
    suggestion.explanation = told.answer
    suggestion.adopted = suggestion.adopted or told.adopt
    adopted = suggestion.adopted
    _done(session, suggestion, "explain", before, actor=actor, now=now, answer=told.answer, adopted=adopted)
    return suggestion


def settle(session: Session, suggestion: Suggestion, *, actor: Actor, now: datetime) -> Suggestion:
    """了结: the union accepts the answer. Raises NotTheUnion, WrongState."""
    before = suggestion.state
    move(suggestion, SuggestionEvent.SETTLE, actor=actor, now=now)
    suggestion.settled_at = now
    _done(session, suggestion, "settle", before, actor=actor, now=now)
    return suggestion


def _done(
    session: Session,
    suggestion: Suggestion,
    event: str,
    before: SuggestionState,
    *,
    actor: Actor,
    now: datetime,
    **facts: object,
) -> None:
    """What every event ends with: the row written, its history, and whom it concerns told."""
    follow(session, suggestion, now=now)
    session.flush()
    session.refresh(suggestion, ["answered_by"])
    record(session, suggestion, event, actor=actor, now=now, before=before, after=suggestion.state, **facts)
    suggestion_notices.happened(session, suggestion, event, now=now)
