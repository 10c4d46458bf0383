"""What a supervisor looks at first: late, without anybody responsible, or returned twice; the gravest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, DateTime, Integer, Select, bindparam, case, or_, select
from sqlalchemy.orm import Session

from domain.figure_filter import OPEN
from domain.records import Campaign, Person, Ticket, Unit
from domain.tickets import overdue
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
    """A ticket as the board shows it, and the first reason why it is urgent; `unit` and `assignee` are names."""

    number: str
    description: str
    unit: str
    assignee: str | None
    level: Level
    due_at: datetime | None
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
    given = {"campaign": campaign.id, "now": now, "limit": limit}
    whys = list(Why)
    return [
        Urgent(number, description, unit, assignee, level, due_at, whys[place])
        for number, description, unit, assignee, level, due_at, place in session.execute(
            _question(actor, within), given
        )
    ]


@lru_cache(maxsize=256)
def _question(actor: Actor, within: str | None) -> Select[Any]:
    """Built once for everybody who asks: that costs more than a third of what the answer does."""
    late = overdue(bindparam("now", type_=DateTime(timezone=True)))
    reasons: dict[Why, ColumnElement[bool]] = {
        Why.OVERDUE: late,
        Why.RETURNED: Ticket.return_count >= RETURNS_BEFORE_SUPERVISION,
        Why.UNASSIGNED: Ticket.state == TicketState.FOUND,
    }
    reason = case(*((condition, place) for place, condition in enumerate(reasons.values()))).label("reason")
    since = case((late, Ticket.due_at), else_=Ticket.found_at).label("since")
    gravity = GRAVITY.label("gravity")
    first = (
        select(Ticket.id, gravity, reason, since)
        .where(
            Ticket.campaign_id == bindparam("campaign"),
            Ticket.state.in_(OPEN),
            or_(*reasons.values()),
            tickets_visible_to(actor),
        )
        .order_by(gravity.desc(), reason, since, Ticket.id)
        .limit(bindparam("limit", type_=Integer))
    )
    if within:
        below = select(Unit.id).where(Unit.path.startswith(within, autoescape=True))
        first = first.where(Ticket.unit_id.in_(below))
    keys = first.subquery()
    return (
        select(
            Ticket.number,
            Ticket.description,
            Unit.name,
            Person.name,
            Ticket.level,
            Ticket.due_at,
            keys.c.reason,
        )
        .join_from(keys, Ticket, Ticket.id == keys.c.id)
        .join(Unit, Unit.id == Ticket.unit_id)
        .outerjoin(Person, Person.id == Ticket.assignee_id)
        .order_by(keys.c.gravity.desc(), keys.c.reason, keys.c.since, keys.c.id)
    )
