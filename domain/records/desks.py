"""What a person keeps on their desk: filters by name, columns of the queue, and what became of acts on many rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.records.base import Base, Key


class SavedFilter(Base):
    """A filter of the queue under a name; the owner's alone. `query` is what stands in the list's address."""

    __tablename__ = "saved_filters"

    id: Mapped[Key]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    name: Mapped[str]
    query: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("person_id", "name"),
        CheckConstraint("name <> ''", name="name_given"),
    )


class Desk(Base):
    """The columns a person chose for the queue, in order."""

    __tablename__ = "desks"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    columns: Mapped[list[Any]]


class BulkAct(Base):
    """What became of each row of an act on many; its id comes from the form, so that sending it twice does it once."""

    __tablename__ = "bulk_acts"

    id: Mapped[Key]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    act: Mapped[str]
    at: Mapped[datetime]
    rows: Mapped[list[Any]]

    __table_args__ = (Index("ix_bulk_acts_at", "at"),)
