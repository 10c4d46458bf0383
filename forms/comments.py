"""Say something about a ticket; it stands in the ticket's story."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError

from domain.comments import NewComment, comment
from domain.tickets import ticket_by_number
from forms.errors import PageRoute
from forms.fields import SentForm, problems_of, status_of
from forms.pages import see_other
from forms.session import database_of, now_of, signed_in
from forms.tickets import ticket_page
from forms.words import language_of
from statemachines.refusals import Refusal
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]


@router.post("/tickets/{number}/comments")
def say(request: Request, actor: Who, number: str, sent: SentForm) -> Response:
    """Keep the comment and come back to the ticket, where it stands last; or say what is wrong with it."""
    try:
        told = sent.read(NewComment, "id", "text")
        with database_of(request).transaction() as session:
            ticket = ticket_by_number(session, number, actor=actor)
            comment(session, ticket, told, actor=actor, now=now_of(request))
    except (ValidationError, Refusal) as error:
        form = sent.form(problems_of(error, language_of(request)))
        with database_of(request).reading() as session:
            ticket = ticket_by_number(session, number, actor=actor)
            return ticket_page(request, session, ticket, actor=actor, form=form, status=status_of(error))
    return see_other(f"/tickets/{number}", done="comment")
