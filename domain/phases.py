"""The dates of a campaign's phases: in order, and not beginning on a day nobody works."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.errors import wrong
from domain.records import CampaignPhase
from domain.workdays import NATIONAL, WorkCalendar
from statemachines.campaign import CampaignState
from statemachines.labels import Language

Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2199, 12, 31))]

_ORDER = {state: place for place, state in enumerate(CampaignState)}


class PhaseDates(BaseModel):
    """`{"from": day, "to": day}`; an open end is left out."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    starts_on: Day = Field(alias="from")
    ends_on: Day | None = Field(default=None, alias="to")

    @model_validator(mode="after")
    def _from_before_to(self) -> PhaseDates:
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise wrong(
                "ends-before-start",
                zh=f"结束日期{self.ends_on}早于开始日期{self.starts_on}。",
                en=f"The last day {self.ends_on} is before the first day {self.starts_on}.",
            )
        return self


def must_be_in_order(phases: Mapping[CampaignState, PhaseDates]) -> None:
    """A later phase does not begin before an earlier one. Raises the error of an input model."""
    in_order = sorted(phases.items(), key=lambda each: _ORDER[each[0]])
    for (earlier, first), (later, second) in pairwise(in_order):
        if second.starts_on < first.starts_on:
            raise wrong(
                "phase-order",
                zh=f"“{later.zh}”（{second.starts_on}）早于“{earlier.zh}”（{first.starts_on}）。",
                en=f"“{later.en}” ({second.starts_on}) is before “{earlier.en}” ({first.starts_on}).",
            )


@dataclass(frozen=True, slots=True)
class Note:
    """A phase that begins on a day off: which day that is, and the working days proposed in its place."""

    phase: CampaignState
    starts_on: date
    proposed_from: date
    proposed_to: date | None
    day_zh: str
    day_en: str
    provisional: bool

    def sentence(self, language: Language) -> str:
        """The warning for a reader of that language."""
        first, last = self.proposed_from, self.proposed_to
        if language == "zh":
            proposed = f"{first}" if last is None else f"{first}至{last}"
            return f"“{self.phase.zh}”开始日{self.starts_on}是休息日（{self.day_zh}），建议改为{proposed}。"
        proposed = f"{first}" if last is None else f"{first} to {last}"
        day = f"{self.starts_on}, a day off ({self.day_en})"
        return f"“{self.phase.en}” begins on {day}; {proposed} is proposed instead."


def holiday_notes(phases: Iterable[CampaignPhase], calendar: WorkCalendar = NATIONAL) -> list[Note]:
    """A note for each phase that begins on a day off; the proposal keeps its length in days, ending on a
    workday.

    The campaign may still keep its dates: a note warns, it refuses nothing (domain rules 6.3).
    """
    notes = []
    for phase in sorted(phases, key=lambda each: _ORDER[each.phase]):
        day = calendar.day(phase.starts_on)
        if day.working:
            continue
        first = calendar.next(phase.starts_on)
        last = None
        if phase.ends_on is not None:
            last = phase.ends_on + (first - phase.starts_on)
            if not calendar.is_workday(last):
                last = calendar.next(last)
        notes.append(Note(phase.phase, phase.starts_on, first, last, day.zh, day.en, day.provisional))
    return notes
