"""Safety tools (安全工器具) and their tests (试验)."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.records.base import Base, Key, words
from domain.records.people import Person, Unit
from domain.records.photo_listings import PhotoListing


class ToolStatus(StrEnum):
    """在用 / 待试验 / 不合格 / 已报废. "Past its test date" (超期停用) is computed from next_test_on, never stored."""

    IN_USE = "in_use"
    UNTESTED = "untested"
    FAILED = "failed"
    RETIRED = "retired"


class Tool(Base):
    """One numbered tool; `measure_unit` is how its kind is counted (付, 支, 双 …)."""

    __tablename__ = "tools"

    id: Mapped[Key]
    number: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    measure_unit: Mapped[str]
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)
    holder: Mapped[str] = mapped_column(default="")
    spec: Mapped[str] = mapped_column(default="")
    made_on: Mapped[date | None]
    test_interval_months: Mapped[int]
    last_test_on: Mapped[date | None]
    next_test_on: Mapped[date | None]
    status: Mapped[ToolStatus] = mapped_column(words(ToolStatus))
    created_at: Mapped[datetime]

    unit: Mapped[Unit] = relationship(lazy="raise")

    __table_args__ = (
        CheckConstraint("test_interval_months > 0", name="interval_positive"),
        Index("ix_tools_next_test_on", "next_test_on"),
    )


class ToolTest(Base):
    """One test of one tool."""

    __tablename__ = "tool_tests"

    id: Mapped[Key]
    tool_id: Mapped[UUID] = mapped_column(ForeignKey("tools.id"), index=True)
    campaign_id: Mapped[UUID | None] = mapped_column(ForeignKey("campaigns.id"), index=True)
    tested_on: Mapped[date]
    passed: Mapped[bool]
    note: Mapped[str] = mapped_column(default="")
    report_number: Mapped[str] = mapped_column(default="")
    readings: Mapped[list[Any]] = mapped_column(default=list, server_default=text("'[]'"))
    """What was measured: `{name, value, unit}` each, the value as it was written."""
    tester_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    recorded_at: Mapped[datetime]

    tool: Mapped[Tool] = relationship(lazy="raise")
    tester: Mapped[Person] = relationship(lazy="raise")
    photos: Mapped[list[PhotoListing]] = relationship(lazy="raise", order_by="PhotoListing.id")
