"""Suggestions of the union (工会劳动保护监督检查意见书) and the administration's answers."""

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
from statemachines.chart import RecordChart
from statemachines.suggestion import SuggestionChart, SuggestionState


class SuggestionCounter(Base):
    """The last number given out in a year to a suggestion; numbers are never reused."""

    __tablename__ = "suggestion_counters"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]


class Suggestion(Base):
    """What the union suggests to a unit's administration, which must study it and answer in time (安全生产法 Art. 60).

    `adopted` false needs a reason in `answer`; the union may dispute it, and then a written explanation is due.
    """

    __tablename__ = "suggestions"
    chart: ClassVar[type[RecordChart]] = SuggestionChart

    id: Mapped[Key]
    number: Mapped[str] = mapped_column(unique=True)
    campaign_id: Mapped[UUID | None] = mapped_column(ForeignKey("campaigns.id"))
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("tickets.id"), index=True)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)
    text: Mapped[str]
    state: Mapped[SuggestionState] = mapped_column(words(SuggestionState))
    issued_by_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    issued_at: Mapped[datetime]
    addressee_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    answer_due_at: Mapped[datetime]
    adopted: Mapped[bool | None]
    answer: Mapped[str | None]
    answered_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    answered_at: Mapped[datetime | None]
    disputed_at: Mapped[datetime | None]
    dispute: Mapped[str | None]
    explanation: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()

    campaign: Mapped[Campaign | None] = relationship(lazy="raise")
    ticket: Mapped[Ticket | None] = relationship(lazy="raise")
    unit: Mapped[Unit] = relationship(lazy="raise")
    issued_by: Mapped[Person] = relationship(lazy="raise", foreign_keys=[issued_by_id])
    addressee: Mapped[Person] = relationship(lazy="raise", foreign_keys=[addressee_id])
    answered_by: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[answered_by_id])

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
    __table_args__ = (
        CheckConstraint("text <> ''", name="text_given"),
        CheckConstraint(
            "state = 'issued' OR (adopted IS NOT NULL AND answered_by_id IS NOT NULL AND answered_at IS NOT NULL)",
            name="answered",
        ),
        CheckConstraint("adopted IS NOT FALSE OR (answer <> '') IS TRUE", name="refusal_has_reason"),
        CheckConstraint("state <> 'disputed' OR (dispute <> '') IS TRUE", name="dispute_has_reason"),
        Index("ix_suggestions_open", "answer_due_at"),
    )

    @property
    def unit_path(self) -> str:
        """The path of the unit it is made to."""
        return self.unit.path
