"""Tickets: read, and moved along their life (design §7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.deps import Reads, Writes, Writing, written
from api.documented import CHANGE, LIST, READ
from api.etag import ticket_tag
from api.language import language_of
from api.paging import Paged
from api.shapes import (
    HistoryList,
    OptionList,
    TicketPage,
    TicketShape,
    history_list,
    option_list,
    ticket_shape,
    ticket_shapes,
)
from domain import remediation, supervisions
from domain.answered import Answer
from domain.campaign_settings import settings_of
from domain.history import history_of
from domain.records import Ticket
from domain.remediation import (
    Acknowledgement,
    Assignment,
    Cancellation,
    Fix,
    Progress,
    Reassignment,
    Regrading,
    Verification,
)
from domain.supervisions import Supervision
from domain.tickets import TicketFilter, list_tickets, ticket_by_number
from statemachines.chart import options

router = APIRouter(tags=["tickets"])

Number = Annotated[str, Path(max_length=64, examples=["CC2026-XB03-0017"])]


class TicketQuery(TicketFilter, Paged):
    """Which tickets, and which page of them."""


@router.get("/tickets", operation_id="listTickets", response_model=TicketPage, responses=LIST)
def list_all(call: Reads, wanted: Annotated[TicketQuery, Query()]) -> Response:
    """Tickets in the caller's sight, newest first or by deadline; `unit` means the unit and all below it."""
    with call.reading() as session:
        page = list_tickets(
            session, wanted, actor=call.actor, now=call.now, limit=wanted.limit, cursor=wanted.cursor
        )
        shape = TicketPage(items=ticket_shapes(session, page.items, now=call.now), next=page.next)
    return call.answer(shape)


@router.get("/tickets/{number}", operation_id="readTicket", response_model=TicketShape, responses=READ)
def read(number: Number, call: Reads) -> Response:
    """One ticket. Its ETag changes with every change and every file that arrives."""
    with call.reading() as session:
        ticket = ticket_by_number(session, number, actor=call.actor)
        shape = ticket_shape(session, ticket, now=call.now)
    return call.answer(shape, tag=ticket_tag(ticket, call.now))


@router.get(
    "/tickets/{number}/history", operation_id="readTicketHistory", response_model=HistoryList, responses=READ
)
def read_history(number: Number, call: Reads) -> Response:
    """Everything that happened to the ticket, oldest first."""
    with call.reading() as session:
        ticket = ticket_by_number(session, number, actor=call.actor)
        shape = history_list(history_of(session, ticket))
    return call.answer(shape)


@router.get(
    "/tickets/{number}/transitions",
    operation_id="readTicketTransitions",
    response_model=OptionList,
    responses=READ,
)
def read_transitions(number: Number, call: Reads) -> Response:
    """What this caller may do now, and why not the rest."""
    with call.reading() as session:
        ticket = ticket_by_number(session, number, actor=call.actor)
        team_rule = settings_of(ticket.campaign).independent_team
    possible = options(ticket, actor=call.actor, now=call.now, independent_team=team_rule)
    return call.answer(option_list(ticket.state, possible, language_of(call.request)))


def change(call: Writing, number: str, command: Callable[..., Ticket], facts: BaseModel) -> Response:
    """Load the ticket for writing, run the command, answer with the ticket as it is then."""

    def work(session: Session) -> Answer:
        ticket = ticket_by_number(session, number, actor=call.actor, lock=True)
        call.must_match(ticket.version)
        command(session, ticket, facts, actor=call.actor, now=call.now)
        session.flush()  # the answer carries the version that is written
        return written(ticket_shape(session, ticket, now=call.now), tag=ticket_tag(ticket, call.now))

    return call.once(work)


@router.post(
    "/tickets/{number}/assign", operation_id="assignTicket", response_model=TicketShape, responses=CHANGE
)
def assign(number: Number, facts: Assignment, call: Writes) -> Response:
    """三定: who, what duty and measure, by when. `due` defaults from level, checklist item and calendar."""
    return change(call, number, remediation.assign, facts)


@router.post(
    "/tickets/{number}/acknowledge",
    operation_id="acknowledgeTicket",
    response_model=TicketShape,
    responses=CHANGE,
)
def acknowledge(number: Number, call: Writes, facts: Acknowledgement | None = None) -> Response:
    """签收 by the person responsible. The body may be left out."""
    return change(call, number, remediation.acknowledge, facts or Acknowledgement())


@router.post(
    "/tickets/{number}/progress", operation_id="reportProgress", response_model=TicketShape, responses=CHANGE
)
def progress(number: Number, facts: Progress, call: Writes) -> Response:
    """A note on the work, without finishing it."""
    return change(call, number, remediation.progress, facts)


@router.post("/tickets/{number}/fix", operation_id="reportFix", response_model=TicketShape, responses=CHANGE)
def fix(number: Number, facts: Fix, call: Writes) -> Response:
    """整改回复: what was done, with photos after and quantities."""
    return change(call, number, remediation.fix, facts)


@router.post(
    "/tickets/{number}/fix-on-spot",
    operation_id="reportFixOnSpot",
    response_model=TicketShape,
    responses=CHANGE,
)
def fix_on_spot(number: Number, facts: Fix, call: Writes) -> Response:
    """立查立改: a general hazard fixed on the day it was found, with photos before and after."""
    return change(call, number, remediation.fix_on_spot, facts)


@router.post(
    "/tickets/{number}/verify", operation_id="verifyTicket", response_model=TicketShape, responses=CHANGE
)
def verify(number: Number, facts: Verification, call: Writes) -> Response:
    """复查: passed closes the ticket, failed sends it back and is counted."""
    return change(call, number, remediation.verify, facts)


@router.post(
    "/tickets/{number}/reassign", operation_id="reassignTicket", response_model=TicketShape, responses=CHANGE
)
def reassign(number: Number, facts: Reassignment, call: Writes) -> Response:
    """改派 to another person, with a reason."""
    return change(call, number, remediation.reassign, facts)


@router.post(
    "/tickets/{number}/cancel", operation_id="cancelTicket", response_model=TicketShape, responses=CHANGE
)
def cancel(number: Number, facts: Cancellation, call: Writes) -> Response:
    """作废, with a reason; the ticket stays on record."""
    return change(call, number, remediation.cancel, facts)


@router.post(
    "/tickets/{number}/supervise",
    operation_id="superviseTicket",
    response_model=TicketShape,
    responses=CHANGE,
)
def supervise(number: Number, facts: Supervision, call: Writes) -> Response:
    """督办: listed for supervision with a reason, or raised to a higher level; everything else has a default."""
    return change(call, number, supervisions.supervise, facts)


@router.post(
    "/tickets/{number}/regrade", operation_id="regradeTicket", response_model=TicketShape, responses=CHANGE
)
def regrade(number: Number, facts: Regrading, call: Writes) -> Response:
    """Another level, with a reason."""
    return change(call, number, remediation.regrade, facts)
