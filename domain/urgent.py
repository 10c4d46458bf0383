"""What a supervisor looks at first: late, without anybody responsible, or returned twice; the gravest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, select
from sqlalchemy.orm import Session, joinedload

from domain.figure_filter import OPEN
from domain.records import Campaign, Ticket, Unit
from domain.tickets import is_overdue, load_named, overdue
from domain.visibility import tickets_visible_to
from statemachines.labels import Labelled, Level
from statemachines.roles import Actor
from statemachines.ticket import RETURNS_BEFORE_SUPERVISION, TicketState

GRAVITY = case({level: rank for rank, level in enumerate(Level)}, value=Ticket.level)


class Why(Labelled):
    """Why a ticket stands among the first."""

    OVERDUE = "overdue", "超期", "Overdue"
    RETURNED = "returned", "两次退回", "Returned twice"
    UNASSIGNED = "unassigned", "未三定", "Not assigned"


@dataclass(frozen=True, slots=True)
class Urgent:
    """A ticket, and the first reason why it is urgent."""

    ticket: Ticket
    why: Why


def urgent_tickets(
    session: Session,
    campaign: Campaign,
    *,
    actor: Actor,
    now: datetime,
    within: str | None = None,
    limit: int = 8,
) -> list[Urgent]:
    """The most urgent tickets in the actor's sight: graver levels first, then the longest late or the longest waiting.

    One small query for each reason, each along an index; `within` narrows to the units whose path begins so.
    """
    conditions: dict[
        Why, tuple[ColumnElement[bool], ColumnElement[datetime | None] | ColumnElement[datetime]]
    ] = {
        Why.OVERDUE: (overdue(now), Ticket.due_at.expression),
        Why.RETURNED: (
            Ticket.state.in_(OPEN) & (Ticket.return_count >= RETURNS_BEFORE_SUPERVISION),
            Ticket.found_at.expression,
        ),
        Why.UNASSIGNED: (Ticket.state == TicketState.FOUND, Ticket.found_at.expression),
    }
    found: dict[str, Urgent] = {}
    for why, (condition, since) in conditions.items():
        query = (
            select(Ticket)
            .where(Ticket.campaign_id == campaign.id, condition, tickets_visible_to(actor))
            .options(joinedload(Ticket.unit, innerjoin=True))
            .order_by(GRAVITY.desc(), since, Ticket.id)
            .limit(limit)
        )
        if within:
            below = select(Unit.id).where(Unit.path.startswith(within, autoescape=True))
            query = query.where(Ticket.unit_id.in_(below))
        for ticket in session.scalars(query):
            found.setdefault(ticket.number, Urgent(ticket, why))
    ranks, reasons = list(Level), list(Why)
    first = sorted(
        found.values(),
        key=lambda each: (
            -ranks.index(each.ticket.level),
            reasons.index(each.why),
            (each.ticket.due_at if is_overdue(each.ticket, now) else None) or each.ticket.found_at,
        ),
    )[:limit]
    load_named(session, [each.ticket for each in first])
    return first
