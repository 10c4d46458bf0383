"""What the sweep reads of each matter that is due: one query for each kind of record, however many rows there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session, aliased

from domain.ladder_settings import Condition, Told
from domain.many_rows import among
from domain.records import (
    Chase,
    Checklist,
    Extension,
    History,
    Inspection,
    Matter,
    Person,
    Place,
    Report,
    Suggestion,
    SupervisionOrder,
    Ticket,
    Tool,
    ToolStatus,
    Unit,
)
from statemachines.extension import ExtensionState
from statemachines.inspection import InspectionState
from statemachines.labels import LOCAL, Level
from statemachines.report import ReportState
from statemachines.suggestion import SuggestionState
from statemachines.supervision import SupervisionState
from statemachines.ticket import RETURNS_BEFORE_SUPERVISION, TicketChart, TicketState

_ACTS = {
    Matter.INSPECTION: Told.INSPECTOR,
    Matter.UNCHECKED: Told.INSPECTOR,
    Matter.SUGGESTION: Told.ADDRESSEE,
}
"""Whose turn it is; otherwise the person responsible for the ticket."""

TICKET_MATTERS = frozenset({Matter.UNASSIGNED, Matter.UNACKNOWLEDGED, Matter.DEADLINE, Matter.UNCHECKED})


@dataclass(slots=True)
class Subject:
    """One matter that is due, with what its ladder, its words and its recipients need.

    `number` and `what` are how people call it. `stands` is false when nothing is left to be done, whatever the chase
    says. `holds` are the conditions true of it now.
    """

    chase_id: UUID
    matter: Matter
    id: UUID
    record: str
    """The history's word for the record: ticket, extension, inspection, suggestion, tool, supervisionorder,
    report."""
    campaign_id: UUID | None
    ticket_id: UUID | None
    unit_id: UUID
    unit_path: str
    unit_name: str
    level: Level | None
    anchor_at: datetime
    turn: int
    planned_from: datetime
    number: str = ""
    what: str = ""
    location: str = ""
    measure: str | None = None
    assignee_name: str = ""
    people: Mapping[Told, UUID | None] = field(default_factory=dict)
    state: Any = None
    stands: bool = False
    holds: set[Condition] = field(default_factory=set)
    chart = TicketChart

    @property
    def acts(self) -> UUID | None:
        """Who is to act, where it is one person: in a group they alone are called by name."""
        return self.people.get(_ACTS.get(self.matter, Told.ASSIGNEE))


def due_chases(session: Session, *, as_of: datetime, limit: int, lock: bool) -> list[Subject]:
    """The chases whose step has come, oldest first, each with its subject. A locked row is another sweep's."""
    query = (
        select(
            Chase.id,
            Chase.matter,
            Chase.subject_id,
            Chase.campaign_id,
            Chase.ticket_id,
            Chase.unit_id,
            Unit.path,
            Unit.name,
            Chase.level,
            Chase.anchor_at,
            Chase.turn,
            Chase.planned_from,
        )
        .join(Unit, Unit.id == Chase.unit_id)
        .where(Chase.next_step_at <= as_of)
        .order_by(Chase.next_step_at, Chase.id)
        .limit(limit)
    )
    if lock:
        query = query.with_for_update(skip_locked=True, of=Chase)
    subjects = [
        Subject(key, matter, subject, "", *rest) for key, matter, subject, *rest in session.execute(query)
    ]
    complete(session, subjects)
    return subjects


def complete(session: Session, subjects: Sequence[Subject]) -> None:
    """Read what each subject is about."""
    by_kind: defaultdict[Callable[..., None], list[Subject]] = defaultdict(list)
    for subject in subjects:
        by_kind[_LOADERS[subject.matter]].append(subject)
    for load, some in by_kind.items():
        load(session, some)


def _by_id(subjects: Iterable[Subject]) -> dict[UUID, list[Subject]]:
    found: defaultdict[UUID, list[Subject]] = defaultdict(list)
    for subject in subjects:
        found[subject.id].append(subject)
    return found


_ASSIGNEE = aliased(Person)
_ASKED = aliased(Extension)
_PENDING = (
    exists().where(_ASKED.ticket_id == Ticket.id, _ASKED.state == ExtensionState.REQUESTED).correlate(Ticket)
)

_STANDS = {
    Matter.UNASSIGNED: TicketState.FOUND,
    Matter.UNACKNOWLEDGED: TicketState.ASSIGNED,
    Matter.DEADLINE: TicketState.ASSIGNED,
    Matter.UNCHECKED: TicketState.FIXED,
}


def _ticket_columns() -> Select[Any]:
    progress = exists().where(
        History.subject == "ticket",
        History.subject_id == Ticket.id,
        History.event == "progress",
        History.at >= Ticket.assigned_at,
    )
    return select(
        Ticket.id,
        Ticket.number,
        Ticket.state,
        Ticket.description,
        Ticket.location,
        Ticket.measure,
        Ticket.assignee_id,
        _ASSIGNEE.name.label("assignee"),
        Ticket.finder_id,
        Ticket.acknowledged_at,
        Ticket.return_count,
        Ticket.supervised_at,
        _PENDING.label("pending"),
        progress.label("progress"),
    ).outerjoin(_ASSIGNEE, _ASSIGNEE.id == Ticket.assignee_id)


def _about_ticket(subject: Subject, row: Any) -> None:
    subject.number, subject.what, subject.location = row.number, row.description, row.location
    subject.measure, subject.assignee_name = row.measure, row.assignee or ""
    subject.state = row.state
    subject.holds = {
        condition
        for condition, true in (
            (Condition.UNACKNOWLEDGED, row.acknowledged_at is None),
            (Condition.NO_PROGRESS, not row.progress),
            (Condition.RETURNED_TWICE, row.return_count >= RETURNS_BEFORE_SUPERVISION),
            (Condition.SUPERVISED, row.supervised_at is not None),
            (Condition.EXTENSION_PENDING, row.pending),
            (Condition.NO_EXTENSION_PENDING, not row.pending),
        )
        if true
    }


