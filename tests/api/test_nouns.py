"""Campaigns, quantities, tools and inspections over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from domain.records import Checklist, ChecklistItem
from statemachines.labels import Level
from tests.api.conftest import Caller, rows
from tests.photos import listed, photo
from tests.world import World

CAMPAIGN: dict[str, Any] = {
    "code": "QC2026",
    "name": "2026年秋查",
    "kind": "秋查",
    "unit": "XB",
    "units": ["LL01", "SQ02"],
    "phases": {
        "inspecting": {"from": "2026-09-07", "to": "2026-09-25"},
        "rectifying": {"from": "2026-10-01"},
    },
}


@pytest.fixture
def checklist(world: World) -> str:
    """A checklist of three items; returns its code."""
    with world.database.transaction() as session:
        items = [
            ChecklistItem(
                code=code,
                category="生产设备/变压器台区",
                item=item,
                criterion=criterion,
                level=Level.GENERAL,
                measure="处理",
                deadline_days=15,
                position=place,
            )
            for place, (code, item, criterion) in enumerate(
                [("T01", "变压器油位", "油位正常"), ("T02", "接地线", "连接可靠"), ("T03", "警示牌", "齐全")]
            )
        ]
        session.add(Checklist(code="TQ", name="台区检查表", items=items))
    return "TQ"


def test_a_campaign_is_set_up_and_moved(supervisor: Caller) -> None:
    made = supervisor.post("/campaigns", CAMPAIGN)
    assert made.status_code == 201
    campaign = made.json()
    assert campaign["units"] == ["LL01", "SQ02"]
    assert campaign["phases"]["inspecting"] == {"from": "2026-09-07", "to": "2026-09-25"}
    assert any("10-01" in note for note in campaign["notes"])
    assert supervisor.get(made.headers["location"]).json() == campaign
    tag = made.headers["etag"]
    told = {"notice_number": "工劳监〔2026〕30号", "held_on": "2026-04-01", "attendance": 40}
    moved = supervisor.post("/campaigns/QC2026/mobilise", told, headers={"If-Match": tag})
    assert (moved.status_code, moved.json()["state"]) == (200, "mobilised")
    assert supervisor.post("/campaigns/QC2026/inspect", headers={"If-Match": tag}).status_code == 412
    # An event without facts needs no body.
    assert supervisor("POST", "/campaigns/QC2026/inspect").json()["state"] == "inspecting"
    assert [each["code"] for each in supervisor.get("/campaigns").json()["items"]] == ["QC2026", "CC2026"]


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"units": ["LL01", "NOWHERE"]}, "/units/1"),
        ({"unit": "NOWHERE"}, "/unit"),
        ({"code": "CC2026"}, "/code"),
        ({"checklist": "NONE"}, "/checklist"),
        ({"phases": {"inspecting": {"from": "2026-09-07", "to": "2026-09-01"}}}, "/phases/inspecting"),
    ],
)
def test_a_wrong_campaign_is_refused_whole(
    supervisor: Caller, world: World, wrong: dict[str, Any], pointer: str
) -> None:
    supervisor.get("/campaigns")
    before = rows(world)
    answer = supervisor.post("/campaigns", CAMPAIGN | wrong)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert rows(world) == before


def test_facts_of_another_event_are_refused(supervisor: Caller) -> None:
    answer = supervisor.post("/campaigns/CC2026/rectify", {"attendance": 3})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/attendance"


def test_units_that_have_not_reported_hold_the_campaign_up(supervisor: Caller) -> None:
    answer = supervisor.post("/campaigns/CC2026/rectify")
    assert (answer.status_code, answer.json()["code"]) == (409, "coverage-incomplete")
    for unit in ("LL01", "SQ02"):
        assert supervisor.post("/campaigns/CC2026/zero-reports", {"unit": unit}).status_code == 201
    assert supervisor.post("/campaigns/CC2026/rectify").json()["state"] == "rectifying"


def test_the_status_counts_by_unit_level_and_state(supervisor: Caller, world: World) -> None:
    world.assigned(due="2026-04-02")
    world.find(unit="SQ02", level="serious")
    world.later(days=2)
    status = supervisor.get("/campaigns/CC2026/status").json()
    assert status["as_of"].endswith("+08:00")
    assert (status["counts"]["total"], status["counts"]["overdue"]) == (2, 1)
    by_unit = {unit["code"]: unit["counts"]["total"] for unit in status["by_unit"]}
    assert by_unit == {"LL01": 1, "SQ02": 1}


def test_quantities_are_recorded_and_listed(inspector: Caller, world: World) -> None:
    said = {
        "action": "清扫",
        "item": "针瓶",
        "quantity": 4500,
        "measure_unit": "个",
        "unit": "LL01",
        "date": "2026-03-20",
    }
    made = inspector.post("/campaigns/CC2026/quantities", said)
    assert made.status_code == 201
    assert made.json() | said == made.json()
    inspector.post("/campaigns/CC2026/quantities", said | {"unit": "SQ02", "quantity": 2.5})
    items = inspector.get("/campaigns/CC2026/quantities").json()["items"]
    assert [item["quantity"] for item in items] == [4500, 2.5]
    assert len(inspector.get("/campaigns/CC2026/quantities", params={"unit": "SQ02"}).json()["items"]) == 1
    before = rows(world)
    wrong = inspector.post("/campaigns/CC2026/quantities", said | {"quantity": 0})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/quantity")
    future = inspector.post("/campaigns/CC2026/quantities", said | {"date": "2026-05-01"})
    assert future.json()["errors"][0]["pointer"].endswith("/date")
    assert rows(world) == before


def test_a_tool_is_registered_tested_and_due(supervisor: Caller) -> None:
    made = supervisor.post("/tools", {"number": "JYST-0001", "kind": "绝缘手套", "unit": "LL01"})
    assert made.status_code == 201
    assert (made.json()["status"], made.json()["test_interval_months"]) == ("untested", 6)
    tested = supervisor.post(
        "/tools/JYST-0001/tests", {"passed": True, "tested_on": "2026-03-10", "campaign": "CC2026"}
    )
    assert tested.status_code == 201
    assert (tested.json()["tool"]["status"], tested.json()["tool"]["next_test_on"]) == (
        "in_use",
        "2026-09-10",
    )
    assert supervisor.get("/tools/JYST-0001").json() == tested.json()["tool"]
    assert supervisor.get("/tools", params={"due": "2026-09-09"}).json()["items"] == []
    assert len(supervisor.get("/tools", params={"due": "2026-09-10"}).json()["items"]) == 1
    assert len(supervisor.get("/tools/JYST-0001/tests").json()["items"]) == 1
    [counted] = supervisor.get("/campaigns/CC2026/quantities").json()["items"]
    assert (counted["action"], counted["item"], counted["quantity"], counted["measure_unit"]) == (
        "试验",
        "绝缘手套",
        1,
        "付",
    )
    twice = supervisor.post("/tools", {"number": "JYST-0001", "kind": "绝缘手套", "unit": "LL01"})
    assert (twice.status_code, twice.json()["errors"][0]["pointer"]) == (422, "/number")


def test_a_test_of_a_tool_has_readings_and_photos(supervisor: Caller) -> None:
    supervisor.post("/tools", {"number": "JYST-0001", "kind": "绝缘手套", "unit": "LL01"})
    data = photo()
    file = listed(data, "电表.jpg")
    reading = {"name": "泄漏电流", "value": "7.5", "unit": "mA"}
    told = {"passed": True, "readings": [reading], "files": [file]}
    tested = supervisor.post("/tools/JYST-0001/tests", told)
    assert (tested.status_code, tested.json()["readings"], tested.json()["photos"]) == (
        201,
        [reading],
        [file],
    )
    sent = supervisor.send(data, file["sha256"])
    assert (sent.status_code, sent.json()["complete"]) == (201, True)
    [read] = supervisor.get("/tools/JYST-0001/tests").json()["items"]
    assert (read["readings"], read["photos"]) == ([reading], [file])
    wrong = supervisor.post("/tools/JYST-0001/tests", {"passed": True, "readings": [{"name": "泄漏电流"}]})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/readings/0/value")


def test_failed_answers_become_findings(inspector: Caller, checklist: str) -> None:
    key = str(uuid4())
    plan = {"id": key, "campaign": "CC2026", "unit": "LL01", "checklist": checklist}
    planned = inspector.post("/inspections", plan)
    assert (planned.status_code, planned.json()["state"]) == (201, "planned")
    answers = [
        {"item": "T01", "value": "fail", "note": "油位偏低", "location": "27# 变台"},
        {"item": "T02", "value": "pass"},
    ]
    put = inspector.put(f"/inspections/{key}/answers", json={"answers": answers})
    assert (put.status_code, put.json()["state"]) == (200, "started")
    early = inspector.post(f"/inspections/{key}/submit")
    assert (early.status_code, early.json()["code"]) == (422, "answers-missing")
    inspector.put(f"/inspections/{key}/answers", json={"answers": [{"item": "T03", "value": "na"}]})
    done = inspector.post(f"/inspections/{key}/submit").json()
    assert (done["state"], done["score"], done["tickets"]) == ("submitted", "50.00", ["CC2026-LL01-0001"])
    assert done == inspector.get(f"/inspections/{key}").json()
    assert inspector.get("/tickets/CC2026-LL01-0001").json()["location"] == "27# 变台"
    assert inspector.post(f"/inspections/{key}/submit").status_code == 409
    assert len(inspector.get("/inspections", params={"campaign": "CC2026"}).json()["items"]) == 1


def test_a_visit_not_made_needs_a_reason(inspector: Caller, supervisor: Caller, checklist: str) -> None:
    plan = {"campaign": "CC2026", "unit": "SQ02", "checklist": checklist}
    key = inspector.post("/inspections", plan).json()["id"]
    assert supervisor.post(f"/inspections/{key}/miss").json()["code"] == "reason-missing"
    missed = supervisor.post(f"/inspections/{key}/miss", {"reason": "道路塌方"}).json()
    assert (missed["state"], missed["missed_reason"]) == ("missed", "道路塌方")
