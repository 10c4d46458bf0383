"""Tickets read: one by its number, and lists by what matters, always within what the actor may see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from pydantic import ConfigDict, Field
from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, joinedload, load_only
from sqlalchemy.orm.attributes import set_committed_value

from domain.errors import NotFound, PreconditionFailed
from domain.figure_filter import FigureFilter, figure_conditions
from domain.records import Campaign, ChecklistItem, Extension, Person, Place, RoleGrant, Ticket, Unit
from domain.search import found_by
from domain.ticket_orders import (
    RUNNING,
    UNDATED,
    Bookmark,
    TicketOrder,
    bookmark_after,
    bookmark_of,
    is_overdue,
    overdue,
    stretches,
)
from domain.visibility import tickets_visible_to
from statemachines.extension import ExtensionState
from statemachines.labels import Level
from statemachines.roles import Actor
from statemachines.ticket import TicketState

__all__ = [
    "RUNNING",
    "UNDATED",
    "Page",
    "TicketFilter",
    "TicketOrder",
    "count_tickets",
    "is_overdue",
    "list_tickets",
    "load_all_named",
    "load_campaigns",
    "load_fixers_roles",
    "load_named",
    "narrowed",
    "overdue",
    "ticket_by_number",
    "tickets_by_numbers",
    "untaken",
]

Named = TypeVar("Named", Person, Unit, ChecklistItem, Place, Ticket, Campaign)

_PEOPLE = ("finder", "assignee", "fixer", "first_verifier", "verifier")


def load_named(session: Session, tickets: Sequence[Ticket]) -> None:
    """Load what the tickets name: people and their units, fixing teams and the fixers' roles, checklist items, places,
    the tickets they repeat.

    One query by key for each kind that is named at all, however many tickets. Joined to the ticket they would be a
    query of a dozen tables, which costs PostgreSQL more to plan than these cost to run (docs/performance.md).
    """
    _load(
        session, tickets, select(Person).options(joinedload(Person.unit, innerjoin=True)), Person.id, *_PEOPLE
    )
    _load(session, tickets, select(Unit), Unit.id, "fixer_unit")
    load_fixers_roles(session, tickets)
    _load(session, tickets, select(ChecklistItem), ChecklistItem.id, "checklist_item")
    _load(session, tickets, select(Place), Place.id, "place")
    _load(session, tickets, select(Ticket), Ticket.id, "duplicate_of")


def load_fixers_roles(session: Session, tickets: Sequence[Ticket]) -> None:
    """Load the roles of those who fixed: whom they lead may not verify. The fixers themselves must be loaded."""
    fixers = {ticket.fixer.id: ticket.fixer for ticket in tickets if ticket.fixer is not None}
    if not fixers:
        return
    held: dict[UUID, list[RoleGrant]] = {key: [] for key in fixers}
    query = select(RoleGrant).where(RoleGrant.person_id.in_(fixers))
    for grant in session.scalars(query.options(joinedload(RoleGrant.unit, innerjoin=True))):
        held[grant.person_id].append(grant)
    for key, fixer in fixers.items():
        set_committed_value(fixer, "grants", held[key])


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


def load_all_named(session: Session, tickets: Sequence[Ticket]) -> None:
    """`load_named`, and their campaigns."""
    load_campaigns(session, tickets)
    load_named(session, tickets)


def load_campaigns(session: Session, tickets: Sequence[Ticket]) -> None:
    """Load the tickets' campaigns. Not joined: settings would be sent and read once for every ticket."""
    campaigns = select(Campaign).options(joinedload(Campaign.unit, innerjoin=True))
    _load(session, tickets, campaigns, Campaign.id, "campaign")


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


def tickets_by_numbers(session: Session, numbers: Sequence[str], *, actor: Actor) -> list[Ticket]:
    """The tickets of these numbers that the actor may see, in this order, with all they name."""
    query = (
        select(Ticket)
        .where(Ticket.number.in_(numbers), tickets_visible_to(actor))
        .options(joinedload(Ticket.unit, innerjoin=True))
    )
    found = {ticket.number: ticket for ticket in session.scalars(query)}
    tickets = [found[number] for number in numbers if number in found]
    load_all_named(session, tickets)
    return tickets


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
    untaken: bool | None = None
    """Nobody took it: without its three fixed, or assigned and not acknowledged."""
    extension_pending: bool | None = None
    """More time was asked for and not decided."""
    source: str | None = Field(default=None, max_length=32)
    q: str | None = Field(default=None, max_length=100)
    sort: TicketOrder = TicketOrder.RECENT


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list and the cursor of the next one, None at the end."""

    items: list[Ticket]
    next: str | None


_PENDING = exists().where(Extension.ticket_id == Ticket.id, Extension.state == ExtensionState.REQUESTED)


def untaken() -> ColumnElement[bool]:
    """Nobody took it: without its three fixed, or assigned and not acknowledged."""
    unread = and_(Ticket.state == TicketState.ASSIGNED, Ticket.acknowledged_at.is_(None))
    return or_(Ticket.state == TicketState.FOUND, unread)


def narrowed(
    session: Session, query: Select[tuple[Ticket]], wanted: TicketFilter, *, now: datetime
) -> Select[tuple[Ticket]]:
    """Put the filter's conditions on a query over tickets."""
    query = query.where(*_named(wanted), *_standing(wanted, now), *figure_conditions(wanted, now=now))
    return query.where(found_by(session, wanted.q)) if wanted.q else query


