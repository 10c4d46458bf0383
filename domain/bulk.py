"""Many tickets at once: each row by the same command as alone, in a savepoint of its own, with an outcome of its own.

What is refused for one row leaves the others as they are. Rows are locked in the order of their numbers, so that two
people at work on the same tickets wait for one another instead of stopping each other. A preview runs the very same
commands and takes everything back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from domain import extensions, remediation
from domain.deadlines import Due
from domain.errors import PreconditionFailed, Stale, refusal_for, wrong
from domain.extensions import Decision
from domain.records import Extension, Ticket
from domain.remediation import Assignment, Deadline, Login, Reassignment, Text, Verification
from domain.tickets import ticket_by_number
from domain.visibility import extensions_visible_to
from statemachines.labels import Level
from statemachines.refusals import Refusal
from statemachines.roles import Actor
from statemachines.ticket import TicketState

MOST = 100
"""Rows of one act: a hundred take a second or two, and a person can still look at them."""

Number = Annotated[str, Field(min_length=1, max_length=64)]


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Row(_Told):
    """A ticket, and the version it was seen in; left out: whatever it is."""

    number: Number
    version: int | None = Field(default=None, ge=1)


class VerdictRow(Row):
    """复查意见 on one ticket: passed or not, the opinion, for a return an optional new deadline."""

    passed: bool
    opinion: Text | None = None
    due: Deadline | None = None


class DecisionRow(_Told):
    """The decision on one request for more time, by its id."""

    id: UUID
    version: int | None = Field(default=None, ge=1)
    approved: bool
    opinion: Text | None = None


AnyRow = TypeVar("AnyRow", bound=_Told)


def _each_once(rows: list[AnyRow]) -> list[AnyRow]:
    keys = [getattr(row, "number", None) or getattr(row, "id", None) for row in rows]
    if len(set(keys)) < len(keys):
        raise wrong("repeated", zh="同一张单只能出现一次。", en="Name each record once.")
    return rows


class _Bulk(_Told):
    """`preview`: say what would become of each row, and write nothing."""

    preview: bool = False


class BulkAssignment(_Bulk):
    """下达整改 of many tickets to one person, each with its own deadline by level, checklist item and calendar.

    `measure` left out is that of the ticket's checklist item; `due` given holds for all. A major hazard needs its five
    assurances (五落实) and is assigned alone.
    """

    items: list[Row] = Field(min_length=1, max_length=MOST)
    assignee: Login = Field(min_length=1)
    duty: Text = Field(min_length=1)
    measure: Text | None = None
    due: Deadline | None = None

    _once = field_validator("items")(_each_once)


class BulkReassignment(_Bulk):
    """改派 of many tickets to one person, with one reason; duty and measure stay unless given."""

    items: list[Row] = Field(min_length=1, max_length=MOST)
    assignee: Login = Field(min_length=1)
    reason: Text = Field(min_length=1)
    duty: Text | None = None
    measure: Text | None = None

    _once = field_validator("items")(_each_once)


class BulkVerification(_Bulk):
    """复查 of many tickets, each with a verdict of its own."""

    items: list[VerdictRow] = Field(min_length=1, max_length=MOST)

    _once = field_validator("items")(_each_once)


class BulkDecisions(_Bulk):
    """Decisions on many requests for more time, each of its own."""

    items: list[DecisionRow] = Field(min_length=1, max_length=MOST)

    _once = field_validator("items")(_each_once)


Bulk = BulkAssignment | BulkReassignment | BulkVerification | BulkDecisions


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row, or would. `key` is what the caller named it by; without a refusal it was done.

    `due` is how the deadline was computed, None when a person gave it.
    """

    key: str
    number: str
    refusal: Refusal | None = None
    state: TicketState | None = None
    level: Level | None = None
    description: str = ""
    unit: str = ""
    assignee: str | None = None
    due_at: datetime | None = None
    due: Due | None = None
    version: int | None = None

    @property
    def done(self) -> bool:
        """Whether nothing refused it."""
        return self.refusal is None


