"""What a supervisor watches: counts by state, unit and level, rates with what they divide, flows that are late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from domain.campaigns import campaign_by_code
from domain.heartbeats import late
from domain.status import Counts, campaign_status
from domain.tickets import TicketFilter, TicketOrder, list_tickets
from forms.campaigns import steps_of
from forms.errors import PageRoute
from forms.navigation import WATCHERS
from forms.pages import page
from forms.session import database_of, now_of, signed_in
from forms.words import _
from statemachines.roles import Actor
from statemachines.ticket import TicketState

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]

#: From open to closed: the order of the columns and of the bar.
SHOWN = (TicketState.FOUND, TicketState.ASSIGNED, TicketState.FIXED, TicketState.VERIFIED)

LISTED = 8

FLOWS: Mapping[str, str] = {
    "sweep-deadlines": _("到期提醒与催办"),
    "deliver-notices": _("发送通知"),
    "advance-campaigns": _("按日期推进阶段"),
    "plan-inspections": _("安排检查"),
    "publish-summaries": _("生成总结"),
    "forget-expired": _("清理过期数据"),
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a unit's bar: from `start`, `width` long, of 1000."""

    state: TicketState
    start: int
    width: int


def bar(counts: Counts, most: int) -> list[Stretch]:
    """The states of a unit's tickets side by side; the longest bar belongs to the unit with the most tickets."""
    stretches, start = [], 0
    for state in reversed(SHOWN):
        width = round(1000 * getattr(counts, state.value) / most) if most else 0
        if width:
            stretches.append(Stretch(state, start, width))
            start += width
    return stretches


def heat(value: int, values: Sequence[int]) -> str:
    """The class of a cell: nothing at 0, and four shades up to the largest value of its column."""
    most = max(values, default=0)
    return f"heat{min(4, 1 + 4 * (value - 1) // most)}" if value and most else "zero"


@router.get("/campaigns/{code}/status")
def status(request: Request, actor: Who, code: str) -> Response:
    """The status of one campaign, within what this person may see."""
    with database_of(request).reading() as session:
        return status_page(request, session, code, actor=actor)


def status_page(request: Request, session: Session, code: str, *, actor: Actor) -> Response:
    """The status page of the campaign with this code."""
    now = now_of(request)
    campaign = campaign_by_code(session, code, actor=actor)
    figures = campaign_status(session, campaign, actor=actor, now=now)
    steps, reached = steps_of(campaign)
    overdue = TicketFilter(campaign=code, overdue=True, sort=TicketOrder.DUE)
    unassigned = TicketFilter(campaign=code, state=[TicketState.FOUND])
    return page(
        request,
        "status.html",
        campaign=campaign,
        figures=figures,
        steps=steps,
        reached=reached,
        states=SHOWN,
        bar=bar,
        heat=heat,
        most=max((unit.counts.total - unit.counts.cancelled for unit in figures.by_unit), default=0),
        overdue=list_tickets(session, overdue, actor=actor, now=now, limit=LISTED),
        unassigned=list_tickets(session, unassigned, actor=actor, now=now, limit=LISTED),
        # Flows beat by the real clock, whatever moment the pages are shown at.
        late_flows=late(session, now=datetime.now(UTC)) if actor.roles & set(WATCHERS) else [],
        flows=FLOWS,
    )
