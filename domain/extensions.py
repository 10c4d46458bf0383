"""Extensions (延期): asked before the deadline, with interim control measures; the first deadline never changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.orm.attributes import set_committed_value

from domain import notices
from domain.campaign_settings import settings_of
from domain.chases import follow
from domain.deadlines import end_of_day
from domain.errors import NotFound
from domain.history import record
from domain.records import Campaign, Extension, Ticket
from domain.tickets import load_fixers_roles
from domain.visibility import extensions_visible_to
from statemachines.chart import begin, move
from statemachines.extension import ExtensionState, request_extension
from statemachines.roles import Actor

Text = Annotated[str, Field(max_length=2000)]


class ExtensionRequest(BaseModel):
    """延期申请: why, what guards the hazard meanwhile (临时防范措施), and the deadline asked for."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    reason: Text | None = None
    interim_measures: Text | None = None
    due: AwareDatetime | date | None = None


class Decision(BaseModel):
    """审批意见; a refusal needs its reason."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    opinion: Text | None = None


def extensions_of(session: Session, ticket: Ticket) -> list[Extension]:
    """All requests for more time on this ticket, oldest first, with the people named."""
    return list(
        session.scalars(
            select(Extension)
            .where(Extension.ticket_id == ticket.id)
            .options(joinedload(Extension.requested_by), joinedload(Extension.decided_by))
            .order_by(Extension.requested_at)
        )
    )


def pending_extensions(session: Session, tickets: Sequence[Ticket]) -> list[Extension]:
    """The requests on these tickets that wait for a decision, in the order of the tickets."""
    query = (
        select(Extension)
        .where(
            Extension.ticket_id.in_([ticket.id for ticket in tickets]),
            Extension.state == ExtensionState.REQUESTED,
        )
        .options(joinedload(Extension.requested_by))
    )
    found = {each.ticket_id: each for each in session.scalars(query)}
    for ticket in tickets:
        if ticket.id in found:
            set_committed_value(found[ticket.id], "ticket", ticket)
    return [found[ticket.id] for ticket in tickets if ticket.id in found]


def request(
    session: Session, ticket: Ticket, told: ExtensionRequest, *, actor: Actor, now: datetime
) -> Extension:
    """Ask for more time. The ticket's row must be locked, so that only one request waits at a time."""
    settings = settings_of(ticket.campaign)
    earlier = session.execute(
        select(Extension.state, func.count())
        .where(Extension.ticket_id == ticket.id)
        .group_by(Extension.state)
    ).all()
    counts = {state: count for state, count in earlier}  # noqa: C416 - rows are no pairs to the type checker
    due = told.due if told.due is None or isinstance(told.due, datetime) else end_of_day(told.due)
    request_extension(
        ticket,
        actor=actor,
        now=now,
        reason=told.reason,
        interim_measures=told.interim_measures,
        due=due,
        pending=counts.get(ExtensionState.REQUESTED, 0) > 0,
        approved=counts.get(ExtensionState.APPROVED, 0),
        most=settings.extensions_at_most,
        longest=settings.extension_longest,
    )
    extension = Extension(
        ticket=ticket,
        requested_by_id=actor.id,
        requested_at=now,
        reason=told.reason,
        interim_measures=told.interim_measures,
        previous_due_at=ticket.due_at,
        proposed_due_at=due,
    )
    begin(extension)
    session.add(extension)
    session.flush()
    record(
        session,
        ticket,
        "extension_requested",
        actor=actor,
        now=now,
        before=ticket.state,
        after=ticket.state,
        **told.model_dump(exclude={"due"}),
        due=due,
        instead_of=ticket.assignee if actor.id != ticket.assignee_id else None,
    )
    follow(session, extension, now=now, new=True)
    notices.extension_requested(session, ticket, extension, now=now)
    return extension


def extension_by_id(session: Session, key: UUID, *, actor: Actor) -> Extension:
    """The request with this id, its ticket locked. Raises NotFound when it is not in the actor's sight."""
    ticket_id = session.scalar(
        select(Extension.ticket_id).where(Extension.id == key, extensions_visible_to(actor))
    )
    if ticket_id is None:
        raise NotFound(what=str(key))
    session.execute(select(Ticket.id).where(Ticket.id == ticket_id).with_for_update(key_share=True))
    extension = session.scalars(
        select(Extension)
        .where(Extension.id == key)
        .options(
            joinedload(Extension.ticket).joinedload(Ticket.unit),
            joinedload(Extension.ticket).joinedload(Ticket.campaign).joinedload(Campaign.unit),
            joinedload(Extension.ticket).joinedload(Ticket.assignee),
            joinedload(Extension.ticket).joinedload(Ticket.finder),
            # A refusal lists what may be done instead, and that asks for the fixing team and whom the fixer leads.
            joinedload(Extension.ticket).joinedload(Ticket.fixer),
            joinedload(Extension.ticket).joinedload(Ticket.fixer_unit),
            joinedload(Extension.requested_by),
        )
    ).one()
    load_fixers_roles(session, [extension.ticket])
    return extension


def approve(
    session: Session, extension: Extension, told: Decision, *, actor: Actor, now: datetime
) -> Extension:
    """批准: the current deadline moves, the first one stays; the ladder is planned anew."""
    ticket = extension.ticket
    move(extension, "approve", actor=actor, now=now)
    move(ticket, "extend", actor=actor, now=now, due=extension.proposed_due_at)
    _decide(extension, told, actor=actor, now=now)
    follow(session, extension, now=now)
    previous, ticket.due_at = ticket.due_at, extension.proposed_due_at
    ticket.due_basis = None
    ticket.due_version += 1
    follow(session, ticket, now=now)
    record(
        session,
        ticket,
        "extend",
        actor=actor,
        now=now,
        before=ticket.state,
        after=ticket.state,
        previous_due=previous,
        due=ticket.due_at,
        opinion=told.opinion,
    )
    notices.extension_decided(session, ticket, extension, now=now)
    return extension


def refuse(
    session: Session, extension: Extension, told: Decision, *, actor: Actor, now: datetime
) -> Extension:
    """不批准, with the reason; the deadline stays."""
    ticket = extension.ticket
    move(extension, "refuse", actor=actor, now=now, reason=told.opinion)
    _decide(extension, told, actor=actor, now=now)
    follow(session, extension, now=now)
    record(
        session,
        ticket,
        "extension_refused",
        actor=actor,
        now=now,
        before=ticket.state,
        after=ticket.state,
        opinion=told.opinion,
    )
    notices.extension_decided(session, ticket, extension, now=now)
    return extension


def _decide(extension: Extension, told: Decision, *, actor: Actor, now: datetime) -> None:
    extension.decided_by_id, extension.decided_at, extension.opinion = actor.id, now, told.opinion
