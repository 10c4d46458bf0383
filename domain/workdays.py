"""Working days: national holidays and make-up days (调休) as data, and a provisional answer where no data
exist yet.

A day is looked up in this order (domain rules 6.2): overrides given by the caller, then the State
Council's yearly notice (chinesecalendar, 2004 to the last published year), then the statutory holidays
computed by law (holidays), then Monday to Friday. The last two know no 调休, so their answers are marked
provisional: the dates may move when the notice for that year is published. No year fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache

import chinese_calendar
import holidays

from statemachines.labels import Language

__all__ = [
    "NO_OVERRIDES",
    "Overrides",
    "Workday",
    "add_workdays",
    "is_workday",
    "next_workday",
    "previous_workday",
]

Overrides = Mapping[date, bool]
"""A unit's own calendar: day → whether people work on it. It goes before everything else."""

NO_OVERRIDES: Overrides = {}

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

    `provisional`: the notice for that year is not known, so 调休 may still change the answer.
    """

    day: date
    working: bool
    zh: str
    en: str
    provisional: bool = False

    def name(self, language: Language) -> str:
        """The day's name for a reader of that language."""
        return self.zh if language == "zh" else self.en


def is_workday(day: date, overrides: Overrides = NO_OVERRIDES) -> Workday:
    """Look one day up. Never raises, whatever the year."""
    if day in overrides:
        if overrides[day]:
            return Workday(day, working=True, zh="本单位上班", en="working day of the unit")
        return Workday(day, working=False, zh="本单位休息", en="day off of the unit")
    return _national(day)


def next_workday(day: date, overrides: Overrides = NO_OVERRIDES) -> date:
    """The first working day after `day`."""
    return add_workdays(day, 1, overrides)


def previous_workday(day: date, overrides: Overrides = NO_OVERRIDES) -> date:
    """The last working day before `day`."""
    return add_workdays(day, -1, overrides)


def add_workdays(day: date, count: int, overrides: Overrides = NO_OVERRIDES) -> date:
    """The `count`-th working day after `day`, before it when negative; `day` itself is not counted and is
    the answer for 0. Stops at the first and last day there is.
    """
    step, last = (ONE_DAY, date.max) if count > 0 else (-ONE_DAY, date.min)
    left = abs(count)
    while left and day != last:
        day += step
        left -= is_workday(day, overrides).working
    return day


@lru_cache(maxsize=4096)
def _national(day: date) -> Workday:
    try:
        holiday, occasion = chinese_calendar.get_holiday_detail(day)
    except NotImplementedError:
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
