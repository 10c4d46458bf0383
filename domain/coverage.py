"""Coverage: which units of a campaign were visited, and which have said nothing at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.records import Campaign, CampaignUnit, Inspection, NumberCounter, Unit
from statemachines.inspection import InspectionState


@dataclass(frozen=True, slots=True)
class UnitReport:
    """What one unit in scope has delivered, everything below it included.

    `inspections` counts submitted visits, `findings` the findings made in this campaign, cancelled ones too.
    """

    unit: Unit
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
    def unreported(self) -> tuple[Unit, ...]:
        """Units that have said nothing, not even zero."""
        return tuple(report.unit for report in self.units if not report.reported)


def coverage(session: Session, campaign: Campaign) -> Coverage:
    """The coverage of a campaign. Its cost follows the number of units, not of tickets."""
    scope = session.execute(
        select(Unit, CampaignUnit.zero_reported_at)
        .join(CampaignUnit, CampaignUnit.unit_id == Unit.id)
        .where(CampaignUnit.campaign_id == campaign.id)
        .order_by(CampaignUnit.position)
    ).all()
    visits = session.execute(
        select(Unit.path, func.count())
        .join(Inspection, Inspection.unit_id == Unit.id)
        .where(Inspection.campaign_id == campaign.id, Inspection.state == InspectionState.SUBMITTED)
        .group_by(Unit.path)
    ).all()
    # The counter of ticket numbers is exactly the number of findings made here: numbers are never reused or skipped.
    findings = session.execute(
        select(Unit.path, NumberCounter.last)
        .join(NumberCounter, NumberCounter.unit_id == Unit.id)
        .where(NumberCounter.campaign_id == campaign.id)
    ).all()
    return Coverage(
        tuple(
            UnitReport(
                unit,
                inspections=sum(count for path, count in visits if path.startswith(unit.path)),
                findings=sum(count for path, count in findings if path.startswith(unit.path)),
                zero_reported_at=zero,
            )
            for unit, zero in scope
        )
    )


def scope_unit_of(session: Session, campaign: Campaign, unit: Unit) -> CampaignUnit | None:
    """The entry of the campaign's scope that covers this unit: its own or the nearest above it."""
    return session.scalars(
        select(CampaignUnit)
        .join(Unit, Unit.id == CampaignUnit.unit_id)
        .where(CampaignUnit.campaign_id == campaign.id, func.starts_with(unit.path, Unit.path))
        .order_by(func.length(Unit.path).desc())
        .limit(1)
    ).one_or_none()
