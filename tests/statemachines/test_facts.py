"""Each fact an event declares is really read: a wrong or absent value is refused by its own rule."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from statemachines.campaign import CampaignState, accepts_findings
from statemachines.chart import RecordChart, move
from statemachines.labels import Level
from statemachines.refusals import Refusal
from tests.statemachines.matrix import PERSONAS
from tests.statemachines.records import (
    CAMPAIGN_FACTS,
    DUE,
    EXTENSION_FACTS,
    FOUND_AT,
    INSPECTION_FACTS,
    NOW,
    TICKET_FACTS,
    Call,
    Campaign,
    Extension,
    Inspection,
    Report,
    ticket,
)

major = {"level": Level.MAJOR}
colleague_fixed = {"fixer_id": PERSONAS["colleague"].id, "fixer_unit_path": "/XB/"}


def campaign(state: str) -> Callable[[], Any]:
    return lambda: Campaign(state=Campaign.chart.states_enum(state))  # type: ignore[arg-type]


def a(state: str, **facts: Any) -> Callable[[], Any]:
    return lambda: ticket(state, **facts)


def started() -> Any:
    return Inspection(state=Inspection.chart.states_enum("started"))  # type: ignore[arg-type]


# row, event, who, the fact, its value, the refusal's code, what it names as missing
CASES: list[tuple[Callable[[], Any], str, str, str, Any, str, tuple[str, ...]]] = [
    (a("found"), "assign", "supervisor", "assignee", None, "three-fixed-missing", ("assignee",)),
    (a("found"), "assign", "supervisor", "duty", " ", "three-fixed-missing", ("duty",)),
    (a("found"), "assign", "supervisor", "measure", "", "three-fixed-missing", ("measure",)),
    (a("found"), "assign", "supervisor", "due", None, "three-fixed-missing", ("due",)),
    (a("found"), "assign", "supervisor", "due", NOW, "due-in-past", ()),
    (a("found"), "assign", "supervisor", "due", FOUND_AT - timedelta(days=1), "due-before-found", ()),
    (a("found", **major), "assign", "supervisor", "budget", None, "five-assurances-missing", ("budget",)),
    (
        a("found", **major),
        "assign",
        "supervisor",
        "emergency_plan",
        "",
        "five-assurances-missing",
        ("emergency_plan",),
    ),
    (a("assigned"), "progress", "assignee", "note", None, "note-missing", ("note",)),
    (a("assigned"), "fix", "assignee", "note", " ", "note-missing", ("note",)),
    (
        a("assigned", after_photo_required=True),
        "fix",
        "assignee",
        "after_photos",
        0,
        "after-photo-required",
        ("after_photos",),
    ),
    (a("assigned"), "fix", "assignee", "fixed_at", NOW + timedelta(seconds=1), "fixed-in-future", ()),
    (a("assigned"), "fix", "assignee", "fixed_at", FOUND_AT - timedelta(seconds=1), "fixed-before-found", ()),
    (a("found"), "fix_on_spot", "inspector", "fixed_at", NOW + timedelta(days=1), "on-spot-same-day", ()),
    (
        a("found"),
        "fix_on_spot",
        "inspector",
        "before_photos",
        0,
        "on-spot-needs-before-and-after",
        ("before_photos",),
    ),
    (
        a("found"),
        "fix_on_spot",
        "inspector",
        "after_photos",
        0,
        "on-spot-needs-before-and-after",
        ("after_photos",),
    ),
    (a("fixed"), "verify", "inspector", "opinion", None, "opinion-missing", ("opinion",)),
    (
        a("fixed", **colleague_fixed),
        "verify",
        "inspector",
        "independent_team",
        True,
        "same-team-verification",
        (),
    ),
    (a("fixed"), "return", "inspector", "opinion", "", "opinion-missing", ("opinion",)),
    (a("fixed"), "return", "inspector", "due", NOW - timedelta(hours=1), "due-in-past", ()),
    (
        a("fixed", **colleague_fixed),
        "return",
        "inspector",
        "independent_team",
        True,
        "same-team-verification",
        (),
    ),
    (a("found"), "cancel", "supervisor", "reason", None, "reason-missing", ("reason",)),
    (a("assigned"), "reassign", "supervisor", "assignee", None, "three-fixed-missing", ("assignee",)),
    (a("assigned"), "reassign", "supervisor", "reason", " ", "reason-missing", ("reason",)),
    (a("found"), "regrade", "supervisor", "reason", None, "reason-missing", ("reason",)),
    (a("found"), "regrade", "supervisor", "level", None, "level-missing", ("level",)),
    (a("found"), "regrade", "supervisor", "level", Level.GENERAL, "level-missing", ("level",)),
    (a("found"), "transfer", "supervisor", "unit", None, "receiver-missing", ("unit",)),
    (a("found"), "transfer", "supervisor", "unit", "/XB/XB03/", "receiver-missing", ("unit",)),
    (a("assigned"), "transfer", "supervisor", "reason", " ", "reason-missing", ("reason",)),
    (a("assigned"), "transfer", "supervisor", "extension_pending", True, "extension-undecided", ()),
    (a("fixed"), "correct", "supervisor", "changed", (), "nothing-changed", ()),
    (a("found"), "correct", "supervisor", "reason", None, "reason-missing", ("reason",)),
    (a("found"), "supervise", "leader", "reason", None, "reason-missing", ("reason",)),
    (a("assigned"), "extend", "leader", "due", None, "due-not-later", ("due",)),
    (a("assigned"), "extend", "leader", "due", DUE, "due-not-later", ("due",)),
    (
        campaign("preparing"),
        "mobilise",
        "leader",
        "notice_number",
        "",
        "mobilise-facts-missing",
        ("notice_number",),
    ),
    (campaign("preparing"), "mobilise", "leader", "held_on", None, "mobilise-facts-missing", ("held_on",)),
    (campaign("preparing"), "mobilise", "leader", "attendance", 0, "mobilise-facts-missing", ("attendance",)),
    (
        campaign("preparing"),
        "mobilise",
        "leader",
        "attendance",
        None,
        "mobilise-facts-missing",
        ("attendance",),
    ),
    (campaign("inspecting"), "rectify", "clock", "unreported", ["XB07"], "coverage-incomplete", ("reason",)),
    (
        campaign("rectifying"),
        "recheck",
        "clock",
        "unassigned",
        ["CC2026-XB03-0017"],
        "tickets-unassigned",
        (),
    ),
    (
        campaign("rechecking"),
        "summarise",
        "clock",
        "mismatches",
        ["针瓶 4500 ≠ 4499"],
        "figures-mismatch",
        (),
    ),
    (
        campaign("summarised"),
        "archive",
        "leader",
        "open_tickets",
        ["CC2026-XB03-0017"],
        "open-tickets-need-next",
        ("next_campaign",),
    ),
    (started, "submit", "inspector", "unanswered", 3, "answers-missing", ("answers",)),
    (started, "submit", "inspector", "conflicts", 1, "conflicts-open", ()),
    (started, "submit", "inspector", "without_photo", "变压器渗漏油", "photo-required", ("files",)),
    (
        started,
        "hand_over",
        "supervisor",
        "inspector",
        PERSONAS["inspector"].id,
        "same-inspector",
        ("to",),
    ),
    (started, "miss", "supervisor", "reason", None, "reason-missing", ("reason",)),
    (Inspection, "withdraw", "supervisor", "reason", None, "reason-missing", ("reason",)),
    (Extension, "refuse", "leader", "reason", "", "reason-missing", ("reason",)),
]

USUAL: dict[type[RecordChart], dict[str, dict[str, Any]]] = {
    type(record).chart: facts
    for record, facts in (
        (ticket(), TICKET_FACTS),
        (Campaign(), CAMPAIGN_FACTS),
        (Inspection(), INSPECTION_FACTS),
        (Extension(), EXTENSION_FACTS),
    )
}

# Facts that are read only beside another one; each has its own test below.
BESIDE = {
    ("regrade", "budget"),
    ("regrade", "emergency_plan"),
    ("rectify", "reason"),
    ("archive", "next_campaign"),
}


@pytest.mark.parametrize(
    ("build", "event", "who", "fact", "value", "code", "missing"),
    [pytest.param(*case, id=f"{case[1]}-{case[3]}-{case[5]}") for case in CASES],
)
def test_a_wrong_fact_is_refused_and_nothing_changes(
    build: Callable[[], Any], event: str, who: str, fact: str, value: Any, code: str, missing: tuple[str, ...]
) -> None:
    row = build()
    before = replace(row)
    facts = {**USUAL[row.chart][event], fact: value}
    with pytest.raises(Refusal) as refused:
        move(row, event, actor=PERSONAS[who], now=NOW, **facts)
    assert (refused.value.code, refused.value.missing) == (code, missing)
    assert row == before


def test_every_declared_fact_has_its_case() -> None:
    declared = {(event, fact) for chart in USUAL for event, law in chart.laws.items() for fact in law.facts}
    assert {(case[1], case[3]) for case in CASES} | BESIDE == declared


@pytest.mark.parametrize(
    ("event", "chart"), [(event, chart) for chart, facts in USUAL.items() for event in facts]
)
def test_the_usual_facts_are_all_the_event_reads(event: str, chart: type[RecordChart]) -> None:
    assert USUAL[chart][event].keys() == chart.laws[chart.events_enum(event)].facts.keys()


def test_the_three_fixed_are_named_together_in_both_languages() -> None:
    with pytest.raises(Refusal) as refused:
        move(ticket(), "assign", actor=PERSONAS["supervisor"], now=NOW, assignee=PERSONAS["assignee"].id)
    assert refused.value.missing == ("duty", "measure", "due")
    assert refused.value.sentence("zh") == "三定不全，缺：定责（职责）、定责（措施）、定期（整改期限）。"
    assert "the deadline (due)" in refused.value.sentence("en")


def test_raising_an_assigned_ticket_to_major_names_the_missing_plan() -> None:
    row = ticket("assigned")
    supervisor = PERSONAS["supervisor"]
    with pytest.raises(Refusal) as refused:
        move(row, "regrade", actor=supervisor, now=NOW, level=Level.MAJOR, reason="停电范围扩大", budget=3000)
    assert refused.value.missing == ("emergency_plan",)
    assert refused.value.sentence("zh") == "重大隐患五落实不全，缺：预案。"
    with pytest.raises(Refusal) as refused:
        move(
            row, "regrade", actor=supervisor, now=NOW, level=Level.MAJOR, reason="同上", emergency_plan="隔离"
        )
    assert refused.value.missing == ("budget",)


def test_raising_a_found_ticket_to_major_waits_for_the_assignment_to_ask_for_the_plan() -> None:
    move(ticket(), "regrade", actor=PERSONAS["supervisor"], now=NOW, level=Level.MAJOR, reason="停电范围扩大")


def test_a_budget_of_zero_is_a_budget() -> None:
    facts = {**TICKET_FACTS["assign"], "budget": 0}
    assert move(ticket(**major), "assign", actor=PERSONAS["supervisor"], now=NOW, **facts) == "assigned"


def test_a_reason_overrides_units_that_have_not_reported() -> None:
    row = campaign("inspecting")()
    facts = {"unreported": ["XB07"], "reason": "道路中断,四月补查"}
    assert move(row, "rectify", actor=PERSONAS["clock"], now=NOW, **facts) == "rectifying"


def test_open_tickets_go_to_the_next_campaign() -> None:
    row = campaign("summarised")()
    facts = {"open_tickets": ["CC2026-XB03-0017"], "next_campaign": "QC2026"}
    assert move(row, "archive", actor=PERSONAS["supervisor"], now=NOW, **facts) == "archived"


def test_findings_come_in_until_the_campaign_is_summed_up() -> None:
    assert [accepts_findings(state) for state in CampaignState] == [True] * 5 + [False] * 2


def test_a_call_is_settled_once_the_caller_has_an_answer_and_was_called_back_where_they_asked_for_it() -> (
    None
):
    inspector = PERSONAS["inspector"]
    for row, refused in (
        (Call(answered_at=None), "answer-missing"),
        (Call(callback_wanted=True), "callback-missing"),
    ):
        with pytest.raises(Refusal) as why:
            move(row, "settle", actor=inspector, now=NOW)
        assert why.value.code == refused
    assert (
        move(Call(callback_wanted=True, called_back_at=NOW), "settle", actor=inspector, now=NOW) == "settled"
    )


def test_an_answer_to_a_caller_has_words() -> None:
    with pytest.raises(Refusal) as why:
        move(Call(), "answer", actor=PERSONAS["inspector"], now=NOW, answer=" ")
    assert why.value.code == "answer-missing"


def test_declining_a_report_needs_a_reason() -> None:
    with pytest.raises(Refusal) as why:
        move(Report(), "decline", actor=PERSONAS["supervisor"], now=NOW, reason="")
    assert why.value.code == "reason-missing"
