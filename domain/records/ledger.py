"""The append-only history, the outbox of notices, the flows' heartbeats and replayed answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Identity, Index, Table, Uuid, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.records.base import Base, Key, words
from domain.records.campaigns import Campaign
from domain.records.channels import Channel, Dispatch
from domain.records.people import Person
from domain.records.tickets import Ticket


class History(Base):
    """What happened to a record: who, when, what, why. A trigger refuses UPDATE, DELETE and TRUNCATE."""

    __tablename__ = "history"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    subject: Mapped[str]
    """ticket, campaign, inspection, extension, person, unit, checklist, tool, summary."""
    subject_id: Mapped[UUID]
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    actor_name: Mapped[str]
    event: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str | None]
    facts: Mapped[dict[str, Any]]
    xid: Mapped[int] = mapped_column(BigInteger, server_default=text("pg_current_xact_id()::text::bigint"))
    """The transaction that wrote it: `(xid, id)` below the oldest running transaction is the order of commits."""

    __table_args__ = (
        Index("ix_history_subject", "subject", "subject_id", "id"),
        Index("ix_history_commits", "xid", "id"),
    )


TICKET_MOVES = Table(
    "ticket_moves",
    Base.metadata,
    Column("xid", BigInteger, nullable=False, server_default=text("pg_current_xact_id()::text::bigint")),
    Column("campaign_id", Uuid, nullable=False),
    Column("unit_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Index("ix_ticket_moves", "campaign_id", "xid", postgresql_include=["unit_id"]),
)
"""Where a ticket came to count differently, noted by a trigger for domain/kept_counts.py; no record, soon forgotten."""


class Notice(Base):
    """Something a person must be told. `key` makes it exactly one row; a `Dispatch` carries it on the wire."""

    __tablename__ = "notices"

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    instead_of_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    """The absent person this one stands in for."""
    responsible: Mapped[bool] = mapped_column(default=False)
    """Whether this person is to act; in a group only they are called by name."""
    shown: Mapped[bool] = mapped_column(default=True)
    """Whether the in-box shows it; False for the further channels of something it shows already."""
    channel: Mapped[Channel] = mapped_column(words(Channel))
    address: Mapped[str]
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("tickets.id"), index=True)
    campaign_id: Mapped[UUID | None] = mapped_column(ForeignKey("campaigns.id"))
    path: Mapped[str | None]
    """The page it is about, when that is neither a ticket's nor a campaign's."""
    inspection_id: Mapped[UUID | None] = mapped_column(ForeignKey("inspections.id"))
    subject: Mapped[str]
    body: Mapped[str]
    created_at: Mapped[datetime]
    not_before: Mapped[datetime]
    outlet_id: Mapped[UUID | None] = mapped_column(ForeignKey("outlets.id"))
    dispatch_id: Mapped[UUID | None] = mapped_column(ForeignKey("dispatches.id"), index=True)
    """The message that carries it, once one was made."""
    read_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    """已阅: pressed by the person."""

    person: Mapped[Person] = relationship(lazy="raise", foreign_keys=[person_id])
    dispatch: Mapped[Dispatch | None] = relationship(lazy="raise")
    ticket: Mapped[Ticket | None] = relationship(lazy="raise")
    campaign: Mapped[Campaign | None] = relationship(lazy="raise")
    instead_of: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[instead_of_id])

    __table_args__ = (
        # Read by domain/dispatches.py: what no message carries yet.
        Index(
            "ix_notices_waiting",
            "not_before",
            postgresql_where=text("dispatch_id IS NULL AND channel <> 'inbox'"),
        ),
        Index("ix_notices_person", "person_id", "id"),
        # Read by domain/inbox.py: how many a person has not read.
        Index("ix_notices_unread", "person_id", postgresql_where=text("shown AND read_at IS NULL")),
    )


class Heartbeat(Base):
    """When a flow last ran to its end, and what it said; red on the pages when it is late."""

    __tablename__ = "heartbeats"

    flow: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    expected_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """From when its silence counts, where that is later than its last end: the scheduler was off meanwhile."""
    outcome: Mapped[dict[str, Any]] = mapped_column(default=dict)
    error: Mapped[str | None]


class Answered(Base):
    """The first answer to a request with an Idempotency-Key; the same key and body get it again."""

    __tablename__ = "answered_requests"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    status: Mapped[int | None]
    body: Mapped[list[Any] | None]
    """A list of one JSON document, so that a body of `null` differs from no answer yet."""
    headers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime]
