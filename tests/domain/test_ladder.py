"""When each step of the ladder comes, whom it means, and how it explains itself."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from domain.campaign_settings import CampaignSettings
from domain.chases import follow
from domain.escalation import sweep_all
from domain.escalations import escalations
from domain.ladder import PlannedStep, by_the_hour, outside_quiet_hours, planned_steps
from domain.ladder_settings import LadderStep, QuietHours, Repeat
from domain.matters import Subject, due_chases
from domain.people import deactivate
from domain.recipients import Recipients, unit_and_above
from domain.records import Matter
from domain.tickets import ticket_by_number
from domain.workdays import Sheet, WorkCalendar
from statemachines.labels import Level
from statemachines.roles import SYSTEM
from tests.many import recorded
from tests.world import World


def moment(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00")


def step(days: int) -> LadderStep:
    act = "remind" if days < 0 else "escalate"
    return LadderStep.model_validate({"code": "s", "after_workdays": days, "to": ["assignee"], "act": act})


def planned(one: LadderStep, due: datetime) -> PlannedStep:
    (found,) = planned_steps([one], due, Level.GENERAL)
    return found


def ladder_of(level: Level, due: datetime) -> list[PlannedStep]:
    return planned_steps(CampaignSettings().ladders[Matter.DEADLINE], due, level)


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
    assert plan.why(Matter.DEADLINE, "zh").startswith("到期前第3个工作日，跳过4月4日清明")
    assert plan.why(Matter.DEADLINE, "en").startswith(
        "3 working days before the deadline, passing over 2026-04-04"
    )


def test_a_major_hazard_climbs_in_half_the_days() -> None:
    due = moment("2026-04-16T23:59:59")
    ladder = ladder_of(Level.MAJOR, due)
    assert [each.step.after_workdays for each in ladder if each.step.repeat is None] == [-2, -1, 0, 2, 4]
    assert [each.step.after_workdays for each in ladder_of(Level.SERIOUS, due)] == [
        -3,
        -1,
        0,
        3,
        7,
        15,
    ]


def test_a_major_hazard_is_asked_for_progress_on_every_working_day() -> None:
    due = moment("2026-04-16T23:59:59")
    ladder = ladder_of(Level.MAJOR, due)
    asked = [each.at for each in ladder if each.step.code == "major-daily"]
    assert asked[-3:] == [
        moment("2026-04-13T08:30:00"),
        moment("2026-04-14T08:30:00"),
        moment("2026-04-15T08:30:00"),
    ]
    assert len(asked) == len({at.date() for at in asked}) == 60
    late = [each.at for each in ladder if each.step.code == "major-late-daily"]
    assert late[:2] == [moment("2026-04-17T08:30:00"), moment("2026-04-20T08:30:00")]
    assert len(late) == 20
    assert not [each for each in ladder_of(Level.SERIOUS, due) if each.step.repeat]


def test_a_reminder_is_repeated_only_until_the_moment_it_reminds_of() -> None:
    one = step(-3).model_copy(update={"repeat": Repeat(every_workdays=1, times=9)})
    days = [each.at.date() for each in planned_steps([one], moment("2026-04-16T23:59:59"), Level.GENERAL)]
    assert days == [date(2026, 4, 13), date(2026, 4, 14), date(2026, 4, 15)]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-04-17T00:00:00", "2026-04-17T07:00:00"),
        ("2026-04-17T06:59:59", "2026-04-17T07:00:00"),
        ("2026-04-17T07:00:00", "2026-04-17T07:00:00"),
        ("2026-04-17T21:59:59", "2026-04-17T21:59:59"),
        ("2026-04-16T22:00:00", "2026-04-17T07:00:00"),
        # From Friday night over the weekend; Saturday 9 May is worked for 1 May.
        ("2026-04-17T22:00:00", "2026-04-20T07:00:00"),
        ("2026-04-18T10:00:00", "2026-04-20T07:00:00"),
        ("2026-05-09T10:00:00", "2026-05-09T10:00:00"),
        # 清明: Saturday to Monday.
        ("2026-04-03T23:00:00", "2026-04-07T07:00:00"),
    ],
)
def test_nobody_is_told_in_the_quiet_hours_or_on_a_day_off(at: str, expected: str) -> None:
    assert outside_quiet_hours(moment(at), QuietHours()) == moment(expected)


@pytest.mark.parametrize(
    ("quiet", "at", "expected"),
    [
        (None, "2026-04-18T23:00:00", "2026-04-18T23:00:00"),
        (QuietHours(days_off=False), "2026-04-18T10:00:00", "2026-04-18T10:00:00"),
        (QuietHours(days_off=False), "2026-04-17T22:00:00", "2026-04-18T07:00:00"),
        (QuietHours(begin="12:00", end="14:00"), "2026-04-17T13:00:00", "2026-04-17T14:00:00"),
        (QuietHours(begin="08:00", end="08:00"), "2026-04-17T03:00:00", "2026-04-17T03:00:00"),
    ],
)
def test_a_step_sets_its_own_quiet_hours(quiet: QuietHours | None, at: str, expected: str) -> None:
    assert outside_quiet_hours(moment(at), quiet) == moment(expected)


def test_a_shift_that_works_on_sunday_is_told_on_sunday() -> None:
    shift = WorkCalendar([Sheet("四班倒", cycle=[True, True, True, False], cycle_from=date(2026, 4, 17))])
    sunday, monday = moment("2026-04-19T10:00:00"), moment("2026-04-20T10:00:00")
    assert outside_quiet_hours(sunday, QuietHours(), shift) == sunday
    assert outside_quiet_hours(monday, QuietHours(), shift) == moment("2026-04-21T07:00:00")


def test_major_hazards_and_deadlines_by_the_clock_do_not_wait_for_morning() -> None:
    assert by_the_hour(Level.MAJOR, moment("2026-04-16T23:59:59"), Matter.DEADLINE)
    assert by_the_hour(Level.GENERAL, moment("2026-04-16T10:00:00"), Matter.DEADLINE)
    assert not by_the_hour(Level.SERIOUS, moment("2026-04-16T23:59:59"), Matter.DEADLINE)


def test_the_paths_above_a_unit() -> None:
    assert unit_and_above("/XB/LL01/") == ("/", "/XB/", "/XB/LL01/")
    assert unit_and_above("/") == ("/",)


def test_assigning_plans_the_first_reminder_and_fixing_ends_the_ladder(world: World) -> None:
    ticket = world.acknowledged()
    assert ticket.due_at == moment("2026-04-16T23:59:59")
    assert world.next_step(ticket.number) == moment("2026-04-13T08:30:00")
    fixed = world.do(ticket.number, "fix", by="wangjianguo", note="已更换密封垫并补油")
    assert world.next_step(fixed.number) is None


def test_a_finding_without_a_deadline_is_chased_until_it_is_assigned(world: World) -> None:
    number = world.find().number
    assert world.next_step(number) is None
    assert world.next_step(number, "unassigned") == moment("2026-04-02T08:30:00")


def test_a_reminder_already_past_when_the_deadline_is_set_is_left_out(world: World) -> None:
    # Assigned on 1 April for the 3rd: three working days before is over, one is ahead.
    ticket = world.acknowledged(due="2026-04-03")
    assert world.next_step(ticket.number) == moment("2026-04-02T08:30:00")
    # For today: only the passing of the deadline is left.
    assert world.next_step(world.acknowledged(due="2026-04-01").number) == moment("2026-04-02T00:00:00")


def test_a_step_after_the_deadline_is_never_left_out(world: World) -> None:
    number = world.acknowledged(due="2026-04-03").number
    later = world.later(days=30)
    with world.database.transaction() as session:
        ticket = ticket_by_number(session, number, actor=SYSTEM)
        ticket.level = Level.SERIOUS
        follow(session, ticket, now=later)
    # The reminder of 2 April was still waiting for a sweep: it is not lost either.
    assert world.next_step(number) == moment("2026-04-02T08:30:00")
    sweep_all(world.database, as_of=later)
    assert [step for _, step, _ in recorded(world)] == [
        "due-in-1",
        "overdue",
        "overdue-3",
        "overdue-7",
        "overdue-15",
    ]


def test_a_returned_ticket_climbs_its_ladder_anew(world: World) -> None:
    number = world.fixed().number
    sweep_all(world.database, as_of=world.later(days=13))
    returned = world.do(number, "verify", by="zhangqiang", passed=False, opinion="仍渗油", due="2026-04-30")
    assert returned.due_version == 2
    assert world.next_step(number) == moment("2026-04-27T08:30:00")


def subject_of(session: Session, number: str) -> Subject:
    """The ticket's deadline as the sweep reads it."""
    found = due_chases(session, as_of=moment("2027-01-01T00:00:00"), limit=100, lock=False)
    (subject,) = [each for each in found if each.number == number and each.matter is Matter.DEADLINE]
    return subject


