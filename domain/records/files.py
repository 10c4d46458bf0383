"""Files by content: what was listed with a record, and what has arrived."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

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
    """A file a ticket says it has: visible at once, arrived when a stored file with that hash exists.

    `captured_*` is when and where the form took it; `exif_*` what the phone read from the file itself before it made it
    smaller (a shrunk photo has lost that data). `reused_from_id` is another ticket that had listed the same bytes.
    """

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
    captured_at: Mapped[datetime | None]
    captured_lat: Mapped[float | None]
    captured_lon: Mapped[float | None]
    exif_at: Mapped[datetime | None]
    exif_lat: Mapped[float | None]
    exif_lon: Mapped[float | None]
    reused_from_id: Mapped[UUID | None] = mapped_column(ForeignKey("tickets.id"))

    stored: Mapped[StoredFile | None] = relationship(
        lazy="raise",
        viewonly=True,
        primaryjoin=lambda: foreign(FileListing.sha256) == StoredFile.sha256,
    )

    __table_args__ = (
        UniqueConstraint("ticket_id", "sha256", "kind"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256_form"),
        CheckConstraint("size > 0", name="size_positive"),
        CheckConstraint(
            "captured_lat BETWEEN -90 AND 90 AND captured_lon BETWEEN -180 AND 180", name="captured_on_earth"
        ),
        CheckConstraint(
            "exif_lat BETWEEN -90 AND 90 AND exif_lon BETWEEN -180 AND 180", name="exif_on_earth"
        ),
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
