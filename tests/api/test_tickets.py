from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.conftest import THREE_FIXED, Caller
from tests.photos import listed, photo
from tests.world import World


def test_the_whole_life_of_a_ticket(
    inspector: Caller, supervisor: Caller, assignee: Caller, world: World
) -> None:
    number = inspector.submit().json()["number"]
    assigned = supervisor.post(f"/tickets/{number}/assign", {**THREE_FIXED, "due": "2026-04-20"}).json()
    assert (assigned["state"], assigned["assignee"], assigned["due"]) == (
        "assigned",
        "wangjianguo",
        "2026-04-20",
    )
    assert assigned["due_at"] == assigned["first_due_at"] == "2026-04-20T23:59:59+08:00"
    assert assignee.post(f"/tickets/{number}/acknowledge").json()["acknowledged_at"] is not None
    assert assignee.post(f"/tickets/{number}/progress", {"note": "备件已到"}).status_code == 200
    world.later(hours=2)
    quantity = {"action": "更换", "item": "密封垫", "quantity": 2, "measure_unit": "个"}
    fixed = assignee.post(
        f"/tickets/{number}/fix", {"note": "已更换", "cost": 120.5, "quantities": [quantity]}
    ).json()
    assert (fixed["state"], fixed["fixer"], fixed["cost"]) == ("fixed", "wangjianguo", 120.5)
    returned = inspector.post(f"/tickets/{number}/verify", {"passed": False, "opinion": "仍渗油"}).json()
    assert (returned["state"], returned["return_count"]) == ("assigned", 1)
    assignee.post(f"/tickets/{number}/fix", {"note": "重新更换"})
    done = inspector.post(f"/tickets/{number}/verify", {"passed": True, "opinion": "合格"}).json()
    assert (done["state"], done["verifier"]) == ("verified", "limin")
    assert done == inspector.get(f"/tickets/{number}").json()
    history = inspector.get(f"/tickets/{number}/history").json()["items"]
    assert [item["event"] for item in history] == [
        "found",
        "assign",
        "acknowledge",
        "progress",
        "fix",
        "return",
        "fix",
        "verify",
    ]
    assert history[1]["actor"] == "赵主任"
    assert (history[1]["from_state"], history[1]["to_state"]) == ("found", "assigned")


def test_due_defaults_from_level_and_calendar(inspector: Caller, supervisor: Caller) -> None:
    number = inspector.submit(level="serious").json()["number"]
    assigned = supervisor.post(f"/tickets/{number}/assign", THREE_FIXED).json()
    # Seven natural days from Wednesday 1 April.
    assert assigned["due"] == "2026-04-08"


def test_a_fix_on_the_spot(inspector: Caller) -> None:
    before, after = photo(colour="red"), photo(colour="green")
    number = inspector.submit(files=[listed(before)]).json()["number"]
    said = {"note": "当场紧固", "files": [listed(after)]}
    fixed = inspector.post(f"/tickets/{number}/fix-on-spot", said).json()
    assert (fixed["state"], fixed["on_the_spot"], fixed["fixer"]) == ("fixed", True, "limin")
    for data in (before, after):
        inspector.send(data, listed(data)["sha256"])
    own = inspector.post(f"/tickets/{number}/verify", {"passed": True, "opinion": "合格"})
    assert (own.status_code, own.json()["code"]) == (403, "self-verification")


def test_transitions_say_what_may_be_done_and_why_not_the_rest(
    supervisor: Caller, assignee: Caller, world: World
) -> None:
    number = world.assigned().number
    mine = {item["event"]: item for item in assignee.get(f"/tickets/{number}/transitions").json()["items"]}
    assert mine["fix"]["allowed"] is True
    assert mine["fix"]["label"] == "报告整改完成"
    assert (mine["verify"]["allowed"], mine["verify"]["code"]) == (False, "wrong-state")
    assert (mine["cancel"]["allowed"], mine["cancel"]["code"]) == (False, "role-missing")
    theirs = supervisor.get(f"/tickets/{number}/transitions", headers={"Accept-Language": "en"}).json()
    assert theirs["state"] == "assigned"
    assert next(item for item in theirs["items"] if item["event"] == "cancel")["label"] == "Cancel"


