"""Bad input: a problem that names field and rule, in the reader's language, and nothing half-written."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.api.conftest import THREE_FIXED, Caller, finding, rows
from tests.photos import listed, photo
from tests.world import World

#: what is wrong with the finding, where, which rule, and a word of the sentence in each language
WRONG_FINDINGS: list[tuple[str, dict[str, Any], str, str, str, str]] = [
    ("unknown unit", {"unit": "NOWHERE"}, "/unit", "unknown-unit", "单位", "unit"),
    ("unknown campaign", {"campaign": "NONE"}, "/campaign", "unknown-campaign", "检查活动", "campaign"),
    (
        "found in the future",
        {"found_at": "2026-04-02T09:00:00+08:00"},
        "/found_at",
        "found-in-future",
        "发现时间",
        "future",
    ),
    (
        "found without a zone",
        {"found_at": "2026-04-01T09:00:00"},
        "/found_at",
        "time-zone",
        "时区",
        "time zone",
    ),
    ("10 000 characters", {"description": "漏" * 10_000}, "/description", "too-long", "4000", "4000"),
    ("no text", {"description": "   "}, "/description", "too-short", "至少", "at least"),
    ("unknown level", {"level": "fatal"}, "/level", "unknown-value", "须为", "Must be"),
    (
        "a 30 MB photo",
        {"files": [listed(photo()) | {"size": 30 * 2**20}]},
        "/files/0/size",
        "file-too-large",
        "字节",
        "bytes",
    ),
    (
        "a wrong hash",
        {"files": [listed(photo()) | {"sha256": "abc"}]},
        "/files/0/sha256",
        "form",
        "格式",
        "form",
    ),
    (
        "a path as name",
        {"files": [listed(photo(), "../../etc/passwd")]},
        "/files/0/name",
        "form",
        "格式",
        "form",
    ),
    ("an unknown field", {"colour": "red"}, "/colour", "unknown-field", "没有这个字段", "no such field"),
    (
        "a negative quantity",
        {"quantity": -1, "measure_unit": "处"},
        "/quantity",
        "too-small",
        "大于",
        "greater",
    ),
    (
        "a quantity that is no number",
        {"quantity": "many", "measure_unit": "处"},
        "/quantity",
        "number",
        "数字",
        "number",
    ),
    ("off the earth", {"lat": 91, "lon": 0}, "/lat", "too-large", "不得大于", "at most"),
    (
        "21 files",
        {"files": [listed(bytes([n])) for n in range(21)]},
        "/files",
        "too-many",
        "最多20",
        "at most 20",
    ),
]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    ("wrong", "pointer", "rule", "zh", "en"),
    [case[1:] for case in WRONG_FINDINGS],
    ids=[case[0] for case in WRONG_FINDINGS],
)
def test_a_wrong_finding_is_refused_whole(
    inspector: Caller,
    world: World,
    wrong: dict[str, Any],
    pointer: str,
    rule: str,
    zh: str,
    en: str,
    language: str,
) -> None:
    inspector.get("/tickets")
    before = rows(world)
    answer = inspector.post("/findings", finding(**wrong), headers={"Accept-Language": language})
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == f"/problems/{problem['code']}"
    assert problem["status"] == 422
    [error] = [error for error in problem["errors"] if error["pointer"] == pointer]
    assert error["rule"] == rule
    assert (zh if language == "zh" else en) in error["detail"]
    assert rows(world) == before


@pytest.mark.parametrize("body", [b"", b"{", b'{"campaign": }', b"\xff\xfe", b"[1,", b"{'a': 1}"])
def test_malformed_json_is_told_as_such(inspector: Caller, world: World, body: bytes) -> None:
    inspector.get("/tickets")
    before = rows(world)
    answer = inspector("POST", "/findings", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"
    if body:
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed-json")
    assert rows(world) == before


def test_text_no_field_can_hold_is_refused(inspector: Caller, world: World) -> None:
    inspector.get("/tickets")
    before = rows(world)
    answer = inspector.submit(description="零\0字符")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert rows(world) == before
    assert inspector.get("/tickets/%00").status_code in {404, 422}
    assert inspector.get("/tickets", params={"q": "\0"}).status_code == 422


@pytest.mark.parametrize(
    ("missing", "zh", "en"),
    [("assignee", "定人", "person responsible"), ("duty", "职责", "duty"), ("measure", "措施", "measure")],
)
def test_a_missing_one_of_the_three_is_named(
    supervisor: Caller, world: World, missing: str, zh: str, en: str
) -> None:
    number = world.find().number
    supervisor.get("/tickets")
    before = rows(world)
    told = {name: value for name, value in THREE_FIXED.items() if name != missing}
    for language, word in (("zh", zh), ("en", en)):
        answer = supervisor.post(f"/tickets/{number}/assign", told, headers={"Accept-Language": language})
        assert answer.status_code == 422
        problem = answer.json()
        assert problem["type"] == "/problems/three-fixed-missing"
        assert [error["pointer"] for error in problem["errors"]] == [f"/{missing}"]
        assert word in problem["detail"]
    assert rows(world) == before
    assert world.ticket(number).version == 1


@pytest.mark.parametrize(
    ("due", "rule"),
    [("2026-03-01", "due-before-found"), ("2026-04-01T09:59:00+08:00", "due-before-found"), ("soon", None)],
)
def test_a_past_due_is_refused(supervisor: Caller, world: World, due: str, rule: str | None) -> None:
    number = world.find(found_at="2026-04-01T09:59:30+08:00").number
    supervisor.get("/tickets")
    before = rows(world)
    answer = supervisor.post(f"/tickets/{number}/assign", {**THREE_FIXED, "due": due})
    assert answer.status_code == 422
    assert {error["pointer"].partition("/due")[1] for error in answer.json()["errors"]} == {"/due"}
    if rule:
        assert answer.json()["code"] == rule
    assert rows(world) == before


def test_a_due_already_over_is_refused(supervisor: Caller, world: World) -> None:
    number = world.find(found_at="2026-03-20T09:00:00+08:00").number
    answer = supervisor.post(f"/tickets/{number}/assign", {**THREE_FIXED, "due": "2026-03-31"})
    assert (answer.status_code, answer.json()["code"]) == (422, "due-in-past")
    assert answer.json()["errors"][0]["pointer"] == "/due"


def test_an_assignee_nobody_knows_is_refused(supervisor: Caller, world: World) -> None:
    number = world.find().number
    answer = supervisor.post(f"/tickets/{number}/assign", THREE_FIXED | {"assignee": "nobody"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0] | {"detail": ""} == {
        "pointer": "/assignee",
        "in": "body",
        "rule": "unknown-person",
        "detail": "",
    }


def test_the_wrong_kind_of_file_is_refused(inspector: Caller, world: World) -> None:
    data = b"%PDF-1.7 no photo"
    inspector.submit(files=[listed(data, "报告.jpg")])
    before = rows(world)
    answer = inspector.send(data, listed(data)["sha256"])
    assert (answer.status_code, answer.json()["code"]) == (422, "file-type-not-allowed")
    assert rows(world) == before


def test_more_bytes_than_a_file_may_have_are_not_read(inspector: Caller, world: World) -> None:
    data = photo()
    inspector.submit(files=[listed(data)])
    before = rows(world)
    answer = inspector.send(bytes(30 * 2**20), listed(data)["sha256"])
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert rows(world) == before


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 201},
        {"limit": "x"},
        {"cursor": "???"},
        {"cursor": "WyIxIl0"},
        {"state": "gone"},
        {"nonsense": 1},
    ],
)
def test_a_wrong_query_is_refused(inspector: Caller, query: dict[str, Any]) -> None:
    answer = inspector.get("/tickets", params=query)
    assert answer.status_code == 422
    [name] = query
    assert answer.json()["errors"][0]["pointer"].startswith(f"/{name}")


def test_english_is_one_header_away_and_chinese_the_default(calling: Callable[[str], Caller]) -> None:
    call = calling("limin")
    wishes = {
        "": "zh-CN",
        "zh-CN,zh;q=0.9": "zh-CN",
        "en": "en",
        "fr, en;q=0.8, zh;q=0.4": "en",
        "en;q=0, zh": "zh-CN",
    }
    for wish, given in wishes.items():
        answer = call.get("/tickets/CC2026-LL01-9999", headers={"Accept-Language": wish})
        assert answer.status_code == 404
        assert answer.headers["content-language"] == given


def test_a_cursor_made_up_with_care_is_refused_too(inspector: Caller) -> None:
    for place in (
        ["2026-04-01T10:00:00", "019b0000-0000-7000-8000-000000000000"],
        ["2026-04-01T10:00:00+08:00", "nobody"],
        ["0001-01-01T00:00:00+14:00", "019b0000-0000-7000-8000-000000000000"],
    ):
        cursor = base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
        answer = inspector.get("/tickets", params={"cursor": cursor})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/cursor"), place
        assert answer.json()["errors"][0]["in"] == "query"
