"""The register of labour-protection inspectors (工会劳动保护检查员): certificate, appointment, training."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.records.base import Base, Key, words
from domain.records.people import Person
from statemachines.labels import Labelled


class InspectorKind(Labelled):
    """专职, 兼职, 小组 (domain rules 3.2)."""

    FULL_TIME = "full_time", "专职检查员", "Full-time inspector"
    PART_TIME = "part_time", "兼职检查员", "Part-time inspector"
    GROUP = "group", "小组检查员", "Union-group checker"


class Appointment(Base):
    """One appointment of a person as an inspector, from a day to a day; a later one takes its place."""

    __tablename__ = "appointments"

    id: Mapped[Key]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    kind: Mapped[InspectorKind] = mapped_column(words(InspectorKind))
    certificate: Mapped[str] = mapped_column(default="")
    """证号; group checkers may have none."""
    document: Mapped[str]
    """聘任文件, such as 工劳监〔2026〕5号."""
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    ended_at: Mapped[datetime | None]
    """When a later appointment or a dismissal put an end to it."""
    recorded_by_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    recorded_at: Mapped[datetime]

    person: Mapped[Person] = relationship(lazy="raise", foreign_keys=[person_id])

    __table_args__ = (
        CheckConstraint("document <> ''", name="document_given"),
        CheckConstraint("ends_on >= starts_on", name="ends_after_start"),
        Index("uq_appointments_current", "person_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    )


class Training(Base):
    """One training of an inspector: day, subject, hours, score."""

    __tablename__ = "trainings"

    id: Mapped[Key]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), index=True)
    held_on: Mapped[date]
    subject: Mapped[str]
    hours: Mapped[Decimal] = mapped_column(Numeric(5, 1))
    score: Mapped[Decimal | None] = mapped_column(Numeric(5, 1))
    recorded_by_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    recorded_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("subject <> ''", name="subject_given"),
        CheckConstraint("hours > 0", name="hours_positive"),
        CheckConstraint("score BETWEEN 0 AND 100", name="score_of_a_hundred"),
    )
