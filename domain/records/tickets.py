"""Hazard tickets (隐患单), their numbers, extensions and the ledger of escalation steps."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, false, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.records.base import Base, Key, words
from domain.records.campaigns import Campaign
from domain.records.checklists import ChecklistItem
from domain.records.people import Person, Unit
from domain.records.places import Place
from domain.records.standing import STANDING_NAMES, standing_columns
from statemachines.chart import RecordChart
from statemachines.extension import ExtensionChart, ExtensionState
from statemachines.labels import Level
from statemachines.ticket import COMMANDING, TicketChart, TicketState

SEARCHED = ("number", "description", "location", "category", "measure", "fix_note")
"""The columns a search reads, in the order of the database's function `ticket_text`."""

OPEN_WORK = (
    "id",
    "state",
    "level",
    "category",
    "due_at",
    "found_at",
    "acknowledged_at",
    "return_count",
    "assignee_id",
    "finder_id",
    "fixer_id",
)
"""What is asked of open tickets when they are counted."""


class CancelKind(StrEnum):
    """Why a ticket is struck without a fix."""

    DUPLICATE = "duplicate"
    NOT_A_HAZARD = "not_a_hazard"
    NOT_OURS = "not_ours"
    NO_LONGER_THERE = "no_longer_there"
    """What was hazardous is gone: taken down, closed, sold."""
    ACCEPTED = "accepted"
    """The risk is borne knowingly; general hazards only."""


class NumberCounter(Base):
    """The last ticket number given out per campaign and unit; numbers are never reused."""

    __tablename__ = "number_counters"

    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), primary_key=True)
    last: Mapped[int]


