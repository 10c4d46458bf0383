"""Plays the story: people call the HTTP contract at the time of the clock, and the flows run each day as they would."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine
from datetime import date, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from chuncha.demo import days
from chuncha.demo.client import Client, PlayBroken
from chuncha.demo.clock import Clock
from chuncha.demo.steps import (
    Answering,
    Create,
    Decision,
    Deed,
    Hazard,
    Signing,
    Step,
    Story,
    Submit,
    ToolIn,
    ToolTest,
    Turn,
    Work,
    ZeroReport,
)
from chuncha.demo.works import CAMPAIGN
from domain.workdays import is_workday

PHASES = (days.INSPECTING[0], days.RECTIFYING[0], days.RECHECKING[0])
"""Days on which the clock begins a phase. What runs every hour elsewhere runs on these and on Mondays here."""

FlowRun = Callable[..., Coroutine[Any, Any, dict[str, Any]]]

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
    "chased": "催办",
    "sent": "邮件",
}


class Player:
    """Plays day after day; `tell` hears each day's line."""

    def __init__(self, client: Client, clock: Clock, *, tell: Callable[[date, str], None]) -> None:
        # The scheduler's client takes a second to import, and reads the environment of the stage when it is.
        from flows.advance_campaigns import advance_campaigns
        from flows.deliver_notices import deliver_notices
        from flows.plan_inspections import plan_inspections
        from flows.publish_summaries import publish_summaries
        from flows.sweep_deadlines import sweep_deadlines

        self._advance: FlowRun = advance_campaigns
        self._deliver: FlowRun = deliver_notices
        self._plan: FlowRun = plan_inspections
        self._publish: FlowRun = publish_summaries
        self._sweep: FlowRun = sweep_deadlines
        self._client, self._clock, self._tell = client, clock, tell
        self._numbers: dict[UUID, str] = {}
        self._asked: dict[UUID, str] = {}
        self._visits: dict[str, str] = {}
        self._today: Counter[str] = Counter()
        self._turned: list[str] = []
        self.totals: Counter[str] = Counter()

    def play(self, story: Story) -> None:
        """Everything, from the first day to the last. Raises PlayBroken when a call is refused."""
        steps: defaultdict[date, list[Step]] = defaultdict(list)
        for day, planned in groupby(story.steps, key=lambda step: step.at.date()):
            steps[day] += planned
        with asyncio.Runner() as loop:
            for day in days.days(story.first, story.last):
                self._today.clear()
                self._turned.clear()
                self._morning(loop, day)
                for step in steps[day]:
                    self._clock.put(step.at)
                    self._do(step)
                self._evening(loop, day)
                self.totals += self._today
                self._tell(day, self._line())

    # The flows of a day.

    def _run(self, loop: asyncio.Runner, flow: FlowRun, at: datetime) -> dict[str, Any]:
        return loop.run(flow(as_of=at))

    def _morning(self, loop: asyncio.Runner, day: date) -> None:
        at = days.at(day, 8, 31)
        self._clock.put(at)
        if day >= days.MOBILISED:
            if day in PHASES or day.weekday() == 0:
                self._turned += self._run(loop, self._advance, at).get("moved", [])
            self._today["chased"] += self._run(loop, self._sweep, at).get("told", 0)
        if day == days.INSPECTING[0] or (days.MOBILISED <= day <= days.INSPECTING[1] and day.weekday() == 0):
            self._run(loop, self._plan, at)

    def _evening(self, loop: asyncio.Runner, day: date) -> None:
        at = days.at(day, 17, 55)
        self._clock.put(at)
        if day == days.SUMMARISED:
            self._turned += [f"{CAMPAIGN} summarise"]
            self._run(loop, self._publish, at)
        if is_workday(day).working or self._today["chased"]:
            self._today["sent"] += self._run(loop, self._deliver, at).get("sent", 0)

    def _line(self) -> str:
        said = [f"{word}{self._today[kind]}" for kind, word in _SAID.items() if self._today[kind]]
        return " · ".join([*self._turned, *said])

    # The steps of people.

    def _do(self, step: Step) -> None:
        match step:
            case Submit():
                self._submit(step)
            case Deed():
                self._deed(step)
            case Answering() | Signing():
                self._visit(step)
            case Decision():
                decision = "approve" if step.approved else "refuse"
                path = f"/extensions/{self._asked[step.hazard]}/{decision}"
                self._client.post(path, {"opinion": step.opinion}, by=step.by)
            case _:
                self._note(step)

    def _note(self, step: Step) -> None:
        match step:
            case Work():
                self._client.post(f"/campaigns/{CAMPAIGN}/quantities", step.body, by=step.by)
                self._today["work"] += 1
            case ToolIn():
                self._client.post("/tools", step.body, by=step.by)
            case ToolTest():
                self._client.post(f"/tools/{step.number}/tests", step.body, by=step.by)
                self._today["test"] += 1
            case Create():
                self._client.post("/campaigns", step.body, by=step.by)
            case Turn():
                self._client.post(f"/campaigns/{CAMPAIGN}/{step.event}", step.facts, by=step.by)
                self._turned.append(f"{CAMPAIGN} {step.event}")
            case ZeroReport():
                path = f"/campaigns/{CAMPAIGN}/zero-reports"
                self._client.post(path, {"unit": step.unit}, by=step.by)

    def _submit(self, step: Submit) -> None:
        bodies = [_finding(hazard) for hazard in step.hazards]
        if len(bodies) == 1:
            tickets = [self._client.post("/findings", bodies[0], by=step.by)]
        else:
            items = self._client.post("/findings/batch", bodies, by=step.by)["items"]
            if wrong := [item for item in items if item["status"] >= 400]:
                raise PlayBroken(f"{step.by.login} /findings/batch: {wrong}")
            tickets = [item["ticket"] for item in items]
        for hazard, ticket in zip(step.hazards, tickets, strict=True):
            self._numbers[hazard.key] = ticket["number"]
            self._client.send(hazard.photos, by=step.by)
        self._today["found"] += len(tickets)

    def _deed(self, step: Deed) -> None:
        body = dict(step.body)
        if step.photos:
            body["files"] = [shot.listed() for shot in step.photos]
        if step.same_as is not None:
            body["duplicate_of"] = self._numbers[step.same_as]
        answer = self._client.post(f"/tickets/{self._numbers[step.hazard]}/{step.event}", body, by=step.by)
        self._client.send(step.photos, by=step.by)
        if step.event == "extensions":
            self._asked[step.hazard] = answer["id"]
        returned = step.event == "verify" and not step.body["passed"]
        self._today["return" if returned else step.event] += 1

    def _visit(self, step: Answering | Signing) -> None:
        unit = step.station.code
        if unit not in self._visits:
            planned = self._client.get("/inspections", by=step.by, campaign=CAMPAIGN, unit=unit)["items"]
            self._visits[unit] = planned[0]["id"]
        path = f"/inspections/{self._visits[unit]}"
        if isinstance(step, Answering):
            answers = [_answer(code, value, step.failed.get(code)) for code, value in step.answers.items()]
            self._client.put(f"{path}/answers", {"answers": answers}, by=step.by)
            return
        files = {
            code: [shot.listed() for shot in hazard.photos]
            for code, hazard in step.failed.items()
            if hazard.photos
        }
        signed = self._client.post(f"{path}/submit", {"files": files}, by=step.by)
        for answer in signed["answers"]:
            if answer["ticket"]:
                self._numbers[step.failed[answer["item"]].key] = answer["ticket"]
        for hazard in step.failed.values():
            self._client.send(hazard.photos, by=step.by)
        self._today["found"] += len(signed["tickets"])


def _finding(hazard: Hazard) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": str(hazard.key),
        "campaign": CAMPAIGN,
        "unit": hazard.station.code,
        "description": hazard.words,
        "checklist_item": hazard.item.code,
        "location": hazard.location,
        "found_at": hazard.found_at.isoformat(),
        "source": hazard.source,
        "files": [shot.listed() for shot in hazard.photos],
    }
    if hazard.photos:
        body |= {"lat": hazard.photos[0].lat, "lon": hazard.photos[0].lon}
    return body


def _answer(code: str, value: str, hazard: Hazard | None) -> dict[str, Any]:
    if hazard is None:
        return {"item": code, "value": value}
    return {"item": code, "value": value, "note": hazard.words, "location": hazard.location}
