"""The list behind a figure: for every figure of the status a condition that finds exactly the tickets it counts.

The counts themselves come another way (domain/standings.py); tests compare the two on random data.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from domain.records import Chase, Matter, Ticket, Unit
from statemachines.labels import LOCAL, Level, local_day
from statemachines.ticket import TicketState

SOON = timedelta(days=7)
"""What falls due within this time falls due soon."""

OPEN = (TicketState.FOUND, TicketState.ASSIGNED, TicketState.FIXED)
"""Not ended: neither verified nor cancelled."""

DONE = (TicketState.FIXED, TicketState.VERIFIED)
"""Reported as fixed, whether re-checked yet or not."""


Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2199, 12, 31))]


class DueIn(StrEnum):
    """When a running ticket falls due, seen from now."""

    SEVEN_DAYS = "seven-days"
    THIS_WEEK = "this-week"
    """Before the end of Sunday, Asia/Shanghai."""
    NO_DATE = "no-date"
    """Open and without any deadline."""


class FigureFilter(BaseModel):
    """What the figures are narrowed by; days are calendar days in Asia/Shanghai, first and last included.

    `at` is the unit itself without those below it. A `category` of the first rank (生产设备) means all below it,
    `category_exactly` just what was written so.
    `fixed_in_time` compares with the first deadline, `fixed_in_current_time` with the present one; both only of what
    is fixed or verified. `rechecked` was re-checked at least once, `passed_first` verified without a return.
    `five_assured` are hazards at major level, not cancelled, whose five assurances (五落实) are in place, or not.
    `step` is the step of the ladder climbed last in the present turn of a matter, written `deadline:overdue`.
    """

    at: str | None = Field(default=None, max_length=24)
    category: list[str] = Field(default_factory=list, max_length=50)
    category_exactly: list[str] = Field(default_factory=list, max_length=50)
    found_from: Day | None = None
    found_to: Day | None = None
    verified_from: Day | None = None
    verified_to: Day | None = None
    due_in: DueIn | None = None
    fixed_in_time: bool | None = None
    fixed_in_current_time: bool | None = None
    rechecked: bool | None = None
    passed_first: bool | None = None
    returned_at_least: int | None = Field(default=None, ge=0, le=1000)
    on_the_spot: bool | None = None
    carried_in: bool | None = None
    five_assured: bool | None = None
    step: str | None = Field(default=None, pattern=r"^[a-z_]{1,32}:[a-z0-9][a-z0-9-]{0,31}$")


def week_begins(day: date) -> date:
    """The Monday of the week a day is in."""
    return day - timedelta(days=day.weekday())


def midnight(day: date) -> datetime:
    """The moment a day begins in Asia/Shanghai."""
    return datetime.combine(day, time.min, tzinfo=LOCAL)


def next_week_begins(now: datetime) -> datetime:
    """The moment this week is over: Monday, 00:00 in Asia/Shanghai."""
    return midnight(week_begins(local_day(now)) + timedelta(days=7))


def _yes_or_no(condition: ColumnElement[bool]) -> Callable[[bool], ColumnElement[bool]]:
    return lambda wanted: condition if wanted else func.coalesce(~condition, True)


def due_in(when: DueIn, now: datetime) -> ColumnElement[bool]:
    """The running tickets that fall due then; `no-date`: the open ones without a deadline."""
    if when is DueIn.NO_DATE:
        return and_(Ticket.state.in_(OPEN), Ticket.due_at.is_(None))
    running = and_(Ticket.state == TicketState.ASSIGNED, Ticket.due_at >= now)
    if when is DueIn.THIS_WEEK:
        return and_(running, Ticket.due_at < next_week_begins(now))
    return and_(running, Ticket.due_at < now + SOON)


def _in_category(names: list[str]) -> ColumnElement[bool]:
    below = (Ticket.category.startswith(f"{name}/", autoescape=True) for name in names)
    return or_(Ticket.category.in_(names), *below)


_assured = and_(
    Ticket.state.not_in((TicketState.FOUND,)),
    Ticket.assignee_id.is_not(None),
    Ticket.duty != "",
    Ticket.measure != "",
    Ticket.due_at.is_not(None),
    Ticket.budget.is_not(None),
    Ticket.emergency_plan != "",
)
_major = and_(Ticket.level == Level.MAJOR, Ticket.state != TicketState.CANCELLED)


def on_step(matter: str, code: str) -> ColumnElement[bool]:
    """Tickets with an open matter whose step climbed last, in its present turn, has this code."""
    return exists().where(
        Chase.ticket_id == Ticket.id,
        Chase.matter == matter,
        Chase.last_step == code,
        Chase.last_turn == Chase.turn,
    )


_TRUE_OR_FALSE: dict[str, Callable[[bool], ColumnElement[bool]]] = {
    "fixed_in_time": lambda wanted: and_(
        Ticket.state.in_(DONE), _yes_or_no(Ticket.fixed_at <= Ticket.first_due_at)(wanted)
    ),
    "fixed_in_current_time": lambda wanted: and_(
        Ticket.state.in_(DONE), _yes_or_no(Ticket.fixed_at <= Ticket.due_at)(wanted)
    ),
    "rechecked": _yes_or_no(or_(Ticket.state == TicketState.VERIFIED, Ticket.return_count > 0)),
    "passed_first": _yes_or_no(and_(Ticket.state == TicketState.VERIFIED, Ticket.return_count == 0)),
    "on_the_spot": _yes_or_no(and_(Ticket.on_the_spot, Ticket.state != TicketState.CANCELLED)),
    "carried_in": _yes_or_no(Ticket.origin_campaign_id != Ticket.campaign_id),
    "five_assured": lambda wanted: and_(_major, _yes_or_no(_assured)(wanted)),
}


def _days(column: Any, first: date | None, last: date | None) -> list[ColumnElement[bool]]:
    found = []
    if first is not None:
        found.append(column >= midnight(first))
    if last is not None:
        found.append(column < midnight(last + timedelta(days=1)))
    return found


def figure_conditions(wanted: FigureFilter, *, now: datetime) -> list[ColumnElement[bool]]:
    """The filter's conditions over tickets, to be met all at once."""
    found = [
        condition(value)
        for name, condition in _TRUE_OR_FALSE.items()
        if (value := getattr(wanted, name)) is not None
    ]
    if wanted.at:
        found.append(Ticket.unit_id == select(Unit.id).where(Unit.code == wanted.at).scalar_subquery())
    if wanted.category:
        found.append(_in_category(wanted.category))
    if wanted.category_exactly:
        found.append(Ticket.category.in_(wanted.category_exactly))
    found += _days(Ticket.found_at, wanted.found_from, wanted.found_to)
    found += _days(Ticket.verified_at, wanted.verified_from, wanted.verified_to)
    if wanted.due_in is not None:
        found.append(due_in(wanted.due_in, now))
    if wanted.returned_at_least is not None:
        found.append(Ticket.return_count >= wanted.returned_at_least)
    if wanted.step:
        matter, code = wanted.step.split(":", 1)
        found.append(on_step(matter, code) if matter in set(Matter) else Ticket.id.is_(None))
    return found
