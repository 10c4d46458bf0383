"""Planning anew while everybody works: a changed deadline, level, ladder or calendar loses and repeats no step."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from domain import extensions
from domain.calendar_import import NewCalendar, put_calendar
from domain.campaigns import campaign_by_code
from domain.escalation import sweep, sweep_all
from domain.findings import NewFinding, submit_finding
from domain.history import history_of
from domain.ladder_changes import set_campaign_ladders, set_unit_ladders
from domain.ladder_settings import Ladders, default_ladders
from domain.records import Chase, Matter, Notice, Replanning, StepRecord, Ticket, Tool
from domain.remediation import Assignment, Regrading, assign, regrade
from domain.tickets import ticket_by_number
from domain.tools import NewTool, register_tool
from statemachines.labels import Level
from statemachines.roles import SYSTEM
from tests.faults.ledger import due as due_still
from tests.faults.ledger import nothing_is_half_written
from tests.many import many_assigned, recorded
from tests.waiting import until
from tests.world import World


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00")


def waiting(world: World) -> int:
    """How many transactions wait for a row another one holds."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with world.database.glance() as session:
        return int(session.scalar(text(query)) or 0)


def told(world: World) -> list[tuple[str, str, str]]:
    """Ticket, step and address of everything the ladder told, oldest first."""
    with world.database.reading() as session:
        rows = session.execute(
            select(Ticket.number, Notice.key, Notice.address)
            .join(Ticket, Ticket.id == Notice.ticket_id)
            .where(Notice.kind.in_(["remind", "escalate"]))
            .order_by(Notice.id)
        )
        return [(number, key.split(":")[1], address.partition("@")[0]) for number, key, address in rows]


def set_ladders(world: World, *steps: dict[str, Any]) -> None:
    ladders = Ladders.model_validate({"ladders": {"deadline": list(steps)}}) if steps else Ladders()
    actor = world.actor("zhaozhuren")
    with world.database.transaction() as session:
        campaign = campaign_by_code(session, "CC2026", actor=actor, lock=True)
        set_campaign_ladders(session, campaign, ladders, actor=actor, now=world.now)


def set_tool_ladder(session: Session, world: World, *steps: dict[str, Any]) -> None:
    ladders = Ladders.model_validate({"ladders": {"tool": list(steps)}})
    set_unit_ladders(session, "XB", ladders, actor=world.actor("zhaozhuren"), now=world.now)


def registered(session: Session, world: World, number: str) -> Tool:
    new = NewTool(number=number, kind="绝缘手套", unit="LL01", last_test_on=date(2026, 3, 2))
    return register_tool(session, new, actor=world.actor("zhaozhuren"), now=world.now)


# One after the other.


def test_a_tool_registered_after_its_ladder_was_set_climbs_the_new_one(world: World) -> None:
    step = {"code": "sooner", "after_workdays": -20, "to": ["unit_leader"], "act": "remind"}
    with world.database.transaction() as session:
        before = registered(session, world, "ST-01")
        set_tool_ladder(session, world, step)
        after = registered(session, world, "ST-02")
    with world.database.reading() as session:
        query = select(Chase.subject_id, Chase.next_step_at)
        steps = dict(session.execute(query).tuples().all())
    assert steps[before.id] == steps[after.id] == at("2026-08-05T08:30:00")


def test_what_somebody_does_to_the_default_ladders_is_theirs_alone() -> None:
    mine = default_ladders()
    mine[Matter.TOOL].clear()
    del mine[Matter.DEADLINE]
    assert default_ladders()[Matter.TOOL]
    assert Ladders().ladders.keys() == set(Matter)


def test_a_level_raised_between_two_steps_repeats_none_and_goes_on_with_the_graver_ones(world: World) -> None:
    number = world.acknowledged().number
    for moment in ("2026-04-13T08:30:00", "2026-04-15T08:30:00", "2026-04-17T07:00:00"):
        sweep_all(world.database, as_of=at(moment))
    climbed = ["due-in-3", "due-in-1", "overdue"]
    assert [step for _, step, _ in recorded(world)] == climbed
    world.now = at("2026-04-17T10:00:00")
    world.do(
        number,
        "regrade",
        by="zhaozhuren",
        level="major",
        reason="渗漏加剧",
        budget="20000",
        emergency_plan="停电隔离",
    )
    assert world.next_step(number) == at("2026-04-17T08:30:00"), "the daily question of this very morning"
    for moment in ("2026-04-17T10:05:00", "2026-04-20T08:30:00", "2026-04-22T08:30:00"):
        sweep_all(world.database, as_of=at(moment))
    steps = [step for _, step, _ in recorded(world)]
    assert len(steps) == len(set(steps))
    assert [step for step in steps if step in climbed] == climbed
    assert {"major-overdue-2", "major-overdue-4", "major-late-daily", "major-late-daily.1"} <= set(steps)
    assert "overdue-3" not in steps, "the ladder of the level it had is left"
    missed = [step for step in steps if step.startswith(("major-daily", "major-due-in"))]
    assert missed == [], (
        "what would have come before it was raised is neither told nor recorded as passed over"
    )
    assert ("zhengju", "major-overdue-2") in {(who, step) for _, step, who in told(world)}


