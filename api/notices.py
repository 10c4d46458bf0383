"""One's own in-box, and what was told about a ticket, as evidence."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.deps import Creates, Reads, written
from api.documented import CREATE, LIST, READ
from api.paging import Paged
from api.shapes import Moment
from api.tickets import Number
from domain import inbox
from domain.answered import Answer
from domain.inbox import NoticeFilter, list_notices, notice_by_id
from domain.receipts import Delivered, Standing, Through, delivered
from domain.records import Notice
from domain.tickets import ticket_by_number

router = APIRouter(tags=["notices"])

Key = Annotated[UUID, Path(alias="id")]


class NoticeShape(BaseModel):
    """Something you were told. `responsible`: you are to act. `instead_of`: the absent person you stand in for."""

    id: UUID
    kind: str
    subject: str
    body: str
    ticket: str | None
    campaign: str | None
    inspection: UUID | None
    responsible: bool
    instead_of: str | None
    created_at: Moment
    read_at: Moment | None
    acknowledged_at: Moment | None


class NoticePage(BaseModel):
    """One page of notices, newest first; `unread` counts all of yours, 100 at most."""

    items: list[NoticeShape]
    next: str | None
    unread: int


class NoticeQuery(NoticeFilter, Paged):
    """Which notices, and which page of them."""


_SAME = tuple(name for name in NoticeShape.model_fields if name in Notice.__table__.columns)


def _shape(notice: Notice) -> NoticeShape:
    return NoticeShape(
        **{name: getattr(notice, name) for name in _SAME},
        ticket=notice.ticket.number if notice.ticket else None,
        campaign=notice.campaign.code if notice.campaign else None,
        inspection=notice.inspection_id,
        instead_of=notice.instead_of.login if notice.instead_of else None,
    )


@router.get("/notices", operation_id="listNotices", response_model=NoticePage, responses=LIST)
def list_all(call: Reads, wanted: Annotated[NoticeQuery, Query()]) -> Response:
    """Your own notices, newest first; `unread=true` those not yet read."""
    with call.reading() as session:
        page = list_notices(session, wanted, actor=call.actor, limit=wanted.limit, cursor=wanted.cursor)
        items = [_shape(each) for each in page.items]
        unread = inbox.unread_count(session, call.actor)
    return call.answer(NoticePage(items=items, next=page.next, unread=unread))


@router.get("/notices/{id}", operation_id="readNotice", response_model=NoticeShape, responses=READ)
def read(key: Key, call: Reads) -> Response:
    """One of your own notices. Reading it here does not mark it."""
    with call.reading() as session:
        shape = _shape(notice_by_id(session, key, actor=call.actor))
    return call.answer(shape)


@router.post(
    "/notices/{id}/acknowledge",
    operation_id="acknowledgeNotice",
    response_model=NoticeShape,
    responses=CREATE,
)
def acknowledge(key: Key, call: Creates) -> Response:
    """已阅; the first time counts. Needs no body."""

    def work(session: Session) -> Answer:
        notice = notice_by_id(session, key, actor=call.actor)
        inbox.acknowledge(notice, now=call.now)
        return written(_shape(notice))

    return call.once(work)


class AttemptShape(BaseModel):
    """One try: sent, put_off (tried again), refused (for good), down (the channel took nothing)."""

    at: Moment
    outcome: str
    answer: str


class DeliveredShape(BaseModel):
    """One notice about the ticket: to whom (in whose place), through what, the channel's answer, when read."""

    id: UUID
    kind: str
    subject: str
    person: str
    name: str
    instead_of: str | None
    through: Through
    address: str
    standing: Standing
    told_at: Moment
    sent_at: Moment | None
    answer: str | None
    attempts: list[AttemptShape]
    read_at: Moment | None
    acknowledged_at: Moment | None


class DeliveredPage(BaseModel):
    """One page of what was told, oldest first."""

    items: list[DeliveredShape]
    next: str | None


def _evidence(each: Delivered) -> DeliveredShape:
    notice = each.notice
    return DeliveredShape(
        id=notice.id,
        kind=notice.kind,
        subject=notice.subject,
        person=each.person.login,
        name=each.person.name,
        instead_of=each.instead_of,
        through=each.through,
        address=each.address,
        standing=each.standing,
        told_at=notice.created_at,
        sent_at=each.sent_at,
        answer=each.answer,
        attempts=[AttemptShape(at=a.at, outcome=a.outcome, answer=a.answer) for a in each.attempts],
        read_at=notice.read_at,
        acknowledged_at=notice.acknowledged_at,
    )


@router.get(
    "/tickets/{number}/notices",
    operation_id="readTicketNotices",
    response_model=DeliveredPage,
    responses=READ,
)
def read_delivered(number: Number, call: Reads, wanted: Annotated[Paged, Query()]) -> Response:
    """The delivery log of the ticket: every notice about it, every try to deliver it, when it was read."""
    with call.reading() as session:
        ticket = ticket_by_number(session, number, actor=call.actor)
        page = delivered(session, ticket, limit=wanted.limit, cursor=wanted.cursor)
        items = [_evidence(each) for each in page.items]
    return call.answer(DeliveredPage(items=items, next=page.next))
