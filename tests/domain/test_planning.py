"""What the calendar plans: visits of a rota, phases on their day."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime

import pytest
from sqlalchemy import func, select, update
from uuid_utils.compat import uuid7

from domain.planning import advance_campaigns, plan_inspections
from domain.records import (
    Campaign,
    CampaignUnit,
    Checklist,
    History,
    Inspection,
    Notice,
    Person,
    Rota,
    RotaEvery,
    Unit,
)
from domain.rounds import months_later, on_a_workday, rounds, spread
from statemachines.campaign import CampaignState
from tests.world import World


def moment(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00")


def rota(world: World, every: str, first: str, last: str) -> None:
    with world.database.transaction() as session:
        checklist = Checklist(id=uuid7(), code=f"C-{every}", name="配电检查表")
        session.add(checklist)
        session.flush()
        session.add(
            Rota(
                campaign_id=session.scalars(select(Campaign.id)).one(),
                checklist_id=checklist.id,
                every=RotaEvery(every),
                starts_on=date.fromisoformat(first),
                ends_on=date.fromisoformat(last),
            )
        )


def plan(world: World, at: str, *, dry_run: bool = False) -> list[tuple[str, date]]:
    with world.database.transaction() as session:
        planned = plan_inspections(session, as_of=moment(at), dry_run=dry_run).visits
    return [(visit.unit, visit.day) for visit in planned]


def visits(world: World) -> list[tuple[str, date]]:
    with world.database.reading() as session:
        rows = session.execute(
            select(Unit.code, Inspection.planned_on)
            .join(Unit, Unit.id == Inspection.unit_id)
            .order_by(Inspection.planned_on, Unit.code)
        )
        return [(code, day) for code, day in rows]


def state(world: World) -> CampaignState:
    with world.database.reading() as session:
        return session.scalars(select(Campaign.state)).one()


def advance(world: World, at: str, *, dry_run: bool = False):
    with world.database.transaction() as session:
        return advance_campaigns(session, as_of=moment(at), dry_run=dry_run)


def test_units_are_spread_evenly_over_working_days() -> None:
    # 清明 is 4 to 6 April; the 3rd and the 7th to 9th are working days.
    days = spread(4, date(2026, 4, 3), date(2026, 4, 9))
    assert days == [date(2026, 4, 3), date(2026, 4, 7), date(2026, 4, 8), date(2026, 4, 9)]
    fifteen = spread(15, date(2026, 3, 2), date(2026, 3, 27))
    assert (fifteen[0], len(set(fifteen))) == (date(2026, 3, 2), 15)
    assert spread(2, date(2026, 4, 4), date(2026, 4, 5)) == [date(2026, 4, 4), date(2026, 4, 5)]
    assert spread(0, date(2026, 4, 4), date(2026, 4, 5)) == []


def test_months_end_where_they_end() -> None:
    assert months_later(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert months_later(date(2026, 11, 30), 3) == date(2027, 2, 28)
    from_the_31st = Rota(every=RotaEvery.MONTHLY, starts_on=date(2026, 1, 31), ends_on=date(2026, 4, 30))
    last_of_month = Rota(
        every=RotaEvery.MONTHLY, starts_on=date(2026, 2, 1), ends_on=date(2026, 4, 30), day_of_month=31
    )
    ends = [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)]
    assert [first for first, _ in rounds(from_the_31st)] == ends
    assert [first for first, _ in rounds(last_of_month)] == ends[1:]


def test_a_chosen_weekday_begins_in_the_first_week_that_has_it() -> None:
    fridays = Rota(every=RotaEvery.WEEKLY, starts_on=date(2026, 3, 2), ends_on=date(2026, 3, 20), weekday=5)
    assert list(rounds(fridays)) == [
        (date(2026, 3, 6), date(2026, 3, 13)),
        (date(2026, 3, 13), date(2026, 3, 20)),
        (date(2026, 3, 20), date(2026, 3, 27)),
    ]
    tenths = Rota(
        every=RotaEvery.MONTHLY, starts_on=date(2026, 3, 11), ends_on=date(2026, 5, 31), day_of_month=10
    )
    assert [first for first, _ in rounds(tenths)] == [date(2026, 4, 10), date(2026, 5, 10)]


def test_a_round_without_a_working_day_has_no_visit() -> None:
    # 春节 is 15 to 23 February 2026.
    assert on_a_workday(date(2026, 2, 16), date(2026, 2, 22)) is None
    assert on_a_workday(date(2026, 2, 20), date(2026, 2, 26)) == date(2026, 2, 24)


def test_a_rota_visits_each_unit_once_however_often_it_is_planned(world: World) -> None:
    rota(world, "once", "2026-04-07", "2026-04-10")
    assert plan(world, "2026-04-01T05:12:00") == [
        ("LL01", date(2026, 4, 7)),
        ("SQ02", date(2026, 4, 9)),
    ]
    assert plan(world, "2026-04-01T05:12:00") == []
    assert plan(world, "2026-04-08T05:12:00") == []
    with world.database.reading() as session:
        inspection = session.scalars(select(Inspection)).first()
        assert inspection is not None
        planned = session.scalars(select(History).where(History.subject_id == inspection.id)).one()
    assert (inspection.state, inspection.version) == ("planned", 1)
    assert (planned.event, planned.to_state, planned.actor_name) == ("planned", "planned", "系统时钟")


def test_a_unit_that_joins_later_gets_its_visit_in_the_days_left(world: World) -> None:
    rota(world, "once", "2026-04-07", "2026-04-10")
    plan(world, "2026-04-01T05:12:00")
    with world.database.transaction() as session:
        team = session.scalars(select(Unit).where(Unit.code == "LL01-A")).one()
        campaign = session.scalars(select(Campaign)).one()
        session.add(CampaignUnit(campaign_id=campaign.id, unit_id=team.id, position=9))
    assert plan(world, "2026-04-08T05:12:00") == [("LL01-A", date(2026, 4, 8))]


def test_weekly_visits_are_planned_a_fortnight_ahead_and_moved_off_holidays(world: World) -> None:
    # Mondays; 6 April is 清明.
    rota(world, "weekly", "2026-03-30", "2026-05-31")
    plan(world, "2026-04-01T05:12:00")
    assert visits(world) == [
        ("LL01", date(2026, 4, 7)),
        ("SQ02", date(2026, 4, 7)),
        ("LL01", date(2026, 4, 13)),
        ("SQ02", date(2026, 4, 13)),
    ]
    assert plan(world, "2026-04-01T05:12:00") == []
    assert {day for _, day in plan(world, "2026-04-06T05:12:00")} == {date(2026, 4, 20)}


def test_a_dry_run_plans_nothing(world: World) -> None:
    rota(world, "once", "2026-04-07", "2026-04-10")
    assert len(plan(world, "2026-04-01T05:12:00", dry_run=True)) == 2
    assert visits(world) == []


def test_planners_at_once_plan_each_visit_once(world: World) -> None:
    rota(world, "once", "2026-04-07", "2026-04-10")
    rota(world, "weekly", "2026-03-30", "2026-05-31")
    with ThreadPoolExecutor(4) as pool:
        planned = list(pool.map(lambda _: plan(world, "2026-04-01T05:12:00"), range(4)))
    assert sorted(len(each) for each in planned) == [0, 0, 0, 6]
    assert len(visits(world)) == 6


def test_a_campaign_that_is_summed_up_is_planned_no_more(world: World) -> None:
    rota(world, "once", "2026-04-07", "2026-04-10")
    with world.database.transaction() as session:
        session.execute(update(Campaign).values(state=CampaignState.SUMMARISED))
    assert plan(world, "2026-04-01T05:12:00") == []


def test_a_phase_begins_on_its_day_not_before(world: World) -> None:
    world.find()
    world.find(unit="SQ02")
    assert advance(world, "2026-03-29T23:07:00").moved == []
    assert advance(world, "2026-03-30T00:07:00").moved == ["CC2026 rectify"]
    assert state(world) is CampaignState.RECTIFYING
    assert advance(world, "2026-03-30T01:07:00").moved == []


def test_a_phase_the_rules_hold_back_is_told_once_to_the_supervisors(world: World) -> None:
    world.find()
    first = advance(world, "2026-03-30T00:07:00")
    second = advance(world, "2026-03-30T01:07:00")
    assert first.moved == second.moved == []
    assert "石桥供电所" in first.held[0]
    assert state(world) is CampaignState.INSPECTING
    with world.database.reading() as session:
        notices = session.execute(
            select(Person.login, Notice.subject, Notice.body)
            .join(Person, Person.id == Notice.person_id)
            .where(Notice.kind == "phase_held")
        ).all()
    ((login, subject, body),) = notices
    assert (login, subject) == ("zhaozhuren", "2026年春查：未能转入整改")
    assert "石桥供电所" in body
    world.find(unit="SQ02")
    assert advance(world, "2026-03-30T02:07:00").moved == ["CC2026 rectify"]


def test_after_a_pause_of_the_clock_every_phase_that_is_due_begins_in_its_turn(world: World) -> None:
    world.assigned()
    with world.database.transaction() as session:
        session.execute(
            update(CampaignUnit).values(
                zero_reported_at=world.now, zero_reported_by_id=select(Person.id).limit(1).scalar_subquery()
            )
        )
    assert advance(world, "2026-04-08T09:07:00").moved == ["CC2026 rectify", "CC2026 recheck"]
    # Summing up needs checked figures and is not the calendar's.
    assert advance(world, "2026-04-30T09:07:00").moved == []


@pytest.mark.parametrize("at", ["2026-03-30T00:07:00", "2026-04-08T00:07:00"])
def test_a_dry_run_says_what_would_begin_and_changes_nothing(world: World, at: str) -> None:
    world.find()
    world.find(unit="SQ02")
    before = state(world)
    with world.database.reading() as session:
        rows = session.scalar(select(func.count()).select_from(History))
    assert advance(world, at, dry_run=True).moved == ["CC2026 rectify"]
    assert state(world) is before
    with world.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(History)) == rows
