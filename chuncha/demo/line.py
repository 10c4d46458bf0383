"""The steps of some units, made one after another through the HTTP contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from functools import partial
from itertools import zip_longest
from typing import Any
from uuid import UUID

from chuncha.demo.client import Client, PlayBroken
from chuncha.demo.steps import (
    Answering,
    Create,
    Decision,
    Deed,
    Hazard,
    MakeUp,
    Quantities,
    Signing,
    SpotChecks,
    Step,
    Submit,
    TakeCall,
    ToolTests,
    Turn,
    ZeroReport,
)


class Line:
    """Makes the steps it is given, in their order, and remembers what the program called things."""

    def __init__(self, client: Client, campaign: str) -> None:
        self._client, self._campaign = client, campaign
        self._numbers: dict[UUID, str] = {}
        self._asked: dict[UUID, str] = {}
        self._visits: dict[tuple[str, date | None], str] = {}
        self._made: Counter[str] = Counter()

    def make(self, steps: Iterable[Step]) -> Counter[str]:
        """Make them; returns how often what happened. Raises PlayBroken when a call is refused."""
        self._made = Counter()
        for step in steps:
            self._do(step)
        return self._made

    def _post(self, path: str, body: object, step: Step) -> Any:
        return self._client.post(path, body, by=step.by, at=step.at)

    def _do(self, step: Step) -> None:
        match step:
            case Submit():
                self._submit(step)
            case Deed():
                self._deed(step)
            case Answering() | Signing():
                self._visit(step)
            case MakeUp():
                self._make_up(step)
            case Decision():
                decision = "approve" if step.approved else "refuse"
                self._post(
                    f"/extensions/{self._asked[step.hazard]}/{decision}", {"opinion": step.opinion}, step
                )
            case ToolTests():
                self._made["test"] += len(self._post("/tools/tests", step.bodies, step)["items"])
            case Create():
                below = "" if step.below is None else f"/{self._campaign}/{step.below}"
                self._post(f"/campaigns{below}", step.body, step)
            case SpotChecks():
                self._check_sample(step)
            case _:
                self._in_campaign(step)

    def _in_campaign(self, step: Step) -> None:
        post = partial(self._post, step=step)
        path = f"/campaigns/{self._campaign}"
        match step:
            case Turn():
                post(f"{path}/{step.event}", step.facts)
            case Quantities():
                self._made["work"] += len(post(f"{path}/quantities/batch", step.bodies)["items"])
            case ZeroReport():
                post(f"{path}/zero-reports", {"unit": step.unit})
            case TakeCall():
                call = f"/calls/{post('/calls', {**step.body, 'campaign': self._campaign})['number']}"
                if step.satisfied is not None:
                    post(f"{call}/call-back", {"satisfied": step.satisfied})
                    post(f"{call}/settle", {})

    def _check_sample(self, step: SpotChecks) -> None:
        path = f"/campaigns/{self._campaign}/sampled-tickets"
        asked = {"unit": step.unit, "waiting": True, "limit": 100}
        drawn = self._client.get(path, by=step.by, at=step.at, **asked)["items"]
        # What still waits for its re-check has its result from there.
        verified = [each["ticket"] for each in drawn if each["state"] == "verified"]
        seen = [
            {"ticket": number, "passed": bad is None, "opinion": bad or step.opinion}
            for number, bad in zip_longest(verified, step.bad.values())
        ]
        if seen:
            results = self._post(f"{path}/checks", seen, step)["items"]
            self._numbers |= {key: result["again"] for key, result in zip(step.bad, results, strict=False)}
            self._made["looked"] += len(results)

    def _submit(self, step: Submit) -> None:
        bodies = [_finding(self._campaign, hazard) for hazard in step.hazards]
        if len(bodies) == 1:
            tickets = [self._post("/findings", bodies[0], step)]
        else:
            items = self._post("/findings/batch", bodies, step)["items"]
            if wrong := [item for item in items if item["status"] >= 400]:
                raise PlayBroken(f"{step.by.login} /findings/batch: {wrong}")
            tickets = [item["ticket"] for item in items]
        for hazard, ticket in zip(step.hazards, tickets, strict=True):
            self._numbers[hazard.key] = ticket["number"]
            self._client.send(hazard.photos, by=step.by, at=step.at)
        self._made["found"] += len(tickets)

    def _deed(self, step: Deed) -> None:
        body = dict(step.body)
        if step.photos:
            body["files"] = [shot.listed() for shot in step.photos]
        if step.same_as is not None:
            body["duplicate_of"] = self._numbers[step.same_as]
        answer = self._post(f"/tickets/{self._numbers[step.hazard]}/{step.event}", body, step)
        self._client.send(step.photos, by=step.by, at=step.at)
        if step.event == "extensions":
            self._asked[step.hazard] = answer["id"]
        returned = step.event == "verify" and not step.body["passed"]
        self._made["return" if returned else step.event] += 1

    def _visit_id(self, unit: str, day: date | None, step: Step) -> str:
        if (unit, day) not in self._visits:
            asked = {"campaign": self._campaign, "unit": unit, "limit": 100}
            planned = self._client.get("/inspections", by=step.by, at=step.at, **asked)["items"]
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
            "instead_of": self._visit_id(step.unit, step.missed_on, step),
        }
        self._visits[step.unit, step.planned_on] = self._post("/inspections", body, step)["id"]

    def _visit(self, step: Answering | Signing) -> None:
        path = f"/inspections/{self._visit_id(step.unit, step.planned_on, step)}"
        if isinstance(step, Answering):
            answers = [_answer(code, value, step.failed.get(code)) for code, value in step.answers.items()]
            self._client.put(f"{path}/answers", {"answers": answers}, by=step.by, at=step.at)
            return
        files = {
            code: [shot.listed() for shot in hazard.photos]
            for code, hazard in step.failed.items()
            if hazard.photos
        }
        signed = self._post(f"{path}/submit", {"files": files}, step)
        for answer in signed["answers"]:
            if answer["ticket"]:
                self._numbers[step.failed[answer["item"]].key] = answer["ticket"]
        for hazard in step.failed.values():
            self._client.send(hazard.photos, by=step.by, at=step.at)
        self._made["found"] += len(signed["tickets"])


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
