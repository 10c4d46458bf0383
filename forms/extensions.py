"""Decide on a request for more time."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from domain.errors import NotFound
from domain.extensions import Decision, approve, extension_by_id, refuse
from domain.records import Extension, Ticket
from domain.visibility import extensions_visible_to
from forms.errors import PageRoute
from forms.fields import Form, SentForm, problems_of, status_of
from forms.pages import page, see_other
from forms.session import database_of, now_of, signed_in
from forms.words import language_of
from statemachines.chart import option
from statemachines.extension import ExtensionEvent
from statemachines.refusals import Refusal
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]
Key = Annotated[UUID, Path(alias="id")]
Decided = Literal["approve", "refuse"]


def _read(session: Session, key: UUID, actor: Actor) -> Extension:
    found = session.scalars(
        select(Extension)
        .where(Extension.id == key, extensions_visible_to(actor))
        .options(
            joinedload(Extension.ticket).joinedload(Ticket.unit),
            joinedload(Extension.requested_by),
        )
    ).one_or_none()
    if found is None:
        raise NotFound(what=str(key))
    return found


def _decision_page(
    request: Request, key: UUID, decision: Decided, form: Form, *, actor: Actor, status: int = 200
) -> Response:
    with database_of(request).reading() as session:
        extension = _read(session, key, actor)
        event = ExtensionEvent(decision)
        return page(
            request,
            "extension.html",
            status=status,
            form=form,
            extension=extension,
            ticket=extension.ticket,
            event=event,
            refusal=option(extension, event, actor=actor, now=now_of(request)).refusal,
        )


@router.get("/extensions/{id}/{decision}")
def decision_form(request: Request, actor: Who, key: Key, decision: Decided) -> Response:
    """What was asked for and why, and the opinion to give."""
    return _decision_page(request, key, decision, Form(), actor=actor)


@router.post("/extensions/{id}/{decision}")
def decide(request: Request, actor: Who, key: Key, decision: Decided, sent: SentForm) -> Response:
    """Approve or refuse, and go back to the ticket."""
    command = approve if decision == "approve" else refuse
    try:
        told = sent.read(Decision, "opinion")
        with database_of(request).transaction() as session:
            extension = extension_by_id(session, key, actor=actor)
            command(session, extension, told, actor=actor, now=now_of(request))
            number = extension.ticket.number
    except (ValidationError, Refusal) as error:
        problems = problems_of(error, language_of(request), renamed={"reason": "opinion"})
        return _decision_page(
            request, key, decision, sent.form(problems), actor=actor, status=status_of(error)
        )
    return see_other(f"/tickets/{number}", done=decision)
