"""Where a ticket came from and what it may repeat: the report or call behind it, its place, earlier and later ones."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calls import calls_about
from domain.dossier import Kind
from domain.records import HotlineCall, Report, Ticket
from domain.reports import report_of
from domain.similar import Similar, Sought, similar_tickets
from domain.visibility import tickets_visible_to
from statemachines.roles import Actor
from statemachines.ticket import TicketState


@dataclass(frozen=True, slots=True)
class Origin:
    """What stands beside a ticket; each as far as the reader may see it."""

    reports: list[Report]
    calls: list[HotlineCall]
    earlier: Ticket | None
    later: list[Ticket]
    similar: list[Similar]


def origin_of(
    session: Session, ticket: Ticket, there: frozenset[Kind], *, actor: Actor, may_cancel: bool
) -> Origin:
    """Read it; `there` says of what there is something at all.

    Likely duplicates are looked for while the ticket is new, for its finder and whoever may strike it.
    """
    sight = tickets_visible_to(actor)
    earlier = (
        session.scalars(select(Ticket).where(Ticket.id == ticket.recurrence_of_id, sight)).one_or_none()
        if ticket.recurrence_of_id
        else None
    )
    later = session.scalars(
        select(Ticket).where(Ticket.recurrence_of_id == ticket.id, sight).order_by(Ticket.id).limit(10)
    )
    asks = ticket.state == TicketState.FOUND and (may_cancel or actor.id == ticket.finder_id)
    return Origin(
        reports=report_of(session, ticket, actor=actor) if Report in there else [],
        calls=calls_about(session, ticket, actor=actor) if HotlineCall in there else [],
        earlier=earlier,
        later=list(later),
        similar=_similar(session, ticket, actor) if asks and ticket.recurrence_of_id is None else [],
    )


def _similar(session: Session, ticket: Ticket, actor: Actor) -> list[Similar]:
    sought = Sought(
        unit=ticket.unit.code,
        description=ticket.description,
        location=ticket.location,
        place=ticket.place.code if ticket.place else None,
        checklist_item=ticket.checklist_item.code if ticket.checklist_item else None,
        lat=ticket.lat,
        lon=ticket.lon,
    )
    return similar_tickets(session, sought, actor=actor, but=ticket.id)