class Ticket(Base):
    """A finding and what became of it.

    Two clocks: `first_due_at` never changes, `due_at` moves by approved extension or a failed re-check.
    `due_version` counts the moves, so that a ladder step belongs to one deadline. `next_step_at` is the only
    thing a sweep looks at. `campaign_id` is where the ticket counts now, `origin_campaign_id` where it was found.
    """

    __tablename__ = "tickets"
    chart: ClassVar[type[RecordChart]] = TicketChart

    id: Mapped[Key]
    number: Mapped[str] = mapped_column(unique=True)
    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaigns.id"))
    origin_campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaigns.id"))
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    inspection_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("inspections.id", use_alter=True, name="fk_tickets_inspection_id")
    )
    checklist_item_id: Mapped[UUID | None] = mapped_column(ForeignKey("checklist_items.id"))
    place_id: Mapped[UUID | None] = mapped_column(ForeignKey("places.id"))
    standard_hazard_id: Mapped[UUID | None] = mapped_column(ForeignKey("standard_hazards.id"))
    """The version of the standard hazard it was made from."""
    proposed_measure: Mapped[str | None]
    """What the finder, the checklist or the library proposes to whoever assigns; so is the next one."""
    proposed_days: Mapped[int | None]
    photo_required: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether it must list a photo before the fix, as its checklist or the library said when it was found."""
    after_photo_required: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the report of its fix must."""

    description: Mapped[str]
    level: Mapped[Level] = mapped_column(words(Level))
    category: Mapped[str]
    quantity: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    measure_unit: Mapped[str | None]
    location: Mapped[str] = mapped_column(default="")
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    source: Mapped[str]
    found_at: Mapped[datetime]
    finder_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), index=True)
    recorded_at: Mapped[datetime]
    fingerprint: Mapped[str]
    """SHA-256 of the submitted body: the same id with another body is refused, never merged."""

    state: Mapped[TicketState] = mapped_column(words(TicketState))
    assignee_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    duty: Mapped[str | None]
    measure: Mapped[str | None]
    budget: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    emergency_plan: Mapped[str | None]
    first_due_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    due_version: Mapped[int] = mapped_column(default=0)
    due_basis: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What `due_at` was computed from (domain/deadlines.py); None: a person set it, and no calendar moves it."""
    assigned_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    fixer_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    fixer_unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    fixed_at: Mapped[datetime | None]
    fix_note: Mapped[str | None]
    cost: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    on_the_spot: Mapped[bool] = mapped_column(default=False)
    first_verifier_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    verifier_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    verified_at: Mapped[datetime | None]
    return_count: Mapped[int] = mapped_column(default=0)
    supervised_at: Mapped[datetime | None]
    supervision_reason: Mapped[str | None]
    transferred_at: Mapped[datetime | None]
    """When it was last passed on to another unit; the history says from which and why."""
    cancelled_at: Mapped[datetime | None]
    cancel_kind: Mapped[CancelKind | None] = mapped_column(words(CancelKind))
    cancel_reason: Mapped[str | None]
    duplicate_of_id: Mapped[UUID | None] = mapped_column(ForeignKey("tickets.id"))
    recurrence_of_id: Mapped[UUID | None] = mapped_column(ForeignKey("tickets.id"))
    files_expected: Mapped[int] = mapped_column(default=0)
    files_arrived: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column()

    campaign: Mapped[Campaign] = relationship(lazy="raise", foreign_keys=[campaign_id])
    unit: Mapped[Unit] = relationship(lazy="raise", foreign_keys=[unit_id])
    checklist_item: Mapped[ChecklistItem | None] = relationship(lazy="raise")
    place: Mapped[Place | None] = relationship(lazy="raise")
    finder: Mapped[Person] = relationship(lazy="raise", foreign_keys=[finder_id])
    assignee: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[assignee_id])
    fixer: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[fixer_id])
    fixer_unit: Mapped[Unit | None] = relationship(lazy="raise", foreign_keys=[fixer_unit_id])
    first_verifier: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[first_verifier_id])
    verifier: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[verifier_id])
    duplicate_of: Mapped[Ticket | None] = relationship(
        lazy="raise", foreign_keys=[duplicate_of_id], remote_side="Ticket.id"
    )

    __mapper_args__ = {  # noqa: RUF012
        "version_id_col": version,
        "exclude_properties": STANDING_NAMES,
    }
    __table_args__ = (
        *standing_columns(),
        CheckConstraint("length(description) BETWEEN 1 AND 4000", name="description_length"),
        # IS TRUE: a CHECK passes whatever is not false, and comparing a missing text with '' is neither.
        CheckConstraint(
            "state IN ('found', 'cancelled') OR (assignee_id IS NOT NULL AND duty <> '' AND measure <> ''"
            " AND due_at IS NOT NULL AND first_due_at IS NOT NULL) IS TRUE",
            name="three_fixed",
        ),
        CheckConstraint(
            "level <> 'major' OR state IN ('found', 'cancelled')"
            " OR (budget IS NOT NULL AND emergency_plan <> '') IS TRUE",
            name="five_assurances",
        ),
        CheckConstraint(
            "state NOT IN ('fixed', 'verified') OR (fixer_id IS NOT NULL AND fixer_unit_id IS NOT NULL"
            " AND fixed_at IS NOT NULL AND fix_note <> '') IS TRUE",
            name="fixed_by_somebody",
        ),
        CheckConstraint(
            "state <> 'verified' OR (verifier_id IS NOT NULL AND verified_at IS NOT NULL"
            " AND (level <> 'major' OR first_verifier_id IS NOT NULL))",
            name="verified_by_somebody",
        ),
        CheckConstraint(
            "verifier_id <> fixer_id AND first_verifier_id <> fixer_id", name="verifier_not_fixer"
        ),
        CheckConstraint("verifier_id <> first_verifier_id", name="two_verifiers"),
        CheckConstraint("NOT on_the_spot OR level = 'general'", name="on_the_spot_general"),
        CheckConstraint(
            "state <> 'cancelled' OR (cancelled_at IS NOT NULL AND cancel_reason <> '') IS TRUE",
            name="cancelled_with_reason",
        ),
        CheckConstraint("cancel_kind <> 'accepted' OR level = 'general'", name="accepted_general"),
        CheckConstraint("due_at >= found_at", name="due_after_found"),
        CheckConstraint("files_arrived BETWEEN 0 AND files_expected", name="files_counted"),
        CheckConstraint("proposed_days >= 0", name="proposed_days_not_negative"),
        CheckConstraint("quantity IS NULL OR (measure_unit <> '') IS TRUE", name="quantity_has_unit"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180", name="position_on_earth"),
        # Read by domain/tickets.py: everybody's queue, newest first.
        Index("ix_tickets_newest", text("recorded_at DESC"), text("id DESC")),
        # Read by domain/tickets.py: what is still open, by deadline, and what is overdue. Not of all tickets: the
        # planner would then walk over every closed one first.
        Index(
            "ix_tickets_open_due",
            text("coalesce(due_at, 'infinity'::timestamptz)"),
            "id",
            postgresql_where=text("state IN ('found', 'assigned', 'fixed')"),
        ),
        # Read by domain/ticket_orders.py: what has been open longest.
        Index(
            "ix_tickets_open_age",
            "found_at",
            "id",
            postgresql_where=text("state IN ('found', 'assigned', 'fixed')"),
        ),
        # Read by domain/queue.py, domain/urgent.py and domain/standings.py, which count what is open from this alone.
        Index(
            "ix_tickets_open_work",
            "campaign_id",
            "unit_id",
            postgresql_include=OPEN_WORK,
            postgresql_where=text("state IN ('found', 'assigned', 'fixed')"),
        ),
        # Read by domain/tickets.py: the few that came back, and what is closed by its deadline.
        Index(
            "ix_tickets_returned",
            text("recorded_at DESC"),
            text("id DESC"),
            postgresql_where=text("return_count > 0"),
        ),
        Index(
            "ix_tickets_closed_due",
            text("coalesce(due_at, 'infinity'::timestamptz)"),
            "id",
            postgresql_where=text("state IN ('verified', 'cancelled')"),
        ),
        # Read by domain/related.py: what came back as another ticket, what repeats this one.
        Index(
            "ix_tickets_recurrence", "recurrence_of_id", postgresql_where=text("recurrence_of_id IS NOT NULL")
        ),
        Index(
            "ix_tickets_duplicate", "duplicate_of_id", postgresql_where=text("duplicate_of_id IS NOT NULL")
        ),
        # Read by domain/search.py. The table is not made wider by it: what counts tickets reads the rows, not this.
        Index(
            "ix_tickets_search",
            text(f"search_pairs(ticket_text({', '.join(SEARCHED)}))"),
            postgresql_using="gin",
        ),
        # Read by domain/tickets.py: the queue of a campaign that is no longer the newest.
        Index("ix_tickets_recent", "campaign_id", text("recorded_at DESC"), text("id DESC")),
        # Read by domain/similar.py: what was found at the same place, in the same unit.
        Index("ix_tickets_place", "place_id", postgresql_where=text("place_id IS NOT NULL")),
        Index("ix_tickets_unit", "unit_id", text("recorded_at DESC")),
        # Read by domain/standings.py: every figure of a campaign, from this index alone.
        Index(
            "ix_tickets_standing",
            "campaign_id",
            "unit_id",
            "category",
            "standing",
            postgresql_include=["found_on", "verified_on", "fix_days"],
        ),
        # Read by domain/standings.py: what is one's own outside of one's units.
        Index("ix_tickets_assignee", "assignee_id", postgresql_where=text("assignee_id IS NOT NULL")),
        Index("ix_tickets_fixer", "fixer_id", postgresql_where=text("fixer_id IS NOT NULL")),
        # Read by domain/tickets.py: "what is mine, by when".
        Index(
            "ix_tickets_assignee_due",
            "assignee_id",
            "due_at",
            postgresql_where=text("state IN ('assigned', 'fixed')"),
        ),
    )

    @property
    def unit_path(self) -> str:
        """The path of the unit the hazard is in; roles are asked for at it."""
        return self.unit.path

    @property
    def fixer_unit_path(self) -> str | None:
        """The path of the fixing team, once something was fixed."""
        return self.fixer_unit.path if self.fixer_unit else None

    @property
    def fixer_leads(self) -> tuple[str, ...]:
        """The paths of the units whoever fixed supervises or leads, as their roles are today."""
        if self.fixer is None:
            return ()
        return tuple(grant.unit.path for grant in self.fixer.grants if grant.role in COMMANDING)


class Extension(Base):
    """A request for more time (延期申请); the current deadline moves only when it is approved."""

    __tablename__ = "extensions"
    chart: ClassVar[type[RecordChart]] = ExtensionChart

    id: Mapped[Key]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"), index=True)
    state: Mapped[ExtensionState] = mapped_column(words(ExtensionState))
    requested_by_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    requested_at: Mapped[datetime]
    reason: Mapped[str]
    interim_measures: Mapped[str]
    previous_due_at: Mapped[datetime]
    proposed_due_at: Mapped[datetime]
    decided_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    decided_at: Mapped[datetime | None]
    opinion: Mapped[str | None]
    version: Mapped[int] = mapped_column()

    ticket: Mapped[Ticket] = relationship(lazy="raise")
    requested_by: Mapped[Person] = relationship(lazy="raise", foreign_keys=[requested_by_id])
    decided_by: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[decided_by_id])

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
    __table_args__ = (
        CheckConstraint("reason <> '' AND interim_measures <> ''", name="interim_measures"),
        CheckConstraint("proposed_due_at > previous_due_at", name="later_than_before"),
        CheckConstraint("requested_at <= previous_due_at", name="asked_before_due"),
        CheckConstraint("decided_by_id <> requested_by_id", name="not_own_request"),
        CheckConstraint(
            "state = 'requested' OR (decided_by_id IS NOT NULL AND decided_at IS NOT NULL)", name="decided"
        ),
        Index(
            "uq_extensions_one_pending",
            "ticket_id",
            unique=True,
            postgresql_where=text("state = 'requested'"),
        ),
    )

    @property
    def unit_path(self) -> str:
        """The path of the ticket's unit."""
        return self.ticket.unit.path

    @property
    def requester_id(self) -> UUID:
        """Who asked, as the chart calls them."""
        return self.requested_by_id

    @property
    def level(self) -> Level:
        """The ticket's level: it decides who may approve."""
        return self.ticket.level
