"""Extensions (延期): asked for on a ticket, decided by whoever the level says."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from fastapi.responses import Response
from sqlalchemy.orm import Session

from api.deps import Reads, Writes, Writing, written
from api.documented import CHANGE, READ
from api.etag import version_tag
from api.shapes import ExtensionList, ExtensionShape, extension_shape
from api.tickets import Number
from domain import extensions
from domain.answered import Answer
from domain.extensions import Decision, ExtensionRequest
from domain.tickets import ticket_by_number

router = APIRouter(tags=["extensions"])

Key = Annotated[UUID, Path(alias="id")]


@router.get(
    "/tickets/{number}/extensions",
    operation_id="listExtensions",
    response_model=ExtensionList,
    responses=READ,
)
def list_all(number: Number, call: Reads) -> Response:
    """All requests for more time on this ticket, oldest first."""
    with call.reading() as session:
        ticket = ticket_by_number(session, number, actor=call.actor)
        found = extensions.extensions_of(session, ticket)
        shape = ExtensionList(items=[extension_shape(session, each, ticket) for each in found])
    return call.answer(shape)


@router.post(
    "/tickets/{number}/extensions",
    operation_id="requestExtension",
    status_code=201,
    response_model=ExtensionShape,
    responses=CHANGE,
)
def request(number: Number, facts: ExtensionRequest, call: Writes) -> Response:
    """Ask for more time before the deadline, naming what guards the hazard meanwhile. If-Match is the ticket's."""

    def work(session: Session) -> Answer:
        ticket = ticket_by_number(session, number, actor=call.actor, lock=True)
        call.must_match(ticket.version)
        asked = extensions.request(session, ticket, facts, actor=call.actor, now=call.now)
        session.flush()
        return written(extension_shape(session, asked, ticket), status=201, tag=version_tag(asked.version))

    return call.once(work)


@router.post(
    "/extensions/{id}/approve",
    operation_id="approveExtension",
    response_model=ExtensionShape,
    responses=CHANGE,
)
def approve(key: Key, call: Writes, facts: Decision | None = None) -> Response:
    """批准: the ticket's current deadline moves; the first one stays. The body may be left out."""
    return call.once(lambda session: _decide(session, key, facts or Decision(), call, approved=True))


@router.post(
    "/extensions/{id}/refuse", operation_id="refuseExtension", response_model=ExtensionShape, responses=CHANGE
)
def refuse(key: Key, facts: Decision, call: Writes) -> Response:
    """不批准, with the reason as `opinion`; the deadline stays."""
    return call.once(lambda session: _decide(session, key, facts, call, approved=False))


def _decide(session: Session, key: UUID, facts: Decision, call: Writing, *, approved: bool) -> Answer:
    asked = extensions.extension_by_id(session, key, actor=call.actor)
    call.must_match(asked.version)
    decide = extensions.approve if approved else extensions.refuse
    decide(session, asked, facts, actor=call.actor, now=call.now)
    session.flush()
    return written(extension_shape(session, asked, asked.ticket), tag=version_tag(asked.version))
