"""What was wrong or came to the wrong place is put right with a reason: passed on to another unit, or corrected.

Nothing is undone. The history keeps what stood there before beside what stands there now.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import exists, literal, or_, select
from sqlalchemy.orm import Session

from domain import notices
from domain.chases import follow
from domain.errors import wrong
from domain.findings import NewFinding, Quantity
from domain.history import record
from domain.people import ROOT_CODE, unknown_unit
from domain.records import Extension, Ticket, Unit
from domain.visibility import units_visible_to
from statemachines.chart import move
from statemachines.extension import ExtensionState
from statemachines.roles import Actor

Reason = Annotated[str, Field(max_length=2000)]

_FINDING = NewFinding.model_fields


class Transfer(BaseModel):
    """转办: the code of the unit that takes the ticket over, and why."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    unit: Annotated[str, Field(max_length=24)] | None = None
    reason: Reason | None = None


class Correction(BaseModel):
    """更正: what is to stand there instead, and why; what is left out stays. Level and unit have their own acts.

    A quantity of null takes the quantity away.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    description: Annotated[str, Field(min_length=1, max_length=4000)] = ""
    category: Annotated[str, Field(min_length=1, max_length=100)] = ""
    location: Annotated[str, Field(max_length=200)] = ""
    quantity: Quantity | None = None
    measure_unit: Annotated[str, Field(min_length=1, max_length=10)] | None = None
    reason: Reason | None = None

    @model_validator(mode="after")
    def _quantity_with_its_unit(self) -> Correction:
        if self.quantity is not None and not self.measure_unit:
            raise wrong(
                "measure-unit-missing",
                zh="填写了数量，须同时填写计量单位 measure_unit。",
                en="A quantity needs its measure_unit.",
            )
        if self.measure_unit is not None and self.quantity is None:
            raise wrong(
                "quantity-missing",
                zh="填写了计量单位，须同时填写数量 quantity。",
                en="A measure_unit needs its quantity.",
            )
        return self

    def wanted(self) -> dict[str, Any]:
        """What is to stand in the columns named; without a quantity there is no unit of measure."""
        said = self.model_dump(include=self.model_fields_set - {"reason"})
        if "quantity" in said:
            said["measure_unit"] = self.measure_unit if self.quantity is not None else None
        return said


def receiving_units(session: Session, ticket: Ticket, *, actor: Actor) -> list[Unit]:
    """Where a ticket can be passed to: within its campaign's bureau the units in sight, those above, those beside it.

    A station's supervisor sees neither the bureau nor the other stations; that they are there is no secret. Parents
    come before children. Unit and campaign of the ticket must be loaded.
    """
    return list(session.scalars(select(Unit).where(*_receiving(ticket, actor)).order_by(Unit.path)))


def _receiving(ticket: Ticket, actor: Actor) -> tuple[Any, ...]:
    above = literal(ticket.unit.path).startswith(Unit.path)
    beside = Unit.parent_id == ticket.unit.parent_id
    return (
        Unit.path.startswith(ticket.campaign.unit.path, autoescape=True),
        Unit.code != ROOT_CODE,
        Unit.id != ticket.unit_id,
        or_(units_visible_to(actor), above, beside),
    )


def extension_pending(session: Session, ticket: Ticket) -> bool:
    """Whether more time was asked for and nobody has decided yet."""
    pending = exists().where(Extension.ticket_id == ticket.id, Extension.state == ExtensionState.REQUESTED)
    return bool(session.scalar(select(pending)))


def transfer(session: Session, ticket: Ticket, told: Transfer, *, actor: Actor, now: datetime) -> Ticket:
    """转办: up, down or sideways. Number and first deadline stay; whoever takes it over assigns it anew."""
    before, sender, previous = ticket.state, ticket.unit, ticket.assignee
    receiver = None
    if told.unit:
        if told.unit != sender.code:
            query = select(Unit).where(Unit.code == told.unit, *_receiving(ticket, actor))
            receiver = session.scalars(query).one_or_none()
            if receiver is None:
                raise unknown_unit(told.unit)
        else:
            receiver = sender
    move(
        ticket,
        "transfer",
        actor=actor,
        now=now,
        unit=receiver.path if receiver else None,
        reason=told.reason,
        extension_pending=extension_pending(session, ticket),
    )
    assert receiver is not None
    kept = {"duty": ticket.duty, "measure": ticket.measure, "previous_due": ticket.due_at}
    ticket.unit, ticket.transferred_at = receiver, now
    ticket.assignee = ticket.duty = ticket.measure = ticket.budget = ticket.emergency_plan = None
    ticket.assigned_at = ticket.acknowledged_at = ticket.due_at = ticket.due_basis = None
    ticket.due_version += 1
    follow(session, ticket, now=now)
    record(
        session,
        ticket,
        "transfer",
        actor=actor,
        now=now,
        before=before,
        after=ticket.state,
        sender=sender,
        receiver=receiver,
        sender_name=sender.name,
        receiver_name=receiver.name,
        previous=previous,
        reason=told.reason,
        **kept,
    )
    notices.transferred(
        session, ticket, sender=sender, previous=previous, reason=told.reason or "", actor=actor, now=now
    )
    return ticket


def correct(session: Session, ticket: Ticket, told: Correction, *, actor: Actor, now: datetime) -> Ticket:
    """更正: a wrong fact of the finding. The history has old and new side by side."""
    changes = {
        name: (getattr(ticket, name), value)
        for name, value in told.wanted().items()
        if getattr(ticket, name) != value
    }
    move(ticket, "correct", actor=actor, now=now, changed=tuple(changes), reason=told.reason)
    for name, (_, value) in changes.items():
        setattr(ticket, name, value)
    record(
        session,
        ticket,
        "correct",
        actor=actor,
        now=now,
        before=ticket.state,
        after=ticket.state,
        changes={name: {"before": old, "after": new} for name, (old, new) in changes.items()},
        reason=told.reason,
    )
    notices.corrected(session, ticket, changed=changes, reason=told.reason or "", now=now)
    return ticket
