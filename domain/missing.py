"""Visits nobody made: recorded as missed by the clock, with the reason, so that they stay in the data."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from domain.calendars import calendar_of
from domain.campaign_settings import settings_of
from domain.deadlines import end_of_day
from domain.records import Campaign, Inspection
from domain.submissions import Miss, miss
from domain.workdays import WorkCalendar
from statemachines.campaign import CampaignState, accepts_findings
from statemachines.inspection import InspectionState
from statemachines.labels import local_day
from statemachines.roles import SYSTEM


@dataclass(frozen=True, slots=True)
class Missed:
    """One visit recorded as missed: campaign and unit by code, and the day it was planned for."""

    campaign: str
    unit: str
    day: date


@dataclass(slots=True)
class Misses:
    """The visits recorded as missed, or that would be."""

    visits: list[Missed] = field(default_factory=list)

    def said(self) -> dict[str, int]:
        """As a heartbeat keeps it."""
        return {"missed": len(self.visits)}


def record_missed(session: Session, *, as_of: datetime, dry_run: bool = False) -> Misses:
    """Record as missed (未检) every visit of a running campaign nobody has begun in time.

    In time is until the end of the `missed_after_workdays`-th working day after the planned one (campaign setting). A
    visit somebody has begun is theirs to submit: its reminders go on. Rows another worker holds are left to it.
    """
    query = (
        select(Inspection)
        .join(Campaign, Campaign.id == Inspection.campaign_id)
        .where(
            Inspection.state == InspectionState.PLANNED,
            Inspection.planned_on < local_day(as_of),
            Campaign.state.in_([state for state in CampaignState if accepts_findings(state)]),
        )
        .options(joinedload(Inspection.unit), joinedload(Inspection.campaign))
        .order_by(Inspection.planned_on, Inspection.id)
    )
    if not dry_run:
        query = query.with_for_update(skip_locked=True, of=Inspection)
    misses = Misses()
    for visit in session.scalars(query).all():
        grace = settings_of(visit.campaign).missed_after_workdays
        if as_of <= end_of_day(last_day(visit.planned_on, grace, calendar_of(session, visit.unit.path))):
            continue
        misses.visits.append(Missed(visit.campaign.code, visit.unit.code, visit.planned_on))
        if not dry_run:
            told = Miss(reason=f"到期未检：计划{visit.planned_on}，此后{grace}个工作日内未开始")
            miss(session, visit, told, actor=SYSTEM, now=as_of)
    return misses


def last_day(planned_on: date, grace: int, calendar: WorkCalendar) -> date:
    """The last day on which a visit may still be begun."""
    return calendar.add(planned_on, grace)
