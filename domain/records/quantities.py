"""Quantity records (工作量记录): work done in bulk, never thousands of tickets."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.records.base import Base, Key, words
from domain.records.people import Unit


class CountsAs(StrEnum):
    """How a record enters a sum.

    PART is added. TOTAL is a total somebody stated: never added, but checked against the sum of its parts.
    UNCLEAR names no work ("带电工器具50组", no verb in the source): listed apart, never added.
    """

    PART = "part"
    TOTAL = "total"
    UNCLEAR = "unclear"


class QuantityRecord(Base):
    """Action + item + quantity + unit of measure (清扫 针瓶 4500 个) of one unit on one day."""

    __tablename__ = "quantity_records"

    id: Mapped[Key]
    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaigns.id"))
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    done_on: Mapped[date]
    action: Mapped[str]
    item: Mapped[str]
    quantity: Mapped[Decimal] = mapped_column(Numeric(14, 2))
    measure_unit: Mapped[str]
    approximate: Mapped[bool] = mapped_column(default=False)
    counts_as: Mapped[CountsAs] = mapped_column(words(CountsAs), default=CountsAs.PART)
    topic: Mapped[str] = mapped_column(default="")
    """The heading of the summary it belongs under (设备消缺, 工器具试验 …); empty: found from action and item."""
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("tickets.id"))
    tool_test_id: Mapped[UUID | None] = mapped_column(ForeignKey("tool_tests.id"), unique=True)
    recorded_by_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    recorded_at: Mapped[datetime]

    unit: Mapped[Unit] = relationship(lazy="raise")

    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("action <> '' AND item <> '' AND measure_unit <> ''", name="named"),
        Index("ix_quantity_records_campaign", "campaign_id", "id"),
    )
