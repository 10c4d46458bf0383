"""The scheduled checks of a campaign: laid down, paused, resumed, handed over, ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import ValidationError

from domain import rotas
from domain.campaigns import campaign_by_code
from domain.checklists import list_checklists
from domain.people_changes import PeopleFilter, list_people
from domain.records import RotaEvery
from domain.rights import Deed, may
from domain.rota_setup import NewRota
from domain.rotas import RotaChange, rota_by_id, rotas_of
from forms.errors import PageRoute
from forms.fields import Form, Sent, SentForm, problems_of, status_of
from forms.pages import page, see_other
from forms.session import database_of, now_of, signed_in
from forms.words import _, language_of, say
from statemachines.campaign import accepts_findings
from statemachines.labels import local_day
from statemachines.refusals import Refusal
from statemachines.roles import Actor, Role

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]
Key = Annotated[UUID, Path(alias="id")]

NAMES: Mapping[str, str] = {
    "checklist": _("检查表"),
    "every": _("多久一次"),
    "from": _("自"),
    "to": _("至"),
    "weekday": _("星期几"),
    "day_of_month": _("几号"),
    "units": _("单位"),
    "pause": _("暂停"),
    "reason": _("理由"),
    "inspectors": _("检查员"),
}

WEEKDAYS = (_("周一"), _("周二"), _("周三"), _("周四"), _("周五"), _("周六"), _("周日"))


def _rotas_page(request: Request, code: str, form: Form, *, actor: Actor, status: int = 200) -> Response:
    lang = language_of(request)
    with database_of(request).reading() as session:
        campaign = campaign_by_code(session, code, actor=actor)
        goes_on = accepts_findings(campaign.state)
        return page(
            request,
            "rotas.html",
            status=status,
            form=form,
            names={name: say(lang, words) for name, words in NAMES.items()},
            campaign=campaign,
            rotas=rotas_of(session, campaign),
            checklists=list_checklists(session),
            every=tuple(RotaEvery),
            weekdays=[say(lang, words) for words in WEEKDAYS],
            today=local_day(now_of(request)),
            goes_on=goes_on,
            may_change=goes_on and may(actor, Deed.PLAN_ROTA, at=campaign.unit.path),
            inspectors=list_people(session, PeopleFilter(role=Role.INSPECTOR), actor=actor, limit=500).items,
        )


@router.get("/campaigns/{code}/rotas")
def list_page(request: Request, actor: Who, code: str) -> Response:
    """The rotas of a campaign, each with its buttons, and the form of another."""
    return _rotas_page(request, code, Form(), actor=actor)


def _new(sent: Sent) -> NewRota:
    given: dict[str, Any] = sent.given("checklist", "every", "from", "to")
    if given.get("every") == RotaEvery.WEEKLY:
        given |= sent.given("weekday")
    if given.get("every") == RotaEvery.MONTHLY:
        given |= sent.given("day_of_month")
    given["units"] = [str(each) for each in sent.data.getlist("units")]
    return NewRota.model_validate(given)


@router.post("/campaigns/{code}/rotas")
def add(request: Request, actor: Who, code: str, sent: SentForm) -> Response:
    """Lay another rota down."""
    try:
        new = _new(sent)
        with database_of(request).transaction() as session:
            campaign = campaign_by_code(session, code, actor=actor, lock=True)
            rotas.add_rota(session, campaign, new, actor=actor, now=now_of(request))
    except (ValidationError, Refusal) as error:
        problems = problems_of(error, language_of(request), renamed={"starts_on": "from", "ends_on": "to"})
        return _rotas_page(request, code, sent.form(problems), actor=actor, status=status_of(error))
    return see_other(f"/campaigns/{code}/rotas", done="rota_added")


def _change(sent: Sent) -> RotaChange:
    told: dict[str, Any] = sent.given("reason")
    match sent.text("do"):
        case "pause":
            told["pause"] = sent.given("from", "to")
        case "resume":
            told["pause"] = None
        case "end":
            told["ended"] = True
        case _:
            told["inspectors"] = {sent.text("unit"): sent.text("inspector") or None}
    return RotaChange.model_validate(told)


@router.post("/campaigns/{code}/rotas/{id}")
def change(request: Request, actor: Who, code: str, key: Key, sent: SentForm) -> Response:
    """Pause, resume, end it, or give a unit to another inspector."""
    try:
        told = _change(sent)
        with database_of(request).transaction() as session:
            campaign = campaign_by_code(session, code, actor=actor, lock=True)
            rota = rota_by_id(session, campaign, key, lock=True)
            rotas.change_rota(session, campaign, rota, told, actor=actor, now=now_of(request))
    except (ValidationError, Refusal) as error:
        problems = problems_of(error, language_of(request))
        return _rotas_page(request, code, sent.form(problems), actor=actor, status=status_of(error))
    return see_other(f"/campaigns/{code}/rotas", done="rota_changed")
