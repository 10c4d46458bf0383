"""What happens by the clock, for those who watch: when each flow last ran to its end, and what it did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from domain.flow_runs import runs
from domain.heartbeats import LONGEST_SILENCE, heartbeats, late
from domain.records import FlowRun, Heartbeat
from forms.errors import PageRoute
from forms.pages import page
from forms.session import database_of, signed_in
from forms.words import _
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]

NAMES = {
    "sweep-deadlines": _("到期提醒和催办"),
    "deliver-notices": _("发送通知"),
    "advance-campaigns": _("按日期推进活动"),
    "plan-inspections": _("安排检查、登记未检"),
    "publish-summaries": _("生成总结"),
    "forget-expired": _("清理过期数据"),
}

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
}


@dataclass(frozen=True, slots=True)
class Line:
    """One flow: its last end, whether it is silent too long, and its last error."""

    flow: str
    beat: Heartbeat | None
    late: bool
    minutes: int


@router.get("/flows")
def flows(request: Request, actor: Who) -> Response:
    """Every flow with its heartbeat, and the last runs."""
    with database_of(request).reading() as session:
        # Flows beat by the real clock, whatever time the application is told it is.
        silent = {each.flow for each in late(session, now=datetime.now(UTC))}
        known = {beat.flow: beat for beat in heartbeats(session)}
        lines = [
            Line(flow, known.get(flow), flow in silent, int(allowed.total_seconds() // 60))
            for flow, allowed in LONGEST_SILENCE.items()
        ]
        return page(request, "flows.html", lines=lines, runs=runs(session), names=NAMES, counted=counted)


def counted(run: FlowRun) -> list[tuple[str, str]]:
    """What a run did, as pairs of word and figure; what it counts but is nothing is left out."""
    found = {name: run.outcome.get(name) for name in COUNTS}
    return [
        (COUNTS[name], str(len(value) if isinstance(value, list) else value))
        for name, value in found.items()
        if value
    ]
