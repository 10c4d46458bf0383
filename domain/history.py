"""The append-only history: one row for each thing that happened to a record."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.records import Base, History
from statemachines.roles import Actor


def plain(value: object) -> object:
    """A fact as JSON keeps it: moments and numbers as text, people and units by what people call them."""
    match value:
        case None | bool() | int() | float():
            return value
        case Enum():
            return value.value
        case str():
            return str(value)
        case datetime() | date():
            return value.isoformat()
        case Decimal() | UUID():
            return str(value)
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
    for name in ("number", "login", "code"):
        if hasattr(value, name):
            return str(getattr(value, name))
    return str(value)


def record(
    session: Session,
    row: Base,
    event: str,
    *,
    actor: Actor,
    now: datetime,
    before: str | None = None,
    after: str | None = None,
    **facts: object,
) -> None:
    """Add one row to the history of `row`: who did what, when, from which state to which, with which facts.

    Facts that are None are left out. The row is written with the transaction of the command.
    """
    session.add(
        History(
            subject=type(row).__name__.lower(),
            subject_id=row.id,  # type: ignore[attr-defined]
            at=now,
            actor_id=actor.id,
            actor_name=actor.name,
            event=event,
            from_state=None if before is None else str(before),
            to_state=None if after is None else str(after),
            facts={name: plain(value) for name, value in facts.items() if value is not None},
        )
    )


def history_of(session: Session, row: Base) -> list[History]:
    """Everything that happened to `row`, oldest first."""
    query = (
        select(History)
        .where(History.subject == type(row).__name__.lower(), History.subject_id == row.id)  # type: ignore[attr-defined]
        .order_by(History.id)
    )
    return list(session.scalars(query))
