"""Campaigns: which there are, how far one has come, and the steps this person may take it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from domain.campaigns import (
    EVENT_FACTS,
    Coverage,
    campaign_by_code,
    campaign_notes,
    coverage,
    list_campaigns,
    move_campaign,
    zero_report,
)
from domain.coverage import visit_cells, visits_by_rota, visits_of
from domain.errors import NotFound
from domain.people import unit_by_code, units_in_sight
from domain.records import Campaign, Inspection, Ticket
from domain.rights import RIGHTS, Deed, may
from domain.visibility import inspections_visible_to, tickets_visible_to
from forms.errors import PageRoute
from forms.fields import Form, SentForm, problems_of, status_of
from forms.findings import running_campaigns
from forms.pages import page, see_other
from forms.session import database_of, now_of, signed_in
from forms.words import _, language_of, say
from statemachines.campaign import CampaignEvent, CampaignState, accepts_findings
from statemachines.chart import option, options
from statemachines.refusals import Refusal
from statemachines.roles import Actor
from statemachines.ticket import TicketState

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]

FIELDS: Mapping[CampaignEvent, tuple[str, ...]] = {
    CampaignEvent.MOBILISE: ("notice_number", "held_on", "attendance"),
    CampaignEvent.RECTIFY: ("reason",),
    CampaignEvent.ARCHIVE: ("next_campaign",),
}

NAMES: Mapping[str, str] = {
    "notice_number": _("通知文号"),
    "held_on": _("动员会日期"),
    "attendance": _("参加人数"),
    "reason": _("理由"),
    "next_campaign": _("结转到"),
}

OPEN = (TicketState.FOUND, TicketState.ASSIGNED, TicketState.FIXED)


@dataclass(frozen=True, slots=True)
class Step:
    """A phase of the stepper with its dates."""

    state: CampaignState
    starts_on: date | None
    ends_on: date | None


def steps_of(campaign: Campaign) -> tuple[list[Step], int]:
    """The phases in order with their dates, and the place of the present one. Phases must be loaded."""
    dates = {phase.phase: phase for phase in campaign.phases}
    states = list(CampaignState)
    steps = [
        Step(
            state,
            dates[state].starts_on if state in dates else None,
            dates[state].ends_on if state in dates else None,
        )
        for state in states
    ]
    return steps, states.index(campaign.state)


@router.get("/campaigns")
def campaigns(request: Request, actor: Who, cursor: str | None = None) -> Response:
    """Campaigns in sight, newest first."""
    with database_of(request).reading() as session:
        found = list_campaigns(session, actor=actor, limit=20, cursor=cursor)
        counts = _open_and_all(session, [campaign.id for campaign in found.items], actor)
        return page(
            request,
            "campaigns.html",
            may_create=bool(actor.roles & set(RIGHTS[Deed.CREATE_CAMPAIGN])),
            found=found,
            cursor=cursor,
            steps={campaign.id: steps_of(campaign) for campaign in found.items},
            counts=counts,
        )


def _open_and_all(session: Session, ids: list[object], actor: Actor) -> dict[object, tuple[int, int]]:
    query = (
        select(Ticket.campaign_id, func.count().filter(Ticket.state.in_(OPEN)), func.count())
        .where(Ticket.campaign_id.in_(ids), tickets_visible_to(actor))
        .group_by(Ticket.campaign_id)
    )
    return {key: (still, every) for key, still, every in session.execute(query)}


@router.get("/campaigns/{code}")
def campaign(request: Request, actor: Who, code: str) -> Response:
    """One campaign: phases, coverage by unit, inspections, and what this person may do."""
    with database_of(request).reading() as session:
        return campaign_page(request, session, campaign_by_code(session, code, actor=actor), actor=actor)


def campaign_page(
    request: Request,
    session: Session,
    found: Campaign,
    *,
    actor: Actor,
    form: Form | None = None,
    status: int = 200,
) -> Response:
    """The page of a loaded campaign; `form` carries what went wrong with a button on it."""
    every = options(found, actor=actor, now=now_of(request))
    steps, reached = steps_of(found)
    visited = visit_cells(session, found, now=now_of(request), only=inspections_visible_to(actor))
    return page(
        request,
        "campaign.html",
        status=status,
        form=form or Form(),
        campaign=found,
        steps=steps,
        reached=reached,
        coverage=_in_sight(session, coverage(session, found), actor),
        notes=campaign_notes(session, found),
        inspections=_inspections(session, found, actor),
        by_rota=[each for each in visits_by_rota(visited) if each[0] is not None],
        visits_at={
            entry.unit_id: visits_of(cell for cell in visited if cell.unit.path.startswith(entry.unit.path))
            for entry in found.scope
        },
        may_change=may(actor, Deed.CHANGE_CAMPAIGN, at=found.unit.path) and accepts_findings(found.state),
        may=[each for each in every if each.allowed],
        may_not=[each for each in every if not each.allowed],
        may_report_zero={
            entry.unit_id for entry in found.scope if may(actor, Deed.ZERO_REPORT, at=entry.unit.path)
        },
        may_plan=[
            entry.unit
            for entry in found.scope
            if accepts_findings(found.state) and may(actor, Deed.PLAN_INSPECTION, at=entry.unit.path)
        ],
    )


def _in_sight(session: Session, whole: Coverage, actor: Actor) -> Coverage:
    """The units of the scope this person may see."""
    seen = {unit.id for unit in units_in_sight(session, actor)}
    return Coverage(tuple(report for report in whole.units if report.unit.id in seen))


def _inspections(session: Session, found: Campaign, actor: Actor) -> list[Inspection]:
    query = (
        select(Inspection)
        .where(Inspection.campaign_id == found.id, inspections_visible_to(actor))
        .options(
            joinedload(Inspection.unit), joinedload(Inspection.inspector), joinedload(Inspection.checklist)
        )
        .order_by(Inspection.planned_on.desc(), Inspection.id)
        .limit(100)
    )
    return list(session.scalars(query))


def _event(name: str) -> CampaignEvent:
    try:
        return CampaignEvent(name)
    except ValueError:
        raise NotFound(what=name) from None


def _event_page(
    request: Request, code: str, event: CampaignEvent, form: Form, *, actor: Actor, status: int = 200
) -> Response:
    lang = language_of(request)
    with database_of(request).reading() as session:
        found = campaign_by_code(session, code, actor=actor)
        return page(
            request,
            "campaign_event.html",
            status=status,
            form=form,
            names={name: say(lang, words) for name, words in NAMES.items()},
            campaign=found,
            event=event,
            refusal=option(found, event, actor=actor, now=now_of(request)).refusal,
            unreported=coverage(session, found).unreported if event is CampaignEvent.RECTIFY else (),
            open_tickets=_open_and_all(session, [found.id], actor).get(found.id, (0, 0))[0],
            others=[each for each in running_campaigns(session, actor) if each.id != found.id],
        )


@router.get("/campaigns/{code}/{event}")
def event_form(request: Request, actor: Who, code: str, event: str) -> Response:
    """What an event of the campaign asks for."""
    if event == CampaignEvent.SUMMARISE:
        return see_other(f"/campaigns/{code}/summary")
    return _event_page(request, code, _event(event), Form(), actor=actor)


@router.post("/campaigns/{code}/zero_report")
def report_zero(request: Request, actor: Who, code: str, sent: SentForm) -> Response:
    """零报告: this unit was checked and nothing was found."""
    with database_of(request).transaction() as session:
        found = campaign_by_code(session, code, actor=actor, lock=True)
        unit = unit_by_code(session, sent.text("unit"), actor=actor)
        zero_report(session, found, unit, actor=actor, now=now_of(request))
    return see_other(f"/campaigns/{code}", done="zero")


@router.post("/campaigns/{code}/{event}")
def move_on(request: Request, actor: Who, code: str, event: str, sent: SentForm) -> Response:
    """Take the campaign a step further."""
    name = _event(event)
    if name is CampaignEvent.SUMMARISE:
        # Summing up freezes and checks the figures first; the summary's page does it.
        return see_other(f"/campaigns/{code}/summary")
    try:
        facts = sent.read(EVENT_FACTS[name], *FIELDS.get(name, ()))
        with database_of(request).transaction() as session:
            found = campaign_by_code(session, code, actor=actor, lock=True)
            move_campaign(session, found, name, facts, actor=actor, now=now_of(request))
    except (ValidationError, Refusal) as error:
        form = sent.form(problems_of(error, language_of(request)))
        return _event_page(request, code, name, form, actor=actor, status=status_of(error))
    return see_other(f"/campaigns/{code}", done=event)
