"""Tickets read: one by its number, and lists by what matters, always within what the actor may see."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from pydantic import ConfigDict, Field
from sqlalchemy import ColumnElement, Select, and_, func, literal, literal_column, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session, joinedload
from sqlalchemy.orm.attributes import set_committed_value

from domain.errors import BadInput, NotFound, PreconditionFailed
from domain.figure_filter import FigureFilter, figure_conditions
from domain.records import Campaign, ChecklistItem, Person, Place, Ticket, Unit
from domain.records.base import Instant
from domain.visibility import tickets_visible_to
from statemachines.labels import Level
from statemachines.roles import Actor
from statemachines.ticket import TicketState

#: The states in which a deadline runs: overdue is computed from these, never stored.
RUNNING = (TicketState.ASSIGNED,)

#: A ticket without a deadline sorts last by deadline instead of falling out of the list.
UNDATED: ColumnElement[datetime] = literal_column("'infinity'::timestamptz", Instant())

_due_or_never = func.coalesce(Ticket.due_at, UNDATED)

Named = TypeVar("Named", Person, Unit, ChecklistItem, Place, Ticket, Campaign)

_PEOPLE = ("finder", "assignee", "fixer", "first_verifier", "verifier")


def load_named(session: Session, tickets: Sequence[Ticket]) -> None:
    """Load what the tickets name: people and their units, fixing teams, checklist items, places, the tickets they
    repeat.

    One query by key for each kind that is named at all, however many tickets. Joined to the ticket they would be a
    query of a dozen tables, which costs PostgreSQL more to plan than these cost to run (docs/performance.md).
    """
    _load(
        session, tickets, select(Person).options(joinedload(Person.unit, innerjoin=True)), Person.id, *_PEOPLE
    )
    _load(session, tickets, select(Unit), Unit.id, "fixer_unit")
    _load(session, tickets, select(ChecklistItem), ChecklistItem.id, "checklist_item")
    _load(session, tickets, select(Place), Place.id, "place")
    _load(session, tickets, select(Ticket), Ticket.id, "duplicate_of")


def _load(
    session: Session,
    tickets: Sequence[Ticket],
    query: Select[tuple[Named]],
    key: InstrumentedAttribute[UUID],
    *names: str,
) -> None:
    """Load these relationships of the tickets, whose records `query` finds by `key`."""
    keys = {getattr(ticket, f"{name}_id") for ticket in tickets for name in names} - {None}
    found = {each.id: each for each in session.scalars(query.where(key.in_(keys)))} if keys else {}
    for ticket in tickets:
        for name in names:
            set_committed_value(ticket, name, found.get(getattr(ticket, f"{name}_id")))


def is_overdue(ticket: Ticket, now: datetime) -> bool:
    """Whether the deadline has passed while the fix is still awaited."""
    return ticket.state in RUNNING and ticket.due_at is not None and ticket.due_at < now


def overdue(now: datetime) -> ColumnElement[bool]:
    """`is_overdue` as a condition for queries, in the words of the index `ix_tickets_open_due`."""
    return and_(Ticket.state.in_(RUNNING), _due_or_never < now)


def ticket_by_number(
    session: Session, number: str, *, actor: Actor, lock: bool = False, expected_version: int | None = None
) -> Ticket:
    """The ticket with this number, with unit, campaign and people loaded.

    `lock` takes the row for the rest of the transaction, so that a second writer waits and then meets the new state.
    Raises NotFound when there is none in the actor's sight, PreconditionFailed for another version.
    """
    query = (
        select(Ticket)
        .where(Ticket.number == number, tickets_visible_to(actor))
        .options(
            joinedload(Ticket.unit, innerjoin=True),
            joinedload(Ticket.campaign, innerjoin=True).joinedload(Campaign.unit, innerjoin=True),
        )
    )
    if lock:
        query = query.with_for_update(of=Ticket, key_share=True).execution_options(populate_existing=True)
    ticket = session.scalars(query).one_or_none()
    if ticket is None:
        raise NotFound(what=number)
    if expected_version is not None and ticket.version != expected_version:
        raise PreconditionFailed(expected=expected_version, current=ticket.version)
    load_named(session, [ticket])
    return ticket


class TicketOrder(StrEnum):
    """How a list is sorted."""

    RECENT = "recent"
    DUE = "due"


class TicketFilter(FigureFilter):
    """What a list is narrowed to; everything may be left out. `unit` means the unit and all below it."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    campaign: str | None = Field(default=None, max_length=24)
    unit: str | None = Field(default=None, max_length=24)
    state: list[TicketState] = Field(default_factory=list, max_length=len(TicketState))
    level: list[Level] = Field(default_factory=list, max_length=len(Level))
    assignee: str | None = Field(default=None, max_length=64)
    finder: str | None = Field(default=None, max_length=64)
    overdue: bool | None = None
    supervised: bool | None = None
    source: str | None = Field(default=None, max_length=32)
    q: str | None = Field(default=None, max_length=100)
    sort: TicketOrder = TicketOrder.RECENT


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list and the cursor of the next one, None at the end."""

    items: list[Ticket]
    next: str | None


def _encode(*place: object) -> str:
    return base64.urlsafe_b64encode(json.dumps([str(p) for p in place]).encode()).decode().rstrip("=")


def _aware(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a cursor's moment has a time zone")
    return moment.astimezone(UTC)


def _decode(cursor: str) -> tuple[ColumnElement[datetime], ColumnElement[UUID]]:
    try:
        moment, key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return UNDATED if moment == "None" else literal(_aware(moment)), literal(UUID(key))
    except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error) as error:
        raise BadInput(
            "/cursor",
            "cursor",
            zh="翻页标记无效，请从第一页重新查询。",
            en="This cursor is not valid; start again from the first page.",
        ) from error


def narrowed(query: Select[tuple[Ticket]], wanted: TicketFilter, *, now: datetime) -> Select[tuple[Ticket]]:
    """Put the filter's conditions on a query over tickets."""
    if wanted.campaign:
        # One value, not a set: so the indexes that begin with the campaign keep their order.
        campaign = select(Campaign.id).where(Campaign.code == wanted.campaign).scalar_subquery()
        query = query.where(Ticket.campaign_id == campaign)
    if wanted.unit:
        top = select(Unit.path).where(Unit.code == wanted.unit).scalar_subquery()
        query = query.where(Ticket.unit_id.in_(select(Unit.id).where(Unit.path.like(top.concat("%")))))
    if wanted.state:
        query = query.where(Ticket.state.in_(wanted.state))
    if wanted.level:
        query = query.where(Ticket.level.in_(wanted.level))
    for login, column in ((wanted.assignee, Ticket.assignee_id), (wanted.finder, Ticket.finder_id)):
        if login:
            query = query.where(column == select(Person.id).where(Person.login == login).scalar_subquery())
    if wanted.overdue is not None:
        late = overdue(now)
        query = query.where(late if wanted.overdue else ~late)
    if wanted.supervised is not None:
        listed = Ticket.supervised_at.is_not(None)
        query = query.where(listed if wanted.supervised else ~listed)
    if wanted.source:
        query = query.where(Ticket.source == wanted.source)
    if wanted.q:
        fields = (Ticket.number, Ticket.description, Ticket.location)
        query = query.where(or_(*(field.icontains(wanted.q, autoescape=True) for field in fields)))
    return query.where(*figure_conditions(wanted, now=now))


