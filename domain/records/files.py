"""Files by content: what was listed with a record, and what has arrived."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.records.base import Base, Key, words


class FileKind(StrEnum):
    """Before the fix, after it, or at the re-check: kept apart on every page and paper."""

    BEFORE = "before"
    AFTER = "after"
    RECHECK = "recheck"


class StoredFile(Base):
    """A file whose bytes have arrived and whose SHA-256 was checked; time and place from its own data."""

    __tablename__ = "stored_files"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    size: Mapped[int]
    media_type: Mapped[str]
    width: Mapped[int | None]
    height: Mapped[int | None]
    taken_at: Mapped[datetime | None]
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    stored_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256_form"),)


class FileListing(Base):
    """A file a ticket says it has: visible at once, arrived when a stored file with that hash exists."""

    __tablename__ = "file_listings"

    id: Mapped[Key]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"))
    sha256: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    size: Mapped[int]
    kind: Mapped[FileKind] = mapped_column(words(FileKind))
    listed_by_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    listed_at: Mapped[datetime]
    arrived_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("ticket_id", "sha256", "kind"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256_form"),
        CheckConstraint("size > 0", name="size_positive"),
    )


class FilePart(Base):
    """A piece of a file still arriving; its bytes lie in the store, so any web process may go on with it."""

    __tablename__ = "file_parts"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    starts_at: Mapped[int] = mapped_column(primary_key=True)
    ends_at: Mapped[int]
    uploaded_by_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    uploaded_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("ends_at > starts_at", name="not_empty"),)
