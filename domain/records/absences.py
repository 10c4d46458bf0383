"""Who is away, and who stands in (代理)."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.records.base import Base, Key
from domain.records.people import Person


class Absence(Base):
    """Days on which a person is away. Whoever stands in is told in their place; both names are recorded."""

    __tablename__ = "absences"

    id: Mapped[Key]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    substitute_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    reason: Mapped[str] = mapped_column(default="")
    recorded_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    recorded_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    """Struck before its end: the person is back."""

    person: Mapped[Person] = relationship(lazy="raise", foreign_keys=[person_id])
    substitute: Mapped[Person] = relationship(lazy="raise", foreign_keys=[substitute_id])

    __table_args__ = (
        CheckConstraint("ends_on >= starts_on", name="ends_after_start"),
        CheckConstraint("person_id <> substitute_id", name="somebody_else"),
        Index("ix_absences_person", "person_id", "ends_on"),
    )
