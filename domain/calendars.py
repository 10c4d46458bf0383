"""The calendars of the nation, of units and of shifts as they stand now, and what each says of a day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.records import Calendar, CalendarDay, Unit
from domain.workdays import ONE_DAY, Marked, Sheet, WorkCalendar, Workday
from statemachines.labels import local_day

ALARM_MONTH = 12
"""From 1 December on a missing notice for the next year is an alarm: it is announced in November (rules 6.1)."""


@dataclass(slots=True)
class _Edition:
    """A calendar in force, before its days are bound to it."""

    unit_path: str | None
    year: int | None
    name: str
    cycle: Sequence[bool]
    cycle_from: date
    days: dict[date, Marked]


class Calendars:
    """Every calendar in force, read once; gives each unit its own view of the year."""

    def __init__(self, session: Session) -> None:
        self._editions = list(_in_force(session))
        self._made: dict[tuple[int, ...], WorkCalendar] = {}
        self._national = {
            each.year: _sheet([each])
            for each in self._editions
            if each.unit_path is None and each.year is not None
        }

    def at(self, unit_path: str) -> WorkCalendar:
        """The working days of the unit with this path: its own calendars and those above it, then the nation's."""
        above = [
            number
            for number, each in enumerate(self._editions)
            if each.unit_path is not None and unit_path.startswith(each.unit_path)
        ]
        key = tuple(above)
        if key not in self._made:
            by_unit: dict[str, list[_Edition]] = {}
            for number in above:
                edition = self._editions[number]
                by_unit.setdefault(edition.unit_path or "", []).append(edition)
            nearest_first = sorted(by_unit, key=len, reverse=True)
            self._made[key] = WorkCalendar([_sheet(by_unit[path]) for path in nearest_first], self._national)
        return self._made[key]

    def known(self, year: int) -> bool:
        """Whether the nation's working days of that year are final."""
        return not self.at("/").day(date(year, 10, 8)).provisional


def _in_force(session: Session) -> Iterable[_Edition]:
    rows = session.execute(
        select(
            Calendar.id,
            Unit.path,
            Calendar.year,
            Calendar.name,
            Calendar.cycle,
            Calendar.cycle_from,
            CalendarDay.day,
            CalendarDay.working,
            CalendarDay.name,
        )
        .outerjoin(Unit, Unit.id == Calendar.unit_id)
        .outerjoin(CalendarDay, CalendarDay.calendar_id == Calendar.id)
        .where(Calendar.superseded_at.is_(None))
        .order_by(Calendar.id, CalendarDay.day)
    )
    editions: dict[UUID, _Edition] = {}
    for key, path, year, name, cycle, cycle_from, day, working, called in rows:
        edition = editions.get(key)
        if edition is None:
            edition = editions[key] = _Edition(path, year, name, cycle or (), cycle_from or date.min, {})
        if day is not None:
            edition.days[day] = Marked(working, called)
    return editions.values()


def _sheet(editions: Sequence[_Edition]) -> Sheet:
    """One unit's calendars of several years, and the cycle of its shift, as one sheet."""
    days = {day: marked for each in editions for day, marked in each.days.items()}
    shift = next((each for each in editions if each.cycle), None)
    named = shift or editions[-1]
    return Sheet(named.name, days, tuple(named.cycle), named.cycle_from)


def calendar_of(session: Session, unit_path: str) -> WorkCalendar:
    """The working days of one unit; the calendars are read once for each session."""
    known = session.info.get(_KEY)
    if known is None:
        known = session.info[_KEY] = Calendars(session)
    return known.at(unit_path)


_KEY = "calendars"


def forget_calendars(session: Session) -> None:
    """After an import: what this session read before no longer holds."""
    session.info.pop(_KEY, None)


@dataclass(frozen=True, slots=True)
class Explained:
    """A period: the day it ends on, each day passed over with its reason, and whether the calendar may still move."""

    start: date
    end: date
    days: int
    skipped: tuple[Workday, ...]
    provisional: bool


def period(calendar: WorkCalendar, start: date, days: int, *, workdays: bool) -> Explained:
    """Where a period of `days` from `start` ends (the start day is not counted, 民法典 Art. 201), and why there.

    `workdays`: only working days count. Otherwise all days count, and a last day off moves to the next working day
    (Art. 203); a period back in time ends on the working day before.
    """
    if workdays:
        end = calendar.add(start, days)
    else:
        end = start + ONE_DAY * days
        if days and not calendar.is_workday(end):
            end = calendar.next(end) if days > 0 else calendar.previous(end)
    looked_at = _between(calendar, start, end)
    # Where all days count, only those the last one moved over were passed.
    passed = [
        each for each in looked_at if not each.working and (workdays or (each.day - start).days / days >= 1)
    ]
    return Explained(start, end, days, tuple(passed), any(each.provisional for each in looked_at))


def _between(calendar: WorkCalendar, start: date, end: date) -> list[Workday]:
    first, last = min(start, end), max(start, end)
    return [
        calendar.day(first + ONE_DAY * n)
        for n in range((last - first).days + 1)
        if first + ONE_DAY * n != start
    ]


def special_days(session: Session, unit: Unit | None, year: int) -> list[Workday]:
    """The days of a year on which it is otherwise than the weekday says: holidays, make-up days, the unit's own."""
    calendar = calendar_of(session, unit.path if unit else "/")
    days = (date(year, 1, 1) + ONE_DAY * n for n in range(366))
    looked_up = (calendar.day(day) for day in days if day.year == year)
    return [
        each for each in looked_up if each.source or each.working != (each.day.weekday() < 5) or _named(each)
    ]


def _named(day: Workday) -> bool:
    return not day.zh.startswith("周")


@dataclass(frozen=True, slots=True)
class CalendarAlarm:
    """The notice of `year` is not known although the year is near; deadlines into it are provisional."""

    year: int


def missing_year(session: Session, *, now: datetime) -> CalendarAlarm | None:
    """From 1 December the next year is missed when it is unknown, and this year whenever it is."""
    today = local_day(now)
    calendars = Calendars(session)
    for year in (today.year, today.year + 1) if today.month >= ALARM_MONTH else (today.year,):
        if not calendars.known(year):
            return CalendarAlarm(year)
    return None


def editions(session: Session, *, unit: Unit | None, year: int | None = None) -> list[Calendar]:
    """Every edition of a unit's (or the nation's) calendars, newest first; superseded ones too."""
    query = select(Calendar).where(
        Calendar.unit_id == unit.id if unit is not None else Calendar.unit_id.is_(None)
    )
    if year is not None:
        query = query.where(Calendar.year == year)
    return list(session.scalars(query.order_by(Calendar.imported_at.desc(), Calendar.id.desc())))