def test_a_reminder_that_waits_for_a_sweep_is_not_lost_when_the_level_is_raised(world: World) -> None:
    number = world.acknowledged(level="general", due="2026-04-16").number
    world.now = at("2026-04-15T08:33:00")
    world.do(number, "regrade", by="zhaozhuren", level="serious", reason="渗漏加剧")
    # Of the two that had come the earlier is passed over, as in any sweep after a pause.
    sweep_all(world.database, as_of=at("2026-04-15T08:35:00"))
    assert [(step, told) for _, step, told in recorded(world)] == [("due-in-3", 0), ("due-in-1", 2)]


def test_a_level_lowered_leaves_out_what_is_only_for_the_graver(world: World) -> None:
    number = world.acknowledged(level="serious", due="2026-04-16").number
    sweep_all(world.database, as_of=at("2026-04-17T07:00:00"))
    world.now = at("2026-04-20T09:00:00")
    world.do(number, "regrade", by="zhaozhuren", level="general", reason="经核实影响较小")
    for moment in ("2026-04-21T08:30:00", "2026-04-27T08:30:00", "2026-05-20T08:30:00"):
        sweep_all(world.database, as_of=at(moment))
    assert [step for _, step, _ in recorded(world)] == [
        "due-in-3",
        "due-in-1",
        "overdue",
        "overdue-3",
        "overdue-7",
    ]
    assert world.next_step(number) is None


def test_more_time_given_begins_the_ladder_anew_and_the_old_steps_stay_on_record(world: World) -> None:
    number = world.acknowledged().number
    sweep_all(world.database, as_of=at("2026-04-15T08:30:00"))
    world.now = at("2026-04-15T09:00:00")
    key = world.ask_extension(
        number, reason="待停电", interim_measures="设围栏", due=at("2026-04-22T23:59:59")
    )
    approve(world, key)
    for moment in (
        "2026-04-16T09:00:00",
        "2026-04-17T08:30:00",
        "2026-04-21T08:30:00",
        "2026-04-23T07:00:00",
    ):
        sweep_all(world.database, as_of=at(moment))
    with world.database.reading() as session:
        rows = session.execute(
            select(StepRecord.turn, StepRecord.step)
            .where(StepRecord.matter == Matter.DEADLINE)
            .order_by(StepRecord.turn, StepRecord.planned_at)
        ).all()
    assert [tuple(row) for row in rows] == [
        (1, "due-in-3"),
        (1, "due-in-1"),
        (2, "due-in-3"),
        (2, "due-in-1"),
        (2, "overdue"),
    ]


def approve(world: World, key: object) -> None:
    actor = world.actor("zhaozhuren")
    with world.database.transaction() as session:
        asked = extensions.extension_by_id(session, key, actor=actor)  # type: ignore[arg-type]
        extensions.approve(session, asked, extensions.Decision(opinion="同意"), actor=actor, now=world.now)


def test_a_raised_level_goes_to_those_who_may_decide_about_it(world: World) -> None:
    number = world.acknowledged().number
    world.ask_extension(number, reason="待停电", interim_measures="设围栏", due=at("2026-04-20T23:59:59"))
    graver = {"level": "major", "reason": "渗漏加剧", "budget": "20000", "emergency_plan": "停电隔离"}
    world.do(number, "regrade", by="zhaozhuren", **graver)
    sweep_all(world.database, as_of=at("2026-04-02T08:30:00"))
    asked = {who for _, step, who in told(world) if step == "extension-1"}
    assert asked == {"zhengju"}, "a supervisor may not give more time at this level"


def test_a_new_calendar_moves_the_reminders_of_a_deadline_that_stays(world: World) -> None:
    number = world.acknowledged(due="2026-04-16").number
    assert world.next_step(number) == at("2026-04-13T08:30:00")
    days = [{"day": "2026-04-14", "working": False, "name": "检修放假"}]
    new = NewCalendar.model_validate({"name": "本所安排", "unit": "LL01", "year": 2026, "days": days})
    with world.database.transaction() as session:
        _, moves = put_calendar(session, new, actor=SYSTEM, now=world.now)
    assert moves == [], "what a person set stays"
    assert world.next_step(number) == at("2026-04-10T08:30:00")
    done = sweep_all(world.database, as_of=at("2026-04-10T08:30:00"))
    assert [line.step for line in done.lines] == ["due-in-3"], "not found late at its old time"


# Planned by the old one while it was changed.