def act(session: Session, wanted: Bulk, *, actor: Actor, now: datetime) -> list[Outcome]:
    """Do it row by row; the outcomes are in the order asked for. With `preview` everything is taken back again."""
    work = _WORK[type(wanted)]
    numbers = _numbers(session, wanted, actor)
    outcomes: dict[str, Outcome] = {}
    whole = session.begin_nested()
    for row in sorted(wanted.items, key=lambda row: numbers[_key(row)]):
        key = _key(row)
        try:
            with session.begin_nested():
                outcomes[key] = work(session, wanted, row, actor, now)
        except IntegrityError as error:
            outcomes[key] = Outcome(key, numbers[key], refusal_for(error))
        except StaleDataError:
            outcomes[key] = Outcome(key, numbers[key], Stale())
        except Refusal as refusal:
            outcomes[key] = Outcome(key, numbers[key], refusal)
    if wanted.preview:
        whole.rollback()
    else:
        whole.commit()
    return [outcomes[_key(row)] for row in wanted.items]


def _key(row: Any) -> str:
    return str(getattr(row, "number", None) or row.id)


def _numbers(session: Session, wanted: Bulk, actor: Actor) -> dict[str, str]:
    """The ticket's number for each row; of an extension out of sight its id, which says nothing."""
    keys = {_key(row): _key(row) for row in wanted.items}
    if isinstance(wanted, BulkDecisions):
        query = (
            select(Extension.id, Ticket.number)
            .join(Ticket, Ticket.id == Extension.ticket_id)
            .where(Extension.id.in_([row.id for row in wanted.items]), extensions_visible_to(actor))
        )
        keys |= {str(key): number for key, number in session.execute(query)}
    return keys


def _ticket(session: Session, row: Row, actor: Actor) -> Ticket:
    return ticket_by_number(session, row.number, actor=actor, lock=True, expected_version=row.version)


def _outcome(session: Session, ticket: Ticket, key: str, due: Due | None = None) -> Outcome:
    session.flush()
    return Outcome(
        key=key,
        number=ticket.number,
        state=ticket.state,
        level=ticket.level,
        description=ticket.description,
        unit=ticket.unit.name,
        assignee=ticket.assignee.name if ticket.assignee else None,
        due_at=ticket.due_at,
        due=due,
        version=ticket.version,
    )


def _assign(session: Session, wanted: BulkAssignment, row: Row, actor: Actor, now: datetime) -> Outcome:
    ticket = _ticket(session, row, actor)
    item = ticket.checklist_item
    told = Assignment(
        assignee=wanted.assignee,
        duty=wanted.duty,
        measure=wanted.measure or (item.measure if item else None),
        due=wanted.due,
    )
    due = None if wanted.due is not None else remediation.proposed_due(session, ticket, now=now)
    remediation.assign(session, ticket, told, actor=actor, now=now)
    return _outcome(session, ticket, row.number, due)


def _reassign(session: Session, wanted: BulkReassignment, row: Row, actor: Actor, now: datetime) -> Outcome:
    ticket = _ticket(session, row, actor)
    told = Reassignment(
        assignee=wanted.assignee, reason=wanted.reason, duty=wanted.duty, measure=wanted.measure
    )
    remediation.reassign(session, ticket, told, actor=actor, now=now)
    return _outcome(session, ticket, row.number)


def _verify(
    session: Session, wanted: BulkVerification, row: VerdictRow, actor: Actor, now: datetime
) -> Outcome:
    ticket = _ticket(session, row, actor)
    told = Verification(passed=row.passed, opinion=row.opinion, due=row.due)
    remediation.verify(session, ticket, told, actor=actor, now=now)
    return _outcome(session, ticket, row.number)


def _decide(
    session: Session, wanted: BulkDecisions, row: DecisionRow, actor: Actor, now: datetime
) -> Outcome:
    asked = extensions.extension_by_id(session, row.id, actor=actor)
    if row.version is not None and asked.version != row.version:
        raise PreconditionFailed(expected=row.version, current=asked.version)
    decide = extensions.approve if row.approved else extensions.refuse
    decide(session, asked, Decision(opinion=row.opinion), actor=actor, now=now)
    return _outcome(session, asked.ticket, str(row.id))


_WORK: dict[type, Callable[..., Outcome]] = {
    BulkAssignment: _assign,
    BulkReassignment: _reassign,
    BulkVerification: _verify,
    BulkDecisions: _decide,
}


def counts(outcomes: Sequence[Outcome]) -> tuple[int, int]:
    """How many rows were done, and how many refused."""
    done = sum(each.done for each in outcomes)
    return done, len(outcomes) - done
