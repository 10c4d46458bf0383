"""Comments on a ticket, and what is related to it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.deps import Creates, Reads, written
from api.documented import CREATE, READ
from api.paging import Paged
from api.shapes import Moment
from api.tickets import Number
from domain.answered import Answer
from domain.comments import NewComment, comment, comments_of
from domain.records import History
from domain.tickets import ticket_by_number

router = APIRouter(tags=["tickets"])


class CommentShape(BaseModel):
    """Something said about a ticket: `author` is the person's name as it was then, `mentions` are logins."""

    id: UUID
    author: str
    at: Moment
    text: str
    mentions: list[str]


class CommentPage(BaseModel):
    """One page of comments, oldest first."""

    items: list[CommentShape]
    next: str | None


def _shape(entry: History) -> CommentShape:
    return CommentShape(
        id=entry.facts["id"],
        author=entry.actor_name,
        at=entry.at,
        text=entry.facts["comment"],
        mentions=entry.facts.get("mentions", []),
    )


@router.get(
    "/tickets/{number}/comments", operation_id="listComments", response_model=CommentPage, responses=READ
)
def list_all(number: Number, call: Reads, wanted: Annotated[Paged, Query()]) -> Response:
    """What was said about the ticket, oldest first."""
    with call.reading() as session:
        ticket = ticket_by_number(session, number, actor=call.actor)
        page = comments_of(session, ticket, limit=wanted.limit, cursor=wanted.cursor)
    return call.answer(CommentPage(items=[_shape(entry) for entry in page.items], next=page.next))


@router.post(
    "/tickets/{number}/comments",
    operation_id="commentOnTicket",
    status_code=201,
    response_model=CommentShape,
    responses=CREATE,
)
def say(number: Number, facts: NewComment, call: Creates) -> Response:
    """Say something about the ticket. @login tells that person, if they may see it.

    With an `id` it may be sent again.
    """

    def work(session: Session) -> Answer:
        ticket = ticket_by_number(session, number, actor=call.actor)
        return written(_shape(comment(session, ticket, facts, actor=call.actor, now=call.now)), status=201)

    return call.once(work)
