"""Calendars: the State Council's yearly notices, and what a unit or shift does otherwise."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.records.base import Base, Key
from domain.records.people import Unit


class Calendar(Base):
    """One edition of a calendar. A later edition supersedes it; the row stays, so that an old date can be explained.

    `unit_id` None: the national calendar of `year`. Otherwise that unit and all below it; the nearest unit's day wins.
    A shift (倒班) repeats `cycle`, true for a day of work, from `cycle_from` on.
    """

    __tablename__ = "calendars"

    id: Mapped[Key]
    unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    year: Mapped[int | None]
    edition: Mapped[int]
    name: Mapped[str]
    source: Mapped[str]
    """The file it was read from, or the notice's number."""
    cycle: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    cycle_from: Mapped[date | None]
    imported_at: Mapped[datetime]
    imported_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    superseded_at: Mapped[datetime | None]

    unit: Mapped[Unit | None] = relationship(lazy="raise")
    days: Mapped[list[CalendarDay]] = relationship(lazy="raise", order_by="CalendarDay.day")

    __table_args__ = (
        CheckConstraint("(cycle IS NULL) = (cycle_from IS NULL)", name="cycle_has_start"),
        CheckConstraint("unit_id IS NOT NULL OR year IS NOT NULL", name="national_has_year"),
        Index(
            "uq_calendars_current",
            "unit_id",
            "year",
            unique=True,
            postgresql_where=text("superseded_at IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
    )


class CalendarDay(Base):
    """A day on which it is otherwise than the calendars above say: work on a day off, or a day off."""

    __tablename__ = "calendar_days"

    calendar_id: Mapped[UUID] = mapped_column(ForeignKey("calendars.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    working: Mapped[bool]
    name: Mapped[str]
