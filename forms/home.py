"""The first page: what is this person's to do, or for those who watch, the status of the campaign."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import case, or_, select
from sqlalchemy.orm import Session, joinedload

from domain.records import Campaign, Inspection
from domain.tickets import TicketFilter, TicketOrder, list_tickets
from domain.visibility import campaigns_visible_to, inspections_visible_to
from forms.errors import PageRoute
from forms.navigation import WATCHERS
from forms.pages import page
from forms.session import database_of, now_of, signed_in
from forms.status import status_page
from statemachines.campaign import CampaignState
from statemachines.inspection import InspectionState
from statemachines.labels import local_day
from statemachines.roles import Actor, Role
from statemachines.ticket import TicketState

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]


def present_campaign(session: Session, actor: Actor) -> Campaign | None:
    """The newest campaign in sight that is not archived, else the newest of all."""
    archived = case((Campaign.state == CampaignState.ARCHIVED, 1), else_=0)
    query = select(Campaign).where(campaigns_visible_to(actor)).order_by(archived, Campaign.id.desc())
    return session.scalars(query.limit(1)).one_or_none()


def inspections_to_do(session: Session, request: Request, actor: Actor) -> list[Inspection]:
    """Visits planned for today or before and not yet submitted: one's own, and those nobody is named for."""
    query = (
        select(Inspection)
        .where(
            inspections_visible_to(actor),
            or_(Inspection.inspector_id == actor.id, Inspection.inspector_id.is_(None)),
            Inspection.state.in_((InspectionState.PLANNED, InspectionState.STARTED)),
            Inspection.planned_on <= local_day(now_of(request)),
        )
        .options(joinedload(Inspection.unit), joinedload(Inspection.checklist))
        .order_by(Inspection.planned_on, Inspection.id)
        .limit(20)
    )
    return list(session.scalars(query))


@router.get("/")
def home(request: Request, actor: Who) -> Response:
    """Supervisors and leaders see the status; inspectors and assignees what is theirs today."""
    with database_of(request).reading(snapshot=True) as session:
        campaign = present_campaign(session, actor)
        if campaign is not None and actor.roles & set(WATCHERS):
            return status_page(request, session, campaign.code, actor=actor)
        now = now_of(request)
        mine = TicketFilter(assignee=actor.login, state=[TicketState.ASSIGNED], sort=TicketOrder.DUE)
        fixed = TicketFilter(state=[TicketState.FIXED])
        found = TicketFilter(finder=actor.login)
        inspects = Role.INSPECTOR in actor.roles
        return page(
            request,
            "home.html",
            campaign=campaign,
            inspects=inspects,
            rectifies=Role.ASSIGNEE in actor.roles,
            to_fix=list_tickets(session, mine, actor=actor, now=now, limit=20),
            inspections=inspections_to_do(session, request, actor) if inspects else [],
            to_verify=list_tickets(session, fixed, actor=actor, now=now, limit=10) if inspects else None,
            found=list_tickets(session, found, actor=actor, now=now, limit=5) if inspects else None,
        )
