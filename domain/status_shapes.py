"""The figures of the status as the pages and programs read them; domain/status.py fills them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from domain.coverage import VisitCounts
from domain.rates import Average, Rate
from domain.records import Matter, RotaEvery, SampleKind, Stands
from domain.sample_checks import SampleCounts
from domain.standings import Standing
from domain.suggestions import SuggestionCounts
from statemachines.campaign import CampaignState
from statemachines.labels import Level
from statemachines.ticket import TicketState


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True)


_BY_STATE = tuple(Stands[state.name].value for state in TicketState)


class Counts(_Shape):
    """Tickets by state. `total` is all of them; `open` are found, assigned or fixed.

    `overdue` are past the present deadline and not fixed; `due_soon` fall due within seven days, `due_this_week` before
    the end of Sunday; `unassigned` lack their 三定 and with it a date; `returned_twice` failed their re-check at least
    twice.
    """

    total: int
    open: int
    found: int
    assigned: int
    fixed: int
    verified: int
    cancelled: int
    overdue: int
    due_soon: int
    due_this_week: int
    unassigned: int
    returned: int
    returned_twice: int
    supervised: int
    on_the_spot: int
    carried_in: int
    rectified: Rate

    @classmethod
    def of(cls, standing: Standing) -> Self:
        """The counts of some tickets."""
        having = standing.by_fact()
        found, assigned, fixed, verified, cancelled = (having[bit] for bit in _BY_STATE)
        total = standing.total
        return cls(
            total=total,
            open=found + assigned + fixed,
            found=found,
            assigned=assigned,
            fixed=fixed,
            verified=verified,
            cancelled=cancelled,
            overdue=standing.late,
            due_soon=standing.soon,
            due_this_week=standing.this_week,
            unassigned=found,
            returned=having[Stands.RETURNED.value],
            returned_twice=having[Stands.RETURNED_TWICE.value],
            supervised=having[Stands.SUPERVISED.value],
            on_the_spot=having[Stands.ON_THE_SPOT.value],
            carried_in=having[Stands.CARRIED_IN.value],
            rectified=Rate.of(verified, total - cancelled),
        )


class UnitName(_Shape):
    """A unit by its code and name."""

    code: str
    name: str


class UnitStatus(_Shape):
    """One row of units, everything below it included; `itself`: without what is below (the filter `at`).

    `silent`: no visit, no finding, no zero report; `unsigned`: visited perhaps, but neither a finding nor a signed zero
    report. Both are asked of units in the campaign's scope alone. `below`: there are units below it to look into.
    """

    code: str
    name: str
    counts: Counts
    inspections: int
    visits: VisitCounts
    zero_reported_at: datetime | None
    silent: bool
    unsigned: bool
    itself: bool
    below: bool


class LevelStatus(_Shape):
    """One hazard level."""

    level: Level
    counts: Counts


class CategoryStatus(_Shape):
    """One category: of the first rank (生产设备, 安全管理 …), or as it was written (生产设备/线路)."""

    category: str
    counts: Counts


class WeekStatus(_Shape):
    """What was found in a week (Monday to Sunday), by what has become of it; `verified_then`: verified in that week."""

    week: str
    begins_on: date
    ends_on: date
    total: int
    found: int
    assigned: int
    fixed: int
    verified: int
    cancelled: int
    verified_then: int


class DayStatus(_Shape):
    """What was found on a day, without what was cancelled since, and what was verified on it."""

    day: date
    found: int
    verified: int


class AgeStatus(_Shape):
    """Open tickets by natural days since they were found; `to_days` null: and longer. Days are those of finding."""

    from_days: int
    to_days: int | None
    found_from: date | None
    found_to: date | None
    found: int
    assigned: int
    fixed: int
    open: int


class CellStatus(_Shape):
    """The open tickets of one row of units and one category, as it was written."""

    unit: str
    category: str
    open: int


class StepStatus(_Shape):
    """How many open matters have climbed this step of their ladder last; `zh`, `en`: what the step is."""

    matter: Matter
    step: str
    zh: str
    en: str
    tickets: int


class RotaStatus(_Shape):
    """The visits of one rota; `rota` null: those planned by hand. `rate` is done of planned."""

    rota: UUID | None
    checklist: str | None
    every: RotaEvery | None
    visits: VisitCounts
    rate: Rate


class UnitSample(_Shape):
    """The sample of one unit of the scope."""

    code: str
    name: str
    counts: SampleCounts


class SampleStatus(_Shape):
    """The sample for the re-check, or the look back at the campaign before: how much of it has been checked."""

    kind: SampleKind
    counts: SampleCounts
    by_unit: list[UnitSample]


class Rates(_Shape):
    """The rates of domain rules 2.12, each with what it divides."""

    rectified: Rate
    on_time: Rate
    """Fixed before the first deadline / fixed."""
    on_current_time: Rate
    """Fixed before the approved deadline / fixed."""
    first_pass: Rate
    five_assured: Rate
    """五落实: hazards at major level with all five assurances / hazards at major level, cancelled ones left out."""
    coverage: Rate
    visits: Rate
    """Planned visits done / planned; withdrawn ones are not planned any more."""
    average_fix_days: Average


class CampaignStatus(_Shape):
    """Everything the status page and `GET /campaigns/{code}/status` show, at the moment `as_of`.

    `unit`: only what is at this unit and below it; `above` are the units over it that the reader may see.
    """

    campaign: str
    name: str
    state: CampaignState
    as_of: datetime
    unit: UnitName | None
    above: list[UnitName]
    counts: Counts
    by_unit: list[UnitStatus]
    by_level: list[LevelStatus]
    by_category: list[CategoryStatus]
    by_subcategory: list[CategoryStatus]
    by_week: list[WeekStatus]
    by_day: list[DayStatus]
    ageing: list[AgeStatus]
    open_cells: list[CellStatus]
    ladder: list[StepStatus]
    visits: VisitCounts
    by_rota: list[RotaStatus]
    rates: Rates
    samples: list[SampleStatus]
    suggestions: SuggestionCounts
    silent_units: list[str]
    """Names of the units in scope that have said nothing, not even zero."""
    unsigned_units: list[UnitName]
    """Units in scope with neither a finding nor a signed zero report, visited or not."""
