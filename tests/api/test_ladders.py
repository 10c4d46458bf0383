"""Ladders set anew: what is refused, and that nothing is lost or repeated."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from domain.escalation import sweep_all
from domain.records import History, StepRecord
from tests.api.conftest import Caller
from tests.world import World


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00")


def step(code: str, days: int, *to: str, **said: Any) -> dict[str, Any]:
    act = "remind" if days < 0 else "escalate"
    return {"code": code, "after_workdays": days, "to": list(to), "act": act, **said}


def deadline(caller: Caller, *steps: dict[str, Any], campaign: str = "CC2026") -> Any:
    return caller.put(f"/campaigns/{campaign}/ladders", json={"ladders": {"deadline": list(steps)}})


def test_every_matter_has_a_ladder_from_the_first_day(supervisor: Caller) -> None:
    ladders = supervisor.get("/campaigns/CC2026/ladders").json()["ladders"]
    assert set(ladders) == {
        "unassigned",
        "unacknowledged",
        "deadline",
        "unchecked",
        "extension",
        "inspection",
        "suggestion",
        "tool",
        "supervision",
        "report",
    }
    assert all(ladders.values()), "nobody has to switch chasing on"


def test_a_new_ladder_plans_open_matters_anew_without_repeating_a_step(
    supervisor: Caller, world: World
) -> None:
    number = world.acknowledged().number
    sweep_all(world.database, as_of=at("2026-04-13T09:00:00"))
    world.now = at("2026-04-13T10:00:00")
    done = deadline(
        supervisor,
        step("due-in-3", -3, "assignee"),
        step("due-in-2", -2, "assignee", "unit_leader"),
        step("overdue", 0, "supervisor", repeat={"every_workdays": 2, "times": 2}),
    )
    assert done.status_code == 200, done.text
    assert world.next_step(number) == at("2026-04-14T08:30:00")
    for moment in (
        "2026-04-14T09:00:00",
        "2026-04-17T09:00:00",
        "2026-04-20T09:00:00",
        "2026-04-30T09:00:00",
    ):
        sweep_all(world.database, as_of=at(moment))
    with world.database.reading() as session:
        steps = session.scalars(select(StepRecord.step).order_by(StepRecord.planned_at)).all()
        changed = session.scalars(select(History).where(History.event == "ladders_set")).one()
    assert steps == ["due-in-3", "due-in-2", "overdue", "overdue.1", "overdue.2"]
    assert [each["code"] for each in changed.facts["ladders"]["deadline"]] == [
        "due-in-3",
        "due-in-2",
        "overdue",
    ]


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (step("s", 1, "person:nobody"), "ladder-unknown-name"),
        (step("s", 1, "leader_of:NOWHERE"), "ladder-unknown-name"),
        (step("s", 1, "leader", channels=["robot"]), "ladder-no-robot"),
        (step("s", 1, "weather"), "ladder-told"),
        (step("s", 1, "leader", only_if=["extension_pending", "no_extension_pending"]), "ladder-unreachable"),
    ],
)
def test_a_step_nobody_would_hear_is_refused_by_name(
    supervisor: Caller, wrong: dict[str, Any], rule: str
) -> None:
    answer = deadline(supervisor, wrong)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["rule"] == rule
    assert error["pointer"].startswith("/ladders")


def test_a_step_that_finds_no_holder_of_a_role_names_the_unit(supervisor: Caller, world: World) -> None:
    from domain.people import deactivate
    from statemachines.roles import SYSTEM

    with world.database.transaction() as session:
        deactivate(session, "zhengju", actor=SYSTEM, now=world.now)
    answer = deadline(supervisor, step("boss", 5, "leader"))
    assert answer.status_code == 422
    assert "找不到可通知的人" in answer.json()["errors"][0]["detail"]


def test_only_who_supervises_sets_ladders(assignee: Caller) -> None:
    assert deadline(assignee, step("s", 1, "leader")).status_code == 403


def test_a_unit_sets_the_ladder_of_its_tools(supervisor: Caller, world: World) -> None:
    made = supervisor.post(
        "/tools", {"number": "YDB-01", "kind": "验电笔", "unit": "LL01", "last_test_on": "2025-04-10"}
    )
    assert made.status_code == 201, made.text
    own = {"ladders": {"tool": [step("test-in-2", -2, "supervisor")]}}
    assert supervisor.put("/units/LL01/ladders", json=own).status_code == 200
    result = sweep_all(world.database, as_of=at("2026-04-08T09:00:00"))
    assert {(line.number, line.step) for line in result.lines} == {("YDB-01", "test-in-2")}
    assert supervisor.get("/units/LL01/ladders").json()["ladders"]["tool"][0]["code"] == "test-in-2"


def test_somebody_elses_change_is_not_overwritten(supervisor: Caller) -> None:
    tag = supervisor.get("/campaigns/CC2026/ladders").headers["etag"]
    assert deadline(supervisor, step("s", 1, "leader")).status_code == 200
    stale = supervisor.put(
        "/campaigns/CC2026/ladders", json={"ladders": {"deadline": []}}, headers={"If-Match": tag}
    )
    assert stale.status_code == 412
