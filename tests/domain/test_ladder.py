"""When each step of the ladder comes, whom it means, and how it explains itself."""

from datetime import date, datetime, timedelta

import pytest

from domain.campaign_settings import CampaignSettings, LadderStep
from domain.escalation import sweep_all
from domain.ladder import (
    Recipients,
    by_the_hour,
    escalations,
    outside_quiet_hours,
    plan_next_step,
    planned,
    planned_steps,
    unit_and_above,
)
from domain.tickets import ticket_by_number
from statemachines.labels import Level
from statemachines.roles import SYSTEM
from tests.world import World


def moment(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00")


def step(days: int) -> LadderStep:
    act = "remind" if days < 0 else "escalate"
    return LadderStep.model_validate({"code": "s", "after_workdays": days, "to": ["assignee"], "act": act})


@pytest.mark.parametrize(
    ("days", "due", "expected"),
    [
        # Thursday 16 April 2026: plain weeks on both sides.
        (-3, "2026-04-16T23:59:59", "2026-04-13T08:30:00"),
        (-1, "2026-04-16T23:59:59", "2026-04-15T08:30:00"),
        (0, "2026-04-16T23:59:59", "2026-04-17T00:00:00"),
        (3, "2026-04-16T23:59:59", "2026-04-21T08:30:00"),
        # 清明 2026: 4 to 6 April are days off.
        (-3, "2026-04-08T23:59:59", "2026-04-02T08:30:00"),
        (1, "2026-04-03T23:59:59", "2026-04-07T08:30:00"),
        # 24 hours by the clock: the moment itself passes.
        (0, "2026-04-02T10:00:00", "2026-04-02T10:00:01"),
    ],
)
def test_a_step_comes_on_a_working_day_at_half_past_eight(days: int, due: str, expected: str) -> None:
    assert planned(step(days), moment(due)).at == moment(expected)


def test_a_step_names_the_days_it_passed_over() -> None:
    plan = planned(step(-3), moment("2026-04-08T23:59:59"))
    assert [each.day for each in plan.skipped] == [date(2026, 4, 4), date(2026, 4, 5), date(2026, 4, 6)]
    assert plan.why("zh").startswith("到期前第3个工作日，跳过4月4日清明")
    assert plan.why("en").startswith("3 working days before the deadline, passing over 2026-04-04")


def test_a_major_hazard_climbs_in_half_the_days() -> None:
    due = moment("2026-04-16T23:59:59")
    ladder = planned_steps(Level.MAJOR, due, CampaignSettings())
    assert [each.step.after_workdays for each in ladder] == [-2, -1, 0, 2, 4]
    assert [each.step.after_workdays for each in planned_steps(Level.SERIOUS, due, CampaignSettings())] == [
        -3,
        -1,
        0,
        3,
        7,
        15,
    ]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-04-17T00:00:00", "2026-04-17T07:00:00"),
        ("2026-04-17T06:59:59", "2026-04-17T07:00:00"),
        ("2026-04-17T07:00:00", "2026-04-17T07:00:00"),
        ("2026-04-17T21:59:59", "2026-04-17T21:59:59"),
        ("2026-04-17T22:00:00", "2026-04-18T07:00:00"),
    ],
)
def test_nobody_is_told_in_the_quiet_hours(at: str, expected: str) -> None:
    assert outside_quiet_hours(moment(at)) == moment(expected)


def test_major_hazards_and_deadlines_by_the_clock_do_not_wait_for_morning() -> None:
    assert by_the_hour(Level.MAJOR, moment("2026-04-16T23:59:59"))
    assert by_the_hour(Level.GENERAL, moment("2026-04-16T10:00:00"))
    assert not by_the_hour(Level.SERIOUS, moment("2026-04-16T23:59:59"))


def test_the_paths_above_a_unit() -> None:
    assert unit_and_above("/XB/LL01/") == ["/", "/XB/", "/XB/LL01/"]
    assert unit_and_above("/") == ["/"]


def test_assigning_plans_the_first_reminder_and_fixing_ends_the_ladder(world: World) -> None:
    ticket = world.assigned()
    assert ticket.due_at == moment("2026-04-16T23:59:59")
    assert ticket.next_step_at == moment("2026-04-13T08:30:00")
    fixed = world.do(ticket.number, "fix", by="wangjianguo", note="已更换密封垫并补油")
    assert fixed.next_step_at is None


def test_a_finding_without_a_deadline_has_no_next_step(world: World) -> None:
    assert world.find().next_step_at is None


