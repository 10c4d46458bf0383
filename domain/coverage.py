"""Coverage: which units of a campaign were visited, which have said nothing at all, what became of planned
visits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Date, Integer, Row, Select, bindparam, exists, func, select
from sqlalchemy.orm import Session, aliased, joinedload

from domain.many_rows import among
from domain.rates import Rate
from domain.records import Campaign, CampaignUnit, Checklist, Inspection, NumberCounter, Rota, Unit
from domain.tallies import day_of
from statemachines.inspection import InspectionState
from statemachines.labels import local_day


@dataclass(frozen=True, slots=True)
class UnitAt:
    """A unit as far as counting needs it: hundreds of them are read for one board."""

    id: UUID
    code: str
    name: str
    path: str


UNIT_AT = (Unit.id, Unit.code, Unit.name, Unit.path)
"""Its columns, in order."""


@dataclass(frozen=True, slots=True)
class UnitReport:
    """What one unit in scope has delivered, everything below it included.

    `inspections` counts submitted visits, `findings` the findings made in this campaign, cancelled ones too.
    """

    unit: UnitAt
    inspections: int
    findings: int
    zero_reported_at: datetime | None

    @property
    def visited(self) -> bool:
        """Whether a visit was submitted."""
        return self.inspections > 0

    @property
    def reported(self) -> bool:
        """Whether anything was heard: a visit, a finding, or a signed zero report."""
        return self.visited or self.findings > 0 or self.zero_reported_at is not None


@dataclass(frozen=True, slots=True)
class Coverage:
    """The units in scope in the order of the campaign; `visited` of `planned` is the coverage rate's
    fraction.
    """

    units: tuple[UnitReport, ...]

    @property
    def planned(self) -> int:
        """Units in scope."""
        return len(self.units)

    @property
    def visited(self) -> int:
        """Units with a submitted visit."""
        return sum(report.visited for report in self.units)

    @property
    def unreported(self) -> tuple[UnitAt, ...]:
        """Units that have said nothing, not even zero."""
        return tuple(report.unit for report in self.units if not report.reported)


def coverage(session: Session, campaign: Campaign) -> Coverage:
    """The coverage of a campaign. Its cost follows the number of units, not of tickets."""
    given = {"campaign": campaign.id}
    scope = session.execute(_SCOPE, given).all()
    visited = _added_upwards(session.execute(_VISITS, given))
    found = _added_upwards(session.execute(_FINDINGS, given))
    return Coverage(
        tuple(
            UnitReport(unit, visited[unit.path], found[unit.path], zero)
            for unit, zero in ((UnitAt(*row[:-1]), row[-1]) for row in scope)
        )
    )


# Questions of the same form are built once: that costs as much as a small one costs to answer.
_SCOPE = (
    select(*UNIT_AT, CampaignUnit.zero_reported_at)
    .join(CampaignUnit, CampaignUnit.unit_id == Unit.id)
    .where(CampaignUnit.campaign_id == bindparam("campaign"))
    .order_by(CampaignUnit.position)
)
_VISITS = (
    select(Unit.path, func.count())
    .join(Inspection, Inspection.unit_id == Unit.id)
    .where(Inspection.campaign_id == bindparam("campaign"), Inspection.state == InspectionState.SUBMITTED)
    .group_by(Unit.path)
)
#: The counter of ticket numbers is exactly the number of findings made here: numbers are never reused or skipped.
_FINDINGS = (
    select(Unit.path, NumberCounter.last)
    .join(NumberCounter, NumberCounter.unit_id == Unit.id)
    .where(NumberCounter.campaign_id == bindparam("campaign"))
)


def _added_upwards(counts: Iterable[Row[tuple[str, int]]]) -> Counter[str]:
    """Counts by path, each added to every path above it as well."""
    added: Counter[str] = Counter()
    for path, count in counts:
        end = len(path)
        while end > 0:
            added[path[:end]] += count
            end = path.rfind("/", 0, end - 1) + 1
    return added


def scope_unit_of(session: Session, campaign: Campaign, unit: Unit) -> CampaignUnit | None:
    """The entry of the campaign's scope that covers this unit: its own or the nearest above it."""
    return session.scalars(
        select(CampaignUnit)
        .join(Unit, Unit.id == CampaignUnit.unit_id)
        .where(CampaignUnit.campaign_id == campaign.id, func.starts_with(unit.path, Unit.path))
        .order_by(func.length(Unit.path).desc())
        .limit(1)
    ).one_or_none()


def units_in_scope(session: Session, campaign: Campaign, units: Iterable[Unit]) -> set[UUID]:
    """Which of these units the campaign's scope covers, by an entry of their own or of a unit above them."""
    above = aliased(Unit)
    covered = exists().where(
        CampaignUnit.campaign_id == campaign.id,
        CampaignUnit.unit_id == above.id,
        func.starts_with(Unit.path, above.path),
    )
    keys = {unit.id for unit in units}
    return set(session.scalars(select(Unit.id).where(among(Unit.id, keys), covered)))


# Visits.


class VisitCounts(BaseModel):
    """What became of visits: `planned` = `done` + `missed` + `open`; withdrawn ones are no longer planned.

    `late` of the done were submitted after their day, `overdue` of the open have passed it; `made_up` of the missed
    were made up for by a submitted visit, which counts on its own among those planned by hand.
    """

    model_config = ConfigDict(frozen=True)

    planned: int = 0
    done: int = 0
    late: int = 0
    missed: int = 0
    made_up: int = 0
    open: int = 0
    overdue: int = 0

    def __add__(self, other: VisitCounts) -> VisitCounts:
        return VisitCounts(
            **{name: getattr(self, name) + getattr(other, name) for name in VisitCounts.model_fields}
        )

    @property
    def rate(self) -> Rate:
        """Done of planned."""
        return Rate.of(self.done, self.planned)


