"""What a calendar feed holds, as RFC 5545 writes it: deadlines and re-checks as tasks, visits as events.

A record keeps its UID for ever and its version is the SEQUENCE, so a program that has an entry replaces it. A day is a
day (VALUE=DATE); a deadline by the hour (24 hours from finding) is a moment in UTC. What has passed stays where it was.
What was cancelled or withdrawn says so for RECENT, then disappears. A feed is the same text until a record changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

import icalendar
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, joinedload

from domain.feeds import OpenFeed
from domain.records import Inspection, Ticket, Tool, ToolStatus, Unit
from domain.visibility import inspections_visible_to, tickets_visible_to, tools_visible_to
from statemachines.inspection import InspectionState
from statemachines.labels import LOCAL, Language, Level, local_day
from statemachines.ticket import TicketState

RECENT = timedelta(days=60)
"""How long finished, cancelled and withdrawn entries stay."""

AT_MOST = 1000
"""Entries of each kind, the earliest dates first."""

PRODUCT = "-//Chuncha//Safety inspections//ZH"

_MORNING_BEFORE = timedelta(hours=-15)
"""09:00 on the day before, counted from the midnight an all-day entry begins with."""

_PRIORITY = {Level.MAJOR: 1, Level.SERIOUS: 3, Level.GENERAL: 5}


class Tasks(StrEnum):
    """How deadlines are written: as tasks, or as events for programs that show no tasks of a subscription."""

    TASKS = "tasks"
    EVENTS = "events"


def calendar_of(
    session: Session, opened: OpenFeed, *, now: datetime, address: str, tasks: Tasks = Tasks.TASKS
) -> bytes:
    """The feed as an iCalendar document (UTF-8, lines folded). `address` is where the pages are.

    A person's: tickets they are responsible for, re-checks of what they found, their visits. A unit's: its tickets,
    visits and tools due for test, all as far as its owner sees them now.
    """
    writer = _Writer(session, opened, now, address, tasks)
    calendar = icalendar.Calendar()
    calendar.add("PRODID", PRODUCT)
    calendar.add("VERSION", "2.0")
    calendar.add("CALSCALE", "GREGORIAN")
    calendar.add("METHOD", "PUBLISH")
    calendar.add("X-WR-CALNAME", writer.name())
    calendar.add("X-WR-TIMEZONE", "Asia/Shanghai")
    calendar.add(
        "REFRESH-INTERVAL", icalendar.vDuration(timedelta(hours=1)), parameters={"VALUE": "DURATION"}
    )
    for entry in writer.entries():
        calendar.add_component(entry)
    return bytes(calendar.to_ical())


class _Writer:
    def __init__(self, session: Session, opened: OpenFeed, now: datetime, address: str, tasks: Tasks) -> None:
        self._session, self._owner, self._unit = session, opened.owner, opened.unit
        self._now, self._address, self._tasks = now, address.rstrip("/"), tasks
        self._language: Language = opened.owner.language
        self._since = now - RECENT

    def name(self) -> str:
        """What the calendar is called in a program."""
        of = self._unit.name if self._unit else self._owner.name
        return self._say(f"春查：{of}", f"Chuncha: {of}")

    def entries(self) -> Iterator[icalendar.Component]:
        """Everything, in an order that stays."""
        yield from self._deadlines()
        yield from self._rechecks()
        yield from self._visits()
        yield from self._tools()

    def _say(self, zh: str, en: str) -> str:
        return zh if self._language == "zh" else en

    def _below(self, column: object) -> ColumnElement[bool]:
        assert self._unit is not None
        below = select(Unit.id).where(func.starts_with(Unit.path, self._unit.path))
        return column.in_(below)  # type: ignore[attr-defined,no-any-return]

    # Tickets.

    def _deadlines(self) -> Iterator[icalendar.Component]:
        whose = self._below(Ticket.unit_id) if self._unit else Ticket.assignee_id == self._owner.id
        query = (
            select(Ticket)
            .where(
                whose,
                tickets_visible_to(self._owner),
                Ticket.due_at.is_not(None),
                or_(
                    Ticket.state == TicketState.ASSIGNED,
                    and_(Ticket.state == TicketState.FIXED, Ticket.fixed_at > self._since),
                    and_(Ticket.state == TicketState.VERIFIED, Ticket.verified_at > self._since),
                    and_(Ticket.state == TicketState.CANCELLED, Ticket.cancelled_at > self._since),
                ),
            )
            .options(joinedload(Ticket.unit), joinedload(Ticket.assignee))
            .order_by(Ticket.due_at, Ticket.id)
            .limit(AT_MOST)
        )
        for ticket in self._session.scalars(query):
            yield self._deadline(ticket)

    def _deadline(self, ticket: Ticket) -> icalendar.Component:
        assert ticket.due_at is not None
        task = self._task(f"ticket-{ticket.id}", due=_day_or_moment(ticket.due_at))
        self._of_ticket(task, ticket, self._say("整改", "Fix"))
        lines = [
            f"{self._say('责任人', 'Responsible')}: {ticket.assignee.name}" if ticket.assignee else "",
            f"{self._say('措施', 'Measure')}: {ticket.measure}" if ticket.measure else "",
            f"{self._say('等级', 'Level')}: {self._say(ticket.level.zh, ticket.level.en)}",
        ]
        task.add("DESCRIPTION", "\n".join(filter(None, lines)))
        if ticket.state is TicketState.CANCELLED:
            task.add("STATUS", "CANCELLED")
        elif ticket.fixed_at is not None and ticket.state is not TicketState.ASSIGNED:
            self._finished(task, ticket.fixed_at)
        else:
            self._open(task, ticket.due_at, begun=ticket.acknowledged_at is not None)
        return task

    def _rechecks(self) -> Iterator[icalendar.Component]:
        """What waits for a re-check by whoever found it, or in the unit; nobody re-checks their own fix."""
        whose = self._below(Ticket.unit_id) if self._unit else Ticket.finder_id == self._owner.id
        query = (
            select(Ticket)
            .where(
                whose,
                tickets_visible_to(self._owner),
                Ticket.state == TicketState.FIXED,
                *([] if self._unit else [Ticket.fixer_id != self._owner.id]),
            )
            .options(joinedload(Ticket.unit), joinedload(Ticket.fixer))
            .order_by(Ticket.fixed_at, Ticket.id)
            .limit(AT_MOST)
        )
        for ticket in self._session.scalars(query):
            assert ticket.fixed_at is not None
            task = self._task(f"recheck-{ticket.id}", starts=local_day(ticket.fixed_at))
            self._of_ticket(task, ticket, self._say("复查", "Re-check"))
            told = [
                f"{self._say('整改人', 'Fixed by')}: {ticket.fixer.name}" if ticket.fixer else "",
                ticket.fix_note or "",
            ]
            task.add("DESCRIPTION", "\n".join(filter(None, told)))
            self._open(task, None, begun=False)
            yield task

    def _of_ticket(self, entry: icalendar.Component, ticket: Ticket, word: str) -> None:
        entry.add("SUMMARY", f"{word} {ticket.number} {ticket.description[:80]}")
        entry.add("LOCATION", " ".join(filter(None, [ticket.unit.name, ticket.location])))
        entry.add("URL", f"{self._address}/tickets/{ticket.number}")
        entry.add("DTSTAMP", _utc(ticket.fixed_at or ticket.assigned_at or ticket.recorded_at))
        entry.add("SEQUENCE", ticket.version)
        entry.add("PRIORITY", _PRIORITY[ticket.level])

    # Visits and tools.

    def _visits(self) -> Iterator[icalendar.Component]:
        whose = self._below(Inspection.unit_id) if self._unit else Inspection.inspector_id == self._owner.id
        waiting = Inspection.state.in_((InspectionState.PLANNED, InspectionState.STARTED))
        query = (
            select(Inspection)
            .where(
                whose,
                inspections_visible_to(self._owner),
                or_(waiting, Inspection.planned_on >= local_day(self._since)),
            )
            .options(
                joinedload(Inspection.unit),
                joinedload(Inspection.checklist),
                joinedload(Inspection.inspector),
                joinedload(Inspection.campaign),
            )
            .order_by(Inspection.planned_on, Inspection.id)
            .limit(AT_MOST)
        )
        for visit in self._session.scalars(query):
            event = icalendar.Event()
            event.add("UID", f"inspection-{visit.id}@chuncha")
            event.add("DTSTAMP", _utc(visit.submitted_at or visit.started_at or visit.created_at))
            event.add("SEQUENCE", visit.version)
            event.add("DTSTART", visit.planned_on)
            event.add("DTEND", visit.planned_on + timedelta(days=1))
            event.add("SUMMARY", self._visit_title(visit))
            event.add("LOCATION", visit.unit.name)
            event.add("URL", f"{self._address}/inspections/{visit.id}")
            told = [
                visit.campaign.name,
                visit.checklist.name,
                visit.inspector.name if visit.inspector else "",
                visit.missed_reason or "",
            ]
            event.add("DESCRIPTION", "\n".join(filter(None, told)))
            event.add("TRANSP", "TRANSPARENT")
            event.add("STATUS", "CANCELLED" if visit.state is InspectionState.WITHDRAWN else "CONFIRMED")
            if visit.state is InspectionState.PLANNED:
                event.add_component(self._alarm(_MORNING_BEFORE))
            yield event

    def _visit_title(self, visit: Inspection) -> str:
        where = visit.unit.name
        said = {
            InspectionState.SUBMITTED: (f"已检查 {where}", f"Inspected: {where}"),
            InspectionState.MISSED: (f"未检 {where}", f"Missed: {where}"),
            InspectionState.WITHDRAWN: (f"已撤销 {where}", f"Withdrawn: {where}"),
        }
        return self._say(*said.get(visit.state, (f"检查 {where}", f"Inspect {where}")))

    def _tools(self) -> Iterator[icalendar.Component]:
        if self._unit is None:
            return
        query = (
            select(Tool)
            .where(
                self._below(Tool.unit_id),
                tools_visible_to(self._owner),
                Tool.next_test_on.is_not(None),
                Tool.status != ToolStatus.RETIRED,
            )
            .options(joinedload(Tool.unit))
            .order_by(Tool.next_test_on, Tool.id)
            .limit(AT_MOST)
        )
        for tool in self._session.scalars(query):
            assert tool.next_test_on is not None
            # Each test is a task of its own: the day of the next one is part of what it is.
            task = self._task(f"tool-{tool.id}-{tool.next_test_on:%Y%m%d}", due=tool.next_test_on)
            task.add("SUMMARY", f"{self._say('试验', 'Test')} {tool.kind} {tool.number}")
            task.add("LOCATION", " ".join(filter(None, [tool.unit.name, tool.holder])))
            task.add("DTSTAMP", _utc(tool.created_at))
            task.add("SEQUENCE", 0)
            self._open(task, datetime.combine(tool.next_test_on, time(23, 59, 59), LOCAL), begun=False)
            yield task

    # The parts of an entry.

    def _task(
        self, uid: str, *, due: date | datetime | None = None, starts: date | None = None
    ) -> icalendar.Component:
        """A task, or the event that stands for it: on its day, or at its moment."""
        if self._tasks is Tasks.TASKS:
            task: icalendar.Component = icalendar.Todo()
            if due is not None:
                task.add("DUE", due)
            if starts is not None:
                task.add("DTSTART", starts)
        else:
            task = icalendar.Event()
            begins = due if due is not None else starts
            assert begins is not None
            task.add("DTSTART", begins)
            if not isinstance(begins, datetime):
                task.add("DTEND", begins + timedelta(days=1))
            task.add("TRANSP", "TRANSPARENT")
        task.add("UID", f"{uid}@chuncha")
        return task

    def _open(self, task: icalendar.Component, due: datetime | None, *, begun: bool) -> None:
        if self._tasks is Tasks.TASKS:
            task.add("STATUS", "IN-PROCESS" if begun else "NEEDS-ACTION")
        else:
            task.add("STATUS", "CONFIRMED")
        if due is not None:
            whole_day = not isinstance(_day_or_moment(due), datetime)
            before = _MORNING_BEFORE if whole_day else timedelta(hours=-2)
            # A task is due at its end (RFC 5545 3.8.6.3); it has no beginning to count from.
            task.add_component(self._alarm(before, to_end=self._tasks is Tasks.TASKS))

    def _finished(self, task: icalendar.Component, at: datetime) -> None:
        if self._tasks is Tasks.TASKS:
            task.add("STATUS", "COMPLETED")
            task.add("COMPLETED", _utc(at))
            task.add("PERCENT-COMPLETE", 100)
        else:
            task.add("STATUS", "CONFIRMED")

    def _alarm(self, before: timedelta, *, to_end: bool = False) -> icalendar.Alarm:
        alarm = icalendar.Alarm()
        alarm.add("ACTION", "DISPLAY")
        alarm.add("DESCRIPTION", self._say("春查提醒", "Chuncha reminder"))
        alarm.add("TRIGGER", before, parameters={"RELATED": "END"} if to_end else {})
        return alarm


def _day_or_moment(due: datetime) -> date | datetime:
    """The day of a deadline at the end of a day, else its moment in UTC."""
    local = due.astimezone(LOCAL)
    return local.date() if local.time().replace(microsecond=0) == time(23, 59, 59) else _utc(due)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
