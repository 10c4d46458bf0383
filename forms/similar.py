"""Tickets that may be the same as what is being typed: a piece of a page the finding form shows before it is sent."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError

from domain.errors import BadInput
from domain.similar import Similar, Sought, similar_tickets
from forms.errors import PageRoute
from forms.pages import page
from forms.session import database_of, signed_in
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]

FIELDS = ("unit", "description", "location", "place", "checklist_item", "lat", "lon")
ENOUGH_TYPED = 2
"""Fewer characters than this say nothing."""


@router.get("/findings/similar")
def similar(request: Request, actor: Who) -> Response:
    """What may be the same, with enough to decide; nothing while too little is typed."""
    query = request.query_params
    given = {name: query[name].strip() for name in FIELDS if query.get(name, "").strip()}
    found: list[Similar] = []
    if len(given.get("description", "")) >= ENOUGH_TYPED or given.get("place"):
        try:
            sought = Sought.model_validate(given)
            with database_of(request).reading() as session:
                found = similar_tickets(session, sought, actor=actor)
                return page(request, "similar_found.html", similar=found)
        except (ValidationError, BadInput):
            # Half-typed: the form itself says what is wrong when it is sent.
            found = []
    return page(request, "similar_found.html", similar=found)
