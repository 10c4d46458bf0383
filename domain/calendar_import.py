"""Calendars people send: an iCalendar file or a table `day,working,name`, for the nation's year, a unit, or a shift.

Every import is a new edition. The deadlines it moves are shown first (`preview`) and moved with it (`put_calendar`),
each with its history and a notice; those a person set, and those already past, stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Self

import icalendar
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, joinedload

from domain import notices
from domain.calendars import Calendars, forget_calendars
from domain.chases import follow, hold, replan_all
from domain.deadlines import Due, due_again
from domain.errors import BadInput, explain, wrong
from domain.history import record
from domain.people import unit_by_code
from domain.phases import Day
from domain.records import Calendar, CalendarDay, Campaign, Chase, Replanning, Ticket, Unit
from domain.rights import Deed, must_be_allowed
from domain.tables import read_table
from domain.tickets import RUNNING
from domain.workdays import ONE_DAY
from statemachines.roles import SYSTEM, Actor

LONGEST_EVENT = 31
"""Days one entry of an iCalendar file may last; a longer one is a mistake in the file."""

_WORKED = ("班", "调休上班", "补班", "工作日", "workday", "working day", "make-up")
_OFF = ("休", "假", "节", "holiday", "day off", "off")

_YES = {"1", "true", "yes", "y", "是", "上班", "班", "workday", "work"}
_NO = {"0", "false", "no", "n", "否", "休息", "休", "放假", "holiday", "off"}


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class NewDay(_Told):
    """A day on which it is otherwise than the calendars above say."""

    day: Day
    working: bool
    name: str = Field(default="", max_length=60)


class NewShift(_Told):
    """倒班: `cycle` (true: at work) repeats from `start` on."""

    cycle: list[bool] = Field(min_length=2, max_length=60)
    start: Day

    @model_validator(mode="after")
    def _somebody_works(self) -> Self:
        if not any(self.cycle):
            raise wrong(
                "nobody-works", zh="一轮倒班里至少要有一天当班。", en="Somebody works in every cycle."
            )
        return self


class NewCalendar(_Told):
    """A calendar to put in force. Without `unit` it is the nation's for `year`; with it, that unit's and all below.

    `days` must lie in `year`. A shift has no year, and no days.
    """

    name: str = Field(min_length=1, max_length=100)
    unit: Annotated[str | None, Field(max_length=24)] = None
    year: Annotated[int | None, Field(ge=2004, le=2100)] = None
    days: list[NewDay] = Field(default_factory=list, max_length=366)
    shift: NewShift | None = None
    source: str = Field(default="", max_length=200)

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if self.shift is not None:
            if self.unit is None or self.days or self.year:
                raise wrong(
                    "shift-alone",
                    zh="倒班只属于一个单位（unit），不写年份，也不列日期。",
                    en="A shift belongs to one unit, has no year and lists no days.",
                )
            return self
        if self.year is None or not self.days:
            raise wrong(
                "year-and-days",
                zh="须写明年份（year）并至少列一天（days）。",
                en="Give the year and at least one of its days.",
            )
        seen: set[date] = set()
        for each in self.days:
            if each.day.year != self.year:
                raise wrong(
                    "other-year",
                    zh=f"{each.day}不在{self.year}年，每年一份日历。",
                    en=f"{each.day} is not in {self.year}; each year has its own calendar.",
                )
            if each.day in seen:
                raise wrong("day-twice", zh=f"{each.day}列了两次。", en=f"{each.day} is listed twice.")
            seen.add(each.day)
        return self


# Reading files.


@dataclass(frozen=True, slots=True)
class RowFault:
    """A line or entry of a file that cannot be used."""

    line: int
    zh: str
    en: str


class UnreadableCalendar(BadInput):
    """The file was not imported; every bad line is named."""

    def __init__(self, faults: Sequence[RowFault]) -> None:
        zh = "".join(f"第{each.line}条：{each.zh}" for each in faults[:20])
        en = " ".join(f"Entry {each.line}: {each.en}" for each in faults[:20])
        super().__init__(
            "/file", "unreadable-calendar", zh=f"未导入任何内容。{zh}", en=f"Nothing was imported. {en}"
        )
        self.faults = tuple(faults)


def read_days(data: bytes) -> list[NewDay]:
    """The days of an iCalendar, CSV or XLSX file. Raises UnreadableCalendar naming each bad entry, BadInput."""
    if data.lstrip()[:15].upper().startswith(b"BEGIN:VCALENDAR"):
        return _read_ics(data)
    return _read_rows(data)


def _read_ics(data: bytes) -> list[NewDay]:
    try:
        parsed = icalendar.Calendar.from_ical(data)
    except ValueError as error:
        fault = RowFault(1, f"不是合格的 iCalendar 文件（{error}）。", f"not a valid file: {error}.")
        raise UnreadableCalendar([fault]) from error
    days: list[NewDay] = []
    faults: list[RowFault] = []
    for place, event in enumerate(parsed.walk("VEVENT"), start=1):
        try:
            days += _days_of_event(event)
        except _Unclear as unclear:
            faults.append(RowFault(place, unclear.zh, unclear.en))
    if not days and not faults:
        faults = [RowFault(1, "文件里没有日期。", "the file has no days.")]
    if faults:
        raise UnreadableCalendar(faults)
    return days


class _Unclear(Exception):
    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


def _days_of_event(event: icalendar.Component) -> Iterator[NewDay]:
    begins = event.get("DTSTART")
    if begins is None:
        raise _Unclear("没有开始日期 DTSTART。", "it has no DTSTART.")
    first = _day_of(begins.dt)
    ends = event.get("DTEND")
    # RFC 5545 3.6.1: the end of an all-day event is the day after its last.
    last = first if ends is None else max(first, _day_of(ends.dt) - ONE_DAY)
    if (last - first).days >= LONGEST_EVENT:
        zh, en = (
            f"从{first}到{last}超过{LONGEST_EVENT}天。",
            f"{first} to {last} is over {LONGEST_EVENT} days.",
        )
        raise _Unclear(zh, en)
    name = str(event.get("SUMMARY", "")).strip()
    working = _works(name, event)
    for number in range((last - first).days + 1):
        yield NewDay(day=first + timedelta(days=number), working=working, name=name[:60])


def _day_of(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _works(name: str, event: icalendar.Component) -> bool:
    categories = event.get("CATEGORIES")
    said = f"{name} {categories.to_ical().decode() if categories is not None else ''}".lower()
    if any(word in said for word in _WORKED):
        return True
    if any(word in said for word in _OFF):
        return False
    raise _Unclear(
        f"“{name}”看不出是上班还是休息，请在标题里写明“班”或“休”。",
        f"“{name}” does not say whether people work; write 班/workday or 休/holiday into its title.",
    )


def _read_rows(data: bytes) -> list[NewDay]:
    table = read_table(data)
    if missing := [column for column in ("day", "working") if column not in table.columns]:
        raise BadInput(
            "/file",
            "column-missing",
            zh=f"缺少列：{'、'.join(missing)}；需要 day,working,name。",
            en=f"Missing columns: {', '.join(missing)}; day,working,name are needed.",
        )
    days: list[NewDay] = []
    faults: list[RowFault] = []
    for row in table.rows:
        said = row.cells.get("working", "").lower()
        if said not in _YES | _NO:
            zh, en = f"working 须为 是/否，不能是“{said}”。", f"working is yes or no, not “{said}”."
            faults.append(RowFault(row.line, zh, en))
            continue
        try:
            days.append(
                NewDay(day=row.cells.get("day", ""), working=said in _YES, name=row.cells.get("name", ""))
            )
        except ValidationError as error:
            zh, en = (explain(error.errors(), language)[0].sentence for language in ("zh", "en"))
            faults.append(RowFault(row.line, zh, en))
    if faults:
        raise UnreadableCalendar(faults)
    return days


# Putting it in force.


@dataclass(frozen=True, slots=True)
class Move:
    """A deadline that moves: of which ticket (its number and unit's code), from when to when, past which days off."""

    number: str
    unit: str
    before: datetime
    due: Due
    ticket: Ticket


def preview(session: Session, new: NewCalendar, *, actor: Actor, now: datetime) -> list[Move]:
    """The open deadlines this calendar would move, by number; nothing is written.

    Raises BadInput for an unknown unit, RoleMissing.
    """
    with session.begin_nested() as trial:
        unit = _unit(session, new, actor)
        _supersede(session, new, unit, actor=actor, now=now)
        session.flush()
        moves = _moves(session, unit, now=now)
        trial.rollback()
    forget_calendars(session)
    return moves


def put_calendar(
    session: Session, new: NewCalendar, *, actor: Actor, now: datetime
) -> tuple[Calendar, list[Move]]:
    """Put a calendar in force and move the open deadlines it moves, each with history and notice.

    The next step of whatever else is chased there is found anew: a reminder counted in working days comes on another
    day although its deadline stays. Raises BadInput for an unknown unit, RoleMissing.
    """
    unit = _unit(session, new, actor)
    chased = _chased(unit)
    held = hold(session, chased)
    calendar = _supersede(session, new, unit, actor=actor, now=now)
    session.flush()
    record(
        session,
        calendar,
        "imported",
        actor=actor,
        now=now,
        unit=unit,
        year=new.year,
        edition=calendar.edition,
        days=len(new.days) or None,
        source=new.source or None,
    )
    moves = _moves(session, unit, now=now)
    for move in moves:
        _apply(session, move, calendar, actor=actor, now=now)
    session.add(Replanning(calendar_id=calendar.id))
    session.flush()
    replan_all(session, chased, held, now=now)
    return calendar, moves


def calendar_again(session: Session, calendar: Calendar, *, now: datetime) -> None:
    """Once more what putting it in force did, for what others were assigning and planning by the one before."""
    unit = session.get(Unit, calendar.unit_id) if calendar.unit_id else None
    chased = _chased(unit)
    held = hold(session, chased)
    for move in _moves(session, unit, now=now):
        _apply(session, move, calendar, actor=SYSTEM, now=now)
    session.flush()
    replan_all(session, chased, held, now=now)


def _chased(unit: Unit | None) -> ColumnElement[bool]:
    """The chases that keep this unit's calendar, the nation's without one."""
    below = select(Unit.id).where(func.starts_with(Unit.path, unit.path)) if unit else select(Unit.id)
    return Chase.unit_id.in_(below)


def _unit(session: Session, new: NewCalendar, actor: Actor) -> Unit | None:
    """The unit it is for, at which the actor must hold the right; the nation's needs it at the root."""
    unit = unit_by_code(session, new.unit, actor=actor) if new.unit else None
    must_be_allowed(actor, Deed.IMPORT_CALENDAR, at=unit.path if unit else "/")
    return unit


def _supersede(
    session: Session, new: NewCalendar, unit: Unit | None, *, actor: Actor, now: datetime
) -> Calendar:
    """The new edition, in force from now on; the one before stays on record."""
    # Two imports of one calendar follow each other; the lock ends with the transaction.
    key = f"calendar {unit.code if unit else ''} {new.year or ''}"
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))
    same = (
        Calendar.unit_id == unit.id if unit else Calendar.unit_id.is_(None),
        Calendar.year == new.year if new.year else Calendar.year.is_(None),
    )
    earlier = session.scalars(select(Calendar).where(*same).order_by(Calendar.edition)).all()
    for each in earlier:
        each.superseded_at = each.superseded_at or now
    session.flush()
    calendar = Calendar(
        unit_id=unit.id if unit else None,
        year=new.year,
        edition=1 + max((each.edition for each in earlier), default=0),
        name=new.name,
        source=new.source,
        cycle=new.shift.cycle if new.shift else None,
        cycle_from=new.shift.start if new.shift else None,
        imported_at=now,
        imported_by_id=actor.id,
        superseded_at=None,
        days=[CalendarDay(day=each.day, working=each.working, name=each.name) for each in new.days],
    )
    session.add(calendar)
    forget_calendars(session)
    return calendar


