"""Plays the story: people call the HTTP contract, and the flows run each day as they would.

The units of a bureau work beside each other, so the steps of several are made at once, each call at its own moment.
What concerns one unit stays in its line and in its order; so the same story makes the same records.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import copy_context
from datetime import date, datetime
from importlib import import_module
from itertools import groupby
from typing import Any, Self
from uuid import UUID

from chuncha.collecting import collect_seldom
from chuncha.demo import days
from chuncha.demo.client import Client
from chuncha.demo.clock import Clock
from chuncha.demo.line import Line
from chuncha.demo.steps import (
    Create,
    Decision,
    Deed,
    Signing,
    SpotChecks,
    Step,
    Story,
    Submit,
    TakeCall,
    Turn,
)
from domain.workdays import NATIONAL

FlowRun = Callable[..., Coroutine[Any, Any, dict[str, Any]]]

LINES = 4
"""How many units act at once."""

#: What the progress line says of a kind of event.
_SAID = {
    "found": "登记",
    "assign": "下达",
    "fix": "整改",
    "fix-on-spot": "立改",
    "verify": "销号",
    "return": "退回",
    "extensions": "申请延期",
    "supervise": "督办",
    "cancel": "作废",
    "work": "工作量",
    "test": "试验",
    "looked": "抽查",
    "missed": "未检",
    "chased": "催办",
    "sent": "邮件",
}


def load_flows() -> None:
    """Import the flows and with them the scheduler's client: seconds of a processor.

    It reads the environment of the stage when it is imported.
    """
    for flow in (
        "advance_campaigns",
        "deliver_notices",
        "plan_inspections",
        "publish_summaries",
        "sweep_deadlines",
    ):
        import_module(f"flows.{flow}")


class Runs:
    """Runs flows in one thread, one after another: with one connection to the scheduler instead of three for each."""

    def __init__(self) -> None:
        from prefect.context import AsyncClientContext, SyncClientContext

        self._loop = asyncio.Runner()
        self._context = copy_context()
        self._for_all = ExitStack()
        self._client = AsyncClientContext()
        self._context.run(self._for_all.enter_context, SyncClientContext())
        self._loop.run(self._client.__aenter__(), context=self._context)

    def run(self, flow: FlowRun, at: datetime) -> dict[str, Any]:
        """What the flow did at that moment."""
        return self._loop.run(flow(as_of=at), context=self._context)

    def close(self) -> None:
        """Give the connections back."""
        self._loop.run(self._client.__aexit__(None, None, None), context=self._context)
        self._context.run(self._for_all.close)
        self._loop.close()


class Player:
    """Plays day after day; `tell` hears each day's line.

    `ready` waits until the stage answers; it comes up while the flows load here.

    Letters go out beside the steps of the next working day.
    """

    def __init__(
        self,
        client: Client,
        clock: Clock,
        story: Story,
        *,
        ready: Callable[[], None],
        tell: Callable[[date, str], None],
    ) -> None:
        # See load_flows.
        from flows.advance_campaigns import advance_campaigns
        from flows.deliver_notices import deliver_notices
        from flows.here import kept_open
        from flows.plan_inspections import plan_inspections
        from flows.publish_summaries import publish_summaries
        from flows.sweep_deadlines import sweep_deadlines

        self._advance: FlowRun = advance_campaigns
        self._deliver: FlowRun = deliver_notices
        self._plan: FlowRun = plan_inspections
        self._publish: FlowRun = publish_summaries
        self._sweep: FlowRun = sweep_deadlines
        self._clock, self._tell = clock, tell
        self._story, self._campaign, self._rhythm = story, story.campaign, story.rhythm
        self._client = client
        self._lines: dict[str, Line] = {}
        self._unit_of = _units_of_hazards(story.steps)
        self._beside = ThreadPoolExecutor(LINES, "line")
        self._post = ThreadPoolExecutor(1, "post")
        self._delivery: Future[dict[str, Any]] | None = None
        self._letters_of: datetime | None = None
        self._today: Counter[str] = Counter()
        self._turned: list[str] = []
        self._open = ExitStack()
        ready()
        self._open.enter_context(kept_open())
        self._runs = self._ending(Runs())
        self._letters = self._ending(self._post.submit(Runs).result())
        collect_seldom()

    def _ending(self, runs: Runs) -> Runs:
        self._open.callback(runs.close)
        return runs

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for line in (self._beside, self._post):
            line.shutdown(cancel_futures=True)
        self._open.close()

    def play(self) -> None:
        """Everything, from the first day to the last. Raises PlayBroken when a call is refused."""
        story = self._story
        steps: defaultdict[date, list[Step]] = defaultdict(list)
        for day, planned in groupby(story.steps, key=lambda step: step.at.date()):
            steps[day] += planned
        for day in days.days(story.first, story.last):
            self._today.clear()
            self._turned.clear()
            self._morning(day)
            for whole, some in groupby(steps[day], key=lambda step: isinstance(step, Create | Turn)):
                if whole:
                    self._for_everybody(some)
                else:
                    self._unit_by_unit(some)
            self._evening(day)
            self._tell(day, self._day())
        self._send_letters()
        self._letters_sent()

    # The flows of a day.

    def _morning(self, day: date) -> None:
        self._letters_sent()
        at = days.at(day, 8, 31)
        self._clock.put(at)
        # What runs every hour elsewhere runs on the days of the phases here, and what runs every five minutes on the
        # mornings of working days: what falls due on the others is told on the next.
        if day in self._rhythm.phases:
            self._turned += self._runs.run(self._advance, at).get("moved", [])
        if day >= self._rhythm.begins and NATIONAL.is_workday(day):
            self._today["chased"] += self._runs.run(self._sweep, at).get("told", 0)
        if day in self._rhythm.planning:
            self._today["missed"] += self._runs.run(self._plan, at).get("missed", 0)
        if NATIONAL.is_workday(day):
            self._send_letters()

    def _evening(self, day: date) -> None:
        at = days.at(day, 17, 55)
        self._clock.put(at)
        if day == self._rhythm.summarised:
            self._letters_sent()
            self._turned += [f"{self._campaign} summarise"]
            self._runs.run(self._publish, at)
        if day >= self._rhythm.begins and NATIONAL.is_workday(day):
            self._letters_of = at

    def _send_letters(self) -> None:
        """The letters of an evening go out beside the next working day: what is written then is not due yet."""
        if self._letters_of is not None:
            at, self._letters_of = self._letters_of, None
            self._delivery = self._post.submit(self._letters.run, self._deliver, at)

    def _letters_sent(self) -> None:
        """Wait for them; the scheduler takes one run at a time best."""
        if self._delivery is not None:
            self._today["sent"] += self._delivery.result().get("sent", 0)
            self._delivery = None

    def _day(self) -> str:
        said = [f"{word}{self._today[kind]}" for kind, word in _SAID.items() if self._today[kind]]
        return " · ".join([*self._turned, *said])

    # The steps of people.

    def _for_everybody(self, steps: Iterable[Step]) -> None:
        """What concerns the whole campaign is made alone."""
        for step in steps:
            self._line("").make([step])
            if isinstance(step, Turn):
                self._turned.append(f"{self._campaign} {step.event}")

    def _unit_by_unit(self, steps: Iterable[Step]) -> None:
        """Each unit makes its steps in their order, beside the others; the one with the most begins."""
        shares: defaultdict[str, list[Step]] = defaultdict(list)
        for step in steps:
            shares[self._unit(step)].append(step)
        longest = sorted(shares.items(), key=lambda share: -len(share[1]))
        begun = [self._beside.submit(self._line(unit).make, share) for unit, share in longest]
        for made in begun:
            self._today += made.result()

    def _line(self, unit: str) -> Line:
        """The line of a unit; "" is the whole campaign's."""
        if unit not in self._lines:
            self._lines[unit] = Line(self._client, self._campaign)
        return self._lines[unit]

    def _unit(self, step: Step) -> str:
        match step:
            case Submit():
                return step.hazards[0].unit
            case Deed() | Decision():
                return self._unit_of[step.hazard]
            case TakeCall():
                return str(step.body["unit"])
            case _:
                return str(step.unit)  # type: ignore[attr-defined]


def _units_of_hazards(steps: Iterable[Step]) -> dict[UUID, str]:
    found: dict[UUID, str] = {}
    for step in steps:
        match step:
            case Submit():
                found |= {hazard.key: hazard.unit for hazard in step.hazards}
            case Signing():
                found |= {hazard.key: hazard.unit for hazard in step.failed.values()}
            case SpotChecks():
                found |= dict.fromkeys(step.bad, step.unit)
    return found
