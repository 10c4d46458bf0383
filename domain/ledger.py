"""The rectification ledger (整改台账): every ticket of a campaign with all that is known of it, and every transition.

Read in slices with the row's columns only: a ledger of 100 000 tickets never stands in memory at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, String, and_, case, cast, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from domain.records import (
    Campaign,
    ChecklistItem,
    Extension,
    FileKind,
    FileListing,
    History,
    Person,
    QuantityRecord,
    SupervisionOrder,
    Ticket,
    Unit,
)
from domain.tickets import overdue
from domain.visibility import tickets_visible_to
from statemachines.extension import ExtensionState
from statemachines.roles import Actor
from statemachines.ticket import TicketState

SLICE = 2000


def ledger_entries(
    session: Session, campaign: Campaign, *, actor: Actor, now: datetime
) -> Iterator[RowMapping]:
    """The tickets the actor may see, by number; the columns are those `ledger_query` labels."""
    query = ledger_query(now).where(Ticket.campaign_id == campaign.id, tickets_visible_to(actor))
    yield from session.execute(query.order_by(Ticket.number).execution_options(yield_per=SLICE)).mappings()


def ledger_query(now: datetime) -> Select[tuple[object, ...]]:
    """One row per ticket: its own columns, the names of units and people, and what was counted of its papers.

    `late_by` is how long a ticket was or is past its present deadline (an interval, null when it is not).
    """
    responsible, finder, verifier, first_verifier = (aliased(Person) for _ in range(4))
    responsible_unit, fixer, fixer_unit = aliased(Unit), aliased(Person), aliased(Unit)
    # A fix that failed its re-check no longer counts as done.
    fixed_at = case((Ticket.state.in_((TicketState.FIXED, TicketState.VERIFIED)), Ticket.fixed_at))
    ended = func.coalesce(fixed_at, now)
    return (
        select(
            Ticket.number,
            Campaign.name.label("campaign"),
            Unit.name.label("unit"),
            *(getattr(Ticket, name) for name in _OF_THE_TICKET),
            fixed_at.label("fixed_at"),
            ChecklistItem.code.label("item_code"),
            ChecklistItem.item.label("item"),
            finder.name.label("finder"),
            responsible.name.label("assignee"),
            responsible_unit.name.label("assignee_unit"),
            fixer.name.label("fixer"),
            fixer_unit.name.label("fixer_unit"),
            verifier.name.label("verifier"),
            first_verifier.name.label("first_verifier"),
            overdue(now).label("overdue"),
            case((and_(Ticket.due_at.is_not(None), ended > Ticket.due_at), ended - Ticket.due_at)).label(
                "late_by"
            ),
            _extensions(func.count()).label("extensions"),
            _extensions(func.string_agg(Extension.interim_measures, "；")).label("interim_measures"),
            _photos(FileKind.BEFORE).label("photos_before"),
            _photos(FileKind.AFTER).label("photos_after"),
            _quantities().label("quantities"),
            _newest_order(SupervisionOrder.level).label("order_level"),
            _newest_order(SupervisionOrder.number).label("order_number"),
        )
        .join(Campaign, Campaign.id == Ticket.campaign_id)
        .join(Unit, Unit.id == Ticket.unit_id)
        .join(finder, finder.id == Ticket.finder_id)
        .outerjoin(ChecklistItem, ChecklistItem.id == Ticket.checklist_item_id)
        .outerjoin(responsible, responsible.id == Ticket.assignee_id)
        .outerjoin(responsible_unit, responsible_unit.id == responsible.unit_id)
        .outerjoin(fixer, fixer.id == Ticket.fixer_id)
        .outerjoin(fixer_unit, fixer_unit.id == Ticket.fixer_unit_id)
        .outerjoin(verifier, verifier.id == Ticket.verifier_id)
        .outerjoin(first_verifier, first_verifier.id == Ticket.first_verifier_id)
    )


_OF_THE_TICKET = (
    "found_at",
    "location",
    "description",
    "category",
    "level",
    "state",
    "measure",
    "duty",
    "first_due_at",
    "due_at",
    "budget",
    "emergency_plan",
    "acknowledged_at",
    "fix_note",
    "cost",
    "on_the_spot",
    "verified_at",
    "return_count",
    "supervised_at",
    "supervision_reason",
    "cancel_reason",
)


def _extensions(of: ColumnElement[Any]) -> ColumnElement[object]:
    approved = Extension.state == ExtensionState.APPROVED
    return select(of).where(Extension.ticket_id == Ticket.id, approved).correlate(Ticket).scalar_subquery()


def _photos(kind: FileKind) -> ColumnElement[object]:
    names: InstrumentedAttribute[str] = FileListing.name
    return (
        select(func.string_agg(names, "、"))
        .where(FileListing.ticket_id == Ticket.id, FileListing.kind == kind)
        .correlate(Ticket)
        .scalar_subquery()
    )


def _newest_order(of: ColumnElement[Any] | InstrumentedAttribute[Any]) -> ColumnElement[object]:
    return (
        select(of)
        .where(SupervisionOrder.ticket_id == Ticket.id)
        .order_by(SupervisionOrder.id.desc())
        .limit(1)
        .correlate(Ticket)
        .scalar_subquery()
    )


def _quantities() -> ColumnElement[object]:
    """更换密封垫2个、补油5升: what the fix of the ticket reported."""
    record = QuantityRecord
    number = func.trim_scale(record.quantity)
    said = func.concat(record.action, record.item, cast(number, String), record.measure_unit)
    return (
        select(func.string_agg(said, aggregate_order_by(literal("、"), record.id)))
        .where(record.ticket_id == Ticket.id)
        .correlate(Ticket)
        .scalar_subquery()
    )


def ledger_history(session: Session, campaign: Campaign, *, actor: Actor) -> Iterator[Mapping[Any, Any]]:
    """Everything that happened to those tickets: number, at, event, from_state, to_state, actor_name, facts; and the
    `names` of everybody by login, who the facts may name.
    """
    names = dict(session.execute(select(Person.login, Person.name)).tuples().all())
    query = (
        select(
            Ticket.number,
            History.at,
            History.event,
            History.from_state,
            History.to_state,
            History.actor_name,
            History.facts,
        )
        .join(Ticket, and_(History.subject == "ticket", History.subject_id == Ticket.id))
        .where(Ticket.campaign_id == campaign.id, tickets_visible_to(actor))
        .order_by(Ticket.number, History.id)
    )
    for row in session.execute(query.execution_options(yield_per=SLICE)).mappings():
        yield {**row, "names": names}
