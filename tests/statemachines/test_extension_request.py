"""Asking for an extension (domain rules 2.8)."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from statemachines.extension import request_extension, request_refusal
from statemachines.labels import Level
from statemachines.refusals import Refusal
from tests.statemachines.matrix import PERSONAS
from tests.statemachines.records import DUE, FOUND_AT, NOW, ticket

ASKED: dict[str, Any] = {
    "due": DUE + timedelta(days=3),
    "reason": "待停电计划",
    "interim_measures": "设置围栏,每日巡视",
    "pending": False,
    "approved": 0,
}


def refused(row: Any, who: str = "assignee", now: datetime = NOW, **facts: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        request_extension(row, actor=PERSONAS[who], now=now, **{**ASKED, **facts})
    return caught.value


def test_the_assignee_may_ask_before_the_deadline() -> None:
    request_extension(ticket("assigned"), actor=PERSONAS["assignee"], now=NOW, **ASKED)
    request_extension(ticket("assigned"), actor=PERSONAS["assignee"], now=DUE, **ASKED)


@pytest.mark.parametrize("who", sorted(PERSONAS.keys() - {"assignee"}))
def test_nobody_else_may_ask(who: str) -> None:
    assert refused(ticket("assigned"), who).code == "not-assignee"


@pytest.mark.parametrize("state", ["found", "fixed", "verified", "cancelled"])
def test_only_a_ticket_being_rectified_is_extended(state: str) -> None:
    refusal = refused(ticket(state))
    assert refusal.code == "wrong-state"
    assert "申请延期" in refusal.sentence("zh")


def test_who_asks_in_vain_hears_what_is_possible() -> None:
    assert refused(ticket("fixed"), "supervisor").allowed == ("verify", "return", "correct", "supervise")


def test_after_the_deadline_it_is_too_late() -> None:
    refusal = refused(ticket("assigned"), now=DUE + timedelta(seconds=1))
    assert refusal.code == "extension-after-due"
    assert refusal.sentence("zh") == "整改期限2026-03-14 23:59已过，延期须在到期前申请。"


@pytest.mark.parametrize(
    ("fact", "value", "code", "missing"),
    [
        ("interim_measures", " ", "interim-measures-missing", ("interim_measures",)),
        ("reason", None, "reason-missing", ("reason",)),
        ("due", None, "due-not-later", ("due",)),
        ("due", DUE, "due-not-later", ("due",)),
        ("pending", True, "extension-pending", ()),
        ("approved", 2, "extension-too-many", ()),
        ("due", DUE + (DUE - FOUND_AT) + timedelta(seconds=1), "extension-too-long", ()),
    ],
)
def test_each_rule_of_an_extension(fact: str, value: Any, code: str, missing: tuple[str, ...]) -> None:
    refusal = refused(ticket("assigned"), **{fact: value})
    assert (refusal.code, refusal.missing) == (code, missing)


def test_extensions_together_are_measured_from_the_first_deadline() -> None:
    extended_once = ticket("assigned", due_at=DUE + timedelta(days=8))
    assert refused(extended_once, approved=1, due=DUE + timedelta(days=11)).code == "extension-too-long"
    request_extension(
        extended_once,
        actor=PERSONAS["assignee"],
        now=NOW,
        **{**ASKED, "approved": 1, "due": DUE + timedelta(days=10)},
    )


def test_a_campaign_may_set_other_caps() -> None:
    assert refused(ticket("assigned"), most=1, approved=1).code == "extension-too-many"
    assert refused(ticket("assigned"), longest=0.1).code == "extension-too-long"
    far = DUE + 2 * (DUE - FOUND_AT)
    request_extension(
        ticket("assigned"), actor=PERSONAS["assignee"], now=NOW, **{**ASKED, "due": far, "longest": 2.0}
    )


def test_the_button_is_shown_by_the_same_rules() -> None:
    assignee = PERSONAS["assignee"]
    row = ticket("assigned", level=Level.MAJOR)
    assert request_refusal(row, actor=assignee, now=NOW, pending=False, approved=0) is None
    pending = request_refusal(row, actor=assignee, now=NOW, pending=True, approved=0)
    assert pending is not None
    assert pending.code == "extension-pending"


def test_facts_are_never_dropped_silently() -> None:
    with pytest.raises(TypeError, match="interim_measure"):
        request_extension(
            ticket("assigned"), actor=PERSONAS["assignee"], now=NOW, **ASKED, interim_measure="x"
        )
    with pytest.raises(TypeError, match="pending"):
        request_extension(ticket("assigned"), actor=PERSONAS["assignee"], now=NOW, approved=0)
