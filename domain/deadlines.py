"""When a hazard must be put right: natural days from finding, moved off holidays, with an explanation
(rules 6.3).

The start day is not counted (民法典 Art. 201), a day ends at 24:00 Asia/Shanghai (Art. 203), and a last
day that is no working day moves to the next one, except for major hazards, which never wait for the end of
a holiday.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from domain.campaign_settings import CampaignSettings
from domain.workdays import NO_OVERRIDES, ONE_DAY, Overrides, is_workday
from statemachines.labels import LOCAL, Language, Level, local_day

__all__ = ["Due", "Skipped", "due_for", "end_of_day"]

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
    overrides: Overrides = NO_OVERRIDES,
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
    if days == TWENTY_FOUR_HOURS:
        return Due(found_at.astimezone(LOCAL) + timedelta(hours=24))
    found_on = local_day(found_at)
    if days == SAME_DAY:
        return Due(end_of_day(found_on))
    last = found_on + timedelta(days=days)
    if level == Level.MAJOR:
        return _rolled_back(last, found_on, overrides)
    return _rolled_forward(last, overrides)


def _rolled_forward(day: date, overrides: Overrides) -> Due:
    skipped: list[Skipped] = []
    provisional = False
    while not (found := is_workday(day, overrides)).working and day < date.max:
        skipped.append(Skipped(day, found.zh, found.en))
        provisional |= found.provisional
        day += ONE_DAY
    return Due(end_of_day(day), tuple(skipped), provisional or found.provisional)


def _rolled_back(last: date, found_on: date, overrides: Overrides) -> Due:
    skipped: list[Skipped] = []
    provisional = False
    day = last
    while day > found_on:
        found = is_workday(day, overrides)
        provisional |= found.provisional
        if found.working:
            return Due(end_of_day(day), tuple(skipped), provisional)
        skipped.append(Skipped(day, found.zh, found.en))
        day -= ONE_DAY
    return Due(end_of_day(last), (), provisional)
