"""Bulk calls, transfers, corrections and comments as a program meets them."""

from __future__ import annotations

from tests.api.conftest import Caller
from tests.world import World

TOLD = {"assignee": "wangjianguo", "duty": "负责", "measure": "更换"}


def test_a_preview_and_then_the_act_row_by_row(supervisor: Caller, world: World) -> None:
    ours, major = world.find(), world.find(level="major")
    body = {**TOLD, "items": [{"number": ours.number, "version": 1}, {"number": major.number}]}
    seen = supervisor.post("/tickets/bulk/assign", {**body, "preview": True}).json()
    assert (seen["preview"], seen["done"], seen["refused"]) == (True, 1, 1)
    assert world.ticket(ours.number).state == "found"
    key = {"headers": {"Idempotency-Key": "bulk-1"}}
    first = supervisor.post("/tickets/bulk/assign", body, **key)
    again = supervisor.post("/tickets/bulk/assign", body, **key)
    assert (first.status_code, again.json()) == (200, first.json())
    done, refused = first.json()["items"]
    assert (done["status"], done["state"], done["due"]) == (200, "assigned", "2026-04-16")
    assert (refused["status"], refused["problem"]["code"]) == (422, "five-assurances-missing")
    stale = supervisor.post("/tickets/bulk/assign", body).json()["items"][0]
    assert (stale["status"], stale["problem"]["code"]) == (412, "precondition-failed")


def test_a_bulk_call_names_what_is_wrong_with_it(supervisor: Caller, world: World) -> None:
    number = world.find().number
    for items, rule in (
        ([], "too-few"),
        ([{"number": number}] * 2, "repeated"),
        ([{"number": "x"}] * 101, "too-many"),
    ):
        answer = supervisor.post("/tickets/bulk/assign", {**TOLD, "items": items})
        assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (422, rule)


def test_transfer_correct_and_comment(supervisor: Caller, world: World) -> None:
    number = world.find().number
    corrected = supervisor.post(f"/tickets/{number}/correct", {"location": "28# 变台", "reason": "写错"})
    assert corrected.json()["location"] == "28# 变台"
    passed = supervisor.post(f"/tickets/{number}/transfer", {"unit": "SQ02", "reason": "属石桥所"})
    assert (passed.json()["unit"], passed.json()["number"]) == ("SQ02", number)
    said = supervisor.post(f"/tickets/{number}/comments", {"text": "@shisuozhang 请三定"})
    assert (said.status_code, said.json()["mentions"]) == (201, ["shisuozhang"])
    assert supervisor.get(f"/tickets/{number}/comments").json()["items"] == [said.json()]
