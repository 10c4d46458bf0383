"""Photos listed with what is not a ticket yet: a failed answer of a visit under way, a test of a tool."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.records.base import Base, Key


class PhotoListing(Base):
    """A photo an answer or a tool's test says it has. The photos of an answer become its ticket's when the visit is
    submitted; whether the bytes have arrived is told by the stored file with the hash.
    """

    __tablename__ = "photo_listings"

    id: Mapped[Key]
    answer_id: Mapped[UUID | None] = mapped_column(ForeignKey("answers.id"))
    tool_test_id: Mapped[UUID | None] = mapped_column(ForeignKey("tool_tests.id"))
    sha256: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    size: Mapped[int]
    said: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """When and where it was taken, as the ticket will list it (domain/files.py)."""
    listed_by_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    listed_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("answer_id", "sha256"),
        UniqueConstraint("tool_test_id", "sha256"),
        CheckConstraint("num_nonnulls(answer_id, tool_test_id) = 1", name="of_one_record"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256_form"),
        CheckConstraint("size > 0", name="size_positive"),
    )
