"""Likely duplicates of a finding about to be submitted."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from api.deps import Reads
from api.documented import LIST
from api.shapes import Moment, ticket_path
from domain.similar import Likeness, Similar, Sought, similar_tickets
from statemachines.labels import Level
from statemachines.ticket import TicketState

router = APIRouter(tags=["tickets"])


class SimilarShape(BaseModel):
    """A ticket that may be the same, with enough to decide. A closed one may be named as `recurrence_of`."""

    number: str
    description: str
    unit: str
    location: str
    state: TicketState
    closed: bool
    level: Level
    finder: str
    found_at: Moment
    verified_at: Moment | None
    photo: str | None = Field(description="SHA-256 of its first photo; read it with GET /files/{sha256}.")
    reasons: list[Likeness]
    metres: int | None = Field(description="How far away, when both positions are known.")
    score: float
    href: str


class SimilarList(BaseModel):
    """The most alike first; empty when nothing is."""

    items: list[SimilarShape]


def _shape(each: Similar) -> SimilarShape:
    ticket = each.ticket
    return SimilarShape(
        number=ticket.number,
        description=ticket.description,
        unit=ticket.unit.code,
        location=ticket.location,
        state=ticket.state,
        closed=each.closed,
        level=ticket.level,
        finder=ticket.finder.login,
        found_at=ticket.found_at,
        verified_at=ticket.verified_at,
        photo=each.photo,
        reasons=list(each.reasons),
        metres=each.metres,
        score=each.score,
        href=ticket_path(ticket),
    )


@router.get("/tickets/similar", operation_id="findSimilarTickets", response_model=SimilarList, responses=LIST)
def similar(call: Reads, wanted: Annotated[Sought, Query()]) -> Response:
    """Tickets like what is about to be reported: words, place, position, checklist item; closed ones included."""
    with call.reading() as session:
        items = [_shape(each) for each in similar_tickets(session, wanted, actor=call.actor)]
    return call.answer(SimilarList(items=items))
