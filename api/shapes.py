"""What programs read: the JSON of tickets, their files, history, transitions and extensions.

Units, campaigns and checklist items are named by code, people by login: the keys programs use. Moments are RFC 3339
in +08:00, days ISO. Quantities and money are numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field, PlainSerializer
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.evidence import DoubtKind, Tolerance, doubts, own_place, own_time, tolerance_of
from domain.files import files_of, files_of_all
from domain.records import (
    CancelKind,
    Extension,
    FileKind,
    FileListing,
    History,
    Person,
    PhotoListing,
    StandardHazard,
    Ticket,
)
from domain.tickets import is_overdue
from statemachines.chart import Option
from statemachines.extension import ExtensionState
from statemachines.labels import LOCAL, Language, Level, local_day
from statemachines.ticket import TicketState


def spell(moment: datetime) -> str:
    """A moment as JSON shows it: RFC 3339, seconds, +08:00."""
    return moment.astimezone(LOCAL).isoformat(timespec="seconds")


def number(value: Decimal) -> int | float:
    """4500, not 4500.00; 2.5 stays 2.5."""
    return int(value) if value == value.to_integral_value() else float(value)


Moment = Annotated[datetime, PlainSerializer(spell, return_type=str)]
Number = Annotated[Decimal, PlainSerializer(number, return_type=float)]


class FileShape(BaseModel):
    """A listed file. `arrived` false: send its bytes by PUT to `href`."""

    name: str
    sha256: str
    size: int
    kind: FileKind
    arrived: bool
    captured_at: Moment | None
    captured_lat: float | None
    captured_lon: float | None
    exif_at: Moment | None = Field(
        description="The time the file says of itself, read by the phone or from the bytes."
    )
    exif_lat: float | None
    exif_lon: float | None
    doubts: list[DoubtKind] = Field(description="What disagrees; shown on the ticket, forbids nothing.")
    href: str


class PhotoShape(BaseModel):
    """A photo of a failed answer or of a tool's test; send its bytes with `sendFile`."""

    name: str
    sha256: str
    size: int


class TicketLinks(BaseModel):
    """Where to go from a ticket."""

    self: str
    history: str
    transitions: str
    escalations: str
    page: str


class TicketShape(BaseModel):
    """A hazard ticket. `due` is the day of `due_at` in Asia/Shanghai; `overdue` is computed at the time of asking."""

    id: UUID
    number: str
    campaign: str
    unit: str
    state: TicketState
    level: Level
    category: str
    description: str
    location: str
    lat: float | None
    lon: float | None
    place: str | None = Field(description="The code on the sign it was reported from.")
    quantity: Number | None
    measure_unit: str | None
    checklist_item: str | None
    standard_hazard: str | None
    proposed_measure: str | None
    proposed_days: int | None
    photo_required: bool
    after_photo_required: bool
    source: str
    found_at: Moment
    recorded_at: Moment
    finder: str
    assignee: str | None
    duty: str | None
    measure: str | None
    budget: Number | None
    emergency_plan: str | None
    due: date | None
    due_at: Moment | None
    first_due_at: Moment | None
    overdue: bool
    assigned_at: Moment | None
    acknowledged_at: Moment | None
    fixer: str | None
    fixed_at: Moment | None
    fix_note: str | None
    cost: Number | None
    on_the_spot: bool
    first_verifier: str | None
    verifier: str | None
    verified_at: Moment | None
    return_count: int
    supervised_at: Moment | None
    supervision_reason: str | None
    cancelled_at: Moment | None
    cancel_kind: CancelKind | None
    cancel_reason: str | None
    duplicate_of: str | None
    recurrence_of: str | None
    files: list[FileShape]
    files_expected: int
    files_arrived: int
    version: int
    links: TicketLinks


class TicketPage(BaseModel):
    """One page of tickets; `next` is the cursor of the following one, null at the end."""

    items: list[TicketShape]
    next: str | None


def ticket_path(ticket: Ticket) -> str:
    """Where the ticket is read."""
    return f"/api/v1/tickets/{ticket.number}"


def _login(session: Session, key: UUID | None) -> str | None:
    # People joined to the ticket are already in the session; only somebody new to it costs a query.
    person = session.get(Person, key) if key else None
    return person.login if person else None


def _number(session: Session, key: UUID | None) -> str | None:
    other = session.get(Ticket, key) if key else None
    return other.number if other else None


def _hazard(session: Session, key: UUID | None) -> str | None:
    hazard = session.get(StandardHazard, key) if key else None
    return hazard.code if hazard else None


def photo_shape(listing: PhotoListing) -> PhotoShape:
    """A photo of what is no ticket."""
    return PhotoShape(name=listing.name, sha256=listing.sha256, size=listing.size)


def file_shape(listing: FileListing, ticket: Ticket, tolerance: Tolerance) -> FileShape:
    """A listed file as programs read it."""
    place = own_place(listing)
    return FileShape(
        name=listing.name,
        sha256=listing.sha256,
        size=listing.size,
        kind=listing.kind,
        arrived=listing.arrived_at is not None,
        captured_at=listing.captured_at,
        captured_lat=listing.captured_lat,
        captured_lon=listing.captured_lon,
        exif_at=own_time(listing),
        exif_lat=place[0] if place else None,
        exif_lon=place[1] if place else None,
        doubts=[each.kind for each in doubts(listing, ticket, tolerance)],
        href=f"/api/v1/files/{listing.sha256}",
    )