EARLY = {"code": "unassigned-now", "after_hours": 2, "to": ["supervisor"], "act": "escalate"}


def set_unassigned(world: World) -> None:
    actor = world.actor("zhaozhuren")
    with world.database.transaction() as session:
        campaign = campaign_by_code(session, "CC2026", actor=actor, lock=True)
        told = Ladders.model_validate({"ladders": {"unassigned": [EARLY]}})
        set_campaign_ladders(session, campaign, told, actor=actor, now=world.now)


def replannings(world: World) -> int:
    with world.database.reading() as session:
        return session.scalar(select(func.count()).select_from(Replanning)) or 0


def found_in(session: Session, world: World, **said: object) -> Ticket:
    finding = {"campaign": "CC2026", "unit": "LL01", "description": "渗漏油", "level": "general"}
    new = NewFinding.model_validate({**finding, "category": "生产设备/变压器台区", **said})
    return submit_finding(session, new, actor=world.actor("limin"), now=world.now).ticket


@contextmanager
def being_found(world: World) -> Iterator[list[str]]:
    """A finding written by the settings of now, and committed only after what happens inside."""
    with world.database.transaction() as session:
        yield [found_in(session, world).number]
        session.flush()


def test_a_finding_made_while_the_ladder_is_changed_climbs_the_new_one_in_time(world: World) -> None:
    with being_found(world) as numbers:
        set_unassigned(world)
    assert world.next_step(numbers[0], "unassigned") == at("2026-04-02T08:30:00"), "as the old ladder says"
    sweep_all(world.database, as_of=at("2026-04-01T10:05:00"))
    assert world.next_step(numbers[0], "unassigned") == at("2026-04-01T12:00:00")
    assert replannings(world) == 0, "nobody is left who may have read the old one"
    sweep_all(world.database, as_of=at("2026-04-01T12:02:00"))
    assert [step for _, step, _ in recorded(world)] == ["unassigned-now"]


def test_whoever_is_still_at_it_when_the_sweep_looks_is_planned_anew_by_a_later_one(world: World) -> None:
    with being_found(world) as numbers:
        set_unassigned(world)
        sweep_all(world.database, as_of=at("2026-04-01T10:05:00"))
        assert replannings(world) == 1
    sweep_all(world.database, as_of=at("2026-04-01T10:10:00"))
    assert replannings(world) == 0
    assert world.next_step(numbers[0], "unassigned") == at("2026-04-01T12:00:00")


def test_a_command_that_waited_for_the_new_ladder_climbs_it_too(world: World) -> None:
    number = world.acknowledged().number
    together = Together()
    actor = world.actor("zhaozhuren")
    early = {"code": "due-in-5", "after_workdays": -5, "to": ["assignee"], "act": "remind"}
    with world.database.transaction() as session:
        campaign = campaign_by_code(session, "CC2026", actor=actor, lock=True)
        told = Ladders.model_validate({"ladders": {"deadline": [early]}})
        set_campaign_ladders(session, campaign, told, actor=actor, now=world.now)
        session.flush()
        more = {"level": "serious", "reason": "渗漏加剧"}
        together.begin(world.do, number, "regrade", by="zhaozhuren", **more)
        until(lambda: waiting(world) == 1, "the command waits for the ticket")
    together.end()
    sweep_all(world.database, as_of=at("2026-04-01T10:05:00"))
    assert world.next_step(number) == at("2026-04-09T08:30:00")


def test_a_deadline_computed_while_a_calendar_is_imported_moves_with_it(world: World) -> None:
    days = [{"day": "2026-04-08", "working": False, "name": "停产"}]
    new = NewCalendar.model_validate({"name": "本所安排", "unit": "LL01", "year": 2026, "days": days})
    told = Assignment.model_validate({"assignee": "wangjianguo", "duty": "负责", "measure": "更换"})
    with world.database.transaction() as session:
        ticket = found_in(session, world, deadline_days=7)
        assign(session, ticket, told, actor=world.actor("zhaozhuren"), now=world.now)
        session.flush()
        with world.database.transaction() as other:
            _, moves = put_calendar(other, new, actor=SYSTEM, now=world.now)
        assert moves == [], "not seen yet"
    assert world.ticket(ticket.number).due_at == at("2026-04-08T23:59:59")
    sweep_all(world.database, as_of=at("2026-04-01T10:05:00"))
    assert world.ticket(ticket.number).due_at == at("2026-04-09T23:59:59")
    with world.database.reading() as session:
        events = [each.event for each in history_of(session, world.ticket(ticket.number))]
    assert "recalendar" in events
    assert replannings(world) == 0


# At the same time.


