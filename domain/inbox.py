"""The in-box: what a person was told, what of it they have read, and 已阅."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.sql.base import ExecutableOption

from domain.errors import NotFound
from domain.paging import Key, Page, page_of
from domain.records import Notice, Ticket
from domain.visibility import notices_of
from statemachines.roles import Actor

COUNTED = 100
"""Unread notices are counted up to here: every page asks."""


class NoticeFilter(BaseModel):
    """What the in-box is narrowed to."""

    model_config = ConfigDict(extra="forbid")

    unread: Annotated[bool | None, BeforeValidator(lambda value: None if value == "" else value)] = None


def unread_count(session: Session, actor: Actor) -> int:
    """How many notices the actor has not read, COUNTED at most. Asked for every page, from an index of its own."""
    unread = select(Notice.id).where(notices_of(actor), Notice.read_at.is_(None)).limit(COUNTED)
    return session.scalar(select(func.count()).select_from(unread.subquery())) or 0


def _whole() -> tuple[ExecutableOption, ...]:
    return (
        joinedload(Notice.dispatch),
        joinedload(Notice.instead_of),
        joinedload(Notice.ticket),
        joinedload(Notice.campaign),
    )


def list_notices(
    session: Session, wanted: NoticeFilter, *, actor: Actor, limit: int = 50, cursor: str | None = None
) -> Page[Notice]:
    """One page of the actor's own notices, newest first. Raises BadInput (cursor)."""
    query = select(Notice).where(notices_of(actor)).options(*_whole())
    if wanted.unread is not None:
        query = query.where(Notice.read_at.is_(None) if wanted.unread else Notice.read_at.is_not(None))
    return page_of(session, query, Key(Notice.id, UUID), limit=limit, cursor=cursor, newest_first=True)


def notice_by_id(session: Session, key: UUID, *, actor: Actor) -> Notice:
    """One of the actor's own notices. Raises NotFound for any other."""
    notice = session.scalars(
        select(Notice).where(Notice.id == key, notices_of(actor)).options(*_whole())
    ).one_or_none()
    if notice is None:
        raise NotFound(what=str(key))
    return notice


def newest_unread_about(session: Session, ticket: Ticket, *, actor: Actor) -> UUID | None:
    """The newest notice about the ticket that the actor has not read."""
    mine = notices_of(actor), Notice.read_at.is_(None), Notice.ticket_id == ticket.id
    return session.scalar(select(Notice.id).where(*mine).order_by(Notice.id.desc()).limit(1))


def mark_read_about(session: Session, ticket: Ticket, *, up_to: UUID, actor: Actor, now: datetime) -> None:
    """The actor has the ticket before them: what they were told of it, up to the newest its page knew of, is read.

    It does not matter by which way they came: the in-box, the link in an e-mail or a group, a list.
    """
    session.execute(
        update(Notice)
        .where(notices_of(actor), Notice.ticket_id == ticket.id, Notice.id <= up_to, Notice.read_at.is_(None))
        .values(read_at=now),
        execution_options={"synchronize_session": False},
    )


def mark_read(notice: Notice, *, now: datetime) -> None:
    """It was opened; the first time counts."""
    notice.read_at = notice.read_at or now


def acknowledge(notice: Notice, *, now: datetime) -> None:
    """已阅. The first time counts, so pressing twice changes nothing."""
    mark_read(notice, now=now)
    notice.acknowledged_at = notice.acknowledged_at or now


def acknowledge_all(session: Session, *, up_to: UUID, actor: Actor, now: datetime) -> None:
    """已阅 for everything up to the newest notice the person saw; what came since stays unread."""
    session.execute(
        update(Notice)
        .where(notices_of(actor), Notice.id <= up_to, Notice.acknowledged_at.is_(None))
        .values(acknowledged_at=now, read_at=func.coalesce(Notice.read_at, now)),
        execution_options={"synchronize_session": False},
    )