def _named(wanted: TicketFilter) -> Iterator[ColumnElement[bool]]:
    """What the filter says of campaign, unit, state, level, people and source."""
    if wanted.campaign:
        # One value, not a set: so the indexes that begin with the campaign keep their order.
        yield (
            Ticket.campaign_id
            == select(Campaign.id).where(Campaign.code == wanted.campaign).scalar_subquery()
        )
    if wanted.unit:
        top = select(Unit.path).where(Unit.code == wanted.unit).scalar_subquery()
        yield Ticket.unit_id.in_(select(Unit.id).where(Unit.path.like(top.concat("%"))))
    if wanted.state:
        yield Ticket.state.in_(wanted.state)
    if wanted.level:
        yield Ticket.level.in_(wanted.level)
    for login, column in ((wanted.assignee, Ticket.assignee_id), (wanted.finder, Ticket.finder_id)):
        if login:
            yield column == select(Person.id).where(Person.login == login).scalar_subquery()
    if wanted.source:
        yield Ticket.source == wanted.source


def _standing(wanted: TicketFilter, now: datetime) -> Iterator[ColumnElement[bool]]:
    """What the filter says of how the ticket stands."""
    for asked, condition in (
        (wanted.overdue, overdue(now)),
        (wanted.supervised, Ticket.supervised_at.is_not(None)),
        (wanted.untaken, untaken()),
        (wanted.extension_pending, _PENDING),
    ):
        if asked is not None:
            yield condition if asked else ~condition


def count_tickets(session: Session, wanted: TicketFilter, *, actor: Actor, now: datetime) -> int:
    """How many tickets the list has on all its pages together. Its cost follows what is found."""
    found = narrowed(session, select(Ticket).where(tickets_visible_to(actor)), wanted, now=now)
    return session.scalar(found.with_only_columns(func.count(), maintain_column_froms=True)) or 0


def list_tickets(
    session: Session,
    wanted: TicketFilter,
    *,
    actor: Actor,
    now: datetime,
    limit: int = 50,
    cursor: str | None = None,
    as_rows: bool = False,
) -> Page:
    """One page of tickets the actor may see, in the order asked for. Raises BadInput for a wrong cursor.

    `as_rows`: only what a row of the queue shows is loaded, with the names of unit, people and campaign; to ask for
    anything else is an error. A third of the columns, and a third of the records (docs/performance.md).
    """
    query = narrowed(session, select(Ticket).where(tickets_visible_to(actor)), wanted, now=now)
    unit = joinedload(Ticket.unit, innerjoin=True)
    query = query.options(unit.load_only(Unit.name), _ROW) if as_rows else query.options(unit)
    begun = bookmark_of(cursor, wanted.sort) if cursor else Bookmark(now)
    rows: list[tuple[int, Ticket]] = []
    for number, stretch in enumerate(stretches(wanted.sort, begun.at)):
        if number < begun.stretch or not stretch.admits(wanted.state):
            continue
        after = begun.after if number == begun.stretch else None
        found = session.scalars(stretch.sorted(query, after, wanted.state).limit(limit + 1 - len(rows)))
        rows += ((number, ticket) for ticket in found)
        if len(rows) > limit:
            break
    following = None
    if len(rows) > limit:
        rows = rows[:limit]
        number, last = rows[-1]
        following = bookmark_after(last, number, wanted.sort, begun.at).encoded()
    tickets = [ticket for _, ticket in rows]
    if as_rows:
        _load_names(session, tickets)
    else:
        load_all_named(session, tickets)
    return Page(tickets, following)


#: What a row of the queue shows, and what its place in any order is told by.
_ROW = load_only(
    Ticket.number,
    Ticket.campaign_id,
    Ticket.unit_id,
    Ticket.description,
    Ticket.level,
    Ticket.category,
    Ticket.location,
    Ticket.found_at,
    Ticket.finder_id,
    Ticket.recorded_at,
    Ticket.state,
    Ticket.assignee_id,
    Ticket.measure,
    Ticket.due_at,
    Ticket.fixed_at,
    Ticket.return_count,
    Ticket.supervised_at,
    Ticket.files_expected,
    Ticket.files_arrived,
    raiseload=True,
)


def _load_names(session: Session, tickets: Sequence[Ticket]) -> None:
    people = select(Person).options(load_only(Person.name, raiseload=True))
    _load(session, tickets, people, Person.id, "finder", "assignee")
    campaigns = select(Campaign).options(load_only(Campaign.name, raiseload=True))
    _load(session, tickets, campaigns, Campaign.id, "campaign")
