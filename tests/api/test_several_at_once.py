"""Several tool tests, quantities or checks of the sample in one call: all are written, or none."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from domain.file_store import sha256_of
from domain.records import Chase, Tool
from tests.api.conftest import Caller, rows
from tests.photos import listed, photo
from tests.world import World

TESTS, QUANTITIES = "/tools/tests", "/campaigns/CC2026/quantities/batch"
CHECKS = "/campaigns/CC2026/sampled-tickets/checks"


@dataclass
class Sampled:
    """The tickets in the sample, and somebody who may check them."""

    numbers: list[str]
    checker: Caller


@pytest.fixture
def sampled(world: World, supervisor: Caller, calling: Callable[[str], Caller]) -> Sampled:
    """Three serious hazards, verified and drawn for the re-check."""
    numbers = [world.fixed(level="serious").number for _ in range(3)]
    for number in numbers:
        world.do(number, "verify", by="limin", passed=True, opinion="合格")
    assert supervisor.post("/campaigns/CC2026/samples", {"seed": "2026-04-07"}).status_code == 201
    return Sampled(numbers, calling("zhangqiang"))


@pytest.fixture
def tools(supervisor: Caller) -> list[str]:
    """Three pairs of gloves whose last test runs out soon."""
    numbers = ["JYST-02", "JYST-01", "JYST-03"]
    for number in numbers:
        said = {"number": number, "kind": "绝缘手套", "unit": "LL01", "last_test_on": "2025-10-05"}
        assert supervisor.post("/tools", said).status_code == 201
    return numbers


def work(**said: Any) -> dict[str, Any]:
    """A quantity record."""
    return {
        "action": "清扫",
        "item": "针瓶",
        "quantity": 4500,
        "measure_unit": "个",
        "unit": "LL01",
        "date": "2026-03-20",
        **said,
    }


def looked(number: str, **said: Any) -> dict[str, Any]:
    """A check of a sampled ticket."""
    return {"ticket": number, "passed": True, "opinion": "保持良好", **said}


def checked_again(who: Caller) -> dict[str, tuple[bool | None, str | None]]:
    """What the sample says of each ticket: passed, and the new ticket."""
    items = who.get("/campaigns/CC2026/sampled-tickets").json()["items"]
    return {each["ticket"]: (each["passed"], each["again"]) for each in items}


# Tests of tools.


def test_a_report_s_tests_stand_as_if_sent_one_by_one(
    supervisor: Caller, inspector: Caller, tools: list[str]
) -> None:
    first, second, third = tools
    file = listed(photo(), "电表.jpg")
    told = [
        {"number": first, "passed": True, "campaign": "CC2026", "files": [file]},
        {"number": second, "passed": False, "campaign": "CC2026", "note": "泄漏电流超标"},
    ]
    answer = inspector.post(TESTS, told)
    assert answer.status_code == 201
    items = answer.json()["items"]
    assert [each["tool"]["number"] for each in items] == [first, second]
    assert [each["tool"]["status"] for each in items] == ["in_use", "failed"]
    for each in items:
        number = each["tool"]["number"]
        assert inspector.get(f"/tools/{number}").json() == each["tool"]
        [test] = inspector.get(f"/tools/{number}/tests").json()["items"]
        assert test == {name: value for name, value in each.items() if name != "tool"}
    counted = supervisor.get("/campaigns/CC2026/quantities").json()["items"]
    assert [(each["action"], each["item"], each["quantity"]) for each in counted] == [
        ("试验", "绝缘手套", 1)
    ] * 2
    alone = inspector.post(f"/tools/{third}/tests", {"passed": True, "campaign": "CC2026"}).json()
    assert alone["tool"] == items[0]["tool"] | {"number": third}
    assert inspector.send(photo(), sha256_of(photo())).json()["complete"]


def test_what_is_chased_of_each_tool_follows_its_test(
    inspector: Caller, tools: list[str], world: World
) -> None:
    before = _chased(world)
    assert sorted(before) == sorted(tools)
    first, second, third = tools
    inspector.post(TESTS, [{"number": first, "passed": True}, {"number": second, "passed": False}])
    after = _chased(world)
    assert after[third] == before[third]
    assert second not in after
    assert after[first] > before[first]


def _chased(world: World) -> dict[str, Any]:
    with world.database.reading() as session:
        query = select(Tool.number, Chase.anchor_at).join(Chase, Chase.subject_id == Tool.id)
        return dict(session.execute(query).tuples().all())


def test_two_tests_of_one_tool_follow_each_other(inspector: Caller, tools: list[str]) -> None:
    number = tools[0]
    told = [
        {"number": number, "passed": False, "tested_on": "2026-03-20"},
        {"number": number, "passed": True, "tested_on": "2026-03-25"},
    ]
    assert inspector.post(TESTS, told).status_code == 201
    assert inspector.get(f"/tools/{number}").json()["status"] == "in_use"
    days = [each["tested_on"] for each in inspector.get(f"/tools/{number}/tests").json()["items"]]
    assert days == ["2026-03-25", "2026-03-20"]


def test_a_tool_numbered_tests_is_a_tool_like_any_other(supervisor: Caller) -> None:
    said = {"number": "tests", "kind": "绝缘手套", "unit": "LL01"}
    assert supervisor.post("/tools", said).status_code == 201
    assert supervisor.get("/tools/tests").json()["number"] == "tests"
    assert supervisor.post("/tools/tests/tests", {"passed": True}).status_code == 201
    assert supervisor.post(TESTS, [{"number": "tests", "passed": True}]).status_code == 201
    assert len(supervisor.get("/tools/tests/tests").json()["items"]) == 2


# Quantities.


def test_the_quantities_of_a_day_are_recorded_in_their_order(inspector: Caller) -> None:
    told = [work(), work(item="拉线", action="调整", unit="SQ02", quantity=2.5), work(quantity=3)]
    answer = inspector.post(QUANTITIES, told)
    assert answer.status_code == 201
    made = answer.json()["items"]
    assert [each | said == each for each, said in zip(made, told, strict=True)] == [True] * 3
    assert inspector.get("/campaigns/CC2026/quantities").json()["items"] == made


# Checks of the sample.


def test_what_held_and_what_did_not_is_told_at_once(sampled: Sampled) -> None:
    first, second, third = sampled.numbers
    told = [
        looked(third),
        looked(first, passed=False, opinion="再次渗漏", files=[listed(photo())]),
        looked(second),
    ]
    answer = sampled.checker.post(CHECKS, told)
    assert answer.status_code == 200
    items = answer.json()["items"]
    assert [(each["ticket"], each["passed"], each["checked_by"]) for each in items] == [
        (third, True, "zhangqiang"),
        (first, False, "zhangqiang"),
        (second, True, "zhangqiang"),
    ]
    again = items[1]["again"]
    assert checked_again(sampled.checker) == {
        first: (False, again),
        second: (True, None),
        third: (True, None),
    }
    new = sampled.checker.get(f"/tickets/{again}").json()
    assert (new["recurrence_of"], new["source"], len(new["files"])) == (first, "recheck-sample", 1)
    history = sampled.checker.get(f"/tickets/{second}/history").json()["items"]
    assert history[-1]["event"] == "spot_check"


# What is refused.


@pytest.mark.parametrize(
    ("path", "bad", "pointer", "rule", "named"),
    [
        (TESTS, {"number": "JYST-99"}, "/1/number", "unknown-tool", "第2项“JYST-99”"),
        (
            TESTS,
            {"number": "JYST-01", "tested_on": "2026-04-02"},
            "/1/tested_on",
            "tested-in-future",
            "“JYST-01”",
        ),
        (TESTS, {"number": "JYST-01", "campaign": "NONE"}, "/1/campaign", "unknown-campaign", "“JYST-01”"),
        (TESTS, {"number": "JYST-01", "passed": "maybe"}, "/1/passed", "yes-or-no", ""),
        (QUANTITIES, {"unit": "XX"}, "/1/unit", "unknown-unit", "第2项“清扫针瓶”"),
        (QUANTITIES, {"date": "2026-04-02"}, "/1/date", "done-in-future", "第2项“清扫针瓶”"),
        (QUANTITIES, {"quantity": 0}, "/1/quantity", "too-small", ""),
        (CHECKS, {"ticket": "CC2026-LL01-0099"}, "/1/ticket", "not-in-sample", "第2项“CC2026-LL01-0099”"),
        (CHECKS, {"ticket": "CC2026-LL01-0001"}, "/1/ticket", "repeated", "第2项“CC2026-LL01-0001”"),
        (CHECKS, {"ticket": "CC2026-LL01-0002", "opinion": " "}, "/1/opinion", "opinion-missing", "第2项"),
    ],
)
def test_one_bad_row_refuses_all_and_is_named(
    sampled: Sampled,
    tools: list[str],
    world: World,
    path: str,
    bad: dict[str, Any],
    pointer: str,
    rule: str,
    named: str,
) -> None:
    good = {
        TESTS: {"number": tools[0], "passed": True, "campaign": "CC2026"},
        QUANTITIES: work(),
        CHECKS: looked("CC2026-LL01-0001", passed=False),
    }[path]
    before = rows(world)
    answer = sampled.checker.post(path, [good, good | bad])
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["rule"]) == (pointer, rule)
    assert named in answer.json()["detail"]
    assert rows(world) == before


def test_a_refusal_of_a_row_keeps_its_code_and_speaks_the_caller_s_language(
    sampled: Sampled, world: World
) -> None:
    first, second, _ = sampled.numbers
    assert sampled.checker.post(CHECKS, [looked(first)]).status_code == 200
    before = rows(world)
    told = [looked(second), looked(first)]
    answer = sampled.checker.post(CHECKS, told, headers={"Accept-Language": "en"})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "checked-already")
    assert problem["detail"].startswith(f"Item 2 (“{first}”): “{first}” has been checked")
    assert [(error["pointer"], error["rule"]) for error in problem["errors"]] == [("/1", "checked-already")]
    assert rows(world) == before
    assert checked_again(sampled.checker)[second] == (None, None)


@pytest.mark.parametrize("path", [TESTS, QUANTITIES, CHECKS])
def test_a_list_has_one_row_at_least_and_a_hundred_at_most(inspector: Caller, path: str) -> None:
    row = {
        TESTS: {"number": "X", "passed": True},
        QUANTITIES: work(),
        CHECKS: looked("X"),
    }[path]
    for told, rule in (([], "too-few"), ([row] * 101, "too-many")):
        answer = inspector.post(path, told)
        assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (422, rule)


def test_who_may_not_do_it_for_one_may_not_do_it_for_several(
    sampled: Sampled, tools: list[str], calling: Callable[[str], Caller], world: World
) -> None:
    leader, elsewhere, verifier = calling("zhengju"), calling("zhouhai"), calling("limin")
    before = rows(world)
    for path, told in ((TESTS, [{"number": tools[0], "passed": True}]), (QUANTITIES, [work()])):
        refused = leader.post(path, told)
        assert (refused.status_code, refused.json()["code"]) == (403, "role-missing")
    for who, code in ((leader, "role-missing"), (verifier, "own-verification")):
        refused = who.post(CHECKS, [looked(sampled.numbers[0])])
        assert (refused.status_code, refused.json()["code"]) == (403, code)
        assert [error["pointer"] for error in refused.json()["errors"]] == ["/0"]
    # What is out of sight does not exist.
    assert elsewhere.post(QUANTITIES, [work()]).json()["errors"][0]["rule"] == "unknown-unit"
    told = [looked(sampled.numbers[0])]
    assert elsewhere.post(CHECKS, told).json()["errors"][0]["rule"] == "not-in-sample"
    assert rows(world) == before


@pytest.mark.parametrize("path", [TESTS, QUANTITIES, CHECKS])
def test_a_call_sent_again_with_its_key_writes_once(
    sampled: Sampled, tools: list[str], world: World, path: str
) -> None:
    told: list[dict[str, Any]] = {
        TESTS: [{"number": number, "passed": True, "campaign": "CC2026"} for number in tools],
        QUANTITIES: [work(), work(unit="SQ02")],
        CHECKS: [looked(number, passed=False) for number in sampled.numbers],
    }[path]
    key = {"Idempotency-Key": "once"}
    # Refused as a whole it may be sent again under the same key.
    assert sampled.checker.post(path, [*told, {}], headers=key).status_code == 422
    first = sampled.checker.post(path, told, headers=key)
    assert first.status_code in (200, 201)
    written = rows(world)
    again = sampled.checker.post(path, told, headers=key)
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    assert rows(world) == written
    assert sampled.checker.post(path, told[1:], headers=key).json()["code"] == "idempotency-key-reused"


def test_two_that_name_the_same_tools_in_opposite_order_wait_for_each_other(
    inspector: Caller, tools: list[str]
) -> None:
    one = [{"number": number, "passed": True} for number in tools]
    with ThreadPoolExecutor(8) as beside:
        sent = [beside.submit(inspector.post, TESTS, told) for told in [one, one[::-1]] * 8]
    assert {each.result().status_code for each in sent} == {201}
    assert len(inspector.get(f"/tools/{tools[0]}/tests").json()["items"]) == 16
