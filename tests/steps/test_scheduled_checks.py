from datetime import date, datetime

import pytest
from pytest_bdd import given, parsers, scenarios, then, when
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from domain import inspections, rotas
from domain.campaigns import campaign_by_code
from domain.errors import BadInput
from domain.inspections import NewInspection
from domain.missing import record_missed
from domain.planning import plan_inspections
from domain.records import Checklist, Inspection, Unit
from domain.rota_setup import NewRota
from statemachines.inspection import InspectionState

pytestmark = pytest.mark.usefixtures("world")  # steps ask for it too late for the database to hold the bureau

scenarios("scheduled_checks.feature")


def moment(text):
    return datetime.fromisoformat(f"{text}+08:00")


@given(parsers.parse("检查活动“2026年春查”每周五用“{name}”检查，从{first}到{last}"))
def a_rota(world, name, first, last):
    actor = world.actor("zhaozhuren")
    told = {"checklist": "ZJ", "every": "weekly", "from": first, "to": last, "weekday": 5}
    with world.database.transaction() as session:
        session.add(Checklist(code="ZJ", name=name, items=[]))
        session.flush()
        campaign = campaign_by_code(session, "CC2026", actor=actor)
        rotas.add_rota(session, campaign, NewRota.model_validate(told), actor=actor, now=world.now)


@given(parsers.parse("系统在{day}安排检查"))
@when(parsers.parse("系统在{day}安排检查"))
def planned(world, day):
    with world.database.transaction() as session:
        plan_inspections(session, as_of=moment(f"{day}T05:12:00"))


@given(parsers.parse("时间到了{at}"))
@when(parsers.parse("时间到了{at}"))
def time_passes(world, at):
    world.now = moment(at)
    with world.database.transaction() as session:
        record_missed(session, as_of=world.now)


def visits(world):
    with world.database.reading() as session:
        query = select(Inspection).join(Unit).where(Unit.code == "LL01").order_by(Inspection.planned_on)
        return list(session.scalars(query.options(joinedload(Inspection.unit))))


@then(parsers.parse("柳林所的计划检查日是{days}"))
def on_days(world, days):
    assert [visit.planned_on.isoformat() for visit in visits(world)] == days.split("、")


@then(parsers.parse("柳林所{day}的检查登记为未检，理由写明“{words}”"))
def is_missed(world, day, words):
    visit = next(each for each in visits(world) if each.planned_on == date.fromisoformat(day))
    assert visit.state is InspectionState.MISSED
    assert words in visit.missed_reason


def make_up(world, day):
    missed = next(each for each in visits(world) if each.planned_on == date.fromisoformat(day))
    told = {"campaign": "CC2026", "unit": "LL01", "instead_of": missed.id}
    actor = world.actor("limin")
    with world.database.transaction() as session:
        new = NewInspection.model_validate(told)
        inspections.create(session, new, actor=actor, now=world.now)


@when(parsers.parse("李敏补检柳林所{day}的检查"), target_fixture="made_up")
def made_up(world, day):
    make_up(world, day)
    return day


@then(parsers.parse("再补一次会被拒绝，规则是“{rule}”"))
def refused_again(world, made_up, rule):
    with pytest.raises(BadInput) as refused:
        make_up(world, made_up)
    assert refused.value.rule == rule