def test_a_reminder_already_past_when_the_deadline_is_set_is_left_out(world: World) -> None:
    # Assigned on 1 April for the 3rd: three working days before is over, one is ahead.
    ticket = world.assigned(due="2026-04-03")
    assert ticket.next_step_at == moment("2026-04-02T08:30:00")
    # For today: only the passing of the deadline is left.
    assert world.assigned(due="2026-04-01").next_step_at == moment("2026-04-02T00:00:00")


def test_a_step_after_the_deadline_is_never_left_out(world: World) -> None:
    number = world.assigned(due="2026-04-03").number
    later = world.later(days=30)
    with world.database.transaction() as session:
        ticket = ticket_by_number(session, number, actor=SYSTEM)
        plan_next_step(session, ticket, now=later)
        assert ticket.next_step_at == moment("2026-04-04T00:00:00")


def test_a_returned_ticket_climbs_its_ladder_anew(world: World) -> None:
    number = world.fixed().number
    sweep_all(world.database, as_of=world.later(days=13))
    returned = world.do(number, "verify", by="zhangqiang", passed=False, opinion="仍渗油", due="2026-04-30")
    assert returned.due_version == 2
    assert returned.next_step_at == moment("2026-04-27T08:30:00")


def test_who_each_word_means(world: World) -> None:
    number = world.assigned().number
    with world.database.reading() as session:
        ticket = ticket_by_number(session, number, actor=SYSTEM)
        recipients = Recipients(session, [ticket])

        def names(word: str) -> list[str]:
            step = LadderStep.model_validate(
                {"code": "s", "after_workdays": 0, "to": [word], "act": "escalate"}
            )
            return [person.name for person in recipients.of(step.to, ticket)]

        assert names("assignee") == ["王建国"]
        assert names("unit_leader") == ["钱所长"], "the head nearest the unit, not the bureau's leader"
        assert names("supervisor") == ["钱所长", "赵主任"]
        assert names("inspector") == ["李敏"], "who found it, not every inspector"
        assert names("leader") == ["郑局长"]


def test_people_no_longer_active_are_not_told(world: World) -> None:
    number = world.assigned().number
    with world.database.transaction() as session:
        from domain.people import deactivate

        deactivate(session, "limin", actor=SYSTEM, now=world.now)
        ticket = ticket_by_number(session, number, actor=SYSTEM)
        step = LadderStep.model_validate(
            {"code": "s", "after_workdays": 0, "to": ["inspector"], "act": "escalate"}
        )
        told = {person.name for person in Recipients(session, [ticket]).of(step.to, ticket)}
    assert told == {"张强"}, "the other inspectors, because the finder has left"


def test_the_escalations_of_a_ticket_are_listed_past_and_planned(world: World) -> None:
    number = world.assigned().number
    sweep_all(world.database, as_of=moment("2026-04-13T09:00:00"))
    with world.database.reading() as session:
        ticket = ticket_by_number(session, number, actor=SYSTEM)
        listed = escalations(session, ticket, now=moment("2026-04-13T09:05:00"))
    assert [each.step for each in listed] == ["due-in-3", "due-in-1", "overdue", "overdue-3", "overdue-7"]
    past, *ahead = listed
    assert past.done_at == moment("2026-04-13T09:00:00")
    assert (past.whom, past.channels) == (("王建国",), ("email",))
    assert all(each.done_at is None for each in ahead)
    assert ahead[0].whom == ("王建国", "钱所长")
    assert [skip.zh for skip in ahead[2].skipped] == ["周六", "周日"]
    assert "跳过4月18日周六" in ahead[2].why("zh")


def test_an_extension_leaves_the_climbed_steps_in_the_list(world: World) -> None:
    number = world.assigned().number
    sweep_all(world.database, as_of=moment("2026-04-13T09:00:00"))
    world.now = moment("2026-04-14T09:00:00")
    with world.database.transaction() as session:
        ticket = ticket_by_number(session, number, actor=SYSTEM)
        ticket.due_at += timedelta(days=7)
        ticket.due_version += 1
        plan_next_step(session, ticket, now=world.now)
    with world.database.reading() as session:
        ticket = ticket_by_number(session, number, actor=SYSTEM)
        listed = escalations(session, ticket, now=world.now)
    assert [(each.step, each.due_version) for each in listed][:2] == [("due-in-3", 1), ("due-in-3", 2)]
    assert listed[0].why("zh") == "到期前第3个工作日"
    assert listed[1].planned_at == moment("2026-04-20T08:30:00")
