"""What is being chased: for each record the matters somebody must act on, each with the moment of its next step.

`follow` is called by every command that changes what a matter depends on: state, deadline, level, person, planned day.
It opens, re-plans and closes the chases of that record in the command's own transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from domain.calendars import calendar_of
from domain.campaign_settings import settings_of
from domain.deadlines import end_of_day
from domain.ladder import PlannedStep, next_step_at, planned_steps, planning_from, recorded_steps
from domain.ladder_settings import Ladder, understood
from domain.many_rows import among
from domain.matters import TICKET_MATTERS
from domain.records import (
    Campaign,
    Chase,
    Extension,
    Inspection,
    Matter,
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
from statemachines.labels import Level
from statemachines.report import ReportState
from statemachines.suggestion import SuggestionState
from statemachines.supervision import SupervisionState
from statemachines.ticket import TicketState

Record = Ticket | Extension | Inspection | Suggestion | Report | Tool | SupervisionOrder


@dataclass(frozen=True, slots=True)
class Open:
    """A matter that is open: counted from `anchor_at`; `turn` tells one run of its clock from the next."""

    matter: Matter
    anchor_at: datetime
    turn: int


@dataclass(frozen=True, slots=True)
class _Place:
    """What a chase takes from its record besides the matter."""

    unit: Unit
    campaign: Campaign | None
    ticket_id: UUID | None
    level: Level | None


def _since(matter: Matter, moment: datetime | None) -> Iterator[Open]:
    if moment is not None:
        yield Open(matter, moment, int(moment.timestamp()))


def open_matters(record: Record) -> list[Open]:
    """What somebody must act on as the record stands."""
    return list(_OPEN[type(record)](record))


def _of_ticket(ticket: Ticket) -> Iterator[Open]:
    match ticket.state:
        case TicketState.FOUND:
            # Whoever took it over has the time anybody has.
            yield from _since(Matter.UNASSIGNED, ticket.transferred_at or ticket.recorded_at)
        case TicketState.ASSIGNED:
            assert ticket.due_at is not None
            yield Open(Matter.DEADLINE, ticket.due_at, ticket.due_version)
            if ticket.acknowledged_at is None:
                yield from _since(Matter.UNACKNOWLEDGED, ticket.assigned_at)
        case TicketState.FIXED:
            yield from _since(Matter.UNCHECKED, ticket.fixed_at)


def _of_extension(extension: Extension) -> Iterator[Open]:
    if extension.state == ExtensionState.REQUESTED and extension.ticket.state == TicketState.ASSIGNED:
        yield from _since(Matter.EXTENSION, extension.requested_at)


def _of_inspection(visit: Inspection) -> Iterator[Open]:
    if visit.state in (InspectionState.PLANNED, InspectionState.STARTED):
        yield from _since(Matter.INSPECTION, end_of_day(visit.planned_on))


def _of_suggestion(suggestion: Suggestion) -> Iterator[Open]:
    if suggestion.state in (SuggestionState.ISSUED, SuggestionState.DISPUTED):
        yield from _since(Matter.SUGGESTION, suggestion.answer_due_at)


def _of_report(report: Report) -> Iterator[Open]:
    if report.state == ReportState.RECEIVED:
        yield from _since(Matter.REPORT, report.received_at)


def _of_tool(tool: Tool) -> Iterator[Open]:
    if tool.status in (ToolStatus.IN_USE, ToolStatus.UNTESTED) and tool.next_test_on is not None:
        yield from _since(Matter.TOOL, end_of_day(tool.next_test_on))


def _of_order(order: SupervisionOrder) -> Iterator[Open]:
    if order.state == SupervisionState.OPEN:
        yield from _since(Matter.SUPERVISION, order.next_report_at)


_OPEN: dict[type, Callable[[Any], Iterator[Open]]] = {
    Ticket: _of_ticket,
    Extension: _of_extension,
    Inspection: _of_inspection,
    Suggestion: _of_suggestion,
    Report: _of_report,
    Tool: _of_tool,
    SupervisionOrder: _of_order,
}


def _place(record: Record) -> _Place:
    match record:
        case Ticket():
            return _Place(record.unit, record.campaign, record.id, record.level)
        case Extension() | SupervisionOrder():
            ticket = record.ticket
            return _Place(ticket.unit, ticket.campaign, ticket.id, ticket.level)
        case Inspection():
            return _Place(record.unit, record.campaign, None, None)
        case Suggestion():
            return _Place(record.unit, record.campaign, record.ticket_id, None)
        case Report():
            return _Place(record.unit, None, None, None)
        case Tool():
            return _Place(record.unit, None, None, None)


def follow(session: Session, record: Record, *, now: datetime, new: bool = False) -> None:
    """Bring the chases of a record in line with it. Its unit and campaign (an extension's ticket) must be loaded.

    `new`: it was made in this transaction, so that it has no chases yet and nothing need be read.
    """
    follow_all(session, [record], now=now, new=new)


def follow_all(session: Session, records: Iterable[Record], *, now: datetime, new: bool = False) -> None:
    """`follow` for each of several records, whose chases are read and locked at once."""
    records = list(records)
    # The command is half written: a flush here would raise the record's version once more.
    with session.no_autoflush:
        chased = {} if new else _chased(session, records)
        for record in records:
            _follow(session, record, chased.get(record.id, {}), now=now)


def _chased(session: Session, records: Sequence[Record]) -> dict[UUID, dict[Matter, Chase]]:
    """The chases of each record by its key, locked; of a ticket also those under records of the ticket's own."""
    if not records:
        return {}
    keys = {record.id for record in records}
    tickets = {record.id for record in records if isinstance(record, Ticket)}
    # The index begins with the matter; not every PostgreSQL we run on passes over that by itself.
    about = Chase.matter.in_(list(Matter)) & among(Chase.subject_id, keys)
    if tickets:
        about |= among(Chase.ticket_id, tickets) & Chase.matter.in_(_OF_THE_TICKETS_OWN)
    found: defaultdict[UUID, dict[Matter, Chase]] = defaultdict(dict)
    for chase in session.scalars(select(Chase).where(about).order_by(Chase.id).with_for_update()):
        if chase.subject_id in keys:
            found[chase.subject_id][chase.matter] = chase
        if chase.ticket_id in tickets:
            found[chase.ticket_id][chase.matter] = chase
    return found


def _follow(session: Session, record: Record, known: dict[Matter, Chase], *, now: datetime) -> None:
    if isinstance(record, Ticket):
        _keep_beside(session, record, known, now=now)
    wanted_now = open_matters(record)
    # What is over needs no place, and its campaign need not be loaded.
    place = _place(record) if wanted_now else None
    for wanted in wanted_now:
        assert place is not None
        chase = known.pop(wanted.matter, None)
        if chase is None:
            chase = Chase(matter=wanted.matter, subject_id=record.id, turn=wanted.turn, planned_from=now)
            climbed = frozenset[str]()
            session.add(chase)
        elif _as_it_was(chase, wanted, place):
            continue
        elif chase.turn == wanted.turn:
            climbed = _climbed(session, chase)
        else:
            climbed = frozenset()
        _write(session, chase, wanted, place, climbed, now=now)
    for chase in known.values():
        session.delete(chase)


_OF_THE_TICKETS_OWN = frozenset({Matter.EXTENSION, Matter.SUPERVISION})
"""Chased under records of their own, but at the level, unit and campaign of a ticket."""


def _keep_beside(session: Session, ticket: Ticket, known: dict[Matter, Chase], *, now: datetime) -> None:
    """Take out of `known` what goes on under another record, and bring it in line with what the ticket has become.

    More time asked for is left in: it is no matter of its own once nothing is left to be fixed.
    """
    for matter in _OF_THE_TICKETS_OWN & known.keys():
        if matter is Matter.EXTENSION and ticket.state != TicketState.ASSIGNED:
            continue
        chase = known.pop(matter)
        as_open, place = Open(matter, chase.anchor_at, chase.turn), _place(ticket)
        if not _as_it_was(chase, as_open, place):
            _write(session, chase, as_open, place, _climbed(session, chase), now=now)


def _climbed(session: Session, chase: Chase) -> frozenset[str]:
    """The steps recorded for the present turn."""
    keys = [(chase.matter, chase.subject_id)]
    return recorded_steps(session, keys).get((*keys[0], chase.turn), frozenset())


def _as_it_was(chase: Chase, wanted: Open, place: _Place) -> bool:
    campaign = place.campaign.id if place.campaign else None
    return (chase.turn, chase.anchor_at, chase.level, chase.campaign_id, chase.unit_id) == (
        wanted.turn,
        wanted.anchor_at,
        place.level,
        campaign,
        place.unit.id,
    )


def _write(
    session: Session, chase: Chase, wanted: Open, place: _Place, climbed: frozenset[str], *, now: datetime
) -> None:
    chase.unit_id = place.unit.id
    chase.campaign_id = place.campaign.id if place.campaign else None
    chase.ticket_id = place.ticket_id
    if chase.turn != wanted.turn:
        # Its clock runs anew: nothing of the old plan waits.
        chase.planned_from, chase.next_step_at = now, None
    chase.level, chase.anchor_at, chase.turn = place.level, wanted.anchor_at, wanted.turn
    ladder = ladder_for(session, wanted.matter, unit_path=place.unit.path, campaign=place.campaign)
    steps = planned_steps(ladder, wanted.anchor_at, place.level, calendar_of(session, place.unit.path))
    _plan(chase, steps, climbed, now=now)


def _plan(chase: Chase, steps: Sequence[PlannedStep], climbed: frozenset[str], *, now: datetime) -> None:
    """Set the next step of a chase whose plan this is from now on."""
    chase.planned_from = planning_from(
        steps,
        anchor_at=chase.anchor_at,
        recorded=climbed,
        before=chase.planned_from,
        waits_since=chase.next_step_at,
        now=now,
    )
    chase.next_step_at = next_step_at(
        steps, anchor_at=chase.anchor_at, recorded=climbed, planned_from=chase.planned_from
    )


# Whose ladder.


def ladder_for(session: Session, matter: Matter, *, unit_path: str, campaign: Campaign | None) -> Ladder:
    """The campaign's ladder; for what belongs to no campaign that of the nearest unit which has one."""
    if campaign is not None:
        return settings_of(campaign).ladders[matter]
    known = session.info.get(_UNIT_LADDERS)
    if known is None:
        known = session.info[_UNIT_LADDERS] = UnitLadders(session)
    return cast(UnitLadders, known).of(unit_path)[matter]


_UNIT_LADDERS = "unit_ladders"
"""Where a session carries them: read once for all a command does, as the calendars are."""


def forget_unit_ladders(session: Session) -> None:
    """After one was set: what this session read before no longer holds."""
    session.info.pop(_UNIT_LADDERS, None)


class UnitLadders:
    """The ladders units set for what belongs to no campaign, read once."""

    def __init__(self, session: Session) -> None:
        rows = session.execute(select(Unit.path, Unit.ladders).where(Unit.ladders.is_not(None)))
        self._stored = {path: ladders for path, ladders in rows if ladders is not None}

    def of(self, unit_path: str) -> dict[Matter, Ladder]:
        """Those of the nearest unit at or above the path, else the defaults; to be read only, as `understood` says.

        Raises ValidationError when what is stored there cannot be understood.
        """
        nearest = max((path for path in self._stored if unit_path.startswith(path)), key=len, default=None)
        return understood(None if nearest is None else self._stored[nearest])


# Planning anew what is open, after a ladder or a calendar changed.

_KEEPERS: tuple[tuple[type[Record], frozenset[Matter], tuple[Any, ...]], ...] = (
    (Report, frozenset({Matter.REPORT}), (Report.id,)),
    (Suggestion, frozenset({Matter.SUGGESTION}), (Suggestion.id,)),
    (Inspection, frozenset({Matter.INSPECTION}), (Inspection.planned_on, Inspection.id)),
    (Tool, frozenset({Matter.TOOL}), (Tool.id,)),
    (Ticket, TICKET_MATTERS | {Matter.EXTENSION}, (Ticket.number,)),
    (SupervisionOrder, frozenset({Matter.SUPERVISION}), (SupervisionOrder.id,)),
)
"""The record whose row every command locks before it touches chases of these matters; in which order several of a kind.

The kinds stand in the order in which a command locks more than one."""


def hold(session: Session, which: ColumnElement[bool]) -> list[UUID]:
    """Lock the records of all chases `which` describes, before anything else of them is; returns their keys.

    A command locks its record, then the chases of it, one record after another. Whoever locked the chases of many
    without their records would sooner or later wait for a command in a circle.
    """
    held: list[UUID] = []
    for record, matters, order in _KEEPERS:
        key = Chase.ticket_id if record is Ticket else Chase.subject_id
        chased = select(key).where(which, Chase.matter.in_(matters))
        query = select(record.id).where(record.id.in_(chased)).order_by(*order)
        held += session.scalars(query.with_for_update(of=record, key_share=True))
    return held


def replan_all(
    session: Session, which: ColumnElement[bool], held: Collection[UUID], *, now: datetime
) -> None:
    """`replan` all chases `which` describes; their records are `held`.

    A record that was made meanwhile is not; if somebody is at work on it, it is left to them.
    """
    kept = among(Chase.subject_id, held) | among(Chase.ticket_id, held)
    every = select(Chase).order_by(Chase.id)
    ours = session.scalars(every.where(which, kept).with_for_update()).all()
    new = session.scalars(
        every.where(which, or_(~kept, kept.is_(None))).with_for_update(skip_locked=True)
    ).all()
    replan(session, [*ours, *new], now=now)


def replan(session: Session, chases: Sequence[Chase], *, now: datetime) -> None:
    """Set the next step of open chases anew: nothing recorded is repeated, nothing ahead is lost."""
    keys = [(chase.matter, chase.subject_id) for chase in chases]
    recorded = recorded_steps(session, keys)
    units = dict(session.execute(select(Unit.id, Unit.path)).tuples().all())
    campaigns: dict[UUID, Campaign] = {
        each.id: each
        for each in session.scalars(
            select(Campaign).where(Campaign.id.in_({c.campaign_id for c in chases if c.campaign_id}))
        )
    }
    found: defaultdict[tuple[Matter, UUID | None, str], Ladder | None] = defaultdict(lambda: None)
    for chase in chases:
        path = units[chase.unit_id]
        whose = (chase.matter, chase.campaign_id, "" if chase.campaign_id else path)
        ladder = found[whose]
        if ladder is None:
            campaign = campaigns[chase.campaign_id] if chase.campaign_id else None
            ladder = found[whose] = ladder_for(session, chase.matter, unit_path=path, campaign=campaign)
        steps = planned_steps(ladder, chase.anchor_at, chase.level, calendar_of(session, path))
        climbed = recorded.get((chase.matter, chase.subject_id, chase.turn), frozenset())
        _plan(chase, steps, climbed, now=now)
