"""Tickets that belong together: the same hazard again, duplicates, the same kind at the same place in any campaign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, literal_column, or_, select, union_all
from sqlalchemy.orm import Session, joinedload

from domain.records import Ticket
from domain.tickets import load_campaigns
from domain.visibility import tickets_visible_to
from statemachines.labels import Labelled
from statemachines.roles import Actor
from statemachines.ticket import TicketState

SHOWN_AT_MOST = 12


class Kinship(Labelled):
    """How another ticket is related to this one."""

    RECURRENCE_OF = "recurrence_of", "上次的隐患", "The hazard before"
    RECURRED_AS = "recurred_as", "再次出现", "Came back as"
    DUPLICATE_OF = "duplicate_of", "与它重复", "Repeats it"
    DUPLICATED_BY = "duplicated_by", "重复于本单", "Repeats this one"
    SAME_PLACE = "same_place", "同地同类", "Same place and kind"


@dataclass(frozen=True, slots=True)
class Relative:
    """Another ticket, with unit and campaign loaded, and how it is related."""

    ticket: Ticket
    kinship: Kinship


@dataclass(frozen=True, slots=True)
class Family:
    """The relatives newest first, and how many of the same kind were found at this place before (without cancelled)."""

    relatives: Sequence[Relative]
    earlier: int


def same_place(ticket: Ticket) -> ColumnElement[bool] | None:
    """Other tickets of the same kind at the same place, None when no place is given.

    The place is that of the code that was scanned, else the words of the same unit; the kind the checklist item, else
    the category.
    """
    places: list[ColumnElement[bool]] = []
    if ticket.place_id is not None:
        places.append(Ticket.place_id == ticket.place_id)
    if ticket.location.strip():
        words = func.lower(func.btrim(Ticket.location)) == ticket.location.strip().lower()
        places.append(and_(Ticket.unit_id == ticket.unit_id, words))
    if not places:
        return None
    kind: ColumnElement[bool] = Ticket.category == ticket.category
    if ticket.checklist_item_id is not None:
        kind = or_(kind, Ticket.checklist_item_id == ticket.checklist_item_id)
    return and_(or_(*places), kind, Ticket.id != ticket.id)


def family_of(session: Session, ticket: Ticket, *, actor: Actor) -> Family:
    """Whatever of it the actor may see."""
    seen = tickets_visible_to(actor)
    named: dict[Kinship, ColumnElement[bool]] = {
        Kinship.RECURRED_AS: Ticket.recurrence_of_id == ticket.id,
        Kinship.DUPLICATED_BY: Ticket.duplicate_of_id == ticket.id,
    }
    if ticket.recurrence_of_id is not None:
        named[Kinship.RECURRENCE_OF] = Ticket.id == ticket.recurrence_of_id
    if ticket.duplicate_of_id is not None:
        named[Kinship.DUPLICATE_OF] = Ticket.id == ticket.duplicate_of_id
    alike = same_place(ticket)
    earlier = 0
    if alike is not None:
        named[Kinship.SAME_PLACE] = alike
        before = and_(alike, seen, Ticket.found_at < ticket.found_at, Ticket.state != TicketState.CANCELLED)
        earlier = session.scalar(select(func.count()).select_from(Ticket).where(before)) or 0
    # Each kind by an index of its own, in one statement; a relative in two ways is named by the first of Kinship.
    ranks = list(Kinship)
    kin = union_all(
        *(
            select(Ticket.id.label("id"), literal_column(str(ranks.index(kinship))).label("rank")).where(
                condition
            )
            for kinship, condition in named.items()
        )
    ).subquery()
    first = select(kin.c.id, func.min(kin.c.rank).label("rank")).group_by(kin.c.id).subquery()
    query = (
        select(Ticket, first.c.rank)
        .join(first, first.c.id == Ticket.id)
        .where(seen)
        .options(joinedload(Ticket.unit, innerjoin=True))
        .order_by(Ticket.found_at.desc(), Ticket.id.desc())
        .limit(SHOWN_AT_MOST)
    )
    relatives = [Relative(other, ranks[rank]) for other, rank in session.execute(query)]
    load_campaigns(session, [each.ticket for each in relatives])
    return Family(relatives, earlier)
