"""What is chased until it is done (催办), and the ledger of steps climbed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.records.base import Base, Key, words
from domain.records.tickets import Ticket
from statemachines.labels import Labelled, Level


class Matter(Labelled):
    """What somebody must act on. Each kind has its ladder (domain/campaign_settings.py)."""

    UNASSIGNED = "unassigned", "待三定", "Not assigned"
    """A ticket nobody is responsible for and that has no date; counted from its recording."""
    UNACKNOWLEDGED = "unacknowledged", "待签收", "Not acknowledged"
    """An assignment the person has not acknowledged; counted from the assignment."""
    DEADLINE = "deadline", "整改期限", "Deadline"
    """An assigned ticket; counted from its current deadline."""
    UNCHECKED = "unchecked", "待复查", "Not re-checked"
    """A reported fix nobody has re-checked; counted from the report."""
    EXTENSION = "extension", "延期待批", "Extension undecided"
    """A request for more time nobody has decided; counted from the request."""
    INSPECTION = "inspection", "计划检查", "Planned inspection"
    """A planned visit not submitted; counted from the end of its day."""
    SUGGESTION = "suggestion", "工会意见", "Union suggestion"
    """A suggestion of the union not answered; counted from the day its answer is due."""
    TOOL = "tool", "工器具试验", "Tool test"
    """A tool due for its test; counted from the end of the day its last test runs out."""
    SUPERVISION = "supervision", "督办进展", "Report under supervision"
    """A supervised hazard whose progress is to be reported; counted from the end of the day the report is due."""
    REPORT = "report", "群众报告待受理", "Public report"
    """A report without a login nobody has decided about; counted from its arrival."""


class Chase(Base):
    """One matter on its ladder. The row exists only while somebody must act, so a sweep looks at nothing else.

    `anchor_at` is the moment its steps are counted from; `turn` tells one run of that clock from the next, so that a
    step belongs to one deadline: the ticket's due version, for other matters the anchor in seconds since 1970.
    """

    __tablename__ = "chases"

    id: Mapped[Key]
    matter: Mapped[Matter] = mapped_column(words(Matter))
    subject_id: Mapped[UUID]
    """The ticket, extension, inspection, suggestion, tool, order of supervision or report."""
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    campaign_id: Mapped[UUID | None] = mapped_column(ForeignKey("campaigns.id"))
    """Whose ladder is climbed; None: that of the nearest unit which has one."""
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("tickets.id"), index=True)
    level: Mapped[Level | None] = mapped_column(words(Level))
    anchor_at: Mapped[datetime]
    planned_from: Mapped[datetime] = mapped_column(server_default=func.now())
    """When the plan was made: a step before `anchor_at` whose time was past by then is no part of it."""
    turn: Mapped[int] = mapped_column(BigInteger)
    next_step_at: Mapped[datetime | None]
    """None: every step is climbed, and nothing is left to do but the matter itself."""
    last_step: Mapped[str | None]
    """The code of the step climbed last, whichever of its repeats; of the present turn while `last_turn` is `turn`."""
    last_turn: Mapped[int | None] = mapped_column(BigInteger)

    ticket: Mapped[Ticket | None] = relationship(lazy="raise")
    """Read by nobody; it lets a new ticket be written before its chase."""

    __table_args__ = (
        Index("uq_chases_matter", "matter", "subject_id", unique=True),
        # Read by domain/escalation.py: the sweep's cost follows what is due, not what exists.
        Index("ix_chases_next_step", "next_step_at", "id"),
        # Read by domain/standings.py: how many of a campaign stand on which step.
        Index(
            "ix_chases_climbed",
            "campaign_id",
            "matter",
            "last_step",
            postgresql_include=["unit_id"],
            postgresql_where=text("last_turn = turn AND ticket_id IS NOT NULL"),
        ),
    )


class StepRecord(Base):
    """One step of a ladder, climbed or passed over, for one turn of one matter: recorded exactly once."""

    __tablename__ = "step_records"

    id: Mapped[Key]
    matter: Mapped[Matter] = mapped_column(words(Matter))
    subject_id: Mapped[UUID]
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("tickets.id"), index=True)
    step: Mapped[str]
    """The step's code; of a repeat with its number behind a dot."""
    turn: Mapped[int] = mapped_column(BigInteger)
    planned_at: Mapped[datetime]
    done_at: Mapped[datetime]
    told: Mapped[int]
    """How many people were told; 0 when a later step spoke for this one, or its condition did not hold."""

    __table_args__ = (UniqueConstraint("subject_id", "matter", "step", "turn"),)


class Replanning(Base):
    """A ladder or calendar was changed: what others were planning meanwhile by the old one is planned anew.

    One of the three says whose changed. The row goes when nobody who may have read the old one is at work any more.
    """

    __tablename__ = "replannings"

    id: Mapped[Key]
    campaign_id: Mapped[UUID | None] = mapped_column(ForeignKey("campaigns.id"))
    unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    """Whose ladders changed, for what belongs to no campaign."""
    calendar_id: Mapped[UUID | None] = mapped_column(ForeignKey("calendars.id"))
    seen_at: Mapped[datetime | None]
    """When a sweep first saw it, by the database's clock: whoever began later read the new one."""

    __table_args__ = (
        CheckConstraint("num_nonnulls(campaign_id, unit_id, calendar_id) = 1", name="one_scope"),
    )
