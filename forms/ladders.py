"""The ladder editor: the steps of each matter, tried on a real ticket before they are set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError
from sqlalchemy.orm import Session

from domain.campaigns import campaign_by_code
from domain.errors import BadInput
from domain.escalations import Escalation, previewed
from domain.ladder_changes import (
    ladders_of_campaign,
    ladders_of_unit,
    set_campaign_ladders,
    set_unit_ladders,
)
from domain.ladder_settings import CAN_HOLD, DATED, Act, Condition, Ladders, LadderStep, Told, named
from domain.people import unit_by_code, units_in_sight
from domain.records import Campaign, Channel, Matter, Unit
from domain.rights import Deed, may
from domain.tickets import ticket_by_number
from forms.errors import PageRoute
from forms.fields import Form, Problem, Sent, SentForm, problems_of, status_of
from forms.findings import running_campaigns
from forms.pages import page, see_other
from forms.session import database_of, now_of, signed_in
from forms.words import _, language_of, say
from statemachines.labels import Language, Level
from statemachines.refusals import Refusal
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]

MOST_STEPS = 20
SPARE = 2

TOLD: Mapping[Told, str] = {
    Told.ASSIGNEE: _("责任人"),
    Told.UNIT_LEADER: _("本单位负责人"),
    Told.SUPERVISOR: _("安监主管"),
    Told.INSPECTOR: _("检查员"),
    Told.LEADER: _("分管领导"),
    Told.APPROVER: _("审批人"),
    Told.REQUESTER: _("申请人、提出人、督办人"),
    Told.ADDRESSEE: _("受文人"),
}
ACTS: Mapping[Act, str] = {Act.REMIND: _("提醒"), Act.ESCALATE: _("催办")}
CONDITIONS: Mapping[Condition, str] = {
    Condition.UNACKNOWLEDGED: _("未签收"),
    Condition.NO_PROGRESS: _("没有报告过进展"),
    Condition.RETURNED_TWICE: _("两次复查不合格"),
    Condition.SUPERVISED: _("已列入督办"),
    Condition.EXTENSION_PENDING: _("延期待批"),
    Condition.NO_EXTENSION_PENDING: _("没有延期待批"),
}
BLANK: Mapping[str, Any] = {
    "code": "",
    "after": "",
    "clock": "workdays",
    "to": (),
    "also": "",
    "act": "",
    "levels": tuple(level.value for level in Level),
    "channels": (),
    "every": "",
    "times": "",
    "only_if": (),
    "quiet": True,
}
"""An empty line of the form."""
PEOPLE_CHANNELS = (Channel.EMAIL, Channel.INBOX, Channel.ROBOT)


@dataclass(frozen=True, slots=True)
class Whose:
    """What the ladders belong to: a campaign, or a unit for what belongs to no campaign."""

    campaign: Campaign | None
    unit: Unit

    @property
    def address(self) -> str:
        """The query that names it."""
        return f"campaign={self.campaign.code}" if self.campaign else f"unit={self.unit.code}"


def _whose(session: Session, campaign: str, unit: str, actor: Actor, *, lock: bool = False) -> Whose:
    if campaign:
        found = campaign_by_code(session, campaign, actor=actor, lock=lock)
        return Whose(found, found.unit)
    return Whose(None, unit_by_code(session, unit, actor=actor))


def _in_force(session: Session, whose: Whose) -> Ladders:
    return ladders_of_campaign(whose.campaign) if whose.campaign else ladders_of_unit(session, whose.unit)


@router.get("/admin/ladders")
def choose(request: Request, actor: Who, campaign: str = "", unit: str = "") -> Response:
    """Whose ladders: a running campaign's, or a unit's; then the steps of every matter."""
    with database_of(request).reading() as session:
        campaigns = [
            each
            for each in running_campaigns(session, actor)
            if may(actor, Deed.SET_LADDERS, at=_path(session, each))
        ]
        units = [
            each for each in units_in_sight(session, actor) if may(actor, Deed.SET_LADDERS, at=each.path)
        ]
        if not (campaign or unit) and campaigns:
            campaign = campaigns[0].code
        whose = _whose(session, campaign, unit, actor) if campaign or unit else None
        return page(
            request,
            "ladders.html",
            campaigns=campaigns,
            units=units,
            whose=whose,
            ladders=_in_force(session, whose).ladders if whose else {},
            say=_sayer(language_of(request)),
        )


def _path(session: Session, campaign: Campaign) -> str:
    return session.get_one(Unit, campaign.unit_id).path


def _sayer(lang: Language) -> Any:
    """What the templates need to say of a step: when, to whom, on which condition."""

    def when(step: LadderStep, matter: Matter) -> str:
        count = step.after_workdays if step.after_workdays is not None else step.after_hours
        assert count is not None
        days = step.after_workdays is not None
        if not count:
            return say(lang, _("到期时") if matter in DATED else _("发生时"))
        unit = _("个工作日") if days else _("小时")
        side = _("前") if count < 0 else _("后")
        return f"{abs(count)} {say(lang, unit)}{say(lang, side)}"

    def whom(step: LadderStep) -> str:
        return say(lang, _("、")).join(
            say(lang, TOLD[Told(word)]) if not named(word) else word for word in step.to
        )

    def condition(step: LadderStep) -> str:
        return say(lang, _("、")).join(say(lang, CONDITIONS[each]) for each in step.only_if)

    def act(step: LadderStep) -> str:
        return say(lang, ACTS[step.act])

    return {"when": when, "whom": whom, "condition": condition, "act": act}


@router.get("/admin/ladders/{matter}")
def edit_form(request: Request, actor: Who, matter: Matter, campaign: str = "", unit: str = "") -> Response:
    """The editor of one matter's steps."""
    return _edit_page(request, matter, Form(), actor=actor, campaign=campaign, unit=unit)


