"""More time (延期): asked before the deadline, decided by another, and the first deadline never moves."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from domain import extensions
from domain.deadlines import end_of_day
from domain.extensions import Decision
from domain.history import history_of
from domain.records import Extension
from domain.tickets import is_overdue
from statemachines.extension import ExtensionState
from statemachines.roles import SYSTEM
from statemachines.ticket import TicketState
from tests.refused import refused

ASKED = {"reason": "等待停电计划", "interim_measures": "增设围栏，每日巡视"}


def day(text):
    return end_of_day(datetime.fromisoformat(text).date())


def decide(world, key, command, *, by, opinion=None):
    actor = world.actor(by)
    with world.database.transaction() as session:
        extension = extensions.extension_by_id(session, key, actor=actor)
        return command(session, extension, Decision(opinion=opinion), actor=actor, now=world.now)


@pytest.fixture
def number(bureau):
    """A general ticket with 15 days, due on 16 April."""
    return bureau.assigned().number


def test_an_approved_extension_moves_the_second_clock_only(bureau, number):
    before, first_step = bureau.ticket(number), bureau.next_step(number)
    key = bureau.ask_extension(number, **ASKED, due="2026-04-20")
    assert bureau.ticket(number).due_at == day("2026-04-16"), "asking moves nothing"
    extension = decide(bureau, key, extensions.approve, by="zhaozhuren", opinion="同意")
    after = bureau.ticket(number)
    assert extension.state is ExtensionState.APPROVED
    assert (after.first_due_at, after.due_at) == (day("2026-04-16"), day("2026-04-20"))
    assert after.due_version == before.due_version + 1
    assert bureau.next_step(number) > first_step, "the reminders follow the new deadline"


def test_a_refused_extension_moves_nothing_and_says_why(bureau, number):
    key = bureau.ask_extension(number, **ASKED, due="2026-04-20")
    with refused("reason-missing"):
        decide(bureau, key, extensions.refuse, by="zhaozhuren")
    extension = decide(bureau, key, extensions.refuse, by="zhaozhuren", opinion="停电计划已排")
    assert (extension.state, extension.opinion) == (ExtensionState.REFUSED, "停电计划已排")
    assert bureau.ticket(number).due_at == day("2026-04-16")


def test_the_fix_within_the_new_deadline_is_late_by_the_first(bureau, number):
    key = bureau.ask_extension(number, **ASKED, due="2026-04-20")
    decide(bureau, key, extensions.approve, by="zhaozhuren")
    bureau.now = datetime.fromisoformat("2026-04-18T10:00:00+08:00")
    ticket = bureau.do(number, "fix", by="wangjianguo", note="已换")
    assert ticket.first_due_at < ticket.fixed_at < ticket.due_at


def test_after_the_deadline_it_is_too_late_to_ask(bureau, number):
    bureau.now = day("2026-04-16") + timedelta(seconds=1)
    with refused("extension-after-due", zh="2026-04-16 23:59", en="has passed"):
        bureau.ask_extension(number, **ASKED, due="2026-04-20")


def test_on_the_last_second_it_is_not(bureau, number):
    bureau.now = day("2026-04-16")
    assert bureau.ask_extension(number, **ASKED, due="2026-04-20")


@pytest.mark.parametrize(
    ("said", "code", "missing"),
    [
        ({"reason": "等待停电计划", "due": "2026-04-20"}, "interim-measures-missing", ("interim_measures",)),
        ({"interim_measures": "增设围栏", "due": "2026-04-20"}, "reason-missing", ("reason",)),
        (ASKED, "due-not-later", ("due",)),
        ({**ASKED, "due": "2026-04-16"}, "due-not-later", ("due",)),
        ({**ASKED, "due": "2026-05-20"}, "extension-too-long", ()),
    ],
)
def test_a_request_says_why_how_guarded_and_until_when(bureau, number, said, code, missing):
    with refused(code, missing=missing):
        bureau.ask_extension(number, **said)


@pytest.mark.parametrize("who", ["sunhua", "zhaozhuren", "limin"])
def test_only_the_person_responsible_asks(bureau, who):
    number = bureau.assigned(unit="LL01-A").number
    with refused("not-assignee"):
        bureau.ask_extension(number, by=who, **ASKED, due="2026-04-20")


@pytest.mark.parametrize("stage", ["find", "fixed"])
def test_only_while_it_is_being_rectified(bureau, stage):
    number = getattr(bureau, stage)(unit="LL01-A").number
    with refused("wrong-state"):
        bureau.ask_extension(number, **ASKED, due="2026-04-20")


def test_one_request_at_a_time(bureau, number):
    bureau.ask_extension(number, **ASKED, due="2026-04-20")
    with refused("extension-pending", zh="待审批", en="waiting"):
        bureau.ask_extension(number, **ASKED, due="2026-04-21")


def test_twice_and_no_more(bureau, number):
    for due in ("2026-04-20", "2026-04-23"):
        key = bureau.ask_extension(number, **ASKED, due=due)
        decide(bureau, key, extensions.approve, by="zhaozhuren")
    with refused("extension-too-many", zh="已延期2次", en="2 times"):
        bureau.ask_extension(number, **ASKED, due="2026-04-24")


def test_a_refused_request_does_not_count(bureau, number):
    for due in ("2026-04-20", "2026-04-21", "2026-04-22"):
        key = bureau.ask_extension(number, **ASKED, due=due)
        decide(bureau, key, extensions.refuse, by="zhaozhuren", opinion="不同意")
    assert bureau.ask_extension(number, **ASKED, due="2026-04-20")


def test_who_asked_does_not_decide(world):
    """A supervisor who is also responsible for the work asks like everybody else."""
    from domain.people import NewPerson, add_person

    with world.database.transaction() as session:
        body = {"login": "heling", "name": "何玲", "unit": "LL01", "roles": ["assignee", "supervisor"]}
        add_person(session, NewPerson.model_validate(body), actor=SYSTEM, now=world.now)
    number = world.assigned(to="heling").number
    key = world.ask_extension(number, by="heling", **ASKED, due="2026-04-20")
    with refused("self-approval", zh="须由他人审批", en="somebody else"):
        decide(world, key, extensions.approve, by="heling")
    assert decide(world, key, extensions.approve, by="qiansuozhang").decided_by_id


@pytest.mark.parametrize(
    ("level", "who", "may"),
    [
        ("general", "qiansuozhang", True),
        ("general", "zhengju", True),
        ("general", "limin", False),
        ("serious", "zhaozhuren", False),
        ("serious", "zhengju", True),
        ("major", "zhaozhuren", False),
        ("major", "zhengju", True),
    ],
)
def test_who_decides_depends_on_the_level(bureau, level, who, may):
    assured = {"budget": 0, "emergency_plan": "停电"} if level == "major" else {}
    number = bureau.assigned(level=level, due="2026-04-08", **assured).number
    key = bureau.ask_extension(number, **ASKED, due="2026-04-10")
    if may:
        assert decide(bureau, key, extensions.approve, by=who).state is ExtensionState.APPROVED
    else:
        with refused("approver-level"):
            decide(bureau, key, extensions.approve, by=who)


def test_a_decision_is_made_once(bureau, number):
    key = bureau.ask_extension(number, **ASKED, due="2026-04-20")
    decide(bureau, key, extensions.approve, by="zhaozhuren")
    for command in (extensions.approve, extensions.refuse):
        with refused("wrong-state", zh="已批准"):
            decide(bureau, key, command, by="zhengju", opinion="再议")


def test_what_was_fixed_meanwhile_is_not_extended(bureau, number):
    key = bureau.ask_extension(number, **ASKED, due="2026-04-20")
    bureau.do(number, "fix", by="wangjianguo", note="已换")
    with refused("wrong-state"):
        decide(bureau, key, extensions.approve, by="zhaozhuren")
    with bureau.database.reading() as session:
        assert session.get(Extension, key).state is ExtensionState.REQUESTED


def test_a_deadline_asked_for_that_has_passed_is_not_granted(bureau, number):
    key = bureau.ask_extension(number, **ASKED, due="2026-04-20")
    bureau.now = datetime.fromisoformat("2026-04-21T08:00:00+08:00")
    with refused("due-in-past"):
        decide(bureau, key, extensions.approve, by="zhaozhuren")
    assert is_overdue(bureau.ticket(number), bureau.now)


def test_another_station_does_not_find_the_request(bureau, number):
    key = bureau.ask_extension(number, **ASKED, due="2026-04-20")
    with refused("not-found"):
        decide(bureau, key, extensions.approve, by="shisuozhang")


def test_the_story_of_an_extension_stands_in_the_history_of_its_ticket(bureau, number):
    for command, due in ((extensions.refuse, "2026-04-20"), (extensions.approve, "2026-04-21")):
        key = bureau.ask_extension(number, **ASKED, due=due)
        decide(bureau, key, command, by="zhaozhuren", opinion="阅")
    with bureau.database.reading() as session:
        ticket = bureau.ticket(number)
        told = [(row.event, row.actor_name) for row in history_of(session, ticket)][2:]
        requests = session.scalars(
            select(Extension.state).where(Extension.ticket_id == ticket.id).order_by(Extension.id)
        )
        assert list(requests) == [ExtensionState.REFUSED, ExtensionState.APPROVED]
    assert told == [
        ("extension_requested", "王建国"),
        ("extension_refused", "赵主任"),
        ("extension_requested", "王建国"),
        ("extend", "赵主任"),
    ]
    assert ticket.state is TicketState.ASSIGNED
