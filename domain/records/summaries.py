"""Summaries (总结): a frozen snapshot of the figures and the papers written from it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.records.base import Base, Key
from domain.records.campaigns import Campaign


class Summary(Base):
    """One revision. Asked for (requested_at), frozen (snapshot at cut_off), then published or refused with reasons."""

    __tablename__ = "summaries"

    id: Mapped[Key]
    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaigns.id"))
    revision: Mapped[int]
    final: Mapped[bool]
    """True for the paper that ends the campaign; a draft may be asked for at any time."""
    requested_at: Mapped[datetime]
    requested_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    cut_off: Mapped[datetime | None]
    snapshot: Mapped[dict[str, Any] | None]
    mismatches: Mapped[list[Any]] = mapped_column(default=list)
    published_at: Mapped[datetime | None]
    refused_at: Mapped[datetime | None]
    papers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """File ending → SHA-256 in the file store."""

    campaign: Mapped[Campaign] = relationship(lazy="raise")

    __table_args__ = (
        UniqueConstraint("campaign_id", "revision"),
        CheckConstraint(
            "published_at IS NULL OR (snapshot IS NOT NULL AND cut_off IS NOT NULL)",
            name="published_is_frozen",
        ),
    )
