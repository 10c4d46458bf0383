"""The library of standard hazards (标准隐患库): what is found again and again, with its level, measure and deadline."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.records.base import Base, Key, words
from statemachines.labels import Level


class StandardHazard(Base):
    """One version of one standard hazard. A later version supersedes it; the row stays, so that what a ticket was made
    from can be read as it was.

    `deadline_days` as in checklists. `pinyin` has a syllable for each sign, `initials` their first letters: what a
    person types to find it.
    """

    __tablename__ = "standard_hazards"

    id: Mapped[Key]
    code: Mapped[str]
    version: Mapped[int]
    category: Mapped[str]
    title: Mapped[str]
    criterion: Mapped[str]
    """The clause of a regulation, or what would be in order."""
    level: Mapped[Level] = mapped_column(words(Level))
    measure: Mapped[str]
    deadline_days: Mapped[int]
    pinyin: Mapped[str]
    initials: Mapped[str]
    photo_required: Mapped[bool] = mapped_column(default=False)
    """Whether a finding of it must list a photo."""
    after_photo_required: Mapped[bool] = mapped_column(default=False)
    """Whether its fix must."""
    guidance_photo: Mapped[str | None] = mapped_column(ForeignKey("stored_files.sha256"))
    recorded_at: Mapped[datetime]
    recorded_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    superseded_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("code", "version"),
        Index(
            "uq_standard_hazards_current",
            "code",
            unique=True,
            postgresql_where=text("superseded_at IS NULL"),
        ),
        CheckConstraint("deadline_days >= 0", name="deadline_not_negative"),
    )
