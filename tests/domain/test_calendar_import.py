"""Calendars as data: what a file says, what it moves, and what stays."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import icalendar
import pytest
from pydantic import ValidationError
from sqlalchemy import select

from domain import extensions
from domain.calendar_import import (
    NewCalendar,
    NewDay,
    UnreadableCalendar,
    preview,
    put_calendar,
    read_days,
)
from domain.calendars import Calendars, calendar_of, missing_year, period, special_days
from domain.errors import explain
from domain.history import history_of
from domain.records import Calendar, Notice
from domain.workdays import NATIONAL
from statemachines.refusals import Refusal
from statemachines.roles import SYSTEM
from tests.world import World


def put(world: World, *, by: str | None = None, **said: object) -> list[str]:
    """Put a calendar in force; returns the numbers of the tickets whose deadline moved."""
    new = NewCalendar.model_validate({"name": "本所安排", **said})
    actor = world.actor(by) if by else SYSTEM
    with world.database.transaction() as session:
        _, moves = put_calendar(session, new, actor=actor, now=world.now)
        return [move.number for move in moves]


def off(*days: str) -> list[dict[str, object]]:
    return [{"day": day, "working": False, "name": "检修放假"} for day in days]


def due_day(world: World, number: str) -> date:
    due = world.ticket(number).due_at
    assert due is not None
    return due.astimezone().astimezone(world.now.tzinfo).date()


# Files.


def an_event(name: str, first: date, last: date) -> icalendar.Event:
    event = icalendar.Event()
    event.add("summary", name)
    event.add("dtstart", first)
    event.add("dtend", last + timedelta(days=1))
    return event


def test_an_icalendar_file_gives_holidays_and_make_up_days() -> None:
    calendar = icalendar.Calendar()
    calendar.add_component(an_event("春节放假", date(2027, 2, 5), date(2027, 2, 11)))
    calendar.add_component(an_event("春节调休上班", date(2027, 2, 20), date(2027, 2, 20)))
    days = {each.day: each.working for each in read_days(calendar.to_ical())}
    assert len(days) == 8
    assert days[date(2027, 2, 11)] is False, "DTEND is the day after the last"
    assert days[date(2027, 2, 20)] is True


def test_a_table_gives_the_same() -> None:
    days = read_days("day,working,name\n2027-02-05,否,春节\n2027-02-20,是,调休\n".encode("gb18030"))
    assert days == [
        NewDay(day=date(2027, 2, 5), working=False, name="春节"),
        NewDay(day=date(2027, 2, 20), working=True, name="调休"),
    ]


def test_every_bad_line_is_named_and_nothing_read() -> None:
    with pytest.raises(UnreadableCalendar) as refused:
        read_days("day,working,name\n2027-02-30,否,春节\n2027-02-20,也许,调休\n".encode())
    assert [fault.line for fault in refused.value.faults] == [2, 3]
    assert "也许" in refused.value.sentence("zh")


def test_an_event_that_does_not_say_whether_people_work_is_refused() -> None:
    calendar = icalendar.Calendar()
    calendar.add_component(an_event("迎春座谈", date(2027, 2, 5), date(2027, 2, 5)))
    with pytest.raises(UnreadableCalendar, match="迎春座谈"):
        read_days(calendar.to_ical())


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ({"year": 2027, "days": off("2026-05-01")}, "other-year"),
        ({"year": 2027, "days": off("2027-05-01", "2027-05-01")}, "day-twice"),
        ({"year": 2027}, "year-and-days"),
        ({"shift": {"cycle": [True, False], "start": "2026-04-01"}}, "shift-alone"),
        ({"unit": "LL01", "shift": {"cycle": [False, False], "start": "2026-04-01"}}, "nobody-works"),
    ],
)
def test_a_calendar_that_cannot_be_is_refused(said: dict[str, object], rule: str) -> None:
    with pytest.raises(ValidationError) as refused:
        NewCalendar.model_validate({"name": "安排", **said})
    assert [each.rule for each in explain(refused.value.errors(), "zh")] == [rule]


# What it moves.


def test_a_computed_deadline_moves_with_history_and_notice(world: World) -> None:
    number = world.assigned().number
    before = world.ticket(number)
    assert due_day(world, number) == date(2026, 4, 16)
    assert put(world, unit="LL01", year=2026, days=off("2026-04-16", "2026-04-17")) == [number]
    after = world.ticket(number)
    assert due_day(world, number) == date(2026, 4, 20), "over the weekend to Monday"
    assert (after.first_due_at, after.due_version) == (before.first_due_at, before.due_version + 1)
    chase = world.chase(number)
    assert chase is not None
    assert (chase.anchor_at, chase.turn) == (after.due_at, after.due_version)
    with world.database.reading() as session:
        row = history_of(session, after)[-1]
        assert (row.event, row.facts["calendar"]) == ("recalendar", "本所安排")
        told = session.scalars(select(Notice.body).where(Notice.kind == "recalendared")).one()
    assert "原期限：2026年4月16日 24:00" in told


def test_a_preview_says_what_would_move_and_writes_nothing(world: World) -> None:
    number = world.assigned().number
    new = NewCalendar.model_validate(
        {"name": "本所安排", "unit": "LL01", "year": 2026, "days": off("2026-04-16")}
    )
    with world.database.transaction() as session:
        moves = preview(session, new, actor=SYSTEM, now=world.now)
        assert [(move.number, move.due.at.date()) for move in moves] == [(number, date(2026, 4, 17))]
        assert calendar_of(session, "/XB/LL01/").is_workday(date(2026, 4, 16)), "the trial is forgotten"
    assert due_day(world, number) == date(2026, 4, 16)
    with world.database.reading() as session:
        assert session.scalars(select(Calendar)).all() == []
    assert put(world, unit="LL01", year=2026, days=off("2026-04-16")) == [number]


def test_what_a_person_set_and_what_was_extended_stays(world: World) -> None:
    by_hand = world.assigned(due="2026-04-16").number
    extended = world.assigned().number
    key = world.ask_extension(
        extended,
        reason="待停电",
        interim_measures="设围栏",
        due=datetime.fromisoformat("2026-04-17T23:59:59+08:00"),
    )
    with world.database.transaction() as session:
        asked = extensions.extension_by_id(session, key, actor=world.actor("zhaozhuren"))
        decision = extensions.Decision(opinion="同意")
        extensions.approve(session, asked, decision, actor=world.actor("zhaozhuren"), now=world.now)
    assert put(world, unit="LL01", year=2026, days=off("2026-04-16", "2026-04-17")) == []
    assert due_day(world, by_hand) == date(2026, 4, 16)


def test_another_units_calendar_moves_nothing_here(world: World) -> None:
    world.assigned()
    assert put(world, unit="SQ02", year=2026, days=off("2026-04-16")) == []


def test_a_later_edition_supersedes_the_earlier_one(world: World) -> None:
    number = world.assigned().number
    put(world, unit="LL01", year=2026, days=off("2026-04-16"))
    assert put(world, unit="LL01", year=2026, days=off("2026-05-06")) == [number], "and it moves back"
    assert due_day(world, number) == date(2026, 4, 16)
    with world.database.reading() as session:
        rows = session.scalars(select(Calendar).order_by(Calendar.edition)).all()
    assert [(row.edition, row.superseded_at is None) for row in rows] == [(1, False), (2, True)]


def test_only_an_administrator_puts_calendars_in_force(world: World) -> None:
    with pytest.raises(Refusal) as refused:
        put(world, by="zhaozhuren", unit="LL01", year=2026, days=off("2026-04-16"))
    assert refused.value.code == "role-missing"


def test_the_shift_of_a_team_goes_before_the_station(world: World) -> None:
    put(world, unit="LL01", year=2026, days=off("2026-04-13"))
    put(world, unit="LL01-A", shift={"cycle": [True, True, False, False], "start": "2026-04-13"})
    with world.database.reading() as session:
        calendars = Calendars(session)
    team, station = calendars.at("/XB/LL01/LL01-A/"), calendars.at("/XB/LL01/")
    assert team.is_workday(date(2026, 4, 13))
    assert not station.is_workday(date(2026, 4, 13))
    assert not team.is_workday(date(2026, 4, 15))
    assert station.is_workday(date(2026, 4, 15))


# The year ahead.


def test_from_december_on_an_unknown_next_year_is_an_alarm_until_its_notice_is_imported(world: World) -> None:
    november = datetime.fromisoformat("2026-11-30T12:00:00+08:00")
    december = datetime.fromisoformat("2026-12-01T00:00:00+08:00")
    with world.database.reading() as session:
        assert missing_year(session, now=november) is None
        alarm = missing_year(session, now=december)
        assert alarm is not None
        assert alarm.year == 2027
    put(
        world,
        name="国办发明电〔2026〕9号",
        year=2027,
        days=[{"day": "2027-02-20", "working": True, "name": "春节调休"}],
    )
    with world.database.reading() as session:
        assert missing_year(session, now=december) is None
        special = {each.day: each for each in special_days(session, None, 2027)}
    assert special[date(2027, 2, 20)].source == "国办发明电〔2026〕9号"


# Explaining.


def test_a_period_explains_itself() -> None:
    natural = period(NATIONAL, date(2026, 4, 1), 3, workdays=False)
    assert natural.end == date(2026, 4, 7)
    assert [(each.day.day, each.zh) for each in natural.skipped] == [(4, "清明"), (5, "清明"), (6, "清明")]
    by_workdays = period(NATIONAL, date(2026, 4, 3), 2, workdays=True)
    assert (by_workdays.end, len(by_workdays.skipped)) == (date(2026, 4, 8), 3)
    back = period(NATIONAL, date(2026, 4, 8), -2, workdays=True)
    assert back.end == date(2026, 4, 3)
    back = period(NATIONAL, date(2026, 4, 1), -3, workdays=False)
    assert (back.end, [(each.day.day, each.zh) for each in back.skipped]) == (
        date(2026, 3, 27),
        [(28, "周六"), (29, "周日")],
    )
    assert period(NATIONAL, date(2026, 4, 5), 0, workdays=False).skipped == ()
    assert period(NATIONAL, date(2027, 3, 1), 5, workdays=True).provisional
