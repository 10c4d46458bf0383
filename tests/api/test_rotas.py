"""Rotas over HTTP: added, read with their history, changed under a version."""

from __future__ import annotations

from typing import Any

import pytest

from domain.records import Checklist
from tests.api.conftest import Caller
from tests.world import World

ROTA: dict[str, Any] = {
    "checklist": "ZJ",
    "every": "weekly",
    "from": "2026-04-01",
    "to": "2026-05-31",
    "weekday": 5,
    "inspectors": {"LL01": "limin"},
}


@pytest.fixture(autouse=True)
def checklist(world: World) -> None:
    with world.database.transaction() as session:
        session.add(Checklist(code="ZJ", name="周检表", items=[]))


def test_a_rota_is_added_listed_and_changed_under_its_version(supervisor: Caller) -> None:
    made = supervisor.post("/campaigns/CC2026/rotas", ROTA)
    assert made.status_code == 201
    rota = made.json()
    assert rota | {key: ROTA[key] for key in ROTA} == rota
    assert rota["units"] is None
    (listed,) = supervisor.get("/campaigns/CC2026/rotas").json()["items"]
    assert listed == rota
    place, tag = made.headers["location"], made.headers["etag"]
    pause = {"pause": {"from": "2026-04-13", "to": "2026-04-17"}}
    paused = supervisor("PATCH", place, json=pause, headers={"If-Match": tag})
    assert (paused.status_code, paused.json()["pause"], paused.json()["withdrawn"]) == (
        200,
        pause["pause"],
        0,
    )
    assert supervisor("PATCH", place, json={"pause": None}, headers={"If-Match": tag}).status_code == 412
    assert supervisor("PATCH", place, json={"ended": True}).json()["ended_at"]
    refused = supervisor("PATCH", place, json={"pause": None})
    assert (refused.status_code, refused.json()["code"]) == (409, "rota-ended")
    told = supervisor.get(place).json()["history"]["items"]
    assert [each["event"] for each in told] == ["added", "paused", "ended"]


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"every": "monthly"}, "weekday-not-weekly"),
        ({"every": "once", "weekday": None, "day_of_month": 3}, "day-not-monthly"),
        ({"weekday": 8}, "too-large"),
        ({"to": "2026-03-31"}, "ends-before-start"),
        ({"units": ["SQ02", "SQ02"]}, "unit-twice"),
    ],
)
def test_a_wrong_rota_is_refused_with_its_rule(supervisor: Caller, wrong: dict[str, Any], rule: str) -> None:
    answer = supervisor.post("/campaigns/CC2026/rotas", ROTA | wrong)
    assert answer.status_code == 422
    assert [error["rule"] for error in answer.json()["errors"]] == [rule]


def test_a_change_that_changes_nothing_is_refused(supervisor: Caller) -> None:
    place = supervisor.post("/campaigns/CC2026/rotas", ROTA).headers["location"]
    answer = supervisor("PATCH", place, json={"reason": "无"})
    assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (422, "nothing-changed")


def test_an_assignee_plans_no_rota(assignee: Caller) -> None:
    assert assignee.post("/campaigns/CC2026/rotas", ROTA).status_code == 403
