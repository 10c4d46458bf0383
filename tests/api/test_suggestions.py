"""Suggestions of the union and absences over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.api.conftest import Caller, rows
from tests.world import World

NEW: dict[str, Any] = {"unit": "LL01", "text": "增配绝缘手套", "addressee": "zhengju"}
NUMBER = "工劳监意〔2026〕1号"


@pytest.fixture
def leader(calling: Callable[[str], Caller]) -> Caller:
    return calling("zhengju")


def test_made_and_read_by_number_and_by_id(inspector: Caller) -> None:
    made = inspector.post("/suggestions", NEW)
    assert made.status_code == 201
    body = made.json()
    assert (body["number"], body["state"], body["issued_by"], body["addressee"]) == (
        NUMBER,
        "issued",
        "limin",
        "zhengju",
    )
    assert body["answer_due_at"] == "2026-04-08T23:59:59+08:00"
    assert made.headers["location"] == f"/api/v1/suggestions/{quote(NUMBER)}"
    for place in (made.headers["location"], f"/suggestions/{NUMBER}", f"/suggestions/{body['id']}"):
        read = inspector.get(place)
        assert (read.json(), read.headers["etag"]) == (body, made.headers["etag"])


def test_the_whole_dispute(inspector: Caller, leader: Caller) -> None:
    inspector.post("/suggestions", NEW)
    place = f"/suggestions/{NUMBER}"
    assert leader.post(f"{place}/answer", {"adopted": False}).json()["code"] == "answer-missing"
    answered = leader.post(f"{place}/answer", {"adopted": False, "answer": "没有资金"}).json()
    assert (answered["state"], answered["adopted"], answered["answered_by"]) == ("answered", False, "zhengju")
    disputed = inspector.post(f"{place}/dispute", {"reason": "手套已过期"}).json()
    assert (disputed["state"], disputed["answer_due_at"]) == ("disputed", "2026-04-08T23:59:59+08:00")
    explained = leader.post(f"{place}/explain", {"answer": "从大修费列支", "adopt": True}).json()
    assert (explained["adopted"], explained["explanation"]) == (True, "从大修费列支")
    settled = inspector("POST", f"{place}/settle")
    assert settled.json()["state"] == "settled"
    events = [each["event"] for each in inspector.get(f"{place}/history").json()["items"]]
    assert events == ["made", "answer", "dispute", "explain", "settle"]


def test_promises_hold_for_suggestions_too(inspector: Caller, leader: Caller, world: World) -> None:
    key = {"Idempotency-Key": "one-suggestion"}
    first = inspector.post("/suggestions", NEW, headers=key)
    again = inspector.post("/suggestions", NEW, headers=key)
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    tag = first.headers["etag"]
    place = f"/suggestions/{NUMBER}"
    assert leader.post(f"{place}/answer", {"adopted": True}, headers={"If-Match": tag}).status_code == 200
    before = rows(world)
    stale = inspector("POST", f"{place}/settle", headers={"If-Match": tag})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition-failed")
    assert rows(world) == before


def test_the_tag_changes_when_the_answer_is_overdue(inspector: Caller, leader: Caller, world: World) -> None:
    tag = inspector.post("/suggestions", NEW).headers["etag"]
    world.later(days=8)
    late = inspector.get(f"/suggestions/{NUMBER}", headers={"If-None-Match": tag})
    assert (late.status_code, late.json()["overdue"]) == (200, True)
    in_time = leader.post(f"/suggestions/{NUMBER}/answer", {"adopted": True}, headers={"If-Match": tag})
    assert in_time.status_code == 200, "being late is no change by somebody else"


@pytest.mark.parametrize(
    ("wrong", "pointer", "rule"),
    [
        ({"unit": None}, "/unit", "missing"),
        ({"unit": "NOWHERE"}, "/unit", "unknown-unit"),
        ({"addressee": "nobody"}, "/addressee", "unknown-person"),
        ({"addressee": "wangjianguo"}, "/addressee", "not-an-addressee"),
        ({"addressee": "shisuozhang"}, "/addressee", "not-an-addressee"),
        ({"campaign": "NONE"}, "/campaign", "unknown-campaign"),
        ({"unit": "XB", "campaign": "CC2026"}, "/campaign", "not-in-scope"),
        ({"answer_due": "2026-03-31"}, "/answer_due", "due-in-past"),
        ({"text": "  "}, "/text", "too-short"),
    ],
)
def test_a_wrong_suggestion_is_refused_whole(
    inspector: Caller, world: World, wrong: dict[str, Any], pointer: str, rule: str
) -> None:
    before = rows(world)
    answer = inspector.post("/suggestions", {**NEW, **wrong})
    assert answer.status_code == 422
    assert [(e["pointer"], e["rule"]) for e in answer.json()["errors"]] == [(pointer, rule)]
    assert rows(world) == before
    assert inspector.post("/suggestions", NEW).json()["number"] == NUMBER, "a refused one takes no number"


def test_about_a_ticket_unit_and_campaign_are_its_own(inspector: Caller) -> None:
    number = inspector.submit(level="major").json()["number"]
    about = {"ticket": number, "text": "停电撤人", "addressee": "zhengju"}
    made = inspector.post("/suggestions", about).json()
    assert (made["unit"], made["campaign"], made["ticket"]) == ("LL01", "CC2026", number)
    assert made["answer_due_at"] == "2026-04-02T23:59:59+08:00"
    wrong = inspector.post("/suggestions", {**about, "unit": "SQ02"})
    assert wrong.json()["errors"][0]["rule"] == "not-the-tickets-unit"


def test_lists_are_narrowed_paged_and_within_sight(
    inspector: Caller, calling: Callable[[str], Caller], world: World
) -> None:
    for unit, whom in (("LL01", "zhengju"), ("SQ02", "zhengju"), ("LL01", "qiansuozhang")):
        inspector.post("/suggestions", {**NEW, "unit": unit, "addressee": whom})

    def numbers(caller: Caller, query: str = "") -> list[str]:
        return [each["number"][-2:] for each in caller.get(f"/suggestions?{query}").json()["items"]]

    assert numbers(inspector) == ["3号", "2号", "1号"]
    assert numbers(inspector, "unit=SQ02") == ["2号"]
    assert numbers(inspector, "state=answered") == []
    assert numbers(calling("shisuozhang")) == ["2号"]
    first = inspector.get("/suggestions?limit=2").json()
    rest = inspector.get(f"/suggestions?limit=2&cursor={first['next']}").json()
    assert [each["number"] for each in rest["items"]] == [NUMBER]
    assert calling("shisuozhang").get(f"/suggestions/{NUMBER}").status_code == 404
    world.later(days=8)
    assert numbers(inspector, "overdue=true") == ["3号", "2号", "1号"]


def test_who_is_not_of_the_union_makes_none(assignee: Caller, leader: Caller) -> None:
    assert (assignee.post("/suggestions", NEW).status_code, leader.post("/suggestions", NEW).status_code) == (
        403,
        403,
    )


AWAY: dict[str, Any] = {"starts_on": "2026-04-02", "ends_on": "2026-04-10", "substitute": "sunhua"}


def test_an_absence_is_recorded_listed_and_ended(assignee: Caller, supervisor: Caller) -> None:
    made = assignee.post("/absences", AWAY)
    assert made.status_code == 201
    body = made.json()
    assert (body["person"], body["substitute"], body["standing"]) == ("wangjianguo", "sunhua", "ahead")
    assert supervisor.get(made.headers["location"]).json() == body
    assert supervisor.get("/absences?on=2026-04-10&unit=LL01").json()["items"] == [body]
    assert supervisor.get("/absences?on=2026-04-11").json()["items"] == []
    ended = supervisor("POST", f"{made.headers['location']}/end")
    assert ended.json()["standing"] == "over"
    again = assignee("POST", f"{made.headers['location']}/end")
    assert (again.status_code, again.json()["errors"][0]["rule"]) == (422, "already-over")


def test_absences_are_not_for_everybody(
    assignee: Caller, inspector: Caller, calling: Callable[[str], Caller]
) -> None:
    place = assignee.post("/absences", AWAY).headers["location"]
    assert inspector.get(place).status_code == 404
    assert calling("shisuozhang").get(place).status_code == 404
    assert calling("sunhua").get(place).status_code == 200
    assert calling("sunhua")("POST", f"{place}/end").status_code == 403
    assert inspector.post("/absences", {**AWAY, "person": "sunhua"}).status_code == 403


@pytest.mark.parametrize(
    ("wrong", "pointer", "rule"),
    [
        ({"ends_on": "2026-04-01"}, "", "ends-before-start"),
        ({"ends_on": "2028-04-01"}, "", "absence-too-long"),
        ({"starts_on": "2026-03-01", "ends_on": "2026-03-31"}, "/ends_on", "already-over"),
        ({"substitute": "wangjianguo"}, "/substitute", "own-substitute"),
        ({"substitute": "zhouhai"}, "/substitute", "unfit-substitute"),
        ({"substitute": "nobody"}, "/substitute", "unknown-person"),
    ],
)
def test_a_wrong_absence_is_refused_whole(
    assignee: Caller, world: World, wrong: dict[str, Any], pointer: str, rule: str
) -> None:
    before = rows(world)
    answer = assignee.post("/absences", {**AWAY, **wrong})
    assert answer.status_code == 422
    assert [(e["pointer"], e["rule"]) for e in answer.json()["errors"]] == [(pointer, rule)]
    assert rows(world) == before
