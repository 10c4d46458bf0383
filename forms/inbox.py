"""The in-box, and what was told about a ticket: the delivery log and the receipt to print (送达回证)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response

from domain import inbox
from domain.errors import NotFound
from domain.inbox import NoticeFilter, list_notices, notice_by_id
from domain.receipts import delivered
from domain.tickets import ticket_by_number
from forms.errors import PageRoute
from forms.fields import SentForm
from forms.json_answers import answer_json
from forms.pages import page, see_other
from forms.session import database_of, now_of, signed_in
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]
Key = Annotated[UUID, Path(alias="id")]

PER_PAGE = 40
ON_A_RECEIPT = 200
"""Notices a receipt lists; the log has them all."""


@router.get("/inbox")
def inbox_page(request: Request, actor: Who, cursor: str | None = None, unread: str = "") -> Response:
    """What one was told, newest first; with `unread` what one has not read."""
    with database_of(request).reading() as session:
        wanted = NoticeFilter(unread=True if unread else None)
        found = list_notices(session, wanted, actor=actor, limit=PER_PAGE, cursor=cursor)
        return page(
            request,
            "inbox.html",
            notices=found.items,
            next=found.next,
            cursor=cursor,
            only_unread=bool(unread),
        )


@router.post("/inbox")
def acknowledge_all(request: Request, actor: Who, sent: SentForm) -> Response:
    """已阅 for everything up to the newest notice that was on the page."""
    with database_of(request).transaction() as session:
        newest = notice_by_id(session, _key(sent.text("up_to")), actor=actor)
        inbox.acknowledge_all(session, up_to=newest.id, actor=actor, now=now_of(request))
    return see_other("/inbox", done="acknowledged")


def _key(text: str | None) -> UUID:
    try:
        return UUID(text or "")
    except ValueError as error:
        raise NotFound(what=text or "") from error


@router.get("/inbox/{id}")
def open_notice(request: Request, actor: Who, key: Key) -> Response:
    """Open it: it counts as read, and the reader goes to what it is about."""
    with database_of(request).transaction() as session:
        notice = notice_by_id(session, key, actor=actor)
        inbox.mark_read(notice, now=now_of(request))
        if notice.ticket is not None:
            return see_other(f"/tickets/{notice.ticket.number}")
        if notice.inspection_id is not None:
            return see_other(f"/inspections/{notice.inspection_id}")
        if notice.campaign is not None:
            return see_other(f"/campaigns/{notice.campaign.code}")
        if notice.path is not None:
            return see_other(notice.path)
    return see_other(f"/inbox#notice-{key}")


@router.post("/inbox/{id}")
def acknowledge(request: Request, actor: Who, key: Key, sent: SentForm) -> Response:
    """已阅."""
    with database_of(request).transaction() as session:
        inbox.acknowledge(notice_by_id(session, key, actor=actor), now=now_of(request))
    return see_other("/inbox?unread=1" if sent.text("unread") else "/inbox", done="acknowledged")


@router.post("/tickets/{number}/seen")
def seen(request: Request, actor: Who, number: str, sent: SentForm) -> Response:
    """The ticket's page says that it is before the reader; answers how many notices they have not read.

    The page itself is also fetched to be kept on a phone, which is no reading.
    """
    with database_of(request).transaction() as session:
        ticket = ticket_by_number(session, number, actor=actor)
        up_to = _key(sent.text("up_to"))
        inbox.mark_read_about(session, ticket, up_to=up_to, actor=actor, now=now_of(request))
        return answer_json({"unread": inbox.unread_count(session, actor)})


@router.get("/tickets/{number}/notices")
def log_page(request: Request, actor: Who, number: str, cursor: str | None = None) -> Response:
    """Every notice about the ticket: when, to whom, through what, what was answered, when it was read."""
    with database_of(request).reading() as session:
        ticket = ticket_by_number(session, number, actor=actor)
        found = delivered(session, ticket, limit=PER_PAGE, cursor=cursor)
        return page(
            request, "deliveries.html", ticket=ticket, lines=found.items, next=found.next, cursor=cursor
        )


@router.get("/tickets/{number}/receipt")
def receipt_page(request: Request, actor: Who, number: str) -> Response:
    """送达回证, to be printed and signed."""
    with database_of(request).reading() as session:
        ticket = ticket_by_number(session, number, actor=actor)
        found = delivered(session, ticket, limit=ON_A_RECEIPT)
        return page(request, "receipt.html", ticket=ticket, lines=found.items, more=found.next is not None)