class Together:
    """Commands in threads of their own, each in its transaction; whatever goes wrong is raised at the end."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(8)
        self.running: list[Future[Any]] = []

    def begin(self, work: Callable[..., Any], *args: Any, **said: Any) -> None:
        self.running.append(self.pool.submit(work, *args, **said))

    def end(self) -> None:
        for each in self.running:
            each.result(timeout=120)
        self.pool.shutdown()


@pytest.mark.parametrize("other", ["ladder", "calendar"])
def test_a_command_over_many_tickets_and_one_that_plans_all_anew_do_not_wait_in_a_circle(
    world: World, other: str
) -> None:
    # The older chase is of the ticket with the later number: by key and by number they lie the other way round.
    second = world.assigned(to="zhouhai", unit="SQ02").number
    first = world.acknowledged().number
    assert first < second
    go_on, together = threading.Event(), Together()

    def two_tickets() -> None:
        actor = world.actor("zhaozhuren")
        with world.database.transaction() as session:
            # As the bulk commands do it: ticket by ticket in the order of their numbers.
            for number in (first, second):
                ticket = ticket_by_number(session, number, actor=actor, lock=True)
                told = Regrading(level=Level.SERIOUS, reason="渗漏加剧")
                regrade(session, ticket, told, actor=actor, now=world.now)
                session.flush()
                assert go_on.wait(60)

    def all_anew() -> None:
        if other == "ladder":
            step = {"code": "due-in-2", "after_workdays": -2, "to": ["assignee"], "act": "remind"}
            set_ladders(world, step)
            return
        days = [{"day": "2026-04-14", "working": False, "name": "检修放假"}]
        new = NewCalendar.model_validate({"name": "全国", "year": 2026, "days": days})
        with world.database.transaction() as session:
            put_calendar(session, new, actor=SYSTEM, now=world.now)

    together.begin(two_tickets)
    until(lambda: locked_out(world, first), "the first ticket is at work")
    together.begin(all_anew)
    until(lambda: waiting(world) == 1, "planning anew waits for the command")
    # Meanwhile the sweep passes by whoever works there, and waits for nobody.
    sweep_all(world.database, as_of=at("2026-04-13T08:30:00"))
    go_on.set()
    together.end()
    sweep_all(world.database, as_of=at("2026-04-13T08:30:00"))
    nothing_is_half_written(world, now=at("2026-04-13T08:30:00"))


def locked_out(world: World, number: str) -> bool:
    with world.database.transaction() as session:
        query = select(Chase.id).where(Chase.ticket_id == world.ticket(number).id)
        return session.scalars(query.with_for_update(skip_locked=True)).first() is None


def test_changes_of_everything_under_running_sweeps_lose_and_repeat_nothing(world: World) -> None:
    """Two ladders set in turn, deadlines moved, levels raised, two sweepers: nobody deadlocks, the ledger holds."""
    numbers = many_assigned(world, 60)
    due = at("2026-04-17T09:00:00")
    together, over = Together(), threading.Event()
    world.now = at("2026-04-15T09:00:00")
    extra = {"code": "overdue-1", "after_workdays": 0, "to": ["leader"], "act": "escalate"}
    usual = [
        {"code": "due-in-3", "after_workdays": -3, "to": ["assignee"], "act": "remind"},
        {"code": "overdue", "after_workdays": 0, "to": ["supervisor"], "act": "escalate"},
    ]

    def sweeping() -> None:
        while not over.is_set():
            with world.database.transaction() as session:
                sweep(session, as_of=due, limit=7)

    def ladders() -> None:
        for _ in range(6):
            set_ladders(world, *usual, extra)
            set_ladders(world, *usual)

    def more_time(some: list[str]) -> None:
        for number in some:
            key = world.ask_extension(
                number, reason="待停电", interim_measures="设围栏", due=at("2026-04-23T23:59:59")
            )
            approve(world, key)

    def graver(some: list[str]) -> None:
        for number in some:
            world.do(number, "regrade", by="zhaozhuren", level="serious", reason="渗漏加剧")

    for work in (sweeping, sweeping):
        together.begin(work)
    changing = Together()
    changing.begin(ladders)
    changing.begin(more_time, numbers[:20])
    changing.begin(graver, numbers[20:40])
    try:
        changing.end()
    finally:
        over.set()
        together.end()
    sweep_all(world.database, as_of=due)
    nothing_is_half_written(world, now=due)
    with world.database.reading() as session:
        overdue = session.execute(
            select(Ticket.number, StepRecord.turn)
            .join(StepRecord, StepRecord.ticket_id == Ticket.id)
            .where(StepRecord.matter == Matter.DEADLINE, StepRecord.step == "overdue")
        )
        told_of = [tuple(row) for row in overdue]
    assert due_still(world, now=due) == 0
    assert sorted(number for number, _ in told_of if number in numbers[20:]) == numbers[20:]
    assert {turn for number, turn in told_of if number in numbers[:20]} <= {1}, "the new deadline is not over"
