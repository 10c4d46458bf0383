"""How a list of tickets is sorted, and where a page of it ended: keyset paging by order.

An order is one or two stretches, read one after the other: the open tickets, then the closed ones, so that work comes
first and is read from an index of its own. Within a stretch every column rises and the last is the id.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    SQLColumnExpression,
    and_,
    case,
    func,
    literal,
    literal_column,
    tuple_,
)

from domain.errors import BadInput
from domain.figure_filter import OPEN
from domain.records import Ticket
from domain.records.base import Instant
from statemachines.labels import Level
from statemachines.ticket import TicketState

#: The states in which a deadline runs: overdue is computed from these, never stored.
RUNNING = (TicketState.ASSIGNED,)

CLOSED = (TicketState.VERIFIED, TicketState.CANCELLED)

#: A ticket without a deadline sorts last by deadline instead of falling out of the list.
UNDATED: ColumnElement[datetime] = literal_column("'infinity'::timestamptz", Instant())

due_or_never = func.coalesce(Ticket.due_at, UNDATED)


class TicketOrder(StrEnum):
    """How a list is sorted."""

    RECENT = "recent"
    """Newest first."""
    DUE = "due"
    """Open ones by deadline, the undated last; closed ones after them."""
    RISK = "risk"
    """Open ones by level, then overdue before not, then by returns, then by deadline; closed ones after them."""
    AGE = "age"
    """Open ones by the time of finding, oldest first; closed ones after them."""


def is_overdue(ticket: Ticket, now: datetime) -> bool:
    """Whether the deadline has passed while the fix is still awaited."""
    return ticket.state in RUNNING and ticket.due_at is not None and ticket.due_at < now


def overdue(now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """`is_overdue` as a condition for queries, in the words of the index `ix_tickets_open_due`."""
    return and_(Ticket.state.in_(RUNNING), due_or_never < now)


_WEIGHT = {Level.GENERAL: 100, Level.SERIOUS: 200, Level.MAJOR: 300}
_LATE = 10
_MOST_RETURNS = 9


def risk_of(ticket: Ticket, now: datetime) -> int:
    """The risk an open ticket stands for: 100, 200 or 300 for its level, 10 when overdue, 1 for each return."""
    if ticket.state not in OPEN:
        return 0
    late = _LATE if is_overdue(ticket, now) else 0
    return _WEIGHT[ticket.level] + late + min(ticket.return_count, _MOST_RETURNS)


def _risk(now: datetime) -> ColumnElement[int]:
    """`risk_of` for queries over open tickets."""
    levels = case({level.value: weight for level, weight in _WEIGHT.items()}, value=Ticket.level, else_=0)
    return levels + case((overdue(now), _LATE), else_=0) + func.least(Ticket.return_count, _MOST_RETURNS)


@dataclass(frozen=True, slots=True)
class _Column:
    """Something a stretch is sorted by: as SQL, of a row at hand, and read back from a cursor."""

    sql: SQLColumnExpression[Any]
    of: Callable[[Ticket], object]
    read: Callable[[str], ColumnElement[Any]]


@dataclass(frozen=True, slots=True)
class Stretch:
    """The tickets in these states (None: all) in this order; `falling` turns it round."""

    states: Sequence[TicketState] | None
    columns: tuple[_Column, ...]
    falling: bool = False

    def admits(self, wanted: Sequence[TicketState]) -> bool:
        """Whether any of the states asked for (none: all) lies in it."""
        return self.states is None or not wanted or bool(set(self.states) & set(wanted))

    def sorted(
        self, query: Select[tuple[Ticket]], after: Sequence[str] | None, wanted: Sequence[TicketState]
    ) -> Select[tuple[Ticket]]:
        """`query` over this stretch, in its order, from after that place."""
        if self.states is not None:
            query = query.where(
                Ticket.state.in_([each for each in self.states if not wanted or each in wanted])
            )
        if after is not None:
            here = tuple_(*(column.sql for column in self.columns))
            there = tuple_(*(column.read(text) for column, text in zip(self.columns, after, strict=True)))
            query = query.where(here < there if self.falling else here > there)
        return query.order_by(*(column.sql.desc() if self.falling else column.sql for column in self.columns))


_ID = _Column(Ticket.id, lambda ticket: ticket.id, lambda text: literal(UUID(text)))
_DUE = _Column(
    due_or_never,
    lambda ticket: ticket.due_at,
    lambda text: UNDATED if text == "None" else literal(_aware(text)),
)
_RECORDED = _Column(Ticket.recorded_at, lambda ticket: ticket.recorded_at, lambda text: literal(_aware(text)))
_FOUND = _Column(Ticket.found_at, lambda ticket: ticket.found_at, lambda text: literal(_aware(text)))


def _aware(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a cursor's moment has a time zone")
    return moment.astimezone(UTC)


def _whole(text: str) -> ColumnElement[int]:
    return literal(int(text), Integer)


def stretches(order: TicketOrder, now: datetime) -> tuple[Stretch, ...]:
    """What is read one after the other. Overdue is that of `now`: a further page takes the moment of the first."""
    if order is TicketOrder.DUE:
        return Stretch(OPEN, (_DUE, _ID)), Stretch(CLOSED, (_DUE, _ID))
    if order is TicketOrder.RISK:
        risk = _Column(-_risk(now), lambda ticket: -risk_of(ticket, now), _whole)
        return Stretch(OPEN, (risk, _DUE, _ID)), Stretch(CLOSED, (_RECORDED, _ID), falling=True)
    if order is TicketOrder.AGE:
        return Stretch(OPEN, (_FOUND, _ID)), Stretch(CLOSED, (_RECORDED, _ID), falling=True)
    return (Stretch(None, (_RECORDED, _ID), falling=True),)


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Where a page ended: in which stretch, after which values; `at` is the moment the list was begun."""

    at: datetime
    stretch: int = 0
    after: tuple[str, ...] | None = None

    def encoded(self) -> str:
        """As a cursor."""
        told = json.dumps([self.at.isoformat(), self.stretch, *(self.after or ())])
        return base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")


def bookmark_after(ticket: Ticket, stretch: int, order: TicketOrder, at: datetime) -> Bookmark:
    """The place just behind a ticket."""
    columns = stretches(order, at)[stretch].columns
    return Bookmark(at, stretch, tuple(str(column.of(ticket)) for column in columns))


def bookmark_of(cursor: str, order: TicketOrder) -> Bookmark:
    """The place a cursor names. Raises BadInput for one that no list of this order gave."""
    try:
        at, stretch, *after = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        bookmark = Bookmark(_aware(at), int(stretch), tuple(map(str, after)))
        columns = stretches(order, bookmark.at)[bookmark.stretch].columns
        for column, text in zip(columns, after, strict=True):
            column.read(text)
    except (ValueError, TypeError, AttributeError, LookupError, OverflowError, binascii.Error) as error:
        raise BadInput(
            "/cursor",
            "cursor",
            zh="翻页标记无效，请从第一页重新查询。",
            en="This cursor is not valid; start again from the first page.",
        ) from error
    return bookmark