def told_by(session: Session, number: str, *words: str) -> list[str]:
    step = LadderStep.model_validate({"code": "s", "after_workdays": 0, "to": [*words], "act": "escalate"})
    subject = subject_of(session, number)
    recipients = Recipients(session, [subject], [step], on=moment("2026-04-13T09:00:00"))
    return [each.name() for each in recipients.of(step.to, subject)]


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("assignee", ["王建国"]),
        ("unit_leader", ["钱所长"]),  # the head nearest the unit, not the bureau's leader
        ("supervisor", ["钱所长", "赵主任"]),
        ("inspector", ["李敏"]),  # who found it, not every inspector
        ("leader", ["郑局长"]),
        ("person:zhangqiang", ["张强"]),
        ("leader_of:XB", ["郑局长"]),
        ("person:nobody", []),
    ],
)
def test_who_each_word_means(world: World, word: str, names: list[str]) -> None:
    number = world.acknowledged().number
    with world.database.reading() as session:
        assert told_by(session, number, word) == names


def test_people_no_longer_active_are_not_told(world: World) -> None:
    number = world.acknowledged().number
    with world.database.transaction() as session:
        deactivate(session, "limin", actor=SYSTEM, now=world.now)
    with world.database.reading() as session:
        told = told_by(session, number, "inspector")
    assert told == ["张强"], "the other inspectors, because the finder has left"


def test_the_escalations_of_a_ticket_are_listed_past_and_planned(world: World) -> None:
    number = world.acknowledged().number
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
    number = world.acknowledged().number
    sweep_all(world.database, as_of=moment("2026-04-13T09:00:00"))
    world.now = moment("2026-04-14T09:00:00")
    with world.database.transaction() as session:
        ticket = ticket_by_number(session, number, actor=SYSTEM)
        ticket.due_at += timedelta(days=7)
        ticket.due_version += 1
        follow(session, ticket, now=world.now)
    with world.database.reading() as session:
        ticket = ticket_by_number(session, number, actor=SYSTEM)
        listed = escalations(session, ticket, now=world.now)
    assert [(each.step, each.due_version) for each in listed][:2] == [("due-in-3", 1), ("due-in-3", 2)]
    assert listed[0].why("zh") == "到期前第3个工作日"
    assert listed[1].planned_at == moment("2026-04-20T08:30:00")
