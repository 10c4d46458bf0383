"""Checklists and their items (检查表)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.records.base import Base, Key, words
from statemachines.labels import Level


class Checklist(Base):
    """A named list of things to check."""

    __tablename__ = "checklists"

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]

    items: Mapped[list[ChecklistItem]] = relationship(lazy="raise", order_by="ChecklistItem.position")


class ChecklistItem(Base):
    """One thing to check; level, measure and days are defaults for the ticket a failed answer opens.

    `deadline_days` are natural days, the start day not counted; 0 = same day, 1 = 24 hours (domain/deadlines.py).
    """

    __tablename__ = "checklist_items"

    id: Mapped[Key]
    checklist_id: Mapped[UUID] = mapped_column(ForeignKey("checklists.id"))
    code: Mapped[str]
    category: Mapped[str]
    item: Mapped[str]
    criterion: Mapped[str]
    level: Mapped[Level] = mapped_column(words(Level))
    measure: Mapped[str]
    deadline_days: Mapped[int]
    position: Mapped[int]
    photo_required: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether a failed answer must have a photo."""
    after_photo_required: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the fix of what failed must have one."""
    guidance_photo: Mapped[str | None] = mapped_column(ForeignKey("stored_files.sha256"))
    """What right or wrong looks like, shown under the item."""

    __table_args__ = (
        UniqueConstraint("checklist_id", "code"),
        CheckConstraint("deadline_days >= 0", name="deadline_not_negative"),
    )
