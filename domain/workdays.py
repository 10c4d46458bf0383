"""Working days: national holidays and make-up days (调休) as data, and a provisional answer where no data exist yet.

A day is looked up in this order (domain rules 6.2): the nearest unit that says something about it, by a named day or by
the cycle of its shift; the national notice imported here for that year; the notice as the library knows it
(chinesecalendar, 2004 to the last published year); the statutory holidays computed by law (holidays); Monday to Friday.
The last two know no 调休, so their answers are provisional: the dates may move when the notice for that year is
published. No year fails.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache, lru_cache

import chinese_calendar
import holidays

from statemachines.labels import Language

__all__ = ["NATIONAL", "ONE_DAY", "Marked", "Sheet", "WorkCalendar", "Workday"]

ONE_DAY = timedelta(days=1)

_WEEKDAYS = (
    ("周一", "Monday"),
    ("周二", "Tuesday"),
    ("周三", "Wednesday"),
    ("周四", "Thursday"),
    ("周五", "Friday"),
    ("周六", "Saturday"),
    ("周日", "Sunday"),
)


@dataclass(frozen=True, slots=True)
class Workday:
    """Whether people work on a day and what the day is called ("清明", "调休上班（春节）", "周三").

    `provisional`: the notice for that year is not known, so 调休 may still change the answer. `source` is the calendar
    that decided, "" for a plain weekday or the library.
    """

    day: date
    working: bool
    zh: str
    en: str
    provisional: bool = False
    source: str = ""

    def name(self, language: Language) -> str:
        """The day's name for a reader of that language."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True)
class Marked:
    """What a calendar says of one day; an empty name is told in words of ours."""

    working: bool
    name: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What one calendar says: single days, and for a shift the cycle repeated from `cycle_from` on."""

    name: str
    days: Mapping[date, Marked] = field(default_factory=dict)
    cycle: Sequence[bool] = ()
    cycle_from: date = date.min

    def says(self, day: date) -> Workday | None:
        """The answer of this calendar; None when it says nothing of the day."""
        if (marked := self.days.get(day)) is not None:
            named = (marked.name, marked.name) if marked.name else _OWN[marked.working]
            return Workday(day, marked.working, *named, source=self.name)
        if self.cycle and day >= self.cycle_from:
            working = bool(self.cycle[(day - self.cycle_from).days % len(self.cycle)])
            return Workday(day, working, *_SHIFT[working], source=self.name)
        return None


_OWN = {True: ("本单位上班", "working day of the unit"), False: ("本单位休息", "day off of the unit")}
_SHIFT = {True: ("当班", "on shift"), False: ("轮休", "off shift")}


class WorkCalendar:
    """The working days of one unit: its own sheets, nearest first, over the nation's (`national`, by year)."""

    def __init__(self, own: Sequence[Sheet] = (), national: Mapping[int, Sheet] | None = None) -> None:
        self._own = tuple(own)
        self._national = dict(national or {})
        self._known: dict[date, Workday] = {}

    def day(self, day: date) -> Workday:
        """Look one day up. Never raises, whatever the year."""
        found = self._known.get(day)
        if found is None:
            found = self._known[day] = self._look_up(day)
        return found

    def is_workday(self, day: date) -> bool:
        """Whether people work on that day."""
        return self.day(day).working

    def next(self, day: date) -> date:
        """The first working day after `day`."""
        return self.add(day, 1)

    def previous(self, day: date) -> date:
        """The last working day before `day`."""
        return self.add(day, -1)

    def add(self, day: date, count: int) -> date:
        """The `count`-th working day after `day`, before it when negative; `day` itself is not counted and is the
        answer for 0. Stops at the first and last day there is, and after ten years in which nobody works.
        """
        step, last = (ONE_DAY, date.max) if count > 0 else (-ONE_DAY, date.min)
        left, idle = abs(count), 0
        while left and day != last and idle < _NOBODY_WORKS:
            day += step
            working = self.is_workday(day)
            left -= working
            idle = 0 if working else idle + 1
        return day

    def _look_up(self, day: date) -> Workday:
        for sheet in self._own:
            if (said := sheet.says(day)) is not None:
                return said
        if (notice := self._national.get(day.year)) is not None:
            return notice.says(day) or Workday(
                day, day.weekday() < 5, *_WEEKDAYS[day.weekday()], source=notice.name
            )
        return _national(day)


_NOBODY_WORKS = 3660
"""Days off in a row after which looking on is pointless (a calendar marked wrongly)."""


@lru_cache(maxsize=4096)
def _national(day: date) -> Workday:
    try:
        holiday, occasion = chinese_calendar.get_holiday_detail(day)
    except NotImplementedError:  # the library's word for a year whose notice it does not know
        return _provisional(day)
    if occasion is None:
        return Workday(day, not holiday, *_WEEKDAYS[day.weekday()])
    zh = _occasions().get(occasion, occasion)
    if holiday:
        return Workday(day, working=False, zh=zh, en=occasion)
    return Workday(day, working=True, zh=f"调休上班（{zh}）", en=f"make-up working day ({occasion})")


@cache
def _occasions() -> dict[str, str]:
    """English name → Chinese name of the holidays chinesecalendar knows."""
    return {holiday.value: holiday.chinese for holiday in chinese_calendar.Holiday}


def _provisional(day: date) -> Workday:
    """By law, without 调休: the statutory holidays where they can be computed, and weekends."""
    if zh := _statutory("zh_CN").get(day):
        en = str(_statutory("en_US").get(day))
        return Workday(day, working=False, zh=zh, en=en, provisional=True)
    return Workday(day, day.weekday() < 5, *_WEEKDAYS[day.weekday()], provisional=True)


@cache
def _statutory(language: str) -> holidays.HolidayBase:
    """Filled year by year as days are asked for."""
    return holidays.country_holidays("CN", language=language)


NATIONAL = WorkCalendar()
"""The nation's calendar as the libraries know it, for where no unit and no database is at hand."""
