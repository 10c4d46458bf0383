"""Proof that people were told (送达回证): of each notice about a ticket when, to whom, through what, and the answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from domain.paging import Key, Page, page_of
from domain.records import Channel, DeliveryAttempt, Notice, Outlet, Person, Ticket
from statemachines.labels import Labelled


class Standing(Labelled):
    """How far a notice has come; computed."""

    WAITING = "waiting", "待发送", "Waiting"
    SENT = "sent", "已送达", "Delivered"
    GAVE_UP = "gave_up", "未送达", "Not delivered"
    IN_BOX = "in_box", "站内可查", "In the in-box"


class Through(Labelled):
    """How a notice travels, as people call it."""

    EMAIL = "email", "电子邮件", "E-mail"
    INBOX = "inbox", "站内通知", "In-box"
    ROBOT = "robot", "群机器人", "Group robot"
    WEBHOOK = "webhook", "程序接口", "Webhook"


@dataclass(frozen=True, slots=True)
class Delivered:
    """One notice as evidence. `answer` is the channel's own word, of its last try when it was never taken."""

    notice: Notice
    person: Person
    instead_of: str | None
    through: Through
    address: str
    standing: Standing
    sent_at: datetime | None
    answer: str | None
    attempts: tuple[DeliveryAttempt, ...]


def delivered(
    session: Session, ticket: Ticket, *, limit: int = 50, cursor: str | None = None
) -> Page[Delivered]:
    """What was told about a ticket, oldest first. Raises BadInput (cursor)."""
    query = (
        select(Notice)
        .where(Notice.ticket_id == ticket.id)
        .options(
            joinedload(Notice.person).joinedload(Person.unit),
            joinedload(Notice.instead_of),
            joinedload(Notice.dispatch),
        )
    )
    page = page_of(session, query, Key(Notice.id, UUID), limit=limit, cursor=cursor)
    tries: dict[UUID, list[DeliveryAttempt]] = {}
    carried = {notice.dispatch_id for notice in page.items if notice.dispatch_id}
    for attempt in session.scalars(
        select(DeliveryAttempt)
        .where(DeliveryAttempt.dispatch_id.in_(carried))
        .order_by(DeliveryAttempt.at, DeliveryAttempt.id)
    ):
        tries.setdefault(attempt.dispatch_id, []).append(attempt)
    kinds = {
        outlet.id: outlet.kind.zh
        for outlet in session.scalars(
            select(Outlet).where(Outlet.id.in_({notice.outlet_id for notice in page.items}))
        )
    }
    return Page(
        [
            _one(notice, tries.get(notice.dispatch_id, []) if notice.dispatch_id else [], kinds)
            for notice in page.items
        ],
        page.next,
    )


def _one(notice: Notice, attempts: list[DeliveryAttempt], kinds: dict[UUID, str]) -> Delivered:
    dispatch = notice.dispatch
    address = notice.address
    if notice.outlet_id in kinds:
        address = f"{kinds[notice.outlet_id]} {address}"
    return Delivered(
        notice=notice,
        person=notice.person,
        instead_of=notice.instead_of.name if notice.instead_of else None,
        through=Through(notice.channel.value),
        address=address,
        standing=standing_of(notice),
        sent_at=dispatch.sent_at if dispatch else None,
        answer=(dispatch.answer or dispatch.last_error) if dispatch else None,
        attempts=tuple(attempts),
    )


def standing_of(notice: Notice) -> Standing:
    """How far a notice has come; its message must be loaded."""
    if notice.channel is Channel.INBOX:
        return Standing.IN_BOX
    dispatch = notice.dispatch
    if dispatch is None:
        return Standing.WAITING
    if dispatch.sent_at is not None:
        return Standing.SENT
    return Standing.GAVE_UP if dispatch.gave_up_at is not None else Standing.WAITING
