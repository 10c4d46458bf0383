"""What happens by the clock, for those who watch: when each flow last ran, what it did, and how to run it now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import ValidationError
from sqlalchemy.orm import Session

from domain.errors import NotFound
from domain.flow_requests import NewRun, ask, ask_again, open_requests, run_by_id
from domain.flow_runs import runs
from domain.heartbeats import LONGEST_SILENCE, heartbeats, late
from domain.records import FlowRequest, FlowRun, Heartbeat, Matter
from domain.rights import RIGHTS, Deed
from forms.errors import PageRoute
from forms.fields import Form, SentForm, problems_of, status_of
from forms.flow_names import FLOW_NAMES
from forms.navigation import WATCHERS
from forms.pages import page, see_other
from forms.session import database_of, signed_in
from forms.words import _, language_of, say
from statemachines.labels import Language, label
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]
Key = Annotated[UUID, Path(alias="id")]

#: What a flow counts, as its outcome names it.
COUNTS = {
    "matters": _("事项"),
    "steps": _("步骤"),
    "told": _("通知"),
    "put_off": _("暂缓"),
    "sent": _("已发"),
    "waiting": _("待发"),
    "gave_up": _("放弃"),
    "planned": _("已安排"),
    "missed": _("未检"),
    "moved": _("已推进"),
    "held": _("未能推进"),
    "published": _("已生成"),
    "summed_up": _("已总结"),
    "refused": _("未通过校核"),
    "answers": _("请求回执"),
    "logins": _("登录"),
    "failures": _("登录失败"),
    "runs": _("运行记录"),
}

LONGEST_RUN = timedelta(hours=1)
"""A run that began longer ago and has not ended was killed."""
SOON = timedelta(minutes=1)
"""How long a request may wait before the page says that nobody took it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One flow: its last end, whether it is silent too long, and its last error."""

    flow: str
    beat: Heartbeat | None
    late: bool
    minutes: int


@router.get("/flows")
def flows(request: Request, actor: Who, flow: str = "") -> Response:
    """Every flow with its heartbeat, what was asked for, and the last runs, of one flow alone when it is named."""
    return _flows_page(request, actor, only=flow if flow in FLOW_NAMES else "")


def _flows_page(
    request: Request, actor: Actor, *, only: str = "", form: Form | None = None, status: int = 200
) -> Response:
    lang = language_of(request)
    # Flows beat by the real clock, whatever time the application is told it is.
    now = datetime.now(UTC)
    with database_of(request).reading() as session:
        lately = runs(session, flow=only or None)
        return page(
            request,
            "flows.html",
            status=status,
            form=form or Form(),
            lines=_lines(session, now=now),
            waiting=[(each, say(lang, _standing(each, now=now))) for each in open_requests(session)],
            runs=[(run, lasted(run, lang)) for run in lately],
            at_work=now - LONGEST_RUN,
            names=FLOW_NAMES,
            counted=counted,
            only=only,
            may_run=_may_run(actor),
        )


def _lines(session: Session, *, now: datetime) -> list[Line]:
    silent = {each.flow for each in late(session, now=now)}
    known = {beat.flow: beat for beat in heartbeats(session)}
    return [
        Line(flow, known.get(flow), flow in silent, int(allowed.total_seconds() // 60))
        for flow, allowed in LONGEST_SILENCE.items()
    ]


def _standing(request: FlowRequest, *, now: datetime) -> str:
    """How a request stands, with what its reader can do about it."""
    if request.handed_at is not None:
        return _("已交给后台，即将开始或正在运行。")
    if request.error is not None:
        return _("调度服务没有应答；请求已保留，恢复后自动运行。")
    if now - request.requested_at > SOON:
        return _("后台程序还没有来取，可能没有启动；请求已保留，启动后自动运行。")
    return _("等待后台程序来取，通常只需几秒。")


def _may_run(actor: Actor) -> bool:
    return bool(actor.roles & set(RIGHTS[Deed.RUN_FLOW]))


@router.post("/flows/{flow}/run")
def run_now(request: Request, actor: Who, flow: str, sent: SentForm) -> Response:
    """Ask for a run, real or dry; the list then says how the request stands."""
    if flow not in FLOW_NAMES:
        raise NotFound(what=flow)
    try:
        new = NewRun.model_validate(
            {"flow": flow, "dry_run": bool(sent.text("dry_run")), **sent.moment("as_of")}
        )
        with database_of(request).transaction() as session:
            ask(session, new, actor=actor, now=datetime.now(UTC))
    except ValidationError as error:
        problems = problems_of(error, language_of(request))
        form = sent.form(problems)
        return _flows_page(
            request,
            actor,
            form=Form({**form.values, "flow": flow}, form.problems),
            status=status_of(error),
        )
    return see_other("/flows", done="run_asked")


@router.get("/flows/runs/{id}")
def run_page(request: Request, actor: Who, key: Key) -> Response:
    """One run: what it did and, of a dry run, whom it would have told what, as far as the reader may see the units."""
    with database_of(request).reading() as session:
        run = run_by_id(session, key)
        told: list[dict[str, Any]] = run.outcome.get("lines", [])
        seen = [line for line in told if actor.holds(*WATCHERS, at=line["at"])]
        return page(
            request,
            "flow_run.html",
            run=run,
            lasted=lasted(run, language_of(request)),
            at_work=datetime.now(UTC) - LONGEST_RUN,
            names=FLOW_NAMES,
            counted=counted,
            may_run=_may_run(actor),
            lines=seen,
            unseen=len(told) - len(seen),
            matters={matter.value: label(matter, language_of(request)) for matter in Matter},
        )


@router.post("/flows/runs/{id}/again")
def run_again(request: Request, actor: Who, key: Key, sent: SentForm) -> Response:
    """Ask for the same run once more."""
    with database_of(request).transaction() as session:
        ask_again(session, key, actor=actor, now=datetime.now(UTC))
    return see_other("/flows", done="run_asked")


def counted(run: FlowRun) -> list[tuple[str, str]]:
    """What a run did, as pairs of word and figure; what it counts but is nothing is left out."""
    found = {name: run.outcome.get(name) for name in COUNTS}
    return [
        (COUNTS[name], str(len(value) if isinstance(value, Sequence) else value))
        for name, value in found.items()
        if value
    ]


def lasted(run: FlowRun, lang: Language) -> str:
    """How long it took; empty while it has not ended."""
    if run.finished_at is None:
        return ""
    seconds = (run.finished_at - run.started_at).total_seconds()
    if seconds < 60:
        return say(lang, _("用时 %(seconds)s 秒"), seconds=f"{seconds:.1f}")
    minutes, rest = divmod(int(seconds), 60)
    return say(lang, _("用时 %(minutes)s 分 %(seconds)s 秒"), minutes=minutes, seconds=rest)
