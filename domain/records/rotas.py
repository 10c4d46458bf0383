"""Rotas: checks that come back by the calendar, or once over every unit of a campaign."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.records.base import Base, Key, words
from domain.records.checklists import Checklist
from domain.records.people import Person, Unit


class RotaEvery(StrEnum):
    """How often a scheduled check returns."""

    ONCE = "once"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class Rota(Base):
    """A scheduled check: this checklist, once (spread over workdays) or on a day of each week or month.

    `whole_scope`: every unit of the campaign, also those that join later; otherwise the units of `stops`. `weekday`
    (1 Monday … 7 Sunday) and `day_of_month` choose the day; None: that of `starts_on`. Nothing is planned from
    `paused_from` to `paused_until` (None: until it is resumed), nor once it has ended.
    """

    __tablename__ = "rotas"

    id: Mapped[Key]
    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaigns.id"), index=True)
    checklist_id: Mapped[UUID] = mapped_column(ForeignKey("checklists.id"))
    every: Mapped[RotaEvery] = mapped_column(words(RotaEvery))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    weekday: Mapped[int | None]
    day_of_month: Mapped[int | None]
    whole_scope: Mapped[bool] = mapped_column(default=True)
    paused_from: Mapped[date | None]
    paused_until: Mapped[date | None]
    ended_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()

    checklist: Mapped[Checklist] = relationship(lazy="raise")
    stops: Mapped[list[RotaStop]] = relationship(lazy="raise", cascade="all, delete-orphan")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
    __table_args__ = (
        CheckConstraint("ends_on >= starts_on", name="ends_after_start"),
        CheckConstraint(
            "weekday IS NULL OR (every = 'weekly' AND weekday BETWEEN 1 AND 7)", name="weekday_known"
        ),
        CheckConstraint(
            "day_of_month IS NULL OR (every = 'monthly' AND day_of_month BETWEEN 1 AND 31)",
            name="day_of_month_known",
        ),
        CheckConstraint("paused_until IS NULL OR paused_until >= paused_from", name="pause_in_order"),
    )


class RotaStop(Base):
    """A unit a rota names, and who inspects it; `inspector_id` None: whoever holds that role nearest the unit."""

    __tablename__ = "rota_stops"

    rota_id: Mapped[UUID] = mapped_column(ForeignKey("rotas.id"), primary_key=True)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), primary_key=True)
    inspector_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))

    unit: Mapped[Unit] = relationship(lazy="raise")
    inspector: Mapped[Person | None] = relationship(lazy="raise")
