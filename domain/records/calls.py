"""Calls and visits of workers (12351, 来电来访), as whoever took them wrote them down."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.records.base import Base, Key, words
from domain.records.campaigns import Campaign
from domain.records.people import Person, Unit
from domain.records.tickets import Ticket
from statemachines.call import CallChart, CallState
from statemachines.chart import RecordChart
from statemachines.labels import Labelled


class CallWay(Labelled):
    """How it came in; the summary counts 来电来访 together."""

    PHONE = "phone", "来电", "Call"
    VISIT = "visit", "来访", "Visit"
    LETTER = "letter", "来信", "Letter"


class CallCounter(Base):
    """The last number given out in a year to a call; numbers are never reused."""

    __tablename__ = "call_counters"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]


class HotlineCall(Base):
    """One call, visit or letter. Who called is told or not; `satisfied` is asked when calling back."""

    __tablename__ = "hotline_calls"
    chart: ClassVar[type[RecordChart]] = CallChart

    id: Mapped[Key]
    number: Mapped[str] = mapped_column(unique=True)
    way: Mapped[CallWay] = mapped_column(words(CallWay))
    source: Mapped[str]
    """The line or counter it came in by: 12351, 值班电话."""
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)
    campaign_id: Mapped[UUID | None] = mapped_column(ForeignKey("campaigns.id"))
    caller_name: Mapped[str]
    caller_phone: Mapped[str]
    content: Mapped[str]
    received_at: Mapped[datetime]
    recorded_by_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    recorded_at: Mapped[datetime]
    state: Mapped[CallState] = mapped_column(words(CallState))
    answer: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    callback_wanted: Mapped[bool]
    called_back_at: Mapped[datetime | None]
    satisfied: Mapped[bool | None]
    settled_at: Mapped[datetime | None]
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("tickets.id"), index=True)
    version: Mapped[int] = mapped_column()

    unit: Mapped[Unit] = relationship(lazy="raise")
    campaign: Mapped[Campaign | None] = relationship(lazy="raise")
    recorded_by: Mapped[Person] = relationship(lazy="raise")
    ticket: Mapped[Ticket | None] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
    __table_args__ = (
        CheckConstraint("content <> ''", name="content_given"),
        CheckConstraint("(answer <> '') IS TRUE OR answered_at IS NULL", name="answered_with_words"),
        CheckConstraint(
            "state <> 'settled' OR (settled_at IS NOT NULL AND answered_at IS NOT NULL"
            " AND (called_back_at IS NOT NULL OR NOT callback_wanted))",
            name="settled_when_done",
        ),
        Index("ix_hotline_calls_campaign", "campaign_id", "received_at"),
    )

    @property
    def unit_path(self) -> str:
        """The path of the unit it is about."""
        return self.unit.path
