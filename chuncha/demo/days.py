"""The calendar of the play: working moments, picked by seeded chance."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from random import Random

from domain.workdays import NATIONAL
from statemachines.labels import LOCAL

ONE_DAY = timedelta(days=1)

BEGINS, ENDS = time(8, 30), time(17, 30)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A moment of that day in Asia/Shanghai."""
    return datetime.combine(day, time(hour, minute), tzinfo=LOCAL)


def days(first: date, last: date) -> Iterator[date]:
    """Every day from the first to the last."""
    return (first + ONE_DAY * n for n in range((last - first).days + 1))


def workdays(first: date, last: date) -> list[date]:
    """The working days from the first to the last."""
    return [day for day in days(first, last) if NATIONAL.is_workday(day)]


def working(moment: datetime) -> datetime:
    """The moment itself when people work then, else the next one at which they do."""
    local = moment.astimezone(LOCAL)
    if not NATIONAL.is_workday(local.date()) or local.time() > ENDS:
        day = NATIONAL.add(local.date(), 1)
        return at(day, 8, 40 + local.minute // 4)
    if local.time() < BEGINS:
        return at(local.date(), 8, 40 + local.minute // 4)
    return moment


def soon(chance: Random, after: datetime, least: int, most: int) -> datetime:
    """A working moment `least` to `most` minutes after another."""
    return working(after + timedelta(minutes=chance.randint(least, most)))


def between(chance: Random, first: datetime, last: datetime) -> datetime:
    """A working moment between two; the first one's next when there is none."""
    if last <= first:
        return working(first)
    whole = int((last - first).total_seconds() // 60)
    for _ in range(20):
        picked = working(first + timedelta(minutes=chance.randint(1, max(whole, 1))))
        if first < picked <= last:
            return picked
    return working(first)


def workdays_after(day: date, count: int) -> date:
    """The `count`-th working day after a day."""
    return NATIONAL.add(day, count)