def test_a_refused_transition_names_what_is_allowed(assignee: Caller, world: World) -> None:
    number = world.assigned().number
    answer = assignee.post(f"/tickets/{number}/verify", {"passed": True, "opinion": "合格"})
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["code"] == "wrong-state"
    assert "fix" in problem["allowed"]
    assert problem["instance"] == f"/api/v1/tickets/{number}/verify"


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("reassign", {"assignee": "sunhua", "reason": "王建国外出培训"}),
        ("supervise", {"reason": "多次退回"}),
        ("regrade", {"level": "serious", "reason": "渗油加重"}),
        ("cancel", {"reason": "重复登记", "kind": "not_a_hazard"}),
    ],
)
def test_what_departs_from_the_path_needs_a_reason(
    supervisor: Caller, world: World, call: str, body: dict[str, Any]
) -> None:
    number = world.assigned().number
    silent = supervisor.post(f"/tickets/{number}/{call}", {k: v for k, v in body.items() if k != "reason"})
    assert (silent.status_code, silent.json()["code"]) == (422, "reason-missing")
    assert silent.json()["errors"][0]["pointer"] == "/reason"
    assert supervisor.post(f"/tickets/{number}/{call}", body).status_code == 200


def test_an_extension_is_asked_for_and_approved(assignee: Caller, supervisor: Caller, world: World) -> None:
    number = world.assigned(due="2026-04-20").number
    said = {"reason": "配件未到", "interim_measures": "悬挂警示牌并每日巡视", "due": "2026-04-25"}
    asked = assignee.post(f"/tickets/{number}/extensions", said)
    assert asked.status_code == 201
    extension = asked.json()
    assert (extension["state"], extension["requested_by"]) == ("requested", "wangjianguo")
    own = assignee.post(f"/extensions/{extension['id']}/approve")
    assert own.status_code == 403
    approved = supervisor.post(f"/extensions/{extension['id']}/approve", {"opinion": "同意"}).json()
    assert (approved["state"], approved["decided_by"]) == ("approved", "zhaozhuren")
    ticket = supervisor.get(f"/tickets/{number}").json()
    assert (ticket["due"], ticket["first_due_at"]) == ("2026-04-25", "2026-04-20T23:59:59+08:00")
    assert [each["state"] for each in supervisor.get(f"/tickets/{number}/extensions").json()["items"]] == [
        "approved"
    ]


def test_an_extension_refused_leaves_the_deadline(assignee: Caller, supervisor: Caller, world: World) -> None:
    number = world.assigned(due="2026-04-20").number
    said = {"reason": "配件未到", "interim_measures": "每日巡视", "due": "2026-04-25"}
    key = assignee.post(f"/tickets/{number}/extensions", said).json()["id"]
    assert supervisor.post(f"/extensions/{key}/refuse").json()["code"] == "reason-missing"
    assert (
        supervisor.post(f"/extensions/{key}/refuse", {"opinion": "可调用备件"}).json()["state"] == "refused"
    )
    assert supervisor.get(f"/tickets/{number}").json()["due"] == "2026-04-20"


def test_escalations_show_every_step_planned(supervisor: Caller, world: World) -> None:
    number = world.assigned(due="2026-04-20").number
    steps = supervisor.get(f"/tickets/{number}/escalations").json()["items"]
    assert steps
    assert all(step["done_at"] is None and step["why"] for step in steps)
    assert [step["planned_at"] for step in steps] == sorted(step["planned_at"] for step in steps)


def test_lists_are_narrowed_and_paged(inspector: Caller, world: World) -> None:
    for n in range(7):
        inspector.submit(
            unit="LL01" if n % 2 else "SQ02", description=f"隐患{n}", level="serious" if n == 3 else "general"
        )
    seen: list[str] = []
    cursor = None
    while True:
        page = inspector.get("/tickets", params={"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
        seen += [item["description"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [f"隐患{n}" for n in reversed(range(7))]

    def found(**query: Any) -> int:
        return len(inspector.get("/tickets", params=query).json()["items"])

    assert found(unit="SQ02") == 4
    assert found(unit="XB") == 7
    assert found(level="serious") == 1
    assert found(level=["serious", "general"]) == 7
    assert found(state="assigned") == 0
    assert found(q="隐患3") == 1
    assert found(overdue=True) == 0
    assert found(campaign="OTHER") == 0
    world.assigned(due="2026-04-02")
    world.later(days=2)
    assert found(overdue=True, assignee="wangjianguo") == 1


def test_what_is_out_of_sight_is_not_there(inspector: Caller, calling: Callable[[str], Caller]) -> None:
    number = inspector.submit(unit="LL01").json()["number"]
    outsider = calling("shisuozhang")
    for path in ("", "/history", "/transitions", "/escalations", "/extensions"):
        assert outsider.get(f"/tickets/{number}{path}").status_code == 404
    for call in ("assign", "cancel", "verify"):
        body = {"passed": True} if call == "verify" else {}
        assert outsider.post(f"/tickets/{number}/{call}", body).status_code == 404
    assert outsider.get("/tickets").json()["items"] == []
