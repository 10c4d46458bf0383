"""The re-check by sample (复查抽样, 回头看): who drew what with which seed, and what became of each ticket."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.records.base import Base, Key, words
from domain.records.campaigns import Campaign
from domain.records.people import Person, Unit
from domain.records.tickets import Ticket
from statemachines.labels import Labelled, Level


class SampleKind(Labelled):
    """Out of what is drawn."""

    RECHECK = "recheck", "复查抽样", "Re-check sample"
    """What this campaign reported as fixed."""
    LOOK_BACK = "look_back", "回头看", "Look back"
    """What the campaign before verified."""


class SampleDraw(Base):
    """One draw. A trigger refuses UPDATE, DELETE and TRUNCATE, as for the history.

    `pool` holds the numbers it was drawn from by unit and level, `rules` the percentages and the least number then in
    force: with them and the `seed` anybody draws the same list again. What is added by hand has a `reason` and no seed.
    """

    __tablename__ = "sample_draws"

    id: Mapped[Key]
    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaigns.id"), index=True)
    source_campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaigns.id"))
    """Whose tickets were drawn: the campaign's own, or those of the one before."""
    kind: Mapped[SampleKind] = mapped_column(words(SampleKind))
    seed: Mapped[str | None]
    reason: Mapped[str | None]
    rules: Mapped[dict[str, Any]] = mapped_column(default=dict)
    pool: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, deferred=True)
    drawn_at: Mapped[datetime]
    drawn_by_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))

    campaign: Mapped[Campaign] = relationship(lazy="raise", foreign_keys=[campaign_id])
    source_campaign: Mapped[Campaign] = relationship(lazy="raise", foreign_keys=[source_campaign_id])
    drawn_by: Mapped[Person] = relationship(lazy="raise")
    tickets: Mapped[list[SampledTicket]] = relationship(lazy="raise", back_populates="draw")

    __table_args__ = (
        CheckConstraint("((seed <> '') IS TRUE) <> ((reason <> '') IS TRUE)", name="by_chance_or_by_hand"),
    )


class SampledTicket(Base):
    """A ticket in a campaign's sample, and what the re-check on the spot found."""

    __tablename__ = "sampled_tickets"

    id: Mapped[Key]
    draw_id: Mapped[UUID] = mapped_column(ForeignKey("sample_draws.id"), index=True)
    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaigns.id"))
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"))
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    """The unit of the campaign's scope it was drawn for."""
    level: Mapped[Level] = mapped_column(words(Level))
    """Its level when it was drawn."""
    passed: Mapped[bool | None]
    checked_at: Mapped[datetime | None]
    checked_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    opinion: Mapped[str | None]
    again_id: Mapped[UUID | None] = mapped_column(ForeignKey("tickets.id"))
    """The new ticket, when a verified one was found bad again."""

    draw: Mapped[SampleDraw] = relationship(lazy="raise", back_populates="tickets")
    campaign: Mapped[Campaign] = relationship(lazy="raise")
    ticket: Mapped[Ticket] = relationship(lazy="raise", foreign_keys=[ticket_id])
    unit: Mapped[Unit] = relationship(lazy="raise")
    checked_by: Mapped[Person | None] = relationship(lazy="raise")
    again: Mapped[Ticket | None] = relationship(lazy="raise", foreign_keys=[again_id])

    __table_args__ = (
        CheckConstraint(
            "(passed IS NULL) = (checked_at IS NULL) AND (passed IS NULL) = (checked_by_id IS NULL)",
            name="checked_by_somebody",
        ),
        CheckConstraint("again_id IS NULL OR passed IS FALSE", name="again_when_failed"),
        # Each ticket once in a campaign's sample; read by domain/sampling.py.
        UniqueConstraint("campaign_id", "ticket_id"),
        # Read by domain/remediation.py: what a re-check answers.
        Index("ix_sampled_tickets_waiting", "ticket_id", postgresql_where=text("passed IS NULL")),
    )
