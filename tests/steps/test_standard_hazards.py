import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from domain.calendars import calendar_of
from domain.campaign_settings import settings_of
from domain.deadlines import due_for
from domain.hazards import HazardFilter, NewHazard, list_hazards, put_hazard
from statemachines.labels import Level
from statemachines.refusals import Refusal
from statemachines.roles import SYSTEM
from tests.photos import listed, photo

pytestmark = pytest.mark.usefixtures("world")  # steps ask for it too late for the database to hold the bureau

scenarios("standard_hazards.feature")

CODES = {"变压器渗漏油": "E01-1", "电杆倾斜": "E16-1"}


class Attempt:
    """The last ticket, and the last refusal."""

    number: str | None = None
    refusal: Refusal | None = None


@pytest.fixture
def attempt():
    return Attempt()


def put(world, title, **said):
    usual = {
        "code": CODES[title],
        "title": title,
        "category": "生产设备",
        "level": "较大",
        "deadline_days": 7,
    }
    with world.database.transaction() as session:
        new = NewHazard.model_validate({**usual, "measure": "处理", **said})
        put_hazard(session, new, actor=SYSTEM, now=world.now)


@given(parsers.parse('标准隐患库有 "{title}" {level} {days:d}天 措施 "{measure}"'))
def in_the_library(world, title, level, days, measure):
    put(world, title, level=level, deadline_days=days, measure=measure)


@given(parsers.parse('标准隐患库规定 "{title}" 上报和整改都要照片'))
def with_photos(world, title):
    put(world, title, photo_required=True, after_photo_required=True, level="一般")


@when(parsers.parse('标准隐患库把 "{title}" 改为一般，措施 "{measure}"'))
def changed(world, title, measure):
    put(world, title, level="一般", measure=measure)


@when(parsers.parse('李敏查找 "{typed}"'), target_fixture="found")
def searches(world, typed):
    with world.database.reading() as session:
        return [each.title for each in list_hazards(session, HazardFilter(q=typed)).items]


@then(parsers.parse('找到的第一条是 "{title}"'))
def first(found, title):
    assert found[0] == title


@given(parsers.re('李敏选 "(?P<title>.+?)" 上报(?P<photos>，不附照片|，附照片)?$'))
@when(parsers.re('李敏选 "(?P<title>.+?)" 上报(?P<photos>，不附照片|，附照片)?$'))
def reports(world, attempt, title, photos):
    files = [listed(photo())] if photos == "，附照片" else []
    attempt.refusal = None
    try:
        made = world.find(
            standard_hazard=CODES[title], level=None, category=None, description=title, files=files
        )
        attempt.number = made.number
    except Refusal as refusal:
        attempt.refusal = refusal


@then(parsers.parse('隐患单等级是 "{level}"，建议措施是 "{measure}"'))
def as_picked(world, attempt, level, measure):
    ticket = world.ticket(attempt.number)
    assert (ticket.level, ticket.proposed_measure) == (
        next(each for each in Level if each.zh == level),
        measure,
    )


@when("赵主任下达整改，不写期限")
def assigns(world, attempt):
    said = {"assignee": "wangjianguo", "duty": "负责处理", "measure": "更换密封件"}
    world.do(attempt.number, "assign", by="zhaozhuren", **said)


@then(parsers.parse("期限是发现后第{days:d}天或其后的第一个工作日"))
def due(world, attempt, days):
    ticket = world.ticket(attempt.number)
    with world.database.reading() as session:
        calendar = calendar_of(session, ticket.unit.path)
    wanted = due_for(
        ticket.found_at,
        level=ticket.level,
        days=days,
        settings=settings_of(ticket.campaign),
        calendar=calendar,
    )
    assert ticket.due_at == wanted.at


@when("王建国不附照片报告整改完成")
def fixes(world, attempt):
    said = {"assignee": "wangjianguo", "duty": "负责处理", "measure": "校正"}
    world.do(attempt.number, "assign", by="zhaozhuren", **said)
    with pytest.raises(Refusal) as refused:
        world.do(attempt.number, "fix", by="wangjianguo", note="已校正")
    attempt.refusal = refused.value


@then(parsers.parse('不能上报，因为 "{words}"'))
@then(parsers.parse('不能报告，因为 "{words}"'))
def refused(attempt, words):
    assert attempt.refusal is not None
    assert words in attempt.refusal.sentence("zh")