def _edit_page(
    request: Request,
    matter: Matter,
    form: Form,
    *,
    actor: Actor,
    campaign: str,
    unit: str,
    steps: list[Mapping[str, Any]] | None = None,
    tried: list[Escalation] | None = None,
    status: int = 200,
) -> Response:
    lang = language_of(request)
    with database_of(request).reading() as session:
        whose = _whose(session, campaign, unit, actor)
        if steps is None:
            steps = [_shown(step) for step in _in_force(session, whose).ladders[matter]]
        return page(
            request,
            "ladder.html",
            status=status,
            form=form,
            matter=matter,
            whose=whose,
            steps=steps + [BLANK] * min(SPARE, MOST_STEPS - len(steps)),
            tried=tried,
            told={word.value: say(lang, words) for word, words in TOLD.items()},
            acts={act.value: say(lang, words) for act, words in ACTS.items()},
            conditions={
                each.value: say(lang, CONDITIONS[each])
                for each in Condition
                if each in CAN_HOLD.get(matter, frozenset())
            },
            channels=PEOPLE_CHANNELS,
            levels=tuple(Level),
            dated=matter in DATED,
        )


def _shown(step: LadderStep) -> dict[str, Any]:
    """A step as the form's fields hold it."""
    return {
        "code": step.code,
        "after": step.after_workdays if step.after_workdays is not None else step.after_hours,
        "clock": "workdays" if step.after_workdays is not None else "hours",
        "to": [word for word in step.to if named(word) is None],
        "also": " ".join(word for word in step.to if named(word) is not None),
        "act": step.act.value,
        "levels": [level.value for level in step.levels],
        "channels": [channel.value for channel in step.channels],
        "every": step.repeat.every_workdays if step.repeat else "",
        "times": step.repeat.times if step.repeat else "",
        "only_if": [condition.value for condition in step.only_if],
        "quiet": step.quiet_hours is not None,
    }


def _filled(sent: Sent) -> list[Mapping[str, Any]]:
    """The lines of the form that have a code, as they were filled in."""
    lines: list[Mapping[str, Any]] = []
    for place in range(MOST_STEPS):
        code = sent.text(f"code-{place}")
        if not code:
            continue
        several = {
            name: [str(value) for value in sent.data.getlist(f"{name}-{place}") if value]
            for name in ("to", "levels", "channels", "only_if")
        }
        single = {
            name: sent.text(f"{name}-{place}") for name in ("after", "clock", "also", "act", "every", "times")
        }
        lines.append({"code": code, **several, **single, "quiet": bool(sent.text(f"quiet-{place}"))})
    return lines


def _step(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line as the input model of a step takes it."""
    told: dict[str, Any] = {
        "code": line["code"],
        "after_hours" if line["clock"] == "hours" else "after_workdays": line["after"] or None,
        "to": [*line["to"], *str(line["also"]).replace("，", " ").replace(",", " ").split()],
        "act": line["act"],
        "only_if": line["only_if"],
        "channels": line["channels"],
    }
    if line["levels"]:
        told["levels"] = line["levels"]
    if line["every"] or line["times"]:
        told["repeat"] = {"every_workdays": line["every"] or None, "times": line["times"] or None}
    if not line["quiet"]:
        told["quiet_hours"] = None
    return told


@router.post("/admin/ladders/{matter}")
def edit(request: Request, actor: Who, matter: Matter, sent: SentForm) -> Response:
    """Try the steps on a ticket, or set them: what is open is planned anew, nothing twice."""
    campaign, unit, trying = sent.text("campaign"), sent.text("unit"), sent.text("do") == "try"
    lines, now = _filled(sent), now_of(request)
    shown: dict[str, Any] = {"actor": actor, "campaign": campaign, "unit": unit, "steps": lines}
    try:
        told = Ladders.model_validate({"ladders": {matter.value: [_step(line) for line in lines]}})
        if trying:
            with database_of(request).reading() as session:
                ticket = ticket_by_number(session, _number(sent), actor=actor)
                ladders = {matter: told.ladders[matter]}
                steps = [
                    each for each in previewed(session, ticket, ladders, now=now) if each.matter is matter
                ]
            return _edit_page(request, matter, sent.form(()), tried=steps, **shown)
        with database_of(request).transaction() as session:
            whose = _whose(session, campaign, unit, actor, lock=True)
            whole = Ladders(ladders=_in_force(session, whose).ladders | {matter: told.ladders[matter]})
            if whose.campaign is not None:
                set_campaign_ladders(session, whose.campaign, whole, actor=actor, now=now)
            else:
                set_unit_ladders(session, whose.unit.code, whole, actor=actor, now=now)
            address = whose.address
    except (ValidationError, Refusal) as error:
        # A pointer into the ladders names no field of this form: every sentence names the step itself.
        problems = [Problem(None, each.sentence) for each in problems_of(error, language_of(request))]
        return _edit_page(request, matter, sent.form(problems), status=status_of(error), **shown)
    return see_other(f"/admin/ladders?{address}", done="ladder_set")


def _number(sent: Sent) -> str:
    number = sent.text("ticket")
    if not number:
        raise BadInput(
            "/ticket",
            "missing",
            zh="请填写一张隐患单的编号，用它试算。",
            en="Give the number of a ticket to try the steps on.",
        )
    return number
