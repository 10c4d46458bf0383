"""What belongs to a ticket at all: one small question, so that a page need not ask for every kind it has none of."""

from __future__ import annotations

from sqlalchemy import bindparam, exists, select
from sqlalchemy.orm import Session

from domain.records import (
    Base,
    Extension,
    FileListing,
    HotlineCall,
    Report,
    Suggestion,
    SupervisionOrder,
    Ticket,
    TreatmentPlan,
)

Kind = type[Base]

_KINDS: tuple[Kind, ...] = (
    Extension,
    FileListing,
    HotlineCall,
    Report,
    Suggestion,
    SupervisionOrder,
    TreatmentPlan,
)
_ASKED = select(*(exists().where(kind.__table__.c.ticket_id == bindparam("ticket")) for kind in _KINDS))


def belonging_to(session: Session, ticket: Ticket) -> frozenset[Kind]:
    """The kinds of records there are about this ticket, whoever may read them."""
    row = session.execute(_ASKED, {"ticket": ticket.id}).one()
    return frozenset(kind for kind, there in zip(_KINDS, row, strict=True) if there)
