"""My work (我的整改): what this person is to fix, most pressing first, with place, photo and buttons."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.files import files_of_all
from domain.records import Extension, FileKind, Ticket
from domain.tickets import Page, TicketFilter, TicketOrder, list_tickets
from forms.errors import PageRoute
from forms.field_words import ACT, words_for
from forms.pages import page
from forms.session import database_of, now_of, signed_in
from forms.words import _, language_of
from statemachines.extension import ExtensionState
from statemachines.labels import local_day
from statemachines.roles import Actor
from statemachines.ticket import TicketState

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]

SHOWN_AT_MOST = 60
SOON = timedelta(days=3)

GROUPS: Mapping[str, str] = {
    "late": _("已超期"),
    "soon": _("三天内到期"),
    "later": _("以后到期"),
}


def group_of(ticket: Ticket, now: datetime) -> str:
    """How pressing a ticket is, by its deadline."""
    assert ticket.due_at is not None
    if ticket.due_at < now:
        return "late"
    return "soon" if local_day(ticket.due_at) <= local_day(now + SOON) else "later"


def to_fix(session: Session, actor: Actor, *, now: datetime, limit: int) -> Page:
    """What this person is to fix, the soonest due first."""
    wanted = TicketFilter(assignee=actor.login, state=[TicketState.ASSIGNED], sort=TicketOrder.DUE)
    return list_tickets(session, wanted, actor=actor, now=now, limit=limit)


@router.get("/work")
def work(request: Request, actor: Who) -> Response:
    """What is mine, by when, sorted; and what I have fixed that awaits its re-check."""
    now = now_of(request)
    with database_of(request).reading() as session:
        mine = to_fix(session, actor, now=now, limit=SHOWN_AT_MOST)
        waiting = list_tickets(
            session,
            TicketFilter(assignee=actor.login, state=[TicketState.FIXED], sort=TicketOrder.RECENT),
            actor=actor,
            now=now,
            limit=20,
        )
        groups: dict[str, list[Ticket]] = {}
        for ticket in mine.items:
            groups.setdefault(group_of(ticket, now), []).append(ticket)
        return page(
            request,
            "work.html",
            groups=[(name, words, groups[name]) for name, words in GROUPS.items() if name in groups],
            count=len(mine.items),
            more=mine.next is not None,
            unsigned=sum(ticket.acknowledged_at is None for ticket in mine.items),
            waiting=waiting.items,
            photos=_before(session, mine.items),
            asked=_asked(session, mine.items),
            act_words=words_for(language_of(request), ACT),
        )


def _before(session: Session, tickets: list[Ticket]) -> dict[UUID, str]:
    """The first photo before the fix of each ticket, as far as it has arrived."""
    found: dict[UUID, str] = {}
    for key, listings in files_of_all(session, tickets).items():
        for listing in listings:
            if listing.kind is FileKind.BEFORE and listing.arrived_at is not None:
                found.setdefault(key, listing.sha256)
    return found


def _asked(session: Session, tickets: list[Ticket]) -> set[UUID]:
    """Tickets for which more time is asked and not decided."""
    query = select(Extension.ticket_id).where(
        Extension.ticket_id.in_([ticket.id for ticket in tickets]),
        Extension.state == ExtensionState.REQUESTED,
    )
    return set(session.scalars(query))
