"""Calendar feeds (iCalendar) of people and units."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.records.base import Base, Key
from domain.records.people import Unit


class CalendarFeed(Base):
    """An address a calendar program reads without a login: whoever knows the secret sees what `person_id` may see.

    Only the secret's SHA-256 is kept. `unit_id`: the unit's dates instead of the person's own.
    """

    __tablename__ = "calendar_feeds"

    id: Mapped[Key]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), index=True)
    unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[datetime]
    last_read_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    unit: Mapped[Unit | None] = relationship(lazy="raise")
