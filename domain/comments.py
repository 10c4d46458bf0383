"""Comments on a ticket (留言) and whom they mention: lines of its history, so nothing said can be unsaid.

@login tells that person, when they may see the ticket. Somebody who may not, and a login nobody has, are refused in the
same words: a comment is no way to find out who there is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, exists, literal, or_, select
from sqlalchemy.orm import Session, joinedload
from uuid_utils.compat import uuid7

from domain import notices
from domain.errors import BadInput
from domain.history import record
from domain.paging import Key, Page, page_of
from domain.records import History, Person, RoleGrant, Ticket, Unit
from domain.visibility import units_visible_to
from statemachines.roles import Actor

MENTIONS_AT_MOST = 20

#: What may be a mention: @ and a login, not in the middle of a word or an address (zhang@example.org).
_MENTION = re.compile(r"(?<![A-Za-z0-9._@-])@([A-Za-z0-9][A-Za-z0-9._@-]{0,63})")


class NewComment(BaseModel):
    """What is said; @login mentions a person. `id` made by the sender: the same comment sent again is said once."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    id: UUID | None = None
    text: Annotated[str, Field(min_length=1, max_length=2000)]


def mentioned_in(text: str) -> list[str]:
    """The logins a text mentions, each once; a full stop that ends the sentence is no part of one."""
    return list(dict.fromkeys(login.rstrip("._@-") for login in _MENTION.findall(text)))


def may_see(ticket: Ticket) -> ColumnElement[bool]:
    """The active people who may see a ticket: those with a role at its unit or above, and those it is the work of.

    `domain.visibility.tickets_visible_to`, seen from the ticket. The unit must be loaded.
    """
    above = exists().where(
        RoleGrant.person_id == Person.id,
        Unit.id == RoleGrant.unit_id,
        literal(ticket.unit.path).startswith(Unit.path),
    )
    own = [ticket.assignee_id, ticket.finder_id, ticket.fixer_id]
    return Person.active & or_(above, Person.id.in_([key for key in own if key is not None]))


def people_to_mention(session: Session, ticket: Ticket, *, actor: Actor) -> list[Person]:
    """Whom the form offers: of those who may see the ticket whom it names, and people of units in the actor's sight."""
    named = {
        ticket.assignee_id,
        ticket.finder_id,
        ticket.fixer_id,
        ticket.verifier_id,
        ticket.first_verifier_id,
    } - {None}
    seen = Person.unit_id.in_(select(Unit.id).where(units_visible_to(actor)))
    query = (
        select(Person)
        .where(may_see(ticket), Person.id != actor.id, or_(Person.id.in_(named), seen))
        .order_by(Person.id.not_in(named), Person.login)
        .options(joinedload(Person.unit))
        .limit(50)
    )
    return list(session.scalars(query))


def comment(session: Session, ticket: Ticket, told: NewComment, *, actor: Actor, now: datetime) -> History:
    """Say something about a ticket, and tell whom it mentions; whoever sees it may. Raises BadInput at /text."""
    key = told.id or uuid7()
    if told.id is not None and (said := _said(session, ticket, told.id)) is not None:
        return said
    people = _mentioned(session, ticket, told.text)
    record(
        session,
        ticket,
        "comment",
        actor=actor,
        now=now,
        before=ticket.state,
        after=ticket.state,
        id=key,
        comment=told.text,
        mentions=[person.login for person in people] or None,
    )
    session.flush()
    notices.mentioned(
        session,
        ticket,
        [person for person in people if person.id != actor.id],
        text=told.text,
        by=actor.name,
        about=key,
        now=now,
    )
    entry = _said(session, ticket, key)
    assert entry is not None
    return entry


def _mentioned(session: Session, ticket: Ticket, text: str) -> Sequence[Person]:
    logins = mentioned_in(text)
    if len(logins) > MENTIONS_AT_MOST:
        raise BadInput(
            "/text",
            "too-many-mentions",
            zh=f"一条留言最多提到{MENTIONS_AT_MOST}人。",
            en=f"A comment mentions at most {MENTIONS_AT_MOST} people.",
        )
    if not logins:
        return []
    query = select(Person).where(may_see(ticket), Person.login.in_(logins)).options(joinedload(Person.unit))
    found = {person.login: person for person in session.scalars(query)}
    if missing := [login for login in logins if login not in found]:
        names = "、".join(f"@{login}" for login in missing)
        raise BadInput(
            "/text",
            "mention-unknown",
            zh=f"不能提到{names}：没有这个登录名，或此人看不到本单。请改正，或在 @ 前后加空格。",
            en=f"Nobody who may see this ticket has this login: {names}. Correct it, or put a space behind the @.",
        )
    return [found[login] for login in logins]


def _said(session: Session, ticket: Ticket, key: UUID) -> History | None:
    return session.scalars(
        select(History).where(*_comments(ticket), History.facts["id"].astext == str(key))
    ).first()


def _comments(ticket: Ticket) -> tuple[ColumnElement[bool], ...]:
    return History.subject == "ticket", History.subject_id == ticket.id, History.event == "comment"


def comments_of(
    session: Session, ticket: Ticket, *, limit: int = 50, cursor: str | None = None
) -> Page[History]:
    """What was said about a ticket, oldest first. Raises BadInput (cursor)."""
    query = select(History).where(*_comments(ticket))
    return page_of(session, query, Key(History.id, int), limit=limit, cursor=cursor)
