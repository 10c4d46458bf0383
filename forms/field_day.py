"""A day's work in one answer: what an inspector's phone keeps so that the day goes on without a signal."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.files import files_of_all
from domain.hazards import every_hazard
from domain.pinyin import spoken
from domain.places import places_to_print
from domain.records import Answer, Campaign, ChecklistItem, FileKind, Inspection, StandardHazard
from forms.findings import running_campaigns, units_to_report, usual_categories, usual_measure_units
from forms.home import inspections_to_do
from forms.json_answers import NO_STORE, JsonRoute, answer_json
from forms.session import database_of, now_of, signed_in
from forms.ticket_actions import BEFORE_SHOWN
from forms.tools import tools_of_day
from forms.words import language_of
from forms.work import to_fix
from statemachines.labels import local_day
from statemachines.roles import Actor, Role

router = APIRouter(route_class=JsonRoute)

Who = Annotated[Actor, Depends(signed_in)]

#: Pages that open without a signal after one visit with one.
SHELL = ("/", "/findings/new", "/field", "/field/tool", "/field/quantity")

JOBS_AT_MOST = 10
"""So many tickets, the soonest due first, open without a signal to whoever is to fix them, with their forms."""


@router.get("/field/session")
def session(request: Request, actor: Who) -> Response:
    """Whose login this is, what their sending must carry, and what time it is here."""
    return answer_json(
        {
            "login": actor.login,
            "name": actor.name,
            "csrf": request.state.csrf,
            "now": now_of(request).isoformat(),
        }
    )


@router.get("/field/day")
def day(request: Request, actor: Who) -> Response:
    """Today's visits with checklists, what is to be fixed, units, hazards, tools; unchanged (304) it costs nothing."""
    with database_of(request).reading() as session:
        told = _day(request, session, actor)
    body = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    tag = f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"ETag": tag, **NO_STORE})
    return Response(body, media_type="application/json", headers={"ETag": tag, **NO_STORE})


def _to_fix(session: Session, actor: Actor, now: datetime) -> tuple[list[str], list[str]]:
    """The pages of what this person is to fix first, and the photos before that new ones are lined up with."""
    tickets = to_fix(session, actor, now=now, limit=JOBS_AT_MOST).items
    if not tickets and Role.ASSIGNEE not in actor.roles:
        return [], []
    pages, photos = ["/work"], []
    listed = files_of_all(session, tickets)
    for ticket in tickets:
        here = f"/tickets/{ticket.number}"
        pages += [here, *(f"{here}/{action}" for action in ("fix", "progress", "request"))]
        before = [
            each.sha256
            for each in listed.get(ticket.id, [])
            if each.kind is FileKind.BEFORE and each.arrived_at is not None
        ][:BEFORE_SHOWN]
        photos += [f"/photos/{sha256}?size=thumb" for sha256 in before]
        photos += [f"/photos/{sha256}?{urlencode({'ticket': ticket.number})}" for sha256 in before[:1]]
    return pages, photos


def _guidance(session: Session, visits: list[Inspection]) -> list[str]:
    """The guidance photos under the items of these visits."""
    query = select(ChecklistItem.guidance_photo).where(
        ChecklistItem.checklist_id.in_({visit.checklist_id for visit in visits}),
        ChecklistItem.guidance_photo.is_not(None),
    )
    return [
        f"/photos/guidance/{sha256}{size}"
        for sha256 in sorted({sha256 for sha256 in session.scalars(query) if sha256})
        for size in ("?size=thumb", "")
    ]


