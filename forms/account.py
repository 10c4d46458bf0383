"""What the pages know of their reader: unit, roles, and what they were told."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.people import ROOT_CODE
from domain.records import Notice, Ticket, Unit
from domain.visibility import WATCH_ABSENCES
from forms.absences import own_absences
from forms.errors import PageRoute
from forms.pages import page
from forms.session import database_of, now_of, signed_in
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]

NOTICES_SHOWN = 20


def latest_notices(session: Session, actor: Actor) -> list[dict[str, object]]:
    """What this person was told last, with the number of the ticket it is about."""
    query = (
        select(Notice.created_at, Notice.subject, Notice.body, Ticket.number.label("ticket_number"))
        .outerjoin(Ticket, Ticket.id == Notice.ticket_id)
        .where(Notice.person_id == actor.id)
        .order_by(Notice.id.desc())
        .limit(NOTICES_SHOWN)
    )
    return [dict(row._mapping) for row in session.execute(query)]


@router.get("/account")
def account(request: Request, actor: Who) -> Response:
    """One's own page: unit, roles, notices, language, password, the way out."""
    with database_of(request).reading() as session:
        paths = {grant.unit_path for grant in actor.grants}
        names = {unit.path: unit.name for unit in session.scalars(select(Unit).where(Unit.path.in_(paths)))}
        unit = session.get_one(Unit, actor.unit_id)
        return page(
            request,
            "account.html",
            unit=unit,
            at_root=unit.code == ROOT_CODE,
            roles=[(grant.role, names.get(grant.unit_path, grant.unit_path)) for grant in actor.grants],
            notices=latest_notices(session, actor),
            absences=own_absences(session, actor, now=now_of(request)),
            watches=bool(actor.roles & set(WATCH_ABSENCES)),
        )
