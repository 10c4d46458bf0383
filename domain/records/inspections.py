"""Inspections (one visit to one unit against a checklist) and their answers."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.records.base import Base, Key, words
from domain.records.campaigns import Campaign
from domain.records.checklists import Checklist, ChecklistItem
from domain.records.people import Person, Unit
from domain.records.photo_listings import PhotoListing
from domain.records.tickets import Ticket
from statemachines.chart import RecordChart
from statemachines.inspection import InspectionChart, InspectionState
from statemachines.labels import Level

#: Visits a rota makes once. Written out: a parameter in its place would not name the index once the plan is general.
OF_A_ROTA = text("rota_id IS NOT NULL AND state <> 'withdrawn'")


class AnswerValue(StrEnum):
    """合格 / 不合格 / 不适用 / 未查."""

    PASS = "pass"  # noqa: S105 - an answer, not a password
    FAIL = "fail"
    NOT_APPLICABLE = "na"
    UNCHECKED = "unchecked"


class Inspection(Base):
    """One visit. `nothing_found` is the signed record "checked, nothing found"; it counts as the zero report."""

    __tablename__ = "inspections"
    chart: ClassVar[type[RecordChart]] = InspectionChart

    id: Mapped[Key]
    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaigns.id"))
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)
    checklist_id: Mapped[UUID] = mapped_column(ForeignKey("checklists.id"))
    inspector_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    rota_id: Mapped[UUID | None] = mapped_column(ForeignKey("rotas.id"))
    planned_on: Mapped[date]
    state: Mapped[InspectionState] = mapped_column(words(InspectionState))
    started_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    submitted_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    nothing_found: Mapped[bool] = mapped_column(default=False)
    missed_reason: Mapped[str | None]
    """Why it was not made, for a missed or withdrawn one."""
    instead_of_id: Mapped[UUID | None] = mapped_column(ForeignKey("inspections.id"), unique=True)
    """The missed visit this one makes up for (补检)."""
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()

    campaign: Mapped[Campaign] = relationship(lazy="raise")
    unit: Mapped[Unit] = relationship(lazy="raise")
    checklist: Mapped[Checklist] = relationship(lazy="raise")
    inspector: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[inspector_id])
    submitted_by: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[submitted_by_id])
    answers: Mapped[list[Answer]] = relationship(lazy="raise", back_populates="inspection")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
    __table_args__ = (
        # A rota makes each visit once, however often its flow runs.
        Index(
            "uq_inspections_rota_visit",
            "rota_id",
            "unit_id",
            "planned_on",
            unique=True,
            postgresql_where=OF_A_ROTA,
        ),
        CheckConstraint("state <> 'missed' OR (missed_reason <> '') IS TRUE", name="miss_has_reason"),
        # Read by domain/missing.py: visits whose day has passed.
        Index("ix_inspections_planned", "planned_on", postgresql_where=text("state = 'planned'")),
        # Read by domain/coverage.py: what was missed, the latest first.
        Index(
            "ix_inspections_missed", "campaign_id", "planned_on", postgresql_where=text("state = 'missed'")
        ),
        CheckConstraint(
            "state <> 'submitted' OR (submitted_at IS NOT NULL AND submitted_by_id IS NOT NULL)",
            name="submitted_is_signed",
        ),
    )

    @property
    def unit_path(self) -> str:
        """The path of the inspected unit."""
        return self.unit.path


class Answer(Base):
    """The answer to one checklist item; a failed one names the ticket it opened."""

    __tablename__ = "answers"

    id: Mapped[Key]
    inspection_id: Mapped[UUID] = mapped_column(ForeignKey("inspections.id"))
    item_id: Mapped[UUID] = mapped_column(ForeignKey("checklist_items.id"))
    value: Mapped[AnswerValue] = mapped_column(words(AnswerValue))
    note: Mapped[str] = mapped_column(default="")
    location: Mapped[str] = mapped_column(default="")
    level: Mapped[Level | None] = mapped_column(words(Level))
    """The level the inspector gave a failed item in place of the item's own; so are the next two."""
    measure: Mapped[str | None]
    deadline_days: Mapped[int | None]
    answered_by_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    answered_at: Mapped[datetime]
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("tickets.id"))
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    """Counts the changes of this answer; a device says from which one it went on."""
    branch: Mapped[UUID | None]
    """The device that gave it, when it was one that works without signal."""
    step: Mapped[int | None]
    """Which change of that device it was."""

    inspection: Mapped[Inspection] = relationship(lazy="raise", back_populates="answers")
    item: Mapped[ChecklistItem] = relationship(lazy="raise")
    ticket: Mapped[Ticket | None] = relationship(lazy="raise")
    answered_by: Mapped[Person] = relationship(lazy="raise")
    conflicts: Mapped[list[AnswerConflict]] = relationship(
        lazy="raise", back_populates="answer", order_by="AnswerConflict.id"
    )
    photos: Mapped[list[PhotoListing]] = relationship(lazy="raise", order_by="PhotoListing.id")

    __table_args__ = (
        UniqueConstraint("inspection_id", "item_id"),
        CheckConstraint("deadline_days >= 0", name="deadline_not_negative"),
    )


class AnswerConflict(Base):
    """Another answer to the same item, given on another device without knowing the present one. Both are kept until
    the inspector has chosen; the history keeps the one that lost.
    """

    __tablename__ = "answer_conflicts"

    id: Mapped[Key]
    answer_id: Mapped[UUID] = mapped_column(ForeignKey("answers.id"))
    base_version: Mapped[int]
    """The version of the answer its device knew; 0: none."""
    value: Mapped[AnswerValue] = mapped_column(words(AnswerValue))
    note: Mapped[str]
    location: Mapped[str]
    level: Mapped[Level | None] = mapped_column(words(Level))
    measure: Mapped[str | None]
    deadline_days: Mapped[int | None]
    answered_by_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    answered_at: Mapped[datetime]
    received_at: Mapped[datetime]
    branch: Mapped[UUID | None]
    step: Mapped[int | None]
    settled_at: Mapped[datetime | None]
    settled_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))

    answer: Mapped[Answer] = relationship(lazy="raise", back_populates="conflicts")
    answered_by: Mapped[Person] = relationship(lazy="raise", foreign_keys=[answered_by_id])

    __table_args__ = (
        Index("ix_answer_conflicts_answer_id", "answer_id", postgresql_where=text("settled_at IS NULL")),
        CheckConstraint("(settled_at IS NULL) = (settled_by_id IS NULL)", name="settled_by_somebody"),
    )
