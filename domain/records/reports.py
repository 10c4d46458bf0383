"""What anybody reported without a login, its photos, and the tries by which such doors are kept from being flooded."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.records.base import Base, Key, words
from domain.records.people import Person, Unit
from domain.records.places import Place
from domain.records.tickets import Ticket
from statemachines.chart import RecordChart
from statemachines.report import ReportChart, ReportState


class Report(Base):
    """A worker's report. Only the hash of its reply code is kept; name and telephone number are the reporter's choice.

    `unit_id` is the place's unit at the time. An accepted report names its ticket; a declined one may name the ticket
    that had the hazard already.
    """

    __tablename__ = "reports"
    chart: ClassVar[type[RecordChart]] = ReportChart

    id: Mapped[Key]
    place_id: Mapped[UUID] = mapped_column(ForeignKey("places.id"))
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    text: Mapped[str]
    location: Mapped[str]
    reporter_name: Mapped[str]
    reporter_phone: Mapped[str]
    received_at: Mapped[datetime]
    reply_hash: Mapped[bytes] = mapped_column(unique=True)
    state: Mapped[ReportState] = mapped_column(words(ReportState))
    decided_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("tickets.id"), index=True)
    version: Mapped[int] = mapped_column()

    place: Mapped[Place] = relationship(lazy="raise")
    unit: Mapped[Unit] = relationship(lazy="raise")
    decided_by: Mapped[Person | None] = relationship(lazy="raise")
    ticket: Mapped[Ticket | None] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
    __table_args__ = (
        CheckConstraint("text <> ''", name="text_given"),
        CheckConstraint(
            "state = 'received' OR (decided_by_id IS NOT NULL AND decided_at IS NOT NULL)", name="decided"
        ),
        CheckConstraint("state <> 'accepted' OR ticket_id IS NOT NULL", name="accepted_has_ticket"),
        CheckConstraint("state <> 'declined' OR (reason <> '') IS TRUE", name="declined_with_reason"),
        # Read by domain/reports.py: what waits, oldest first, and what came in, newest first.
        Index("ix_reports_unit", "unit_id", "state", "received_at"),
    )

    @property
    def unit_path(self) -> str:
        """The path of the unit it is about."""
        return self.unit.path


class ReportFile(Base):
    """A photo of a report; its bytes arrived with it."""

    __tablename__ = "report_files"

    id: Mapped[Key]
    report_id: Mapped[UUID] = mapped_column(ForeignKey("reports.id"))
    sha256: Mapped[str] = mapped_column(ForeignKey("stored_files.sha256"), index=True)
    name: Mapped[str]
    size: Mapped[int]

    __table_args__ = (UniqueConstraint("report_id", "sha256"),)


class DoorKind(StrEnum):
    """What was tried without a login."""

    REPORT = "report"
    LOOKUP = "lookup"


class Knock(Base):
    """One try at a door that needs no login; counted by address and place, then forgotten."""

    __tablename__ = "knocks"

    id: Mapped[Key]
    door: Mapped[DoorKind] = mapped_column(words(DoorKind))
    address: Mapped[bytes]
    """A hash of the sender's address and the day: good for counting, and for nothing else."""
    place_id: Mapped[UUID | None] = mapped_column(ForeignKey("places.id"))
    at: Mapped[datetime] = mapped_column(index=True)

    __table_args__ = (
        Index("ix_knocks_address", "door", "address", "at"),
        Index("ix_knocks_place", "place_id", "at"),
    )
