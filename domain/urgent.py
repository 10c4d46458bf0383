"""What a supervisor looks at first: late, without anybody responsible, or returned twice; the gravest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, or_, select
from sqlalchemy.orm import Session, joinedload

from domain.figure_filter import OPEN
from domain.records import Campaign, Ticket, Unit
from domain.tickets import load_named, overdue
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

    One pass over the keys of what is open, then the few that are shown; `within` narrows to the units whose path begins
    so.
    """
    late = overdue(now)
    reasons: dict[Why, ColumnElement[bool]] = {
        Why.OVERDUE: late,
        Why.RETURNED: Ticket.return_count >= RETURNS_BEFORE_SUPERVISION,
        Why.UNASSIGNED: Ticket.state == TicketState.FOUND,
    }
    reason = case(*((condition, place) for place, condition in enumerate(reasons.values())))
    first = (
        select(Ticket.id, reason)
        .where(
            Ticket.campaign_id == campaign.id,
            Ticket.state.in_(OPEN),
            or_(*reasons.values()),
            tickets_visible_to(actor),
        )
        .order_by(GRAVITY.desc(), reason, case((late, Ticket.due_at), else_=Ticket.found_at), Ticket.id)
        .limit(limit)
    )
    if within:
        below = select(Unit.id).where(Unit.path.startswith(within, autoescape=True))
        first = first.where(Ticket.unit_id.in_(below))
    why = {key: list(Why)[place] for key, place in session.execute(first).tuples()}
    query = select(Ticket).where(Ticket.id.in_(why)).options(joinedload(Ticket.unit, innerjoin=True))
    tickets = {ticket.id: ticket for ticket in session.scalars(query)} if why else {}
    load_named(session, list(tickets.values()))
    return [Urgent(tickets[key], why[key]) for key in why]
