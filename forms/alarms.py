"""The red banner of those who watch: a flow that went silent, or a year whose working days nobody knows."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import Request

from domain.calendars import missing_year
from domain.heartbeats import late
from forms.flow_names import FLOW_NAMES
from forms.navigation import WATCHERS
from forms.session import database_of, now_of
from forms.words import _, say
from statemachines.labels import Language
from statemachines.roles import Actor

KEPT = 10.0
"""Seconds one process believes what it last saw, so that a page costs no query for it."""


@dataclass(frozen=True, slots=True)
class Alarms:
    """What is wrong: the flows that are late, and the year without a calendar."""

    flows: tuple[str, ...] = ()
    year: int | None = None
    seen_at: float = 0.0

    def sentences(self, lang: Language, *, flows: bool) -> list[str]:
        """What to tell whoever watches, each with what to do; of silent flows only with `flows`."""
        said = []
        if self.flows and flows:
            names = say(lang, _("、")).join(say(lang, FLOW_NAMES[flow]) for flow in self.flows)
            said.append(
                say(
                    lang,
                    _("后台任务已停摆：%(names)s。到期提醒和催办可能没有发出，请联系管理员。"),
                    names=names,
                )
            )
        if self.year is not None:
            said.append(
                say(
                    lang,
                    _("%(year)s年放假安排尚未导入，跨年的期限只是暂定，请管理员导入日历。"),
                    year=self.year,
                )
            )
        return said


def alarms_for(request: Request, actor: Actor | None, lang: Language, *, flows: bool = True) -> list[str]:
    """The alarms this reader should see; none for those who do not watch. `flows`: those of silent flows too."""
    if actor is None or not actor.roles & set(WATCHERS):
        return []
    return _seen(request).sentences(lang, flows=flows)


def _seen(request: Request) -> Alarms:
    known: Alarms | None = getattr(request.app.state, "alarms", None)
    if known is None or time.monotonic() - known.seen_at > KEPT:
        with database_of(request).glance() as session:
            # Flows beat by the real clock, whatever time the application is told it is.
            silent = late(session, now=datetime.now(UTC))
            calendar = missing_year(session, now=now_of(request))
        flows = tuple(each.flow for each in silent)
        known = Alarms(flows, calendar.year if calendar else None, time.monotonic())
        request.app.state.alarms = known
    return known
