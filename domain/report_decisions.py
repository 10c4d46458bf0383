"""A supervisor decides about a report from anybody: a new ticket, one that is open already, or a reason why not."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from domain.chases import follow
from domain.errors import BadInput
from domain.files import ListedFile, list_files
from domain.findings import NewFinding, submit_finding
from domain.history import record
from domain.records import FileKind, Person, Report, Ticket
from domain.reports import photos_of
from domain.tickets import ticket_by_number
from statemachines.chart import move, option
from statemachines.labels import Level
from statemachines.report import ReportEvent
from statemachines.roles import Actor
from statemachines.ticket import TicketState

SOURCE = "public"
"""The source of a ticket that began as a report."""

TAKES_PHOTOS = (TicketState.FOUND, TicketState.ASSIGNED, TicketState.FIXED)
"""States of a ticket another report of the same hazard may still join."""


class Acceptance(BaseModel):
    """What a supervisor adds to a report. What is left out is the report's own: its words, its unit, its place."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    campaign: str = Field(min_length=1, max_length=24)
    level: Level | None = None
    category: str | None = Field(default=None, min_length=1, max_length=100)
    checklist_item: str | None = Field(default=None, min_length=1, max_length=32)
    unit: str | None = Field(default=None, min_length=1, max_length=24)
    description: str | None = Field(default=None, min_length=1, max_length=4000)
    location: str | None = Field(default=None, max_length=200)
    recurrence_of: str | None = Field(default=None, max_length=64)


class Joining(BaseModel):
    """The ticket that has the reported hazard already."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    ticket: str = Field(min_length=1, max_length=64)


class Declining(BaseModel):
    """Why a report is not taken on; the reporter reads it. `ticket`: the one that dealt with it already."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    reason: Annotated[str, Field(max_length=1000)] | None = None
    ticket: str | None = Field(default=None, max_length=64)


def accept(session: Session, report: Report, told: Acceptance, *, actor: Actor, now: datetime) -> Ticket:
    """The report becomes a ticket, found when it was reported, its photos with it.

    Raises RoleMissing, WrongState, and whatever refuses a finding.
    """
    _must_be_acceptable(report, actor=actor, now=now)
    finding = NewFinding(
        # The report's own key: accepted twice, it is one ticket.
        id=report.id,
        campaign=told.campaign,
        unit=told.unit or report.unit.code,
        description=told.description or report.text,
        level=told.level,
        category=told.category,
        checklist_item=told.checklist_item,
        location=report.location if told.location is None else told.location,
        place=report.place.code if report.place.retired_at is None else None,
        found_at=report.received_at,
        source=SOURCE,
        recurrence_of=told.recurrence_of,
        files=_listed(session, report),
    )
    ticket = submit_finding(session, finding, actor=actor, now=now).ticket
    _decided(session, report, ticket, ReportEvent.ACCEPT, actor=actor, now=now)
    return ticket


def join(session: Session, report: Report, told: Joining, *, actor: Actor, now: datetime) -> Ticket:
    """The reported hazard has an open ticket: the photos go there, and the reporter follows that one.

    Raises BadInput when that ticket is out of sight or closed, RoleMissing, WrongState.
    """
    _must_be_acceptable(report, actor=actor, now=now)
    ticket = ticket_by_number(session, told.ticket, actor=actor, lock=True)
    if ticket.state not in TAKES_PHOTOS:
        raise BadInput(
            "/ticket",
            "ticket-closed",
            zh=f"隐患单{ticket.number}已销号或作废，不能并入；又出现的，请受理为新的隐患单并注明复发。",
            en=f"The ticket {ticket.number} is closed. If the hazard is back, accept the report as a new ticket that"
            " repeats it.",
        )
    list_files(session, ticket, _listed(session, report), kind=FileKind.BEFORE, actor=actor, now=now)
    record(
        session,
        ticket,
        "reported_again",
        actor=actor,
        now=now,
        before=ticket.state,
        after=ticket.state,
        reported_at=report.received_at,
        words=report.text,
    )
    _decided(session, report, ticket, ReportEvent.ACCEPT, actor=actor, now=now)
    return ticket


def decline(session: Session, report: Report, told: Declining, *, actor: Actor, now: datetime) -> None:
    """The report is not taken on; the reporter reads why. Raises ReasonMissing, RoleMissing, WrongState."""
    ticket = ticket_by_number(session, told.ticket, actor=actor) if told.ticket else None
    report.reason = told.reason
    _decided(session, report, ticket, ReportEvent.DECLINE, actor=actor, now=now, reason=told.reason)


def _listed(session: Session, report: Report) -> list[ListedFile]:
    return [
        ListedFile(name=photo.name, sha256=photo.sha256, size=photo.size)
        for photo in photos_of(session, report)
    ]


def _must_be_acceptable(report: Report, *, actor: Actor, now: datetime) -> None:
    """Ask the chart before anything is written: an accepted report has a ticket in the database, so it moves last."""
    if (refusal := option(report, ReportEvent.ACCEPT, actor=actor, now=now).refusal) is not None:
        raise refusal


def _decided(
    session: Session,
    report: Report,
    ticket: Ticket | None,
    event: ReportEvent,
    *,
    actor: Actor,
    now: datetime,
    **facts: object,
) -> None:
    before, person = report.state, session.get_one(Person, actor.id)
    move(report, event, actor=actor, now=now, **facts)
    report.decided_by, report.decided_at = person, now
    report.ticket = ticket
    follow(session, report, now=now)
    session.flush()
    record(
        session,
        report,
        event,
        actor=actor,
        now=now,
        before=before,
        after=report.state,
        ticket=ticket,
        **facts,
    )