def ticket_shape(
    session: Session, ticket: Ticket, *, now: datetime, files: Sequence[FileListing] | None = None
) -> TicketShape:
    """A ticket as programs read it; unit, campaign and checklist item must be loaded."""
    path = ticket_path(ticket)
    listed = files_of(session, ticket) if files is None and ticket.files_expected else files or ()
    same = {name: getattr(ticket, name) for name in _SAME}
    return TicketShape(
        **same,
        campaign=ticket.campaign.code,
        unit=ticket.unit.code,
        checklist_item=ticket.checklist_item.code if ticket.checklist_item else None,
        place=ticket.place.code if ticket.place else None,
        standard_hazard=_hazard(session, ticket.standard_hazard_id),
        finder=_login(session, ticket.finder_id) or "",
        assignee=_login(session, ticket.assignee_id),
        due=local_day(ticket.due_at) if ticket.due_at else None,
        overdue=is_overdue(ticket, now),
        fixer=_login(session, ticket.fixer_id),
        first_verifier=_login(session, ticket.first_verifier_id),
        verifier=_login(session, ticket.verifier_id),
        duplicate_of=_number(session, ticket.duplicate_of_id),
        recurrence_of=_number(session, ticket.recurrence_of_id),
        files=[file_shape(listing, ticket, tolerance_of(session)) for listing in listed],
        links=TicketLinks(
            self=path,
            history=f"{path}/history",
            transitions=f"{path}/transitions",
            escalations=f"{path}/escalations",
            page=f"/tickets/{ticket.number}",
        ),
    )


#: Fields that are the record's own columns under the same name.
_SAME = tuple(name for name in TicketShape.model_fields if name in Ticket.__table__.columns)


def ticket_shapes(session: Session, tickets: Sequence[Ticket], *, now: datetime) -> list[TicketShape]:
    """Many tickets; their files and standard hazards are each read in one query."""
    keys = {ticket.standard_hazard_id for ticket in tickets} - {None}
    # Held while the shapes are made: a session forgets what nobody holds.
    _held = list(session.scalars(select(StandardHazard).where(StandardHazard.id.in_(keys)))) if keys else []
    files = files_of_all(session, [ticket for ticket in tickets if ticket.files_expected])
    return [ticket_shape(session, ticket, now=now, files=files.get(ticket.id, ())) for ticket in tickets]


class HistoryShape(BaseModel):
    """One thing that happened; `actor` is the person's name as it was then."""

    at: Moment
    actor: str
    event: str
    from_state: str | None
    to_state: str | None
    facts: dict[str, Any]


class HistoryList(BaseModel):
    """Everything that happened to a record, oldest first."""

    items: list[HistoryShape]


def history_list(rows: Sequence[History]) -> HistoryList:
    """History rows as programs read them."""
    return HistoryList(
        items=[
            HistoryShape(
                at=row.at,
                actor=row.actor_name,
                event=row.event,
                from_state=row.from_state,
                to_state=row.to_state,
                facts=row.facts,
            )
            for row in rows
        ]
    )


class OptionShape(BaseModel):
    """Whether the caller may cause an event now; `code` and `reason` say why not."""

    event: str
    label: str
    allowed: bool
    code: str | None
    reason: str | None


class OptionList(BaseModel):
    """Every event a person can cause on a record."""

    state: str
    items: list[OptionShape]


def option_list(state: str, options: Sequence[Option], language: Language) -> OptionList:
    """The chart's answer for this caller, now."""
    return OptionList(
        state=state,
        items=[
            OptionShape(
                event=str(option.event),
                label=option.label(language),
                allowed=option.allowed,
                code=option.refusal.code if option.refusal else None,
                reason=option.refusal.sentence(language) if option.refusal else None,
            )
            for option in options
        ],
    )


class ExtensionShape(BaseModel):
    """A request for more time and what was decided."""

    id: UUID
    ticket: str
    state: ExtensionState
    requested_by: str
    requested_at: Moment
    reason: str
    interim_measures: str
    previous_due_at: Moment
    proposed_due_at: Moment
    decided_by: str | None
    decided_at: Moment | None
    opinion: str | None
    version: int


class ExtensionList(BaseModel):
    """All requests for more time on one ticket, oldest first."""

    items: list[ExtensionShape]


def extension_shape(session: Session, extension: Extension, ticket: Ticket) -> ExtensionShape:
    """An extension as programs read it."""
    same = {name: getattr(extension, name) for name in _SAME_OF_EXTENSION}
    return ExtensionShape(
        **same,
        ticket=ticket.number,
        requested_by=_login(session, extension.requested_by_id) or "",
        decided_by=_login(session, extension.decided_by_id),
    )


_SAME_OF_EXTENSION = tuple(
    name for name in ExtensionShape.model_fields if name in Extension.__table__.columns
)
