"""How a campaign stands: the counts and rates a supervisor watches, within what the actor may see."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from domain.campaign_settings import settings_of
from domain.coverage import (
    UnitAt,
    UnitReport,
    VisitCell,
    VisitCounts,
    coverage,
    visit_cells,
    visits_by_rota,
    visits_of,
)
from domain.figure_filter import OPEN, week_begins
from domain.ladder import PlannedStep
from domain.rates import Average, Rate
from domain.records import Campaign, Matter, SampleKind, Stands, Unit
from domain.sample_checks import SampleCell, counts_of, sample_cells
from domain.standings import Standing, Standings, standings
from domain.status_rows import Rows, read_rows
from domain.status_shapes import (
    AgeStatus,
    CampaignStatus,
    CategoryStatus,
    CellStatus,
    Counts,
    DayStatus,
    LevelStatus,
    Rates,
    RotaStatus,
    SampleStatus,
    StepStatus,
    UnitName,
    UnitSample,
    UnitStatus,
    WeekStatus,
)
from domain.suggestions import suggestion_counts
from domain.visibility import inspections_visible_to, samples_visible_to
from statemachines.labels import Level, local_day
from statemachines.roles import Actor
from statemachines.ticket import TicketState

__all__ = ["CampaignStatus", "Counts", "campaign_status"]

AGES = ((0, 3), (4, 7), (8, 15), (16, 30), (31, None))
"""Natural days since an open ticket was found, first and last of each group."""

ONE_DAY = timedelta(days=1)


def campaign_status(
    session: Session, campaign: Campaign, *, actor: Actor, now: datetime, unit: str | None = None
) -> CampaignStatus:
    """The campaign's status as the actor sees it; with `unit` (a code) only of that unit and those below it.

    Its rows are the units of the scope, or those right below `unit` and what is of that unit alone. Tickets outside the
    scope (found by the actor elsewhere) are rows of their own unit. Raises NotFound for a unit out of sight.
    """
    covered = coverage(session, campaign)
    rows = read_rows(session, [each.unit for each in covered.units], actor=actor, unit=unit)
    within = rows.within()
    reports = [each for each in covered.units if rows.sees(each.unit.path)]
    found = standings(session, campaign, rows.reach(actor), now=now)
    visited = [
        cell
        for cell in visit_cells(session, campaign, now=now, only=inspections_visible_to(actor))
        if within is None or cell.unit.path.startswith(within)
    ]
    visits = visits_of(visited)
    return CampaignStatus(
        campaign=campaign.code,
        name=campaign.name,
        state=campaign.state,
        as_of=now,
        unit=_name(rows.top) if rows.top else None,
        above=[_name(place) for place in rows.above()],
        counts=Counts.of(found.whole),
        by_unit=_by_unit(found, rows, reports, visited),
        by_level=[LevelStatus(level=level, counts=Counts.of(found.by_level[level])) for level in Level],
        by_category=_categories(_first_rank(found)),
        by_subcategory=_categories(found.by_category),
        by_week=_weeks(found),
        by_day=_days(found),
        ageing=_ages(found, local_day(now)),
        open_cells=_cells(found, rows),
        ladder=_ladder(campaign, found, now),
        visits=visits,
        by_rota=_by_rota(visited),
        rates=_rates(found.whole, reports, visits),
        samples=_samples(sample_cells(session, campaign, only=samples_visible_to(actor), within=within)),
        suggestions=suggestion_counts(session, campaign, actor=actor, now=now, within=within),
        silent_units=[each.unit.name for each in reports if not each.reported],
        unsigned_units=[_name(each.unit) for each in reports if _unsigned(each)],
    )


def _name(unit: UnitAt | Unit) -> UnitName:
    return UnitName(code=unit.code, name=unit.name)


def _unsigned(report: UnitReport) -> bool:
    return report.findings == 0 and report.zero_reported_at is None


def _by_unit(
    found: Standings, rows: Rows, reports: Sequence[UnitReport], visited: Sequence[VisitCell]
) -> list[UnitStatus]:
    visits: defaultdict[UUID, list[VisitCell]] = defaultdict(list)
    for cell in visited:
        visits[rows.row_of.get(cell.unit.id, cell.unit.id)].append(cell)
    known = {report.unit.id: report for report in reports}
    listed = {place.id for place in rows.listed}
    elsewhere = [rows.by_id[key] for key in found.by_unit if key not in listed]
    lines = []
    for place in [*rows.listed, *sorted(elsewhere, key=lambda place: place.path)]:
        standing, top = found.by_unit.get(place.id, Standing()), rows.itself(place)
        # A unit outside of the scope has a row of its own, of its own tickets alone.
        itself = top or place.id not in rows.takers
        if itself and not standing.total and not visits[place.id]:
            continue
        report = None if itself else known.get(place.id)
        counted = visits_of(visits[place.id])
        lines.append(
            UnitStatus(
                code=place.code,
                name=place.name,
                counts=Counts.of(standing),
                inspections=report.inspections if report else counted.done,
                visits=counted,
                zero_reported_at=report.zero_reported_at if report else None,
                silent=report is not None and not report.reported,
                unsigned=report is not None and _unsigned(report),
                itself=itself,
                below=not top and rows.below(place),
            )
        )
    return lines


def _first_rank(found: Standings) -> Mapping[str, Standing]:
    """生产设备/变压器台区 counts under 生产设备: the trade's three domains (domain rules 2.10)."""
    added: defaultdict[str, Standing] = defaultdict(Standing)
    for name, standing in found.by_category.items():
        added[name.partition("/")[0]].add(standing)
    return added


