"""The ticket's rules as sentences."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from statemachines.chart import move, option, options
from statemachines.labels import LOCAL, Level
from statemachines.refusals import Refusal
from statemachines.roles import Actor, Grant, Role
from tests.statemachines.matrix import BUREAU, PERSONAS, STATION, person
from tests.statemachines.records import FOUND_AT, NOW, TICKET_FACTS, ticket

inspector, assignee, supervisor = PERSONAS["inspector"], PERSONAS["assignee"], PERSONAS["supervisor"]


def refused(row: Any, event: str, actor: Actor, now: datetime = NOW, **facts: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        move(row, event, actor=actor, now=now, **facts)
    return caught.value


def test_a_ticket_goes_from_found_to_verified() -> None:
    row = ticket()
    move(row, "assign", actor=supervisor, now=NOW, **TICKET_FACTS["assign"])
    row = replace(row, assignee_id=assignee.id)
    move(row, "acknowledge", actor=assignee, now=NOW)
    move(row, "fix", actor=assignee, now=NOW, note="已更换")
    row = replace(row, fixer_id=assignee.id, fixer_unit_path=STATION)
    assert move(row, "verify", actor=inspector, now=NOW, opinion="合格") == "verified"


def test_the_fixer_may_not_verify_even_as_an_inspector() -> None:
    both = replace(assignee, grants=(*assignee.grants, Grant(Role.INSPECTOR, BUREAU)))
    assert refused(ticket("fixed"), "verify", both, opinion="合格").code == "self-verification"
    assert refused(ticket("fixed"), "return", both, opinion="不合格").code == "self-verification"


def test_an_inspector_of_the_fixing_team_may_verify_only_where_the_campaign_allows_it() -> None:
    teammate = person(20, "同所小张", Role.INSPECTOR, home=STATION)
    assert refused(ticket("fixed"), "verify", teammate, opinion="合格").code == "same-team-verification"
    assert (
        move(ticket("fixed"), "verify", actor=teammate, now=NOW, opinion="合格", independent_team=False)
        == "verified"
    )


def test_nobody_verifies_the_fix_of_somebody_above_them() -> None:
    row = ticket("fixed", fixer_id=supervisor.id, fixer_unit_path=BUREAU, fixer_leads=(BUREAU,))
    for event, opinion in (("verify", "合格"), ("return", "仍有渗漏")):
        assert refused(row, event, inspector, opinion=opinion).code == "same-team-verification"
        refusal = refused(row, event, inspector, opinion=opinion, independent_team=False)
        assert refusal.code == "subordinate-verification"


def test_the_peers_and_superiors_of_the_fixer_are_not_under_them() -> None:
    chief = {"fixer_id": person(21, "所长", Role.SUPERVISOR, home=STATION).id, "fixer_unit_path": STATION}
    row = ticket("fixed", fixer_leads=(STATION,), **chief)
    told: dict[str, Any] = {"now": NOW, "opinion": "合格", "independent_team": False}
    teammate = person(20, "同所小张", Role.INSPECTOR, home=STATION)
    assert refused(row, "verify", teammate, **{k: v for k, v in told.items() if k != "now"}).code == (
        "subordinate-verification"
    )
    peer = person(22, "副所长", Role.SUPERVISOR, home=STATION)
    for above in (inspector, supervisor, peer):
        assert move(replace(row), "verify", actor=above, **told) == "verified"


def test_a_major_hazard_is_verified_by_two_different_people() -> None:
    row = ticket("fixed", level=Level.MAJOR)
    assert move(row, "verify", actor=inspector, now=NOW, opinion="合格") == "fixed"
    row.first_verifier_id = inspector.id
    assert refused(row, "verify", inspector, opinion="合格").code == "second-verifier-same"
    assert move(row, "verify", actor=supervisor, now=NOW, opinion="合格") == "verified"


def test_the_first_verifier_of_a_major_hazard_may_still_send_it_back() -> None:
    row = ticket("fixed", level=Level.MAJOR, first_verifier_id=inspector.id)
    assert move(row, "return", actor=inspector, now=NOW, opinion="接地线又松动") == "assigned"


def test_a_ticket_whose_photos_are_still_on_the_way_cannot_pass_but_can_be_returned() -> None:
    row = ticket("fixed", files_expected=3, files_arrived=2)
    refusal = refused(row, "verify", inspector, opinion="合格")
    assert refusal.code == "files-missing"
    assert refusal.sentence("zh") == "应有附件3个，已到2个，未到齐不能复查通过。"
    assert move(row, "return", actor=inspector, now=NOW, opinion="照片不清") == "assigned"


def test_on_the_spot_means_before_midnight_in_shanghai() -> None:
    found = datetime(2026, 3, 4, 23, 50, tzinfo=LOCAL)
    photos: dict[str, Any] = {"before_photos": 1, "after_photos": 1}
    row = ticket(found_at=found)
    after_midnight = found + timedelta(minutes=20)  # still 4 March in UTC
    assert refused(row, "fix_on_spot", inspector, after_midnight, **photos).code == "on-spot-same-day"
    told = {**photos, "fixed_at": found + timedelta(minutes=5)}
    assert move(row, "fix_on_spot", actor=inspector, now=after_midnight, **told) == "fixed"


def test_a_fix_on_the_spot_does_not_come_before_the_finding() -> None:
    told: dict[str, Any] = {
        "before_photos": 1,
        "after_photos": 1,
        "fixed_at": FOUND_AT - timedelta(minutes=1),
    }
    assert refused(ticket(), "fix_on_spot", inspector, **told).code == "fixed-before-found"


def test_an_extension_that_ended_before_it_was_approved_is_no_extension() -> None:
    row = ticket("assigned")
    assert row.due_at is not None
    proposed = row.due_at + timedelta(days=2)
    refusal = refused(row, "extend", PERSONAS["leader"], proposed + timedelta(days=1), due=proposed)
    assert refusal.code == "due-in-past"


def test_a_refusal_says_what_this_person_may_do_instead() -> None:
    refusal = refused(ticket("assigned"), "verify", supervisor, opinion="合格")
    assert refusal.allowed == ("cancel", "reassign", "regrade", "transfer", "correct", "supervise")
    assert refusal.sentence("zh") == (
        "当前状态为“整改中”，不能“复查合格”。您现在可以：作废、改派、调整等级、转办、更正、督办。"
    )
    assert refusal.sentence("en") == (
        "“Verify” is not possible in the state “Assigned”. You may now: Cancel, Reassign, Regrade, Pass on, Correct,"
        " Supervise."
    )


def test_a_person_without_options_hears_so() -> None:
    refusal = refused(ticket("verified"), "verify", inspector, opinion="合格")
    assert refusal.allowed == ()
    assert refusal.sentence("zh") == "当前状态为“已销号”，不能“复查合格”。您现在无可办理的事项。"


def test_what_is_missing_is_refused_with_the_events_allowed_too() -> None:
    refusal = refused(ticket(), "assign", supervisor)
    assert refusal.allowed == (
        "assign",
        "fix_on_spot",
        "cancel",
        "regrade",
        "transfer",
        "correct",
        "supervise",
    )


def test_options_leave_out_what_other_commands_cause() -> None:
    listed = [each.event.value for each in options(ticket("assigned"), actor=PERSONAS["clock"], now=NOW)]
    assert "assign" in listed
    assert not {"extend", "escalate", "carry_over"} & set(listed)


def test_options_name_the_button_and_the_reason_it_is_missing() -> None:
    listed = {each.event: each for each in options(ticket("fixed"), actor=assignee, now=NOW)}
    verify = listed["verify"]  # type: ignore[index]
    assert verify.label("zh") == "复查合格"
    assert verify.refusal is not None
    assert verify.refusal.code == "self-verification"


def test_options_know_the_campaigns_team_rule() -> None:
    teammate = person(20, "同所小张", Role.INSPECTOR, home=STATION)
    assert not option(ticket("fixed"), "verify", actor=teammate, now=NOW).allowed
    assert option(ticket("fixed"), "verify", actor=teammate, now=NOW, independent_team=False).allowed


def test_a_stranger_with_the_same_role_elsewhere_may_nothing() -> None:
    stranger = Actor(UUID(int=77), "x", "x", None, "/XC/", (Grant(Role.SUPERVISOR, "/XC/"),))
    assert not any(each.allowed for each in options(ticket(), actor=stranger, now=NOW))
