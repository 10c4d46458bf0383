"""Campaigns (春查…): phases with dates over units in scope."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.records.base import Base, Key, words
from domain.records.checklists import Checklist
from domain.records.people import Unit
from statemachines.campaign import CampaignChart, CampaignState
from statemachines.chart import RecordChart


class Campaign(Base):
    """One inspection campaign. `settings` is validated by domain/campaign_settings.py (ladder, deadlines, rules)."""

    __tablename__ = "campaigns"
    chart: ClassVar[type[RecordChart]] = CampaignChart

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    kind: Mapped[str]
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    checklist_id: Mapped[UUID | None] = mapped_column(ForeignKey("checklists.id"))
    state: Mapped[CampaignState] = mapped_column(words(CampaignState))
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    notice_number: Mapped[str | None]
    held_on: Mapped[date | None]
    attendance: Mapped[int | None]
    coverage_reason: Mapped[str | None]
    next_campaign_id: Mapped[UUID | None] = mapped_column(ForeignKey("campaigns.id"))
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()

    unit: Mapped[Unit] = relationship(lazy="raise")
    checklist: Mapped[Checklist | None] = relationship(lazy="raise")
    phases: Mapped[list[CampaignPhase]] = relationship(lazy="raise", order_by="CampaignPhase.starts_on")
    scope: Mapped[list[CampaignUnit]] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
    __table_args__ = (
        CheckConstraint("code ~ '^[A-Za-z0-9][A-Za-z0-9_]{0,23}$'", name="code_form"),
        CheckConstraint("name <> ''", name="name_given"),
        CheckConstraint(
            "state = 'preparing' OR (notice_number <> '' AND held_on IS NOT NULL AND attendance > 0) IS TRUE",
            name="mobilised_with_notice",
        ),
    )

    @property
    def unit_path(self) -> str:
        """The path of the unit that owns the campaign; roles are asked for at it."""
        return self.unit.path


class CampaignPhase(Base):
    """The dates of one phase; a phase may start by the clock (flows/advance_campaigns.py)."""

    __tablename__ = "campaign_phases"

    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    phase: Mapped[CampaignState] = mapped_column(words(CampaignState), primary_key=True)
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]

    __table_args__ = (CheckConstraint("ends_on >= starts_on", name="ends_after_start"),)


class CampaignUnit(Base):
    """A unit in the campaign's scope; a signed zero report says "checked, nothing found"."""

    __tablename__ = "campaign_units"

    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), primary_key=True, index=True)
    position: Mapped[int]
    zero_reported_at: Mapped[datetime | None]
    zero_reported_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))

    unit: Mapped[Unit] = relationship(lazy="raise")
