"""Plays the story: people call the HTTP contract at the time of the clock, and the flows run each day as they would."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, datetime
from itertools import groupby
from typing import Any, Self
from uuid import UUID

from chuncha.demo import days
from chuncha.demo.client import Client, PlayBroken
from chuncha.demo.clock import Clock
from chuncha.demo.people import Colleague
from chuncha.demo.photos import Shot
from chuncha.demo.steps import (
    AddRota,
    Answering,
    Create,
    Decision,
    Deed,
    Hazard,
    MakeUp,
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
from domain.workdays import NATIONAL

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
    "missed": "未检",
    "chased": "催办",
    "sent": "邮件",
}


class Player:
    """Plays day after day; `tell` hears each day's line.

    What does not wait for a ticket's state goes beside it: photos, tools and quantities in one line of work, letters in
    another. Each line keeps its order, so the same story makes the same records.
    """

    def __init__(
        self, client: Client, clock: Clock, story: Story, *, tell: Callable[[date, str], None]
    ) -> None:
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
        self._story, self._campaign, self._rhythm = story, story.campaign, story.rhythm
        self._numbers: dict[UUID, str] = {}
        self._asked: dict[UUID, str] = {}
        self._beside = ThreadPoolExecutor(1, "beside")
        self._post = ThreadPoolExecutor(1, "post")
        self._begun: list[Future[Any]] = []
        self._photos: defaultdict[UUID, list[Future[Any]]] = defaultdict(list)
        self._delivery: Future[dict[str, Any]] | None = None
        self._letters_of: datetime | None = None
        self._visits: dict[tuple[str, date | None], str] = {}
        self._today: Counter[str] = Counter()
        self._turned: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for line in (self._beside, self._post):
            line.shutdown(cancel_futures=True)

    def play(self) -> None:
        """Everything, from the first day to the last. Raises PlayBroken when a call is refused."""
        story = self._story
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
                self._tell(day, self._line())
            self._send_letters()
            self._letters_sent()

    # The flows of a day.

    def _run(self, loop: asyncio.Runner, flow: FlowRun, at: datetime) -> dict[str, Any]:
        return loop.run(flow(as_of=at))

    def _morning(self, loop: asyncio.Runner, day: date) -> None:
        self._letters_sent()
        at = days.at(day, 8, 31)
        self._clock.put(at)
        if day >= self._rhythm.begins:
            # What runs every hour elsewhere runs on the days of the phases and on Mondays here.
            if day in self._rhythm.phases or day.weekday() == 0:
                self._turned += self._run(loop, self._advance, at).get("moved", [])
            self._today["chased"] += self._run(loop, self._sweep, at).get("told", 0)
        if day in self._rhythm.planning:
            self._today["missed"] += self._run(loop, self._plan, at).get("missed", 0)
        self._send_letters()

    def _evening(self, loop: asyncio.Runner, day: date) -> None:
        self._all_done()
        at = days.at(day, 17, 55)
        self._clock.put(at)
        if day == self._rhythm.summarised:
            self._letters_sent()
            self._turned += [f"{self._campaign} summarise"]
            self._run(loop, self._publish, at)
        if NATIONAL.is_workday(day) or self._today["chased"]:
            self._letters_of = at

    def _send_letters(self) -> None:
        """The letters of an evening go out while the next day is played: what is written then is not due yet."""
        if self._letters_of is not None:
            at, self._letters_of = self._letters_of, None
            self._delivery = self._post.submit(lambda: asyncio.run(self._deliver(as_of=at)))

    def _letters_sent(self) -> None:
        """Wait for them; the scheduler takes one run at a time best."""
        if self._delivery is not None:
            self._today["sent"] += self._delivery.result().get("sent", 0)
            self._delivery = None

    def _aside(self, work: Callable[..., Any], *told: Any, by: Colleague) -> Future[Any]:
        """Do this beside the tickets, before the day is over."""
        done = self._beside.submit(work, *told, by=by)
        self._begun.append(done)
        return done

    def _all_done(self) -> None:
        for done in self._begun:
            done.result()
        self._begun.clear()
        self._photos.clear()

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
                self._aside(
                    self._client.post, f"/campaigns/{self._campaign}/quantities", step.body, by=step.by
                )
                self._today["work"] += 1
            case ToolIn():
                self._aside(self._client.post, "/tools", step.body, by=step.by)
            case ToolTest():
                self._aside(self._client.post, f"/tools/{step.number}/tests", step.body, by=step.by)
                self._today["test"] += 1
            case Create():
                self._client.post("/campaigns", step.body, by=step.by)
            case Turn():
                self._client.post(f"/campaigns/{self._campaign}/{step.event}", step.facts, by=step.by)
                self._turned.append(f"{self._campaign} {step.event}")
            case AddRota():
                self._client.post(f"/campaigns/{self._campaign}/rotas", step.body, by=step.by)
            case MakeUp():
                self._make_up(step)
            case ZeroReport():
                path = f"/campaigns/{self._campaign}/zero-reports"
                self._client.post(path, {"unit": step.unit}, by=step.by)

    def _submit(self, step: Submit) -> None:
        bodies = [_finding(self._campaign, hazard) for hazard in step.hazards]
        if len(bodies) == 1:
            tickets = [self._client.post("/findings", bodies[0], by=step.by)]
        else:
            items = self._client.post("/findings/batch", bodies, by=step.by)["items"]
            if wrong := [item for item in items if item["status"] >= 400]:
                raise PlayBroken(f"{step.by.login} /findings/batch: {wrong}")
            tickets = [item["ticket"] for item in items]
        for hazard, ticket in zip(step.hazards, tickets, strict=True):
            self._numbers[hazard.key] = ticket["number"]
            self._send(hazard.key, hazard.photos, by=step.by)
        self._today["found"] += len(tickets)

    def _deed(self, step: Deed) -> None:
        body = dict(step.body)
        if step.photos:
            body["files"] = [shot.listed() for shot in step.photos]
        if step.same_as is not None:
            body["duplicate_of"] = self._numbers[step.same_as]
        if body.get("quantities"):
            # Quantities are told in the order they were first recorded, which must be the story's.
            self._all_done()
        if step.event == "verify":
            # No ticket is closed before all of its photos have arrived.
            for sent in self._photos.pop(step.hazard, ()):
                sent.result()
        answer = self._client.post(f"/tickets/{self._numbers[step.hazard]}/{step.event}", body, by=step.by)
        self._send(step.hazard, step.photos, by=step.by)
        if step.event == "extensions":
            self._asked[step.hazard] = answer["id"]
        returned = step.event == "verify" and not step.body["passed"]
        self._today["return" if returned else step.event] += 1

    def _send(self, hazard: UUID, photos: Sequence[Shot], *, by: Colleague) -> None:
        if photos:
            self._photos[hazard].append(self._aside(self._client.send, photos, by=by))

    def _visit_id(self, unit: str, day: date | None, *, by: Colleague) -> str:
        if (unit, day) not in self._visits:
            planned = self._client.get("/inspections", by=by, campaign=self._campaign, unit=unit, limit=100)[
                "items"
            ]
            self._visits[unit, day] = next(
                each["id"] for each in planned if day is None or each["planned_on"] == day.isoformat()
            )
        return self._visits[unit, day]

    def _make_up(self, step: MakeUp) -> None:
        body = {
            "campaign": self._campaign,
            "unit": step.unit,
            "planned_on": step.planned_on.isoformat(),
            "inspector": step.inspector,
            "instead_of": self._visit_id(step.unit, step.missed_on, by=step.by),
        }
        self._visits[step.unit, step.planned_on] = self._client.post("/inspections", body, by=step.by)["id"]

    def _visit(self, step: Answering | Signing) -> None:
        path = f"/inspections/{self._visit_id(step.unit, step.planned_on, by=step.by)}"
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
            self._send(hazard.key, hazard.photos, by=step.by)
        self._today["found"] += len(signed["tickets"])


def _finding(campaign: str, hazard: Hazard) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": str(hazard.key),
        "campaign": campaign,
        "unit": hazard.unit,
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