def _categories(counted: Mapping[str, Standing]) -> list[CategoryStatus]:
    return [
        CategoryStatus(category=name, counts=Counts.of(standing))
        for name, standing in sorted(counted.items(), key=lambda each: (-each[1].total, each[0]))
    ]


def _weeks(found: Standings) -> list[WeekStatus]:
    by_week: defaultdict[date, Counter[TicketState]] = defaultdict(Counter)
    verified: Counter[date] = Counter()
    for day, states in found.found_on.items():
        by_week[week_begins(day)].update(states)
    for day, count in found.verified_on.items():
        verified[week_begins(day)] += count
    weeks = []
    for monday in sorted({*by_week, *verified}):
        states = by_week[monday]
        year, week, _ = monday.isocalendar()
        weeks.append(
            WeekStatus(
                week=f"{year}-W{week:02}",
                begins_on=monday,
                ends_on=monday + 6 * ONE_DAY,
                total=states.total(),
                verified_then=verified[monday],
                **{state.value: states[state] for state in TicketState},
            )
        )
    return weeks


def _days(found: Standings) -> list[DayStatus]:
    return [
        DayStatus(
            day=day,
            found=found.found_on[day].total() - found.found_on[day][TicketState.CANCELLED]
            if day in found.found_on
            else 0,
            verified=found.verified_on.get(day, 0),
        )
        for day in sorted({*found.found_on, *found.verified_on})
    ]


def _ages(found: Standings, today: date) -> list[AgeStatus]:
    ages = []
    for first, last in AGES:
        earliest = None if last is None else today - last * ONE_DAY
        latest = today - first * ONE_DAY
        states: Counter[TicketState] = Counter()
        for day, counted in found.found_on.items():
            # What is dated after today (a clock that runs ahead) is as young as can be.
            if (first == 0 or day <= latest) and (earliest is None or day >= earliest):
                states.update(counted)
        still = {state.value: states[state] for state in OPEN}
        ages.append(
            AgeStatus(
                from_days=first,
                to_days=last,
                found_from=earliest,
                found_to=None if first == 0 else latest,
                open=sum(still.values()),
                **still,
            )
        )
    return ages


def _cells(found: Standings, rows: Rows) -> list[CellStatus]:
    named = ((rows.by_id[row], category, count) for (row, category), count in found.open_at.items())
    return [
        CellStatus(unit=place.code, category=category, open=count)
        for place, category, count in sorted(named, key=lambda each: (each[0].path, each[1]))
    ]


def _ladder(campaign: Campaign, found: Standings, now: datetime) -> list[StepStatus]:
    ladders, climbed = settings_of(campaign).ladders, dict(found.climbed)
    steps = []
    for matter in Matter:
        for step in ladders[matter]:
            if count := climbed.pop((matter, step.code), 0):
                planned = PlannedStep(step, now)
                words = {"zh": planned.why(matter, "zh"), "en": planned.why(matter, "en")}
                steps.append(StepStatus(matter=matter, step=step.code, tickets=count, **words))
    # Steps the ladder no longer has, climbed when it had them.
    return steps + [
        StepStatus(matter=matter, step=code, zh=code, en=code, tickets=count)
        for (matter, code), count in sorted(climbed.items())
    ]


def _by_rota(visited: Sequence[VisitCell]) -> list[RotaStatus]:
    return [
        RotaStatus(
            rota=rota.id if rota else None,
            checklist=rota.checklist.code if rota else None,
            every=rota.every if rota else None,
            visits=counts,
            rate=counts.rate,
        )
        for rota, counts in visits_by_rota(visited)
    ]


def _rates(whole: Standing, reports: Sequence[UnitReport], visits: VisitCounts) -> Rates:
    having = whole.having
    verified, cancelled = having(Stands.VERIFIED), having(Stands.CANCELLED)
    done = having(Stands.FIXED) + verified
    verified_later = having(Stands.VERIFIED, Stands.RETURNED)
    major = having(Stands.MAJOR) - having(Stands.MAJOR, Stands.CANCELLED)
    return Rates(
        rectified=Rate.of(verified, whole.total - cancelled),
        on_time=Rate.of(having(Stands.IN_TIME), done),
        on_current_time=Rate.of(having(Stands.IN_CURRENT_TIME), done),
        first_pass=Rate.of(verified - verified_later, verified + having(Stands.RETURNED) - verified_later),
        # A major hazard leaves `found` with its five assurances or not at all: the chart and the database hold it so.
        five_assured=Rate.of(major - having(Stands.MAJOR, Stands.FOUND), major),
        coverage=Rate.of(sum(report.visited for report in reports), len(reports)),
        visits=visits.rate,
        average_fix_days=Average.of(whole.fix_days, done),
    )


def _samples(cells: Sequence[SampleCell]) -> list[SampleStatus]:
    return [
        SampleStatus(
            kind=kind,
            counts=counts_of(drawn),
            by_unit=[
                UnitSample(code=cell.unit.code, name=cell.unit.name, counts=counts_of([cell]))
                for cell in drawn
            ],
        )
        for kind in SampleKind
        if (drawn := [cell for cell in cells if cell.kind is kind])
    ]
