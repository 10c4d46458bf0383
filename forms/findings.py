"""Submit a finding with photos, and see what became of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload
from uuid_utils.compat import uuid7

from domain.errors import BadInput, NotFound
from domain.findings import NewFinding, submit_finding
from domain.hazards import hazard_by_code
from domain.people import units_in_sight
from domain.places import place_of_finding
from domain.records import Campaign, CampaignUnit, ChecklistItem, Ticket, Unit
from domain.remediation import Fix, fix_on_spot
from domain.tickets import TicketFilter, list_tickets
from domain.visibility import campaigns_visible_to, tickets_visible_to
from forms.errors import PageRoute
from forms.field_words import FINDING, words_for
from forms.fields import Form, Photo, Sent, SentForm, problems_of, status_of
from forms.pages import page, see_other
from forms.photos import take
from forms.session import database_of, now_of, settings_of, signed_in
from forms.words import _, language_of, say
from statemachines.campaign import accepts_findings
from statemachines.labels import Level
from statemachines.refusals import Refusal
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]

FIELDS = (
    "id",
    "campaign",
    "unit",
    "description",
    "level",
    "category",
    "checklist_item",
    "standard_hazard",
    "standard_hazard_version",
    "measure",
    "deadline_days",
    "quantity",
    "measure_unit",
    "location",
    "lat",
    "lon",
    "place",
    "recurrence_of",
)
RENAMED = {"files": "photos", "before_photos": "photos", "after_photos": "after"}

#: What a field is called where a problem names it.
NAMES = {
    "campaign": _("检查活动"),
    "unit": _("单位"),
    "description": _("是什么隐患"),
    "level": _("等级"),
    "category": _("类别"),
    "standard_hazard": _("标准隐患"),
    "measure": _("建议措施"),
    "deadline_days": _("整改期限（天）"),
    "quantity": _("数量"),
    "measure_unit": _("计量单位"),
    "location": _("在哪里"),
    "photos": _("整改前照片"),
    "after": _("整改后照片"),
    "found_at": _("发现时间"),
    "note": _("怎样整改的"),
}


def running_campaigns(session: Session, actor: Actor) -> list[Campaign]:
    """Campaigns in sight that take findings, the newest first."""
    query = (
        select(Campaign)
        .where(campaigns_visible_to(actor))
        .options(joinedload(Campaign.unit))
        .order_by(Campaign.created_at.desc())
    )
    return [campaign for campaign in session.scalars(query) if accepts_findings(campaign.state)]


def units_to_report(session: Session, campaigns: Sequence[Campaign], actor: Actor) -> list[Unit]:
    """Units in sight that lie in the scope of one of the campaigns, in the order of the tree."""
    scope = list(
        session.scalars(
            select(Unit.path)
            .join(CampaignUnit, CampaignUnit.unit_id == Unit.id)
            .where(CampaignUnit.campaign_id.in_([each.id for each in campaigns]))
        )
    )
    return [unit for unit in units_in_sight(session, actor) if unit.path.startswith(tuple(scope))]


def usual_categories(session: Session, campaign: Campaign) -> list[str]:
    """The categories of the campaign's checklist, in its order."""
    query = (
        select(ChecklistItem.category)
        .where(ChecklistItem.checklist_id == campaign.checklist_id)
        .group_by(ChecklistItem.category)
        .order_by(func.min(ChecklistItem.position))
    )
    return list(session.scalars(query))


def usual_measure_units(session: Session, actor: Actor) -> list[str]:
    """The units of measure used most in tickets in sight, for the field's suggestions."""
    query = (
        select(Ticket.measure_unit)
        .where(tickets_visible_to(actor), Ticket.measure_unit.is_not(None))
        .group_by(Ticket.measure_unit)
        .order_by(func.count().desc())
        .limit(12)
    )
    used = [each for each in session.scalars(query) if each]
    return list(dict.fromkeys([*used, *("处", "台", "基", "个", "组", "条", "米", "支", "副", "具")]))[:12]