def _tickets(session: Session, subjects: Sequence[Subject]) -> None:
    known = _by_id(subjects)
    for row in session.execute(_ticket_columns().where(among(Ticket.id, known))):
        for subject in known[row.id]:
            _about_ticket(subject, row)
            subject.record = "ticket"
            subject.people = {Told.ASSIGNEE: row.assignee_id, Told.INSPECTOR: row.finder_id}
            subject.stands = row.state == _STANDS[subject.matter]
            if subject.matter is Matter.UNACKNOWLEDGED:
                subject.stands &= row.acknowledged_at is None


def _extensions(session: Session, subjects: Sequence[Subject]) -> None:
    known = _by_id(subjects)
    query = _ticket_columns().add_columns(
        Extension.id.label("extension"), Extension.state.label("asked"), Extension.requested_by_id
    )
    joined = query.join(Extension, Extension.ticket_id == Ticket.id).where(among(Extension.id, known))
    for row in session.execute(joined):
        for subject in known[row.extension]:
            _about_ticket(subject, row)
            subject.record = "extension"
            subject.people = {Told.REQUESTER: row.requested_by_id, Told.INSPECTOR: row.finder_id}
            subject.stands = row.asked == ExtensionState.REQUESTED and row.state == TicketState.ASSIGNED


def _inspections(session: Session, subjects: Sequence[Subject]) -> None:
    known = _by_id(subjects)
    query = (
        select(
            Inspection.id, Inspection.state, Inspection.planned_on, Inspection.inspector_id, Checklist.name
        )
        .join(Checklist, Checklist.id == Inspection.checklist_id)
        .where(among(Inspection.id, known))
    )
    for row in session.execute(query):
        for subject in known[row.id]:
            subject.record, subject.state = "inspection", row.state
            subject.number, subject.what = f"{row.planned_on:%m-%d}", row.name
            subject.people = {Told.INSPECTOR: row.inspector_id}
            subject.stands = row.state in (InspectionState.PLANNED, InspectionState.STARTED)


def _suggestions(session: Session, subjects: Sequence[Subject]) -> None:
    known = _by_id(subjects)
    query = select(
        Suggestion.id,
        Suggestion.state,
        Suggestion.number,
        Suggestion.text,
        Suggestion.addressee_id,
        Suggestion.issued_by_id,
        Person.name,
    ).join(Person, Person.id == Suggestion.addressee_id)
    for row in session.execute(query.where(among(Suggestion.id, known))):
        for subject in known[row.id]:
            subject.record, subject.state = "suggestion", row.state
            subject.number, subject.what, subject.assignee_name = row.number, row.text, row.name
            subject.people = {Told.ADDRESSEE: row.addressee_id, Told.REQUESTER: row.issued_by_id}
            subject.stands = row.state in (SuggestionState.ISSUED, SuggestionState.DISPUTED)


def _reports(session: Session, subjects: Sequence[Subject]) -> None:
    known = _by_id(subjects)
    query = select(Report.id, Report.state, Report.text, Report.location, Report.received_at, Place.name)
    for row in session.execute(query.join(Place, Place.id == Report.place_id).where(among(Report.id, known))):
        for subject in known[row.id]:
            subject.record, subject.state = "report", row.state
            subject.number, subject.what = f"{row.received_at.astimezone(LOCAL):%m-%d}", row.text
            subject.location = " ".join(part for part in (row.name, row.location) if part)
            subject.stands = row.state == ReportState.RECEIVED


def _tools(session: Session, subjects: Sequence[Subject]) -> None:
    known = _by_id(subjects)
    query = select(Tool.id, Tool.number, Tool.kind, Tool.holder, Tool.status).where(among(Tool.id, known))
    for row in session.execute(query):
        for subject in known[row.id]:
            subject.record, subject.state = "tool", row.status
            subject.number, subject.what, subject.assignee_name = row.number, row.kind, row.holder
            subject.stands = row.status in (ToolStatus.IN_USE, ToolStatus.UNTESTED)


def _supervisions(session: Session, subjects: Sequence[Subject]) -> None:
    known = _by_id(subjects)
    query = _ticket_columns().add_columns(
        SupervisionOrder.id.label("order"),
        SupervisionOrder.state.label("order_state"),
        SupervisionOrder.supervisor_id,
    )
    joined = query.join(SupervisionOrder, SupervisionOrder.ticket_id == Ticket.id)
    for row in session.execute(joined.where(among(SupervisionOrder.id, known))):
        for subject in known[row.order]:
            _about_ticket(subject, row)
            subject.record = "supervisionorder"
            subject.people = {
                Told.ASSIGNEE: row.assignee_id,
                Told.INSPECTOR: row.finder_id,
                Told.REQUESTER: row.supervisor_id,
            }
            # A reported fix awaits its re-check; until it is returned there is no progress to tell.
            subject.stands = row.order_state == SupervisionState.OPEN and row.state in (
                TicketState.FOUND,
                TicketState.ASSIGNED,
            )


_LOADERS: dict[Matter, Callable[[Session, Sequence[Subject]], None]] = {
    **dict.fromkeys(TICKET_MATTERS, _tickets),
    Matter.EXTENSION: _extensions,
    Matter.INSPECTION: _inspections,
    Matter.SUGGESTION: _suggestions,
    Matter.REPORT: _reports,
    Matter.TOOL: _tools,
    Matter.SUPERVISION: _supervisions,
}
