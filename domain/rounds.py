"""The days of a rota: pure arithmetic, without the records of what is planned already."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from domain.records import Rota, RotaEvery
from domain.workdays import NATIONAL, ONE_DAY

Working = Callable[[date], bool]
"""Whether people of a unit work on a day."""


def paused_on(rota: Rota, day: date) -> bool:
    """Whether the rota rests on that day."""
    if rota.paused_from is None or day < rota.paused_from:
        return False
    return rota.paused_until is None or day <= rota.paused_until


def first_day(rota: Rota) -> date:
    """The day the first round of a repeating rota begins on: its weekday or day of the month, from its start on."""
    start = rota.starts_on
    if rota.weekday is not None:
        return start + ONE_DAY * ((rota.weekday - start.isoweekday()) % 7)
    if rota.day_of_month is not None:
        here = _day_in_month(start.year, start.month, rota.day_of_month)
        return here if here >= start else months_later(here, 1, rota.day_of_month)
    return start


def spread(count: int, first: date, last: date, working: Working = NATIONAL.is_workday) -> list[date]:
    """`count` days spread evenly over the working days from `first` to `last`; over all days if nobody works then."""
    days = [first + ONE_DAY * n for n in range((last - first).days + 1)]
    open_days = [day for day in days if working(day)] or days
    return [open_days[place * len(open_days) // count] for place in range(count)]


def rounds(rota: Rota) -> Iterator[tuple[date, date]]:
    """The rounds of a repeating rota: first day of each, and the first day of the round after it."""
    begins = first_day(rota)
    number, first = 0, begins
    while first <= rota.ends_on:
        number += 1
        if rota.every is RotaEvery.WEEKLY:
            following = begins + timedelta(weeks=number)
        else:
            following = months_later(begins, number, rota.day_of_month)
        yield first, following
        first = following


def months_later(day: date, count: int, wanted: int | None = None) -> date:
    """The same day of the month `count` months later, the last of the month where it has no such day.

    `wanted` is the day meant, where `day` is only the last of a shorter month.
    """
    months = day.year * 12 + day.month - 1 + count
    return _day_in_month(months // 12, months % 12 + 1, wanted or day.day)


def _day_in_month(year: int, month: int, wanted: int) -> date:
    return date(year, month, min(wanted, calendar.monthrange(year, month)[1]))


def on_a_workday(day: date, last: date, working: Working = NATIONAL.is_workday) -> date | None:
    """The day itself or the next working day until `last`; None when nobody works until then."""
    while day <= last:
        if working(day):
            return day
        day += ONE_DAY
    return None
