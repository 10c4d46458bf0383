import re

import pytest
from pytest_bdd import given, parsers, scenarios, then, when
from sqlalchemy import select

from domain import answers, checklists, inspections, submissions
from domain.answers import GivenAnswers
from domain.checklists import NewChecklist
from domain.inspections import NewInspection
from domain.records import Ticket
from domain.submissions import Miss, Submission
from statemachines.inspection import InspectionState
from statemachines.labels import Level
from statemachines.refusals import Refusal
from statemachines.roles import SYSTEM

pytestmark = pytest.mark.usefixtures("world")  # steps ask for it too late for the database to hold the bureau

scenarios("inspections.feature")

VALUES = {"合格": "pass", "不合格": "fail", "不适用": "na", "未查": "unchecked"}


class Attempt:
    """What came of the last step: the refusal, if there was one."""

    refusal: Refusal | None = None


@pytest.fixture
def attempt():
    return Attempt()


@given(parsers.parse("配电检查表有三项：{items}"))
def checklist(world, items):
    told = [
        {
            "code": f"P{place}",
            "category": "生产设备",
            "item": name,
            "criterion": f"没有{name}",
            "level": level,
            "measure": "停电处理",
            "deadline_days": int(days),
        }
        for place, (name, level, days) in enumerate(re.findall(r'"(\S+)" (\S+) (\d)天', items))
    ]
    with world.database.transaction() as session:
        new = NewChecklist.model_validate({"code": "p", "name": "配电检查表", "items": told})
        checklists.put_checklist(session, new, actor=SYSTEM, now=world.now)


@given("李敏要检查柳林所", target_fixture="visit")
def planned(world):
    actor = world.actor("limin")
    with world.database.transaction() as session:
        new = NewInspection(campaign="CC2026", unit="LL01", checklist="p")
        return inspections.create(session, new, actor=actor, now=world.now).id


def run(world, visit, command, told, *, by="limin"):
    actor = world.actor(by)
    with world.database.transaction() as session:
        inspection = inspections.inspection_by_id(session, visit, actor=actor, lock=True)
        return command(session, inspection, told, actor=actor, now=world.now)


def seen(world, visit):
    with world.database.reading() as session:
        return inspections.inspection_by_id(session, visit, actor=SYSTEM)


@given(parsers.re('李敏判 "(?P<item>.+?)" (?P<value>合格|不合格|不适用)(，说明 "(?P<note>.+)")?$'))
def judged(world, visit, item, value, note):
    code = next(each.code for each in seen(world, visit).checklist.items if each.item == item)
    answer = {"item": code, "value": VALUES[value], "note": note or ""}
    run(world, visit, answers.answer, GivenAnswers.model_validate({"answers": [answer]}))


@when("李敏提交检查")
@when("李敏再次提交检查")
def submits(world, visit, attempt):
    attempt.refusal = None
    try:
        run(world, visit, submissions.submit, Submission())
    except Refusal as refusal:
        attempt.refusal = refusal


@when(parsers.re('赵主任登记未检，(不写原因|原因是 "(?P<reason>.+)")'))
def missed(world, visit, attempt, reason):
    attempt.refusal = None
    try:
        run(world, visit, submissions.miss, Miss(reason=reason), by="zhaozhuren")
    except Refusal as refusal:
        attempt.refusal = refusal


def tickets(world):
    with world.database.reading() as session:
        return list(session.scalars(select(Ticket)))


@then(parsers.parse("登记了 {count:d} 条隐患"))
def found(world, count):
    assert len(tickets(world)) == count


def of(world, item):
    return next(ticket for ticket in tickets(world) if item in ticket.description)


@then(parsers.parse('"{item}" 的隐患写着 "{words}"，等级 "{level}"'))
def written(world, item, words, level):
    assert words in of(world, item).description
    graded(world, item, level)


@then(parsers.parse('"{item}" 的隐患等级 "{level}"'))
def graded(world, item, level):
    assert of(world, item).level is next(each for each in Level if each.zh == level)


@then(parsers.parse('合格率是 "{percent}"'))
def scored(world, visit, percent):
    assert str(inspections.score(seen(world, visit).answers)) == percent


@then(parsers.parse('不能提交，因为 "{words}"'))
def refused(attempt, words):
    assert attempt.refusal is not None
    assert words in attempt.refusal.sentence("zh")


@then("这次检查记为“检查过，没有发现问题”")
def nothing_found(world, visit):
    assert seen(world, visit).nothing_found


@then(parsers.parse('这次检查记为未检，原因是 "{reason}"'))
def is_missed(world, visit, reason):
    inspection = seen(world, visit)
    assert (inspection.state, inspection.missed_reason) == (InspectionState.MISSED, reason)