def _finding_form(request: Request, actor: Actor, form: Form, status: int = 200) -> Response:
    with database_of(request).reading() as session:
        campaigns = running_campaigns(session, actor)
        asked = form.value("campaign") or request.query_params.get("campaign", "")
        campaign = next(
            (each for each in campaigns if each.code == asked), campaigns[0] if campaigns else None
        )
        units = units_to_report(session, campaigns, actor)
        own = next((unit.code for unit in units if unit.id == actor.unit_id), None)
        prefilled = {
            **_of_hazard(session, request.query_params.get("hazard")),
            **_at_place(session, request.query_params.get("place"), actor),
        }
        asked_unit = (
            prefilled.get("unit")
            or request.query_params.get("unit")
            or own
            or (units[0].code if len(units) == 1 else "")
        )
        return page(
            request,
            "finding.html",
            status=status,
            form=form,
            names=_names(request),
            campaigns=campaigns,
            campaign=campaign,
            units=units,
            unit=asked_unit,
            prefilled=prefilled,
            levels=tuple(Level),
            categories=usual_categories(session, campaign) if campaign else [],
            measure_units=usual_measure_units(session, actor),
            fresh_id=form.value("id") or str(uuid7()),
            limit_mb=settings_of(request).file_max_bytes // 2**20,
            words=words_for(language_of(request), FINDING),
        )


def _at_place(session: Session, code: str | None, actor: Actor) -> dict[str, str]:
    """What the code on a sign fills in: unit, words and position. An unknown code fills in nothing."""
    try:
        place = place_of_finding(session, code, actor=actor) if code else None
    except BadInput:
        place = None
    if place is None:
        return {}
    filled = {"place": place.code, "unit": place.unit.code, "location": place.name}
    if place.lat is not None:
        filled |= {"lat": str(place.lat), "lon": str(place.lon)}
    return filled


def _of_hazard(session: Session, code: str | None) -> dict[str, str]:
    """What a standard hazard fills in. One the library has not, or has no longer, fills in nothing."""
    try:
        hazard = hazard_by_code(session, code) if code else None
    except NotFound:
        hazard = None
    if hazard is None:
        return {}
    return {
        "standard_hazard": hazard.code,
        "standard_hazard_version": str(hazard.version),
        "description": hazard.title,
        "level": hazard.level.value,
        "category": hazard.category,
        "measure": hazard.measure,
        "deadline_days": str(hazard.deadline_days),
    }


def _names(request: Request) -> dict[str, str]:
    lang = language_of(request)
    return {name: say(lang, words) for name, words in NAMES.items()}


@router.get("/findings/new")
def finding_form(request: Request, actor: Who) -> Response:
    """The finding form, photos first."""
    return _finding_form(request, actor, Form())


@router.post("/findings/new")
def submit(request: Request, actor: Who, sent: SentForm) -> Response:
    """A finding becomes a ticket; with "fixed on the spot" it is fixed in the same transaction."""
    try:
        ticket, on_spot = _submit(request, actor, sent)
    except (ValidationError, Refusal) as error:
        problems = problems_of(error, language_of(request), renamed=RENAMED)
        return _finding_form(request, actor, sent.form(problems), status_of(error))
    return see_other(f"/tickets/{ticket.number}", done="fixed_on_spot" if on_spot else "submitted")


def _submit(request: Request, actor: Actor, sent: Sent) -> tuple[Ticket, bool]:
    now = now_of(request)
    before, after = sent.photos("photos", request), sent.photos("after", request)
    on_spot = bool(sent.text("on_spot"))
    finding = sent.read(
        NewFinding,
        *FIELDS,
        **sent.moment("found_at"),
        source="web",
        files=[photo.listed for photo in before],
    )
    with database_of(request).transaction() as session:
        submitted = submit_finding(session, finding, actor=actor, now=now)
        ticket = submitted.ticket
        if submitted.created:
            take(request, session, before, actor=actor)
            if on_spot:
                ticket = _fixed_on_spot(request, session, ticket, sent, after, actor)
        return ticket, on_spot


def _fixed_on_spot(
    request: Request, session: Session, ticket: Ticket, sent: Sent, after: list[Photo], actor: Actor
) -> Ticket:
    now = now_of(request)
    fix = sent.read(Fix, "note", files=[photo.listed for photo in after])
    session.flush()
    fixed = fix_on_spot(session, ticket, fix, actor=actor, now=now)
    take(request, session, after, actor=actor)
    return fixed


@router.get("/findings/mine")
def mine(request: Request, actor: Who, cursor: str | None = None) -> Response:
    """What this person found, newest first."""
    with database_of(request).reading() as session:
        found = list_tickets(
            session,
            TicketFilter(finder=actor.login),
            actor=actor,
            now=now_of(request),
            limit=30,
            cursor=cursor,
        )
        return page(request, "my_findings.html", found=found, cursor=cursor)
