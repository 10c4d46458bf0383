"""Drafts of findings: what is half written, one copy for each device that wrote on it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from domain.records.base import Base


class DraftCopy(Base):
    """A draft as one device has it. `id` is the finding it will become; a copy that knew the others replaces them.

    `base_version` is the newest version its device knew of; photos stay on the device, here are only their names.
    """

    __tablename__ = "draft_copies"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    device: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    device_name: Mapped[str] = mapped_column(default="")
    version: Mapped[int]
    base_version: Mapped[int]
    body: Mapped[dict[str, Any]]
    saved_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_draft_copies_person_id", "person_id", "saved_at"),
        CheckConstraint("version > base_version AND base_version >= 0", name="version_after_base"),
    )