def _day(request: Request, session: Session, actor: Actor) -> dict[str, Any]:
    campaigns = running_campaigns(session, actor)
    visits = inspections_to_do(session, request, actor) if Role.INSPECTOR in actor.roles else []
    jobs, before = _to_fix(session, actor, now_of(request))
    return {
        "login": actor.login,
        "name": actor.name,
        "campaigns": [{"code": each.code, "name": each.name} for each in campaigns],
        "units": [
            {"code": unit.code, "name": unit.name, "path": unit.path}
            for unit in units_to_report(session, campaigns, actor)
        ],
        "categories": usual_categories(session, campaigns[0]) if campaigns else [],
        "measure_units": usual_measure_units(session, actor),
        "places": [
            {
                "code": place.code,
                "unit": place.unit.code,
                "location": place.name,
                "lat": place.lat,
                "lon": place.lon,
            }
            for place in places_to_print(session, actor=actor)
        ],
        "hazards": _hazards(session, campaigns),
        "tools": tools_of_day(session, actor, language_of(request), today=local_day(now_of(request)))
        if Role.INSPECTOR in actor.roles
        else [],
        "inspections": _visits(session, visits),
        "pages": [*SHELL, *jobs, *(f"/inspections/{visit.id}" for visit in visits)],
        "photos": [*before, *_guidance(session, visits)],
    }


def _hazards(session: Session, campaigns: list[Campaign]) -> list[dict[str, Any]]:
    """What the finding form offers: the library, then what the campaigns' checklists ask about and the library has not.

    `fill` are fields of the finding that name where it comes from.
    """
    library = every_hazard(session)
    known = {hazard.code for hazard in library}
    found = [
        {
            "code": hazard.code,
            "campaign": None,
            "title": hazard.title,
            "criterion": hazard.criterion,
            "pinyin": hazard.pinyin.replace(" ", ""),
            "initials": hazard.initials,
            **_proposed(hazard),
            "fill": {"standard_hazard": hazard.code, "standard_hazard_version": hazard.version},
        }
        for hazard in library
    ]
    for campaign in campaigns:
        items = (
            select(ChecklistItem)
            .where(ChecklistItem.checklist_id == campaign.checklist_id, ChecklistItem.code.not_in(known))
            .order_by(ChecklistItem.position)
        )
        for item in session.scalars(items):
            said = spoken(item.item)
            found.append(
                {
                    "code": item.code,
                    "campaign": campaign.code,
                    "title": item.item,
                    "criterion": item.criterion,
                    "pinyin": said.pinyin.replace(" ", ""),
                    "initials": said.initials,
                    **_proposed(item),
                    "fill": {"checklist_item": item.code},
                }
            )
    return found


def _proposed(source: StandardHazard | ChecklistItem) -> dict[str, Any]:
    return {
        "category": source.category,
        "level": source.level.value,
        "measure": source.measure,
        "days": source.deadline_days,
        "photo": source.photo_required,
    }


def _visits(session: Session, visits: list[Inspection]) -> list[dict[str, Any]]:
    items: dict[Any, list[ChecklistItem]] = {}
    answers: dict[Any, list[Answer]] = {}
    for item in session.scalars(
        select(ChecklistItem)
        .where(ChecklistItem.checklist_id.in_({visit.checklist_id for visit in visits}))
        .order_by(ChecklistItem.position)
    ):
        items.setdefault(item.checklist_id, []).append(item)
    for answer in session.scalars(
        select(Answer).where(Answer.inspection_id.in_([each.id for each in visits]))
    ):
        answers.setdefault(answer.inspection_id, []).append(answer)
    return [
        {
            "id": str(visit.id),
            "unit": visit.unit.code,
            "unit_name": visit.unit.name,
            "checklist": visit.checklist.name,
            "planned_on": visit.planned_on.isoformat(),
            "state": visit.state.value,
            "version": visit.version,
            "items": [
                {
                    "id": str(item.id),
                    "code": item.code,
                    "category": item.category,
                    "item": item.item,
                    "criterion": item.criterion,
                    "level": item.level.value,
                }
                for item in items.get(visit.checklist_id, [])
            ],
            "answers": {str(each.item_id): each.value.value for each in answers.get(visit.id, [])},
        }
        for visit in visits
    ]