def _moves(session: Session, unit: Unit | None, *, now: datetime) -> list[Move]:
    calendars = Calendars(session)
    query = (
        select(Ticket)
        .join(Unit, Unit.id == Ticket.unit_id)
        .where(Ticket.state.in_(RUNNING), Ticket.due_basis.is_not(None), Ticket.due_at > now)
        .options(
            joinedload(Ticket.unit),
            joinedload(Ticket.assignee),
            joinedload(Ticket.campaign).joinedload(Campaign.unit),
        )
        .order_by(Ticket.number)
        .with_for_update(of=Ticket, key_share=True)
    )
    if unit is not None:
        query = query.where(func.starts_with(Unit.path, unit.path))
    moves = []
    for ticket in session.scalars(query):
        assert ticket.due_basis is not None
        due = due_again(ticket.due_basis, calendars.at(ticket.unit.path))
        assert ticket.due_at is not None
        # A deadline is never moved into the past: what was promised until today stays.
        if due.at != ticket.due_at and due.at > now:
            moves.append(Move(ticket.number, ticket.unit.code, ticket.due_at, due, ticket))
    return moves


def _apply(session: Session, move: Move, calendar: Calendar, *, actor: Actor, now: datetime) -> None:
    ticket = move.ticket
    ticket.due_at, ticket.due_basis = move.due.at, move.due.basis()
    ticket.due_version += 1
    follow(session, ticket, now=now)
    record(
        session,
        ticket,
        "recalendar",
        actor=actor,
        now=now,
        before=ticket.state,
        after=ticket.state,
        calendar=calendar.name,
        edition=calendar.edition,
        previous_due=move.before,
        due=ticket.due_at,
        skipped=[each.day for each in move.due.explanation] or None,
    )
    notices.recalendared(session, ticket, previous=move.before, calendar=calendar.name, now=now)
