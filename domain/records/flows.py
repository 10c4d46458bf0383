"""Runs of flows as people see them on the pages, and the runs people ask for."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.records.base import Base, Key
from domain.records.people import Person


class FlowRequest(Base):
    """A run somebody asked for. It is kept until a worker has brought it to its end, whatever is down meanwhile."""

    __tablename__ = "flow_requests"

    id: Mapped[Key]
    flow: Mapped[str]
    as_of: Mapped[datetime | None]
    dry_run: Mapped[bool]
    requested_by_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    requested_at: Mapped[datetime]
    handed_at: Mapped[datetime | None]
    """When the scheduler took it, the last time."""
    tries: Mapped[int] = mapped_column(default=0)
    """How often it was given to the scheduler."""
    ended_at: Mapped[datetime | None]
    error: Mapped[str | None]
    """Why the scheduler did not take it or the run broke off, in the program's words; None when all is well."""

    requested_by: Mapped[Person] = relationship(lazy="raise")

    __table_args__ = (
        # Pressed twice is asked once; read by domain/flow_requests.py: what waits.
        Index(
            "uq_flow_requests_waiting",
            "flow",
            "as_of",
            "dry_run",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
    )


class FlowRun(Base):
    """One run of a flow, as people see it on the pages. Heartbeats say whether flows run, this says what they did."""

    __tablename__ = "flow_runs"

    id: Mapped[Key]
    flow: Mapped[str]
    as_of: Mapped[datetime | None]
    dry_run: Mapped[bool] = mapped_column(default=False)
    requested_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    """Who started it by hand; None: the schedule."""
    request_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("flow_requests.id", ondelete="SET NULL"), index=True
    )
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    """When it came to its end or broke off; None: it is at work, or was killed."""
    outcome: Mapped[dict[str, Any]] = mapped_column(default=dict)
    error: Mapped[str | None]
    host: Mapped[str] = mapped_column(default="")
    """Which worker ran it."""

    requested_by: Mapped[Person | None] = relationship(lazy="raise")

    __table_args__ = (
        Index("ix_flow_runs_flow", "flow", "started_at"),
        Index("ix_flow_runs_latest", "started_at"),
    )
