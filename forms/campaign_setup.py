"""Setting a campaign up and changing it: name, units in scope, dates of the phases, checklist, rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError

from domain.campaign_changes import CampaignChange, change_campaign
from domain.campaign_settings import CampaignSettings, settings_of
from domain.campaign_setup import NewCampaign, create_campaign
from domain.campaigns import campaign_by_code, campaign_notes
from domain.checklists import list_checklists
from domain.people import units_in_sight
from domain.records import Campaign
from domain.rights import Deed, may, must_be_allowed
from forms.errors import PageRoute
from forms.fields import Form, Sent, SentForm, problems_of, status_of
from forms.pages import page, see_other
from forms.session import database_of, now_of, signed_in
from forms.words import _, language_of, say
from statemachines.campaign import CampaignState
from statemachines.labels import Level
from statemachines.refusals import Refusal
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]

DATED = tuple(
    state for state in CampaignState if state not in (CampaignState.PREPARING, CampaignState.ARCHIVED)
)

NAMES: Mapping[str, str] = {
    "code": _("编号"),
    "name": _("名称"),
    "kind": _("种类"),
    "unit": _("主办单位"),
    "units": _("检查范围"),
    "checklist": _("检查表"),
    "phases": _("各阶段日期"),
    "settings": _("规则"),
}

NUMBERS = ("extensions_at_most", "extension_longest", "missed_after_workdays")


def _phases(sent: Sent) -> dict[str, Any]:
    phases: dict[str, Any] = {}
    for state in DATED:
        first, last = sent.text(f"from-{state.value}"), sent.text(f"to-{state.value}")
        if first or last:
            phases[state.value] = {"from": first or None, **({"to": last} if last else {})}
    return phases


def _settings(sent: Sent, before: CampaignSettings) -> dict[str, Any]:
    """The rules of the form over those there were: what the form does not show stays."""
    told: dict[str, Any] = {"independent_team": bool(sent.text("independent_team"))}
    told |= sent.given("main_recipient", "organisation", *NUMBERS)
    days = {level.value: sent.text(f"days-{level.value}") for level in Level}
    told["deadline_days"] = {name: value for name, value in days.items() if value}
    return before.model_dump(mode="json") | told


def _form_page(
    request: Request, form: Form, *, actor: Actor, code: str | None, status: int = 200
) -> Response:
    lang = language_of(request)
    with database_of(request).reading() as session:
        campaign: Campaign | None = None
        if code is not None:
            campaign = campaign_by_code(session, code, actor=actor)
            must_be_allowed(actor, Deed.CHANGE_CAMPAIGN, at=campaign.unit.path)
        units = units_in_sight(session, actor)
        settings = settings_of(campaign) if campaign else CampaignSettings()
        top = campaign.unit.path if campaign else "/"
        return page(
            request,
            "campaign_setup.html",
            status=status,
            form=form,
            names={name: say(lang, words) for name, words in NAMES.items()},
            campaign=campaign,
            notes=campaign_notes(session, campaign) if campaign else [],
            owners=[unit for unit in units if may(actor, Deed.CREATE_CAMPAIGN, at=unit.path)],
            units=[unit for unit in units if unit.path.startswith(top)],
            chosen=set(form.values.get("units", "").split(","))
            if form.values
            else {entry.unit.code for entry in campaign.scope}
            if campaign
            else set(),
            phases={phase.phase: phase for phase in campaign.phases} if campaign else {},
            dated=DATED,
            checklists=list_checklists(session),
            settings=settings,
            levels=tuple(Level),
        )


def _again(sent: Sent, problems: list[Any]) -> Form:
    """The form as it was sent; its ticked units are one field, because a form keeps one value for a name."""
    form = sent.form(problems)
    ticked = ",".join(str(each) for each in sent.data.getlist("units"))
    return Form({**form.values, "units": ticked}, form.problems)


@router.get("/admin/campaigns/new")
def new_form(request: Request, actor: Who) -> Response:
    """The form of a new campaign."""
    return _form_page(request, Form(), actor=actor, code=None)


@router.post("/admin/campaigns/new")
def create(request: Request, actor: Who, sent: SentForm) -> Response:
    """Set it up, in preparation."""
    try:
        new = sent.read(
            NewCampaign,
            "code",
            "name",
            "kind",
            "unit",
            "checklist",
            units=[str(each) for each in sent.data.getlist("units")],
            phases=_phases(sent),
            settings=_settings(sent, CampaignSettings()),
        )
        with database_of(request).transaction() as session:
            create_campaign(session, new, actor=actor, now=now_of(request))
    except (ValidationError, Refusal) as error:
        form = _again(sent, problems_of(error, language_of(request)))
        return _form_page(request, form, actor=actor, code=None, status=status_of(error))
    return see_other(f"/campaigns/{new.code}", done="campaign_created")


@router.get("/admin/campaigns/{code}")
def change_form(request: Request, actor: Who, code: str) -> Response:
    """The form of a campaign as it stands."""
    return _form_page(request, Form(), actor=actor, code=code)


@router.post("/admin/campaigns/{code}")
def change(request: Request, actor: Who, code: str, sent: SentForm) -> Response:
    """Change it."""
    try:
        with database_of(request).transaction() as session:
            campaign = campaign_by_code(session, code, actor=actor, lock=True)
            told = sent.read(
                CampaignChange,
                "name",
                "checklist",
                units=[str(each) for each in sent.data.getlist("units")],
                phases=_phases(sent),
                settings=_settings(sent, settings_of(campaign)),
            )
            change_campaign(session, campaign, told, actor=actor, now=now_of(request))
    except (ValidationError, Refusal) as error:
        form = _again(sent, problems_of(error, language_of(request)))
        return _form_page(request, form, actor=actor, code=code, status=status_of(error))
    return see_other(f"/campaigns/{code}", done="campaign_changed")