def count_tickets(session: Session, wanted: TicketFilter, *, actor: Actor, now: datetime) -> int:
    """How many tickets the list has on all its pages together. Its cost follows what is found."""
    found = narrowed(select(Ticket).where(tickets_visible_to(actor)), wanted, now=now)
    return session.scalar(found.with_only_columns(func.count(), maintain_column_froms=True)) or 0


def list_tickets(
    session: Session,
    wanted: TicketFilter,
    *,
    actor: Actor,
    now: datetime,
    limit: int = 50,
    cursor: str | None = None,
) -> Page:
    """One page of tickets the actor may see, newest first or by deadline. Raises BadInput for a wrong cursor."""
    query = narrowed(select(Ticket).where(tickets_visible_to(actor)), wanted, now=now)
    query = query.options(joinedload(Ticket.unit, innerjoin=True))
    if wanted.sort is TicketOrder.DUE:
        query = query.order_by(_due_or_never, Ticket.id)
        if cursor:
            query = query.where(tuple_(_due_or_never, Ticket.id) > tuple_(*_decode(cursor)))
    else:
        query = query.order_by(Ticket.recorded_at.desc(), Ticket.id.desc())
        if cursor:
            query = query.where(tuple_(Ticket.recorded_at, Ticket.id) < tuple_(*_decode(cursor)))
    rows = list(session.scalars(query.limit(limit + 1)))
    following = None
    if len(rows) > limit:
        rows = rows[:limit]
        last = rows[-1]
        following = _encode(last.due_at if wanted.sort is TicketOrder.DUE else last.recorded_at, last.id)
    # Not joined: the settings of a campaign would be sent and read once for every ticket.
    campaigns = select(Campaign).options(joinedload(Campaign.unit, innerjoin=True))
    _load(session, rows, campaigns, Campaign.id, "campaign")
    load_named(session, rows)
    return Page(rows, following)
