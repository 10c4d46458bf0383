"""The views a supervisor works through, and how many tickets each has now: one pass over what is open."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from domain.figure_filter import OPEN, DueIn, due_in
from domain.records import Extension, Ticket
from domain.tickets import overdue, untaken
from domain.visibility import tickets_visible_to
from statemachines.extension import ExtensionState
from statemachines.roles import Actor
from statemachines.ticket import TicketState


class View(StrEnum):
    """A list people work through."""

    LATE = "late"
    UNTAKEN = "untaken"
    RETURNED = "returned"
    TO_VERIFY = "to_verify"
    THIS_WEEK = "this_week"
    ASKING = "asking"
    """More time is asked for and nobody has decided."""
    MINE = "mine"


def counts_of(session: Session, actor: Actor, *, now: datetime) -> Mapping[View, int]:
    """How many open tickets in the actor's sight each view has."""
    asking = select(Extension.ticket_id).where(Extension.state == ExtensionState.REQUESTED)
    views: dict[View, ColumnElement[bool]] = {
        View.LATE: overdue(now),
        View.UNTAKEN: untaken(),
        View.RETURNED: and_(Ticket.state == TicketState.ASSIGNED, Ticket.return_count > 0),
        View.TO_VERIFY: Ticket.state == TicketState.FIXED,
        View.THIS_WEEK: due_in(DueIn.THIS_WEEK, now),
        View.ASKING: Ticket.id.in_(asking),
        View.MINE: and_(Ticket.state == TicketState.ASSIGNED, Ticket.assignee_id == actor.id),
    }
    counts = (func.count().filter(condition).label(view.value) for view, condition in views.items())
    row = session.execute(
        select(*counts).select_from(Ticket).where(Ticket.state.in_(OPEN), tickets_visible_to(actor))
    ).one()
    return {view: getattr(row, view.value) for view in views}
