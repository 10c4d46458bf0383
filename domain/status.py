"""How a campaign stands: the counts and rates a supervisor watches, within what the actor may see."""

from __future__ import annotations

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import and_
from sqlalchemy.orm import Session

from domain.coverage import (
    UnitReport,
    VisitCell,
    VisitCounts,
    coverage,
    visit_cells,
    visits_by_rota,
    visits_of,
)
from domain.rates import Average, Rate
from domain.records import Campaign, RotaEvery, Ticket, Unit
from domain.suggestions import SuggestionCounts, suggestion_counts
from domain.tallies import Cell, Tally, added_by, cells, total_of
from domain.visibility import inspections_visible_to, tickets_visible_to
from statemachines.campaign import CampaignState
from statemachines.labels import Level
from statemachines.roles import Actor


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True)


class Counts(_Shape):
    """Tickets by state. `total` is all of them; `open` are found, assigned or fixed.

    `overdue` are past the present deadline and not fixed; `due_soon` fall due within seven days; `unassigned` lack
    their 三定; `returned_twice` failed their re-check at least twice.
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
    unassigned: int
    returned_twice: int
    supervised: int
    on_the_spot: int
    rectified: Rate

    @classmethod
    def of(cls, tally: Tally) -> Self:
        """The counts a tally holds."""
        return cls(
            total=tally.total,
            open=tally.open,
            found=tally.found,
            assigned=tally.assigned,
            fixed=tally.fixed,
            verified=tally.verified,
            cancelled=tally.cancelled,
            overdue=tally.late,
            due_soon=tally.soon,
            unassigned=tally.found,
            returned_twice=tally.returned_twice,
            supervised=tally.supervised,
            on_the_spot=tally.on_the_spot,
            rectified=tally.rectified,
        )


class UnitStatus(_Shape):
    """One unit of the scope, everything below it included. `silent`: no visit, no finding, no zero report."""

    code: str
    name: str
    counts: Counts
    inspections: int
    visits: VisitCounts
    zero_reported_at: datetime | None
    silent: bool


class LevelStatus(_Shape):
    """One hazard level."""

    level: Level
    counts: Counts


class CategoryStatus(_Shape):
    """One category of the first rank (生产设备, 安全管理 …)."""

    category: str
    counts: Counts


class RotaStatus(_Shape):
    """The visits of one rota; `rota` null: those planned by hand. `rate` is done of planned."""

    rota: UUID | None
    checklist: str | None
    every: RotaEvery | None
    visits: VisitCounts
    rate: Rate


class Rates(_Shape):
    """The rates of domain rules 2.12, each with what it divides."""

    rectified: Rate
    on_time: Rate
    """Fixed before the first deadline / fixed."""
    on_current_time: Rate
    """Fixed before the approved deadline / fixed."""
    first_pass: Rate
    coverage: Rate
    visits: Rate
    """Planned visits done / planned; withdrawn ones are not planned any more."""
    average_fix_days: Average


class CampaignStatus(_Shape):
    """Everything the status page and `GET /campaigns/{code}/status` show, at the moment `as_of`."""

    campaign: str
    name: str
    state: CampaignState
    as_of: datetime
    counts: Counts
    by_unit: list[UnitStatus]
    by_level: list[LevelStatus]
    by_category: list[CategoryStatus]
    visits: VisitCounts
    by_rota: list[RotaStatus]
    rates: Rates
    suggestions: SuggestionCounts
    silent_units: list[str]
    """Names of the units in scope that have said nothing, not even zero."""


def campaign_status(session: Session, campaign: Campaign, *, actor: Actor, now: datetime) -> CampaignStatus:
    """The campaign's status as the actor sees it: one grouped query over tickets, one for coverage, one over
    the union's suggestions.

    Its cost is one pass over the campaign's tickets. Tickets outside the scope's units (found by the actor elsewhere)
    are listed under their own unit.
    """
    counted = cells(session, and_(Ticket.campaign_id == campaign.id, tickets_visible_to(actor)), now=now)
    covered = coverage(session, campaign)
    reports = [report for report in covered.units if _in_sight(actor, report.unit)]
    visited = visit_cells(session, campaign, now=now, only=inspections_visible_to(actor))
    all_of = total_of(cell.tally for cell in counted)
    by_level = added_by(counted, lambda cell: cell.level)
    by_category = added_by(counted, lambda cell: cell.category)
    return CampaignStatus(
        campaign=campaign.code,
        name=campaign.name,
        state=campaign.state,
        as_of=now,
        counts=Counts.of(all_of),
        by_unit=_by_unit(counted, reports, visited),
        by_level=[
            LevelStatus(level=level, counts=Counts.of(by_level.get(level, Tally()))) for level in Level
        ],
        by_category=[
            CategoryStatus(category=name, counts=Counts.of(tally))
            for name, tally in sorted(by_category.items(), key=lambda each: (-each[1].total, each[0]))
        ],
        visits=visits_of(visited),
        by_rota=[
            RotaStatus(
                rota=rota.id if rota else None,
                checklist=rota.checklist.code if rota else None,
                every=rota.every if rota else None,
                visits=counts,
                rate=counts.rate,
            )
            for rota, counts in visits_by_rota(visited)
        ],
        rates=Rates(
            rectified=all_of.rectified,
            on_time=all_of.on_time,
            on_current_time=all_of.on_current_time,
            first_pass=all_of.first_pass,
            coverage=Rate.of(sum(report.visited for report in reports), len(reports)),
            visits=visits_of(visited).rate,
            average_fix_days=all_of.average_fix_days,
        ),
        suggestions=suggestion_counts(session, campaign, actor=actor, now=now),
        silent_units=[report.unit.name for report in reports if not report.reported],
    )


def _in_sight(actor: Actor, unit: Unit) -> bool:
    """`visibility.units_visible_to`, for a unit already loaded."""
    return actor.system or any(unit.path.startswith(grant.unit_path) for grant in actor.grants)


def _by_unit(counted: list[Cell], reports: list[UnitReport], visited: list[VisitCell]) -> list[UnitStatus]:
    # The deepest unit of the scope above a cell's unit takes it.
    scope = sorted((report.unit for report in reports), key=lambda unit: -len(unit.path))

    def scope_unit(cell: Cell) -> Unit:
        return next((unit for unit in scope if cell.unit.path.startswith(unit.path)), cell.unit)

    units = {cell.unit.id: scope_unit(cell) for cell in counted}
    sums = added_by(counted, lambda cell: units[cell.unit.id].id)
    named = {unit.id: unit for unit in units.values()}
    listed = [
        UnitStatus(
            code=report.unit.code,
            name=report.unit.name,
            counts=Counts.of(sums.pop(report.unit.id, Tally())),
            inspections=report.inspections,
            visits=visits_of(each for each in visited if each.unit.path.startswith(report.unit.path)),
            zero_reported_at=report.zero_reported_at,
            silent=not report.reported,
        )
        for report in reports
    ]
    for key, tally in sums.items():
        unit = named[key]
        listed.append(
            UnitStatus(
                code=unit.code,
                name=unit.name,
                counts=Counts.of(tally),
                inspections=0,
                visits=VisitCounts(),
                zero_reported_at=None,
                silent=False,
            )
        )
    return listed
