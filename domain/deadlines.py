"""When a hazard must be put right: natural days from finding, moved off holidays, with an explanation
(rules 6.3).

The start day is not counted (民法典 Art. 201), a day ends at 24:00 Asia/Shanghai (Art. 203), and a last
day that is no working day moves to the next one, except for major hazards, which never wait for the end of
a holiday.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from domain.campaign_settings import CampaignSettings
from domain.workdays import NATIONAL, ONE_DAY, WorkCalendar
from statemachines.labels import LOCAL, Language, Level, local_day

__all__ = ["Due", "Skipped", "due_again", "due_for", "end_of_day"]

SAME_DAY = 0
TWENTY_FOUR_HOURS = 1


@dataclass(frozen=True, slots=True)
class Skipped:
    """A day the deadline did not stay on, and what that day is ("清明" / "Tomb-sweeping Day")."""

    day: date
    zh: str
    en: str

    def why(self, language: Language) -> str:
        """What the day is, for a reader of that language."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True)
class Due:
    """A deadline: the moment `at` (+08:00), the days passed over to reach it, and whether the calendar may
    still move.

    `provisional` deadlines are computed anew when the year's holiday notice is published.
    """

    at: datetime
    explanation: tuple[Skipped, ...] = ()
    provisional: bool = False
    counted_from: datetime | None = None
    days: int = 0
    level: Level = Level.GENERAL

    def basis(self) -> dict[str, object]:
        """What it was computed from, for a ticket to keep: a later calendar computes it anew from this."""
        assert self.counted_from is not None
        return {
            "from": self.counted_from.isoformat(),
            "days": self.days,
            "level": self.level.value,
            "provisional": self.provisional,
        }


def end_of_day(day: date) -> datetime:
    """23:59:59 in Asia/Shanghai of that day; of a moment, the day as people there see it."""
    local = local_day(day) if isinstance(day, datetime) else day
    return datetime.combine(local, time(23, 59, 59), tzinfo=LOCAL)


def due_for(
    found_at: datetime,
    *,
    level: Level,
    days: int | None = None,
    settings: CampaignSettings,
    calendar: WorkCalendar = NATIONAL,
) -> Due:
    """The deadline of a hazard found at the aware moment `found_at`.

    `days` (of a checklist item) goes before the campaign's days for the level. 0 is the end of the same
    day; 1 is 24 hours by the clock, never moved; from 2 on it is the end of the n-th day after the day of
    finding. If nobody works on that day it moves on to the next working day; for a major hazard back to
    the last working day after the day of finding, and it stays where it is if there is none.
    """
    if days is None:
        days = settings.deadline_days.of(level)
    if days < 0:
        raise ValueError("a deadline is not before the finding")
    due = _counted(found_at, level, days, calendar)
    return replace(due, counted_from=found_at, days=days, level=level)


def due_again(basis: Mapping[str, Any], calendar: WorkCalendar) -> Due:
    """The deadline a kept basis gives by this calendar."""
    counted_from, level = datetime.fromisoformat(basis["from"]), Level(basis["level"])
    due = _counted(counted_from, level, basis["days"], calendar)
    return replace(due, counted_from=counted_from, days=basis["days"], level=level)


def _counted(found_at: datetime, level: Level, days: int, calendar: WorkCalendar) -> Due:
    if days == TWENTY_FOUR_HOURS:
        return Due(found_at.astimezone(LOCAL) + timedelta(hours=24))
    found_on = local_day(found_at)
    if days == SAME_DAY:
        return Due(end_of_day(found_on))
    last = found_on + timedelta(days=days)
    if level == Level.MAJOR:
        return _rolled_back(last, found_on, calendar)
    return _rolled_forward(last, calendar)


def _rolled_forward(day: date, calendar: WorkCalendar) -> Due:
    skipped: list[Skipped] = []
    provisional = False
    while not (found := calendar.day(day)).working and day < date.max:
        skipped.append(Skipped(day, found.zh, found.en))
        provisional |= found.provisional
        day += ONE_DAY
    return Due(end_of_day(day), tuple(skipped), provisional or found.provisional)


def _rolled_back(last: date, found_on: date, calendar: WorkCalendar) -> Due:
    skipped: list[Skipped] = []
    provisional = False
    day = last
    while day > found_on:
        found = calendar.day(day)
        provisional |= found.provisional
        if found.working:
            return Due(end_of_day(day), tuple(skipped), provisional)
        skipped.append(Skipped(day, found.zh, found.en))
        day -= ONE_DAY
    return Due(end_of_day(last), (), provisional)
