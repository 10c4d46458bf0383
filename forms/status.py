"""The board: what is late, what nobody took, what came back, who has not reported; every figure with its list."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from threading import Lock
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Query, Request, Response
from markupsafe import Markup
from sqlalchemy.orm import Session

from domain.campaigns import campaign_by_code
from domain.changes import changes_stamp
from domain.coverage import missed_visits
from domain.heartbeats import LONGEST_SILENCE, heartbeats, late
from domain.people import unit_by_code
from domain.records import Campaign
from domain.status import Counts, campaign_status
from domain.status_shapes import UnitName
from domain.urgent import urgent_tickets
from domain.visibility import inspections_visible_to
from forms.campaigns import steps_of
from forms.errors import PageRoute
from forms.flow_names import FLOW_NAMES
from forms.navigation import WATCHERS
from forms.pages import HEADERS, fragment, page
from forms.series import COUNTED, burn_up, heat_map, listing, pareto, short
from forms.session import database_of, now_of, signed_in
from forms.words import language_of
from statemachines.campaign import CampaignState
from statemachines.labels import Language, local_day
from statemachines.roles import Actor
from statemachines.ticket import TicketState

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]
Code = Annotated[str | None, Query(max_length=24)]

#: From open to closed: the order of the columns and of the bar.
SHOWN = (TicketState.FOUND, TicketState.ASSIGNED, TicketState.FIXED, TicketState.VERIFIED)

POLL_SECONDS = 15
"""How often an open board asks whether anything has changed (docs/performance.md: what that costs)."""

BOARDS_KEPT = 64
"""Boards one process keeps as they were drawn, a few hundred kilobytes each."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a bar: from `start`, `width` long, of 1000."""

    state: TicketState
    start: int
    width: int


def bar(counts: Counts, most: int) -> list[Stretch]:
    """The states of some tickets side by side; the longest bar belongs to those with `most` tickets."""
    stretches, start = [], 0
    for state in reversed(SHOWN):
        width = round(1000 * getattr(counts, state.value) / most) if most else 0
        if width:
            stretches.append(Stretch(state, start, width))
            start += width
    return stretches


@router.get("/campaigns/{code}/status")
def status(request: Request, actor: Who, code: str, unit: Code = None, part: Code = None) -> Response:
    """The board of one campaign, within what this person may see; `part=board`: what changes of it, for the browser."""
    with database_of(request).reading(snapshot=True) as session:
        return status_page(request, session, code, actor=actor, unit=unit or None, part=part == "board")


def status_page(
    request: Request,
    session: Session,
    code: str,
    *,
    actor: Actor,
    unit: str | None = None,
    part: bool = False,
) -> Response:
    """The board of the campaign with this code. Of a part that has not changed since only that is said (304)."""
    now, lang = now_of(request), language_of(request)
    campaign = campaign_by_code(session, code, actor=actor, with_scope=False)
    watching = bool(actor.roles & set(WATCHERS))
    beats = heartbeats(session) if watching else []
    # Flows beat by the real clock, whatever moment the pages are shown at.
    silent = (
        {each.flow: each for each in late(session, now=datetime.now(UTC), known=beats)} if watching else {}
    )
    stamp = changes_stamp(session, code, unit, actor.login, lang, sorted(silent), now=now)
    tag = f'W/"{stamp}"'
    if part and request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={**HEADERS, "ETag": tag})
    boards, view = _boards(request), (code, unit, actor, lang)
    drawn = boards.get(view, stamp)
    if drawn is None:
        drawn = _drawn(request, session, campaign, actor=actor, now=now, unit=unit)
        boards.put(view, stamp, drawn)
    steps, reached = steps_of(campaign)
    answer = page(
        request,
        "board.html" if part else "status.html",
        tells_flows=True,
        campaign=campaign,
        unit=drawn.unit,
        above=drawn.above,
        drawn=drawn.html,
        steps=steps,
        reached=reached,
        day_of_campaign=_day_of(campaign, local_day(now)),
        watching=watching,
        silent=silent,
        beats={beat.flow: beat for beat in beats},
        flows={flow: FLOW_NAMES.get(flow, flow) for flow in LONGEST_SILENCE},
        stamp=stamp,
        poll_seconds=POLL_SECONDS,
    )
    answer.headers["ETag"] = tag
    return answer


@dataclass(frozen=True, slots=True)
class Drawn:
    """The figures of a board as HTML, the unit they are of and those above it."""

    unit: UnitName | None
    above: list[UnitName]
    html: Markup


_View = tuple[str, str | None, Actor, Language]


class Boards:
    """The boards drawn last, each as long as its stamp holds: what nothing has changed is not counted again.

    A board belongs to one actor as they are now, with every role; the stamp (domain/changes.py) is read in the same
    snapshot as its figures, and is another one after every write and whenever the clock moves a figure.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[_View, tuple[str, Drawn]] = OrderedDict()
        self._lock = Lock()

    def get(self, view: _View, stamp: str) -> Drawn | None:
        """The board of this view, None when there is none or something has changed since."""
        with self._lock:
            known = self._kept.get(view)
            return known[1] if known and known[0] == stamp else None

    def put(self, view: _View, stamp: str, drawn: Drawn) -> None:
        """Keep it in place of the one before; the board that was drawn longest ago makes room."""
        with self._lock:
            self._kept[view] = stamp, drawn
            self._kept.move_to_end(view)
            if len(self._kept) > BOARDS_KEPT:
                self._kept.popitem(last=False)


def _boards(request: Request) -> Boards:
    if not hasattr(request.app.state, "boards"):
        request.app.state.boards = Boards()
    return cast(Boards, request.app.state.boards)


def _drawn(
    request: Request, session: Session, campaign: Campaign, *, actor: Actor, now: datetime, unit: str | None
) -> Drawn:
    """Count and draw everything the board shows of the figures."""
    figures = campaign_status(session, campaign, actor=actor, now=now, unit=unit)
    within = unit_by_code(session, unit, actor=actor).path if unit else None
    link = listing(campaign.code, unit)
    html = fragment(
        request,
        "board_figures.html",
        campaign=campaign,
        figures=figures,
        link=link,
        states=SHOWN,
        counted=COUNTED,
        bar=bar,
        most=max((row.counts.total - row.counts.cancelled for row in figures.by_unit), default=0),
        points=burn_up(figures),
        shares=pareto(figures),
        heat=heat_map(figures),
        short=short,
        urgent=urgent_tickets(session, campaign, actor=actor, now=now, within=within),
        missed=missed_visits(session, campaign, only=inspections_visible_to(actor), within=within),
    )
    return Drawn(figures.unit, figures.above, html)


def _day_of(campaign: Campaign, today: date) -> int | None:
    """Which day of the campaign it is, counted from its first date; None before it began and once it is over."""
    begun = min((phase.starts_on for phase in campaign.phases), default=campaign.held_on)
    over = campaign.state in (CampaignState.SUMMARISED, CampaignState.ARCHIVED)
    return None if begun is None or begun > today or over else (today - begun).days + 1