NO_VISITS = VisitCounts()

_in_order = attrgetter(*VisitCounts.model_fields)


@dataclass(frozen=True, slots=True)
class VisitCell:
    """The visits of one rota to one unit; `rota` None: those planned by hand."""

    unit: UnitAt
    rota: Rota | None
    counts: VisitCounts


def visit_cells(
    session: Session, campaign: Campaign, *, now: datetime, only: ColumnElement[bool] | None = None
) -> list[VisitCell]:
    """The visits of a campaign by rota and unit, in the order of rotas and paths; `only` narrows which are counted.

    One grouped query, and one for the rotas if there are any. They have their checklists loaded.
    """
    given = {"campaign": campaign.id, "today": local_day(now)}
    rows = session.execute(_visits_by_cell(only), given).all()
    keys = {row.rota_id for row in rows} - {None}
    named = select(Rota).where(Rota.id.in_(keys)).options(joinedload(Rota.checklist))
    rotas = {rota.id: rota for rota in session.scalars(named)} if keys else {}
    return [
        VisitCell(
            UnitAt(*unit),
            rotas.get(rota),
            VisitCounts(**dict(zip(VisitCounts.model_fields, numbers, strict=True))),
        )
        for *unit, rota, numbers in ((*row[:5], row[5:]) for row in rows)
    ]


@lru_cache(maxsize=256)
def _visits_by_cell(only: ColumnElement[bool] | None) -> Select[Any]:
    again = aliased(Inspection)
    state, today = Inspection.state, bindparam("today", type_=Date)
    waiting = state.in_((InspectionState.PLANNED, InspectionState.STARTED))
    made_up = exists().where(again.instead_of_id == Inspection.id, again.state == InspectionState.SUBMITTED)
    count = func.count()
    query = (
        select(
            Inspection.unit_id,
            Inspection.rota_id,
            count.filter(state != InspectionState.WITHDRAWN).label("planned"),
            count.filter(state == InspectionState.SUBMITTED).label("done"),
            count.filter(
                state == InspectionState.SUBMITTED, day_of(Inspection.submitted_at) > Inspection.planned_on
            ).label("late"),
            count.filter(state == InspectionState.MISSED).label("missed"),
            count.filter(state == InspectionState.MISSED, made_up).label("made_up"),
            count.filter(waiting).label("open"),
            count.filter(waiting, Inspection.planned_on < today).label("overdue"),
        )
        .where(Inspection.campaign_id == bindparam("campaign"))
        .group_by(Inspection.unit_id, Inspection.rota_id)
    )
    if only is not None:
        query = query.where(only)
    counted = query.subquery()
    return (
        select(*UNIT_AT, counted.c.rota_id, *(counted.c[name] for name in VisitCounts.model_fields))
        .join_from(counted, Unit, Unit.id == counted.c.unit_id)
        .where(counted.c.planned > 0)
        .order_by(counted.c.rota_id.nulls_last(), Unit.path)
    )


def visits_of(cells: Iterable[VisitCell]) -> VisitCounts:
    """All of them added."""
    counts = [cell.counts for cell in cells]
    if len(counts) < 2:
        return counts[0] if counts else NO_VISITS
    sums = map(sum, zip(*map(_in_order, counts), strict=True))
    return VisitCounts(**dict(zip(VisitCounts.model_fields, sums, strict=True)))


def visits_by_rota(cells: Sequence[VisitCell]) -> list[tuple[Rota | None, VisitCounts]]:
    """Added by rota, in the order of the cells."""
    return [
        (rows[0].rota, visits_of(rows))
        for rows in (list(group) for _, group in groupby(cells, key=lambda cell: cell.rota and cell.rota.id))
    ]


@dataclass(frozen=True, slots=True)
class MissedVisit:
    """A visit that was not made: the names of its unit and checklist, its day and the reason."""

    id: UUID
    unit: str
    checklist: str
    planned_on: date
    reason: str | None


def missed_visits(
    session: Session,
    campaign: Campaign,
    *,
    only: ColumnElement[bool],
    within: str | None = None,
    limit: int = 8,
) -> list[MissedVisit]:
    """Visits recorded as missed that no submitted visit made up for, the latest first."""
    given = {"campaign": campaign.id, "limit": limit}
    return [MissedVisit(*row) for row in session.execute(_missed(only, within), given)]


@lru_cache(maxsize=256)
def _missed(only: ColumnElement[bool], within: str | None) -> Select[Any]:
    again = aliased(Inspection)
    made_up = exists().where(again.instead_of_id == Inspection.id, again.state == InspectionState.SUBMITTED)
    query = (
        select(Inspection.id, Unit.name, Checklist.name, Inspection.planned_on, Inspection.missed_reason)
        .join(Unit, Unit.id == Inspection.unit_id)
        .join(Checklist, Checklist.id == Inspection.checklist_id)
        .where(
            Inspection.campaign_id == bindparam("campaign"),
            Inspection.state == InspectionState.MISSED,
            ~made_up,
            only,
        )
        .order_by(Inspection.planned_on.desc(), Unit.path)
        .limit(bindparam("limit", type_=Integer))
    )
    if within:
        query = query.where(Unit.path.startswith(within, autoescape=True))
    return query
