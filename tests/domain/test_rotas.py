"""Rotas while a campaign runs: who goes, pauses, the end; visits nobody made; what they count up to."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from domain import answers, inspections, rotas, submissions
from domain.answers import GivenAnswers
from domain.campaigns import campaign_by_code
from domain.coverage import visit_cells, visits_of
from domain.errors import BadInput
from domain.figure_checks import check
from domain.figures import freeze_figures
from domain.history import history_of
from domain.inspections import NewInspection
from domain.missing import record_missed
from domain.planning import plan_inspections
from domain.records import Campaign, Checklist, ChecklistItem, Inspection, Person, Rota
from domain.rota_setup import NewRota
from domain.rotas import RotaChange, RotaEnded
from domain.status import campaign_status
from domain.submissions import Submission
from papers.blocks import Text
from papers.summary import blocks_of
from statemachines.inspection import InspectionState
from statemachines.labels import Level
from statemachines.refusals import ReasonMissing, RoleMissing
from statemachines.roles import SYSTEM
from tests.world import World

WEEKLY = {"every": "weekly", "from": "2026-04-01", "to": "2026-05-31", "weekday": 5, "checklist": "ZJ"}


@pytest.fixture(autouse=True)
def checklist(world: World) -> None:
    with world.database.transaction() as session:
        item = ChecklistItem(
            code="Z01",
            category="安全管理",
            item="资料",
            criterion="齐全",
            level=Level.GENERAL,
            measure="补齐",
            deadline_days=7,
            position=0,
        )
        session.add(Checklist(code="ZJ", name="周检表", items=[item]))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00")


def add(world: World, *, by: str = "zhaozhuren", **said: Any) -> Rota:
    actor = world.actor(by)
    with world.database.transaction() as session:
        campaign = campaign_by_code(session, "CC2026", actor=actor)
        return rotas.add_rota(
            session, campaign, NewRota.model_validate(WEEKLY | said), actor=actor, now=world.now
        )


def change(world: World, rota: Rota, *, by: str = "zhaozhuren", **said: Any) -> int:
    actor = world.actor(by)
    with world.database.transaction() as session:
        campaign = campaign_by_code(session, "CC2026", actor=actor)
        locked = rotas.rota_by_id(session, campaign, rota.id, lock=True)
        told = RotaChange.model_validate(said)
        return len(rotas.change_rota(session, campaign, locked, told, actor=actor, now=world.now))


def plan(world: World, at: str = "2026-04-01T05:12:00") -> None:
    with world.database.transaction() as session:
        plan_inspections(session, as_of=moment(at))


def visits(world: World, *states: InspectionState) -> list[tuple[str, date, str | None]]:
    with world.database.reading() as session:
        query = select(Inspection).options(joinedload(Inspection.unit), joinedload(Inspection.inspector))
        rows = session.scalars(query.order_by(Inspection.planned_on, Inspection.id)).all()
        return [
            (row.unit.code, row.planned_on, row.inspector.login if row.inspector else None)
            for row in rows
            if row.state in (states or tuple(InspectionState))
        ]


def miss(world: World, at: str) -> int:
    with world.database.transaction() as session:
        return len(record_missed(session, as_of=moment(at)).visits)


def submit(world: World, key: object, *, by: str = "limin") -> None:
    actor = world.actor(by)
    with world.database.transaction() as session:
        visit = inspections.inspection_by_id(session, key, actor=actor, lock=True)  # type: ignore[arg-type]
        told = GivenAnswers.model_validate({"answers": [{"item": "Z01", "value": "pass"}]})
        answers.answer(session, visit, told, actor=actor, now=world.now)
        submissions.submit(session, visit, Submission(), actor=actor, now=world.now)


def test_the_unit_s_inspectors_take_turns_unless_the_rota_names_one(world: World) -> None:
    add(world, inspectors={"SQ02": "limin"})
    plan(world)
    # 李敏 and 张强 both inspect for the whole bureau; 石桥所 was given to 李敏.
    first = [each for each in visits(world) if each[1] == date(2026, 4, 3)]
    assert first == [("LL01", date(2026, 4, 3), "limin"), ("SQ02", date(2026, 4, 3), "limin")]
    add(world, every="monthly", weekday=None, day_of_month=10)
    plan(world)
    assert [who for _, day, who in visits(world) if day == date(2026, 4, 10)][-2:] == ["limin", "zhangqiang"]


def test_a_named_inspector_who_left_is_replaced_by_the_unit_s_own(world: World) -> None:
    add(world, inspectors={"SQ02": "limin"})
    with world.database.transaction() as session:
        session.scalars(select(Person).where(Person.login == "limin")).one().active = False
    plan(world)
    assert {who for _, _, who in visits(world)} == {"zhangqiang"}


def test_a_rota_of_some_units_goes_only_there(world: World) -> None:
    add(world, units=["SQ02"])
    plan(world)
    assert {unit for unit, _, _ in visits(world)} == {"SQ02"}


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"checklist": "NONE"}, "/checklist"),
        ({"checklist": None}, "/checklist"),
        ({"units": ["LL01-A"]}, "/units/0"),
        ({"inspectors": {"LL01": "wangjianguo"}}, "/inspectors/LL01"),
        ({"units": ["SQ02"], "inspectors": {"LL01": "limin"}}, "/inspectors/LL01"),
        ({"from": "2026-03-01", "to": "2026-03-09"}, "/to"),
    ],
)
def test_a_rota_that_cannot_be_is_refused_at_its_field(
    world: World, said: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(BadInput) as refused:
        add(world, **said)
    assert refused.value.pointer == pointer


def test_only_who_plans_for_the_campaign_adds_a_rota(world: World) -> None:
    with pytest.raises(RoleMissing):
        add(world, by="qiansuozhang")


def test_a_pause_withdraws_what_falls_into_it_and_resuming_plans_it_again(world: World) -> None:
    rota = add(world)
    plan(world)
    with pytest.raises(ReasonMissing):
        change(world, rota, pause={"from": "2026-04-08", "to": "2026-04-20"})
    assert change(world, rota, pause={"from": "2026-04-08", "to": "2026-04-20"}, reason="放假") == 2
    assert [day for _, day, _ in visits(world, InspectionState.PLANNED)] == [date(2026, 4, 3)] * 2
    plan(world, "2026-04-09T05:12:00")
    assert {day for _, day, _ in visits(world, InspectionState.PLANNED)} == {date(2026, 4, 3)}
    change(world, rota, pause=None)
    plan(world, "2026-04-09T05:12:00")
    assert [day for _, day, _ in visits(world, InspectionState.PLANNED)][2:4] == [date(2026, 4, 10)] * 2
    with world.database.reading() as session:
        told = [row.event for row in history_of(session, rota)]
    assert told == ["added", "paused", "resumed"]


def test_an_ended_rota_plans_no_more_and_stays_ended(world: World) -> None:
    rota = add(world)
    plan(world)
    assert change(world, rota, ended=True, reason="改为月检") == 4
    plan(world)
    assert visits(world, InspectionState.PLANNED) == []
    with pytest.raises(RotaEnded):
        change(world, rota, pause=None)


def test_visits_already_planned_go_to_the_inspector_named_now(world: World) -> None:
    rota = add(world)
    plan(world)
    change(world, rota, inspectors={"SQ02": "zhangqiang"})
    assert {who for unit, _, who in visits(world) if unit == "SQ02"} == {"zhangqiang"}
    with world.database.reading() as session:
        assert session.get_one(Rota, rota.id).version == 2


def test_a_school_year_of_weekly_checks_leaves_the_holidays_out(world: World) -> None:
    """寒假 is a pause; 春节 within a term would be a round without a working day."""
    rota = add(world, **{"from": "2025-09-01", "to": "2026-07-10", "weekday": 3})
    world.now = moment("2026-01-20T09:00:00")
    change(world, rota, pause={"from": "2026-02-01", "to": "2026-02-28"})
    day = date(2025, 9, 1)
    while day < date(2026, 7, 10):
        plan(world, f"{day}T05:12:00")
        day = date.fromordinal(day.toordinal() + 7)
    at_one = [day for unit, day, _ in visits(world) if unit == "LL01"]
    assert len(at_one) == len(set(at_one))
    assert not [day for day in at_one if day.year == 2026 and day.month == 2]
    # 国庆 is 1 to 8 October: the check of Wednesday the 1st is on Thursday the 9th, which belongs to the next round.
    assert next(day for day in at_one if day.month == 10) == date(2025, 10, 9)
    assert all(day.isoweekday() == 3 or day == date(2025, 10, 9) for day in at_one)


def test_a_visit_nobody_began_is_missed_after_the_campaign_s_days_and_not_before(world: World) -> None:
    add(world)
    plan(world)
    # Friday the 3rd; 清明 to Monday; the third working day is Thursday the 9th.
    assert miss(world, "2026-04-09T23:00:00") == 0
    assert miss(world, "2026-04-10T00:30:00") == 2
    assert miss(world, "2026-04-10T00:30:00") == 0
    with world.database.reading() as session:
        visit = session.scalars(select(Inspection).where(Inspection.state == InspectionState.MISSED)).first()
        assert visit is not None
        assert "到期未检" in (visit.missed_reason or "")
        (*_, last) = history_of(session, visit)
    assert (last.event, last.actor_name) == ("miss", "系统时钟")


def test_a_visit_somebody_began_is_theirs_to_submit(world: World) -> None:
    add(world, units=["LL01"])
    plan(world)
    actor = world.actor("limin")
    with world.database.transaction() as session:
        key = session.scalars(select(Inspection.id).order_by(Inspection.planned_on)).first()
        assert key is not None
        visit = inspections.inspection_by_id(session, key, actor=actor, lock=True)
        told = GivenAnswers.model_validate({"answers": [{"item": "Z01", "value": "pass"}]})
        answers.answer(session, visit, told, actor=actor, now=world.now)
    assert miss(world, "2026-04-10T00:30:00") == 0


def make_up(world: World, missed: object, *, unit: str = "LL01") -> Inspection:
    actor = world.actor("limin")
    new = NewInspection.model_validate({"campaign": "CC2026", "unit": unit, "instead_of": missed})
    with world.database.transaction() as session:
        return inspections.create(session, new, actor=actor, now=world.now)


def test_a_missed_visit_is_made_up_for_once_and_the_figures_add_up(world: World) -> None:
    add(world)
    plan(world)
    with world.database.reading() as session:
        keys = dict(
            session.execute(
                select(Inspection.unit_id, Inspection.id).where(Inspection.planned_on == date(2026, 4, 3))
            )
            .tuples()
            .all()
        )
        done = session.scalars(
            select(Inspection.id).where(Inspection.planned_on == date(2026, 4, 10)).limit(1)
        ).one()
    with pytest.raises(BadInput) as early:
        make_up(world, next(iter(keys.values())))
    assert early.value.rule == "not-a-missed-visit"
    miss(world, "2026-04-10T00:30:00")
    world.now = moment("2026-04-13T10:00:00")
    with world.database.reading() as session:
        at_one = session.scalars(
            select(Inspection)
            .where(Inspection.state == InspectionState.MISSED)
            .options(joinedload(Inspection.unit))
        ).first()
        assert at_one is not None
    again = make_up(world, at_one.id, unit=at_one.unit.code)
    with pytest.raises(BadInput) as twice:
        make_up(world, at_one.id, unit=at_one.unit.code)
    assert twice.value.rule == "made-up-already"
    submit(world, again.id)
    submit(world, done)
    with world.database.reading(snapshot=True) as session:
        campaign = campaign_by_code(session, "CC2026", actor=SYSTEM)
        counts = visits_of(visit_cells(session, campaign, now=world.now))
        status = campaign_status(session, campaign, actor=world.actor("zhaozhuren"), now=world.now)
        frozen = freeze_figures(session, campaign, cut_off=world.now)
    assert counts.model_dump() == {
        "planned": 5,
        "done": 2,
        "late": 1,
        "missed": 2,
        "made_up": 1,
        "open": 1,
        "overdue": 1,
    }
    assert status.visits == counts
    assert (status.rates.visits.part, status.rates.visits.whole) == (2, 5)
    assert [(each.checklist, each.visits.planned) for each in status.by_rota] == [("ZJ", 4), (None, 1)]
    assert sum(unit.visits.planned for unit in status.by_unit) == 5
    assert check(frozen) == []
    text = "".join(block.plain for block in blocks_of(frozen) if isinstance(block, Text))
    assert (
        "（每周一次）应检4次，已检1次（其中晚于计划日完成1次），未检2次（已补检1次），尚待检查1次，完成率25.00%"
        in text
    )
    assert "2026年4月3日的检查，到期未检" in text
    assert "已于2026年4月13日补检" in text


@pytest.mark.parametrize(
    "pointer", ["/visits/counts/missed", "/visits/by_rota/0/counts/done", "/visits/by_unit/1/counts/planned"]
)
def test_a_count_of_visits_that_does_not_add_up_is_named(world: World, pointer: str) -> None:
    add(world)
    plan(world)
    miss(world, "2026-04-10T00:30:00")
    with world.database.reading(snapshot=True) as session:
        frozen = freeze_figures(session, campaign_by_code(session, "CC2026", actor=SYSTEM), cut_off=world.now)
    assert check(frozen) == []
    *steps, name = pointer.removeprefix("/").split("/")
    place: Any = frozen
    for step in steps:
        place = place[int(step)] if isinstance(place, list) else place[step]
    place[name] += 1
    assert pointer in {each.figure for each in check(frozen)}


def test_a_campaign_s_days_for_missing_are_its_own(world: World) -> None:
    add(world)
    plan(world)
    with world.database.transaction() as session:
        campaign = session.scalars(select(Campaign)).one()
        campaign.settings = {**campaign.settings, "missed_after_workdays": 0}
    assert miss(world, "2026-04-04T00:00:01") == 2
