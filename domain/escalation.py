"""The sweep: whatever step of a ladder has come is climbed once, recorded, and told to those it concerns.

One call is one batch in one transaction. The index of `chases` narrows the work in SQL, so the cost follows what is
due, not what exists; all reading and writing is in bulk.
Killed at any point, a batch leaves nothing behind and the next sweep takes it up. Two sweeps at once share the work.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from domain.calendars import Calendars
from domain.database import Database
from domain.ladder import (
    PlannedStep,
    by_the_hour,
    key_of,
    next_step_at,
    outside_quiet_hours,
    recorded_steps,
)
from domain.many_rows import insert_rows, update_rows
from domain.matters import TICKET_MATTERS, Subject, due_chases
from domain.outbox import Telling, own_channel, tell_all
from domain.plans import Plans
from domain.recipients import Recipient, Recipients
from domain.records import Channel, Chase, History, Matter, Person, StepRecord
from domain.reminders import Words, words
from domain.replannings import plan_again
from domain.workdays import WorkCalendar
from statemachines.chart import option
from statemachines.refusals import Refusal
from statemachines.roles import SYSTEM
from statemachines.ticket import TicketEvent

log = logging.getLogger(__name__)

BATCH = 500
"""Matters in one transaction: a person whose ticket is among them waits for its end, a fraction of a second."""
EVERYTHING = 1_000_000
MOST_LINES = 200
"""Lines a real sweep keeps: more would cost memory by what is due."""
PUT_OFF = timedelta(hours=1)
"""How long a row that could not be swept waits, so that it never blocks the rest."""


@dataclass(frozen=True, slots=True)
class Line:
    """One person told, or who would be: about which matter, by which step, how, and the subject line."""

    matter: Matter
    number: str
    step: str
    login: str
    name: str
    channel: str
    subject: str
    at: str
    """Path of the unit it is about, for those who may not see every unit."""


@dataclass(slots=True)
class SweepResult:
    """What a sweep did, or would do. `more`: call again, there may be further matters due."""

    matters: int = 0
    steps: int = 0
    told: int = 0
    put_off: int = 0
    more: bool = False
    lines: list[Line] = field(default_factory=list)

    def said(self) -> dict[str, int]:
        """As a heartbeat and a log line keep it."""
        return {"matters": self.matters, "steps": self.steps, "told": self.told, "put_off": self.put_off}

    def add(self, other: SweepResult, *, most_lines: int) -> None:
        """Count another batch in, and keep its lines as long as there are not too many."""
        self.matters += other.matters
        self.steps += other.steps
        self.told += other.told
        self.put_off += other.put_off
        self.lines += other.lines[: max(0, most_lines - len(self.lines))]


@dataclass(slots=True)
class _Climb:
    """Everything to be written for one matter."""

    subject: Subject
    next_step_at: datetime | None
    steps: list[dict[str, Any]] = field(default_factory=list)
    notices: list[Telling] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


def sweep(session: Session, *, as_of: datetime, limit: int = BATCH, dry_run: bool = False) -> SweepResult:
    """Climb every step that has come by `as_of` for up to `limit` matters, the longest due first.

    A matter with several steps due is told of once, by the latest; the earlier ones are recorded as passed over.
    A row that cannot be swept is put off by an hour with the error in its history. `dry_run` locks and writes nothing.
    """
    subjects = due_chases(session, as_of=as_of, limit=limit, lock=not dry_run)
    result = SweepResult(more=len(subjects) == limit and not dry_run)
    if not subjects:
        return result
    climbs, faults = _climbs(session, subjects, as_of=as_of)
    if not dry_run:
        climbs, refused = _write(session, climbs, as_of=as_of)
        faults |= refused
        _put_off(session, subjects, faults, as_of=as_of)
    result.matters = sum(bool(climb.steps) for climb in climbs)
    result.steps = sum(len(climb.steps) for climb in climbs)
    result.told = sum(len(climb.notices) for climb in climbs)
    result.put_off = len(faults)
    result.lines = [line for climb in climbs for line in climb.lines]
    return result


def sweep_all(
    database: Database, *, as_of: datetime, limit: int = BATCH, dry_run: bool = False
) -> SweepResult:
    """Sweep batch by batch, each in its own transaction, until nothing is due."""
    if not dry_run:
        plan_again(database, now=as_of)
    total = SweepResult(more=True)
    while total.more:
        with database.reading() if dry_run else database.transaction() as session:
            # A dry run moves nothing on, so it looks at everything at once.
            batch = sweep(session, as_of=as_of, limit=EVERYTHING if dry_run else limit, dry_run=dry_run)
        total.add(batch, most_lines=EVERYTHING if dry_run else MOST_LINES)
        total.more = batch.more
    return total


def _climbs(
    session: Session, subjects: Sequence[Subject], *, as_of: datetime
) -> tuple[list[_Climb], dict[UUID, str]]:
    """What is to be written for each matter, and by chase the error of each for which it could not be worked out."""
    plans = Plans(session, subjects)
    recorded = recorded_steps(session, [(subject.matter, subject.id) for subject in subjects])
    calendars = Calendars(session)
    recipients = Recipients(session, subjects, plans.steps(), on=as_of)
    climbs: list[_Climb] = []
    faults: dict[UUID, str] = {}
    for subject in subjects:
        try:
            already = recorded.get((subject.matter, subject.id, subject.turn), frozenset())
            calendar = calendars.at(subject.unit_path)
            planned = plans.of(subject, calendar) if subject.stands else []
            climbs.append(_climb(subject, planned, already, recipients, calendar, as_of=as_of))
        except Exception as error:  # one item of a batch: recorded on the item, the rest goes on
            log.exception("%s %s cannot be swept", subject.matter, subject.number)
            faults[subject.chase_id] = f"{type(error).__name__}: {error}"
    return climbs, faults


def _climb(
    subject: Subject,
    planned: Sequence[PlannedStep],
    already: frozenset[str],
    recipients: Recipients,
    calendar: WorkCalendar,
    *,
    as_of: datetime,
) -> _Climb:
    if not subject.stands:
        return _Climb(subject, next_step_at=None)
    reached = [
        each
        for each in planned
        if each.at <= as_of
        and each.code not in already
        and each.counts(anchor_at=subject.anchor_at, planned_from=subject.planned_from)
    ]
    climb = _Climb(
        subject,
        next_step_at=next_step_at(
            planned,
            anchor_at=subject.anchor_at,
            recorded=already | {each.code for each in reached},
            planned_from=subject.planned_from,
        ),
    )
    if not reached:
        return climb
    if subject.matter in TICKET_MATTERS and (refusal := _unlawful(subject, as_of)):
        raise refusal
    meant = [each for each in reached if subject.holds >= set(each.step.only_if)]
    told = recipients.of((word for each in meant for word in each.step.to), subject) if meant else []
    speaking = meant[-1] if meant else None
    if speaking is not None:
        climb.notices = _tellings(subject, speaking, told, calendar, as_of=as_of)
        climb.lines = [
            Line(
                subject.matter,
                subject.number,
                speaking.code,
                each.person.login,
                each.name(),
                ",".join(sorted(telling.channels or {own_channel(each.person)})),
                telling.subject,
                subject.unit_path,
            )
            for each, telling in zip(told, climb.notices, strict=True)
        ]
    climb.steps = [
        {
            "id": uuid7(),
            "matter": subject.matter,
            "subject_id": subject.id,
            "ticket_id": subject.ticket_id,
            "step": each.code,
            "turn": subject.turn,
            "planned_at": each.at,
            "done_at": as_of,
            "told": len(told) if each is speaking else 0,
        }
        for each in reached
    ]
    last = speaking or reached[-1]
    facts = {
        "matter": subject.matter.value,
        "step": last.code,
        "steps": [each.code for each in reached],
        "told": [each.name() for each in told if not each.away],
        "due": subject.anchor_at.isoformat(),
        "due_version": subject.turn,
        "why": {
            each.code: {
                "act": each.step.act.value,
                "zh": each.why(subject.matter, "zh"),
                "en": each.why(subject.matter, "en"),
            }
            for each in reached
        },
    }
    # What is chased about a ticket stands in the ticket's history, wherever the matter itself is kept.
    about = ("ticket", subject.ticket_id) if subject.ticket_id else (subject.record, subject.id)
    climb.history = [_history(*about, TicketEvent.ESCALATE, as_of, facts, state=subject.state)]
    return climb


def _unlawful(subject: Subject, as_of: datetime) -> Refusal | None:
    """Why the chart does not let the clock escalate the ticket now. The state stays as it is, so asking is enough."""
    return option(subject, TicketEvent.ESCALATE, actor=SYSTEM, now=as_of).refusal


def _tellings(
    subject: Subject,
    planned: PlannedStep,
    told: Sequence[Recipient],
    calendar: WorkCalendar,
    *,
    as_of: datetime,
) -> list[Telling]:
    urgent = by_the_hour(subject.level, subject.anchor_at, subject.matter)
    when = as_of if urgent else outside_quiet_hours(as_of, planned.step.quiet_hours, calendar)
    said: dict[tuple[str, bool, Person | None], Words] = {}
    tellings = []
    for each in told:
        # Most are told the same. What is held over a weekend says how late it is on the day it is read.
        heard = (each.person.language, each.responsible, each.instead_of)
        if heard not in said:
            said[heard] = words(planned.step, subject, each, now=when, calendar=calendar)
        tellings.append(
            Telling(
                key=key_of(subject.id, planned.code, subject.turn),
                kind=planned.step.act.value,
                person=each.person,
                subject=said[heard].subject,
                body=said[heard].body,
                responsible=each.responsible and not each.away,
                instead_of=each.instead_of,
                ticket_id=subject.ticket_id,
                campaign_id=None if subject.ticket_id else subject.campaign_id,
                path=f"/reports/{subject.id}" if subject.matter is Matter.REPORT else None,
                unit_path=subject.unit_path,
                not_before=when,
                # Who is away finds it on return; whoever stands in is told now.
                channels=frozenset({Channel.INBOX}) if each.away else frozenset(planned.step.channels),
            )
        )
    return tellings


def _history(
    record: str,
    subject_id: UUID | None,
    event: str,
    at: datetime,
    facts: Mapping[str, object],
    *,
    state: object = None,
) -> dict[str, Any]:
    return {
        "subject": record,
        "subject_id": subject_id,
        "at": at,
        "actor_id": SYSTEM.id,
        "actor_name": SYSTEM.name,
        "event": str(event),
        "from_state": None if state is None else str(state),
        "to_state": None if state is None else str(state),
        "facts": dict(facts),
    }


def _write(
    session: Session, climbs: list[_Climb], *, as_of: datetime
) -> tuple[list[_Climb], dict[UUID, str]]:
    """Write all in one go; when the database refuses, half by half, so that one bad row costs only itself."""
    if not climbs:
        return [], {}
    try:
        with session.begin_nested():
            _write_all(session, climbs, as_of=as_of)
        return climbs, {}
    except Exception as error:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise
        if len(climbs) == 1:
            return _refused(climbs[0], error)
    middle = len(climbs) // 2
    written, faults = _write(session, climbs[:middle], as_of=as_of)
    more_written, more_faults = _write(session, climbs[middle:], as_of=as_of)
    return written + more_written, faults | more_faults


def _refused(climb: _Climb, error: Exception) -> tuple[list[_Climb], dict[UUID, str]]:
    cause = getattr(error, "orig", None) or error
    log.error("%s %s cannot be swept: %s", climb.subject.matter, climb.subject.number, cause)
    return [], {climb.subject.chase_id: f"{type(cause).__name__}: {cause}"}


def _write_all(session: Session, climbs: Sequence[_Climb], *, as_of: datetime) -> None:
    insert_rows(session, StepRecord, [row for climb in climbs for row in climb.steps])
    insert_rows(session, History, [row for climb in climbs for row in climb.history])
    tell_all(session, [each for climb in climbs for each in climb.notices], now=as_of)
    # What is climbed last is kept beside the matter, where it is counted (domain/standings.py).
    climbed = [
        {
            "id": climb.subject.chase_id,
            "next_step_at": climb.next_step_at,
            "last_step": climb.steps[-1]["step"].partition(".")[0],
            "last_turn": climb.subject.turn,
        }
        for climb in climbs
        if climb.steps
    ]
    update_rows(session, Chase, climbed)
    _set_next(session, [(each.subject.chase_id, each.next_step_at) for each in climbs if not each.steps])


def _set_next(session: Session, rows: Sequence[tuple[UUID, datetime | None]]) -> None:
    update_rows(session, Chase, [{"id": key, "next_step_at": at} for key, at in rows])


def _put_off(
    session: Session, subjects: Sequence[Subject], faults: Mapping[UUID, str], *, as_of: datetime
) -> None:
    if not faults:
        return
    _set_next(session, [(key, as_of + PUT_OFF) for key in faults])
    by_chase = {subject.chase_id: subject for subject in subjects}
    insert_rows(
        session,
        History,
        [
            _history(
                *((by_chase[key].record, by_chase[key].id) if by_chase[key].record else ("chase", key)),
                "sweep_deferred",
                as_of,
                {"error": error[:500], "until": (as_of + PUT_OFF).isoformat()},
            )
            for key, error in faults.items()
        ],
    )
