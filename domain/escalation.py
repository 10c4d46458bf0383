"""The sweep: whatever step of the ladder has come is climbed once, recorded, and told to those it concerns.

One call is one batch in one transaction. `next_step_at` and its partial index narrow the work in SQL, so the cost
follows what is due, not what exists; the chart is built only for the rows that move; all writing is in bulk.
Killed at any point, a batch leaves nothing behind and the next sweep takes it up. Two sweeps at once share the work.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, aliased
from uuid_utils.compat import uuid7

from domain.campaign_settings import CampaignSettings
from domain.database import Database
from domain.ladder import (
    PlannedStep,
    Recipients,
    by_the_hour,
    next_step_at,
    outside_quiet_hours,
    planned_steps,
    recorded_steps,
)
from domain.outbox import Telling, own_channel, tell_all
from domain.records import Campaign, History, Person, StepRecord, Ticket, Unit
from domain.reminders import words
from domain.tickets import RUNNING
from statemachines.chart import RecordChart, move
from statemachines.labels import Level
from statemachines.roles import SYSTEM
from statemachines.ticket import TicketChart, TicketEvent, TicketState

log = logging.getLogger(__name__)

BATCH = 200
EVERYTHING = 1_000_000
PUT_OFF = timedelta(hours=1)
"""How long a row that could not be swept waits, so that it never blocks the rest."""


@dataclass(slots=True)
class DueTicket:
    """The columns the sweep reads of a ticket: what the chart, the ladder and the notice need."""

    chart: ClassVar[type[RecordChart]] = TicketChart

    id: UUID
    number: str
    campaign_id: UUID
    state: TicketState
    level: Level
    description: str
    location: str
    measure: str | None
    assignee_id: UUID | None
    finder_id: UUID
    due_at: datetime
    due_version: int
    unit_path: str
    unit_name: str
    assignee_name: str


@dataclass(frozen=True, slots=True)
class Line:
    """One person told, or who would be: about which ticket, by which step, how, and the subject line."""

    ticket: str
    step: str
    login: str
    name: str
    channel: str
    subject: str


@dataclass(slots=True)
class SweepResult:
    """What one batch did, or would do. `more`: call again, there may be further tickets due."""

    tickets: int = 0
    steps: int = 0
    told: int = 0
    put_off: int = 0
    more: bool = False
    lines: list[Line] = field(default_factory=list)

    def said(self) -> dict[str, int]:
        """As a heartbeat and a log line keep it."""
        return {"tickets": self.tickets, "steps": self.steps, "told": self.told, "put_off": self.put_off}

    def add(self, other: SweepResult) -> None:
        """Count another batch in."""
        self.tickets += other.tickets
        self.steps += other.steps
        self.told += other.told
        self.put_off += other.put_off
        self.lines += other.lines


@dataclass(slots=True)
class _Climb:
    """Everything to be written for one ticket."""

    ticket: DueTicket
    next_step_at: datetime | None
    steps: list[dict[str, Any]] = field(default_factory=list)
    notices: list[Telling] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


def sweep(session: Session, *, as_of: datetime, limit: int = BATCH, dry_run: bool = False) -> SweepResult:
    """Climb every step that has come by `as_of` for up to `limit` tickets, the longest due first.

    A ticket with several steps due is told of once, by the latest; the earlier ones are recorded as passed over.
    A row that cannot be swept is put off by an hour with the error in its history. `dry_run` locks and writes nothing.
    """
    tickets = _due(session, as_of=as_of, limit=limit, lock=not dry_run)
    result = SweepResult(more=len(tickets) == limit and not dry_run)
    if not tickets:
        return result
    climbs, faults = _climbs(session, tickets, as_of=as_of)
    if not dry_run:
        climbs, refused = _write(session, climbs, as_of=as_of)
        faults |= refused
        _put_off(session, faults, as_of=as_of)
    result.tickets = sum(bool(climb.steps) for climb in climbs)
    result.steps = sum(len(climb.steps) for climb in climbs)
    result.told = sum(len(climb.notices) for climb in climbs)
    result.put_off = len(faults)
    result.lines = [line for climb in climbs for line in climb.lines]
    return result


def sweep_all(
    database: Database, *, as_of: datetime, limit: int = BATCH, dry_run: bool = False
) -> SweepResult:
    """Sweep batch by batch, each in its own transaction, until nothing is due."""
    total = SweepResult(more=True)
    while total.more:
        with database.reading() if dry_run else database.transaction() as session:
            # A dry run moves nothing on, so it looks at everything at once.
            batch = sweep(session, as_of=as_of, limit=EVERYTHING if dry_run else limit, dry_run=dry_run)
        total.add(batch)
        total.more = batch.more
    return total


def _due(session: Session, *, as_of: datetime, limit: int, lock: bool) -> list[DueTicket]:
    assignee = aliased(Person)
    query = (
        select(
            Ticket.id,
            Ticket.number,
            Ticket.campaign_id,
            Ticket.state,
            Ticket.level,
            Ticket.description,
            Ticket.location,
            Ticket.measure,
            Ticket.assignee_id,
            Ticket.finder_id,
            Ticket.due_at,
            Ticket.due_version,
            Unit.path,
            Unit.name,
            assignee.name,
        )
        .join(Unit, Unit.id == Ticket.unit_id)
        .outerjoin(assignee, assignee.id == Ticket.assignee_id)
        .where(Ticket.next_step_at <= as_of)
        .order_by(Ticket.next_step_at, Ticket.id)
        .limit(limit)
    )
    if lock:
        # Another sweep, or a person's command on the ticket, has the row: pass over it, it will come again.
        query = query.with_for_update(skip_locked=True, of=Ticket)
    return [DueTicket(*tuple(row)) for row in session.execute(query)]


def _climbs(
    session: Session, tickets: Sequence[DueTicket], *, as_of: datetime
) -> tuple[list[_Climb], dict[UUID, str]]:
    """What is to be written for each ticket, and the error of each for which it could not be worked out."""
    stored = _stored_settings(session, tickets)
    valid: dict[UUID, CampaignSettings] = {}
    recorded = recorded_steps(session, [ticket.id for ticket in tickets])
    recipients = Recipients(session, tickets)
    climbs: list[_Climb] = []
    faults: dict[UUID, str] = {}
    for ticket in tickets:
        try:
            if ticket.campaign_id not in valid:
                valid[ticket.campaign_id] = CampaignSettings.model_validate(stored[ticket.campaign_id])
            already = recorded.get((ticket.id, ticket.due_version), frozenset())
            climbs.append(_climb(ticket, valid[ticket.campaign_id], already, recipients, as_of=as_of))
        except Exception as error:  # one item of a batch: recorded on the item, the rest goes on
            log.exception("ticket %s cannot be swept", ticket.number)
            faults[ticket.id] = f"{type(error).__name__}: {error}"
    return climbs, faults


def _stored_settings(session: Session, tickets: Sequence[DueTicket]) -> dict[UUID, dict[str, Any]]:
    rows = session.execute(
        select(Campaign.id, Campaign.settings).where(Campaign.id.in_({t.campaign_id for t in tickets}))
    )
    return {campaign_id: dict(settings) for campaign_id, settings in rows}


def _climb(
    ticket: DueTicket,
    settings: CampaignSettings,
    already: frozenset[str],
    recipients: Recipients,
    *,
    as_of: datetime,
) -> _Climb:
    if ticket.state not in RUNNING:
        return _Climb(ticket, next_step_at=None)
    ladder = planned_steps(ticket.level, ticket.due_at, settings)
    reached = [each for each in ladder if each.at <= as_of and each.step.code not in already]
    ahead = next_step_at(
        ladder,
        due_at=ticket.due_at,
        recorded=already | {each.step.code for each in reached},
        now=as_of,
    )
    climb = _Climb(ticket, next_step_at=ahead)
    if not reached:
        return climb
    before = ticket.state
    move(ticket, TicketEvent.ESCALATE, actor=SYSTEM, now=as_of)
    speaking = reached[-1]
    told = recipients.of((word for each in reached for word in each.step.to), ticket)
    climb.notices = [_notice(ticket, speaking, person, as_of=as_of) for person in told]
    climb.lines = [
        Line(
            ticket.number,
            speaking.step.code,
            each.person.login,
            each.person.name,
            own_channel(each.person).value,
            each.subject,
        )
        for each in climb.notices
    ]
    climb.steps = [
        {
            "id": uuid7(),
            "ticket_id": ticket.id,
            "step": each.step.code,
            "due_version": ticket.due_version,
            "planned_at": each.at,
            "done_at": as_of,
            "told": len(told) if each is speaking else 0,
        }
        for each in reached
    ]
    facts = {
        "step": speaking.step.code,
        "steps": [each.step.code for each in reached],
        "told": [person.name for person in told],
        "due": ticket.due_at.isoformat(),
        "due_version": ticket.due_version,
        "why": {"zh": speaking.why("zh"), "en": speaking.why("en")},
    }
    climb.history = [
        _history(ticket.id, TicketEvent.ESCALATE, as_of, facts, before=before, after=ticket.state)
    ]
    return climb


def _notice(ticket: DueTicket, planned: PlannedStep, person: Person, *, as_of: datetime) -> Telling:
    said = words(
        planned.step,
        ticket,
        responsible=person.id == ticket.assignee_id,
        language="en" if person.language == "en" else "zh",
        now=as_of,
    )
    urgent = by_the_hour(ticket.level, ticket.due_at)
    return Telling(
        key=f"{ticket.id}:{planned.step.code}:{ticket.due_version}",
        kind=planned.step.act.value,
        person=person,
        subject=said.subject,
        body=said.body,
        responsible=person.id == ticket.assignee_id,
        ticket_id=ticket.id,
        unit_path=ticket.unit_path,
        not_before=as_of if urgent else outside_quiet_hours(as_of),
    )


def _history(
    ticket_id: UUID,
    event: str,
    at: datetime,
    facts: Mapping[str, object],
    *,
    before: str | None = None,
    after: str | None = None,
) -> dict[str, Any]:
    return {
        "subject": "ticket",
        "subject_id": ticket_id,
        "at": at,
        "actor_id": SYSTEM.id,
        "actor_name": SYSTEM.name,
        "event": str(event),
        "from_state": before,
        "to_state": after,
        "facts": dict(facts),
    }


def _write(
    session: Session, climbs: list[_Climb], *, as_of: datetime
) -> tuple[list[_Climb], dict[UUID, str]]:
    """Write all in one go; when the database refuses, row by row, so that one bad row costs only itself."""
    if not climbs:
        return [], {}
    try:
        with session.begin_nested():
            _write_all(session, climbs, as_of=as_of)
        return climbs, {}
    except DBAPIError as error:
        if error.connection_invalidated or len(climbs) == 1:
            return _refused(climbs, error)
    written: list[_Climb] = []
    faults: dict[UUID, str] = {}
    for climb in climbs:
        done, refused = _write(session, [climb], as_of=as_of)
        written += done
        faults |= refused
    return written, faults


def _refused(climbs: list[_Climb], error: DBAPIError) -> tuple[list[_Climb], dict[UUID, str]]:
    if error.connection_invalidated:
        raise error
    (climb,) = climbs
    log.error("ticket %s cannot be swept: %s", climb.ticket.number, error.orig)
    return [], {climb.ticket.id: f"{type(error.orig).__name__}: {error.orig}"}


def _write_all(session: Session, climbs: Sequence[_Climb], *, as_of: datetime) -> None:
    steps = [row for climb in climbs for row in climb.steps]
    history = [row for climb in climbs for row in climb.history]
    if steps:
        session.execute(insert(StepRecord), steps)
    if history:
        session.execute(insert(History), history)
    tell_all(session, [each for climb in climbs for each in climb.notices], now=as_of)
    _set_next(session, [(climb.ticket.id, climb.next_step_at) for climb in climbs])


def _set_next(session: Session, rows: Sequence[tuple[UUID, datetime | None]]) -> None:
    """Move `next_step_at`. The version stays: a reminder changes nothing that a person edits."""
    table = Ticket.__table__
    session.connection().execute(
        update(table).where(table.c.id == bindparam("row")).values(next_step_at=bindparam("next")),  # type: ignore[arg-type]
        [{"row": key, "next": at} for key, at in rows],
    )


def _put_off(session: Session, faults: Mapping[UUID, str], *, as_of: datetime) -> None:
    if not faults:
        return
    _set_next(session, [(key, as_of + PUT_OFF) for key in faults])
    session.execute(
        insert(History),
        [
            _history(
                key, "sweep_deferred", as_of, {"error": error[:500], "until": (as_of + PUT_OFF).isoformat()}
            )
            for key, error in faults.items()
        ],
    )
