"""How what people must be told travels: the ways out, the messages on the wire, and what became of each try."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.records.base import Base, Key, words
from domain.records.people import Person, Unit
from statemachines.labels import Labelled


class Channel(StrEnum):
    """How a notice travels. INBOX is read on the pages and needs no sending."""

    EMAIL = "email"
    INBOX = "inbox"
    ROBOT = "robot"
    """The group robots of the nearest unit that has any."""
    WEBHOOK = "webhook"
    """A program told of every change; never a way to tell a person."""


class OutletKind(Labelled):
    """A group robot of one of the three messengers, or a program's address."""

    WECOM = "wecom", "企业微信群机器人", "WeCom robot"
    DINGTALK = "dingtalk", "钉钉群机器人", "DingTalk robot"
    FEISHU = "feishu", "飞书群机器人", "Feishu robot"
    WEBHOOK = "webhook", "程序接口（Webhook）", "Webhook"


class Outlet(Base):
    """A way out beside e-mail, for one unit and all below it. One that keeps failing is switched off, its owner told.

    `secrets` sign what is sent, the newest first; during a rotation both sign (Standard Webhooks).
    """

    __tablename__ = "outlets"

    id: Mapped[Key]
    kind: Mapped[OutletKind] = mapped_column(words(OutletKind))
    name: Mapped[str]
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    url: Mapped[str]
    secrets: Mapped[list[Any]] = mapped_column(default=list)
    keyword: Mapped[str] = mapped_column(default="")
    """DingTalk may be set to take only messages with this word."""
    private_allowed: Mapped[bool] = mapped_column(default=False)
    """Whether the address may lie in a private network."""
    created_at: Mapped[datetime]
    failing_since: Mapped[datetime | None]
    switched_off_at: Mapped[datetime | None]
    switched_off_why: Mapped[str | None]
    blocked_until: Mapped[datetime | None]
    """The messenger asked for silence until then."""
    read_up_to_xid: Mapped[int] = mapped_column(BigInteger, default=0)
    read_up_to_id: Mapped[int] = mapped_column(BigInteger, default=0)
    """Webhook: the last entry of the history it was told of, in the order of commits."""

    unit: Mapped[Unit] = relationship(lazy="raise")
    owner: Mapped[Person] = relationship(lazy="raise")

    __table_args__ = (CheckConstraint("name <> '' AND url ~ '^https?://'", name="name_and_address"),)


class Dispatch(Base):
    """One message on the wire: the digest of what one person or group is told, or one event for a program.

    Its id is the Message-ID or webhook-id, the same at every try. Which notices it carries never changes.
    """

    __tablename__ = "dispatches"

    id: Mapped[Key]
    channel: Mapped[Channel] = mapped_column(words(Channel))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    outlet_id: Mapped[UUID | None] = mapped_column(ForeignKey("outlets.id"), index=True)
    address: Mapped[str]
    event: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Webhook: what happened, as it will be sent."""
    created_at: Mapped[datetime]
    not_before: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None]
    sent_at: Mapped[datetime | None]
    answer: Mapped[str | None]
    """What the channel said when it took the message: kept as evidence."""
    gave_up_at: Mapped[datetime | None]
    held_by: Mapped[int | None] = mapped_column(BigInteger)
    """The deliverer that has it in hand (domain/holding.py)."""

    __table_args__ = (
        CheckConstraint("(channel IN ('robot', 'webhook')) = (outlet_id IS NOT NULL)", name="outlet_named"),
        CheckConstraint("channel <> 'inbox'", name="inbox_needs_no_sending"),
        # Read by domain/dispatches.py: what is waiting to be sent, oldest first.
        Index(
            "ix_dispatches_waiting",
            "not_before",
            postgresql_where=text("sent_at IS NULL AND gave_up_at IS NULL"),
        ),
        Index("ix_dispatches_person", "person_id", "id"),
    )


class DeliveryAttempt(Base):
    """One try to hand a message over and what the channel said: the delivery log. Never changed."""

    __tablename__ = "delivery_attempts"

    id: Mapped[Key]
    dispatch_id: Mapped[UUID] = mapped_column(ForeignKey("dispatches.id"), index=True)
    outlet_id: Mapped[UUID | None] = mapped_column(ForeignKey("outlets.id"))
    at: Mapped[datetime]
    outcome: Mapped[str]
    """sent, put_off (time may heal it), refused (it will not), down (the channel takes nothing)."""
    answer: Mapped[str]

    __table_args__ = (
        CheckConstraint("outcome IN ('sent', 'put_off', 'refused', 'down')", name="known_outcome"),
        # Read by domain/outlets.py: how many messages a robot sent in the last minute.
        Index(
            "ix_delivery_attempts_outlet", "outlet_id", "at", postgresql_where=text("outlet_id IS NOT NULL")
        ),
    )
