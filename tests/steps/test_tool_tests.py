from datetime import date

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from domain import campaigns, quantities, tools
from domain.tool_tests import NewToolTest, ReportedTest, record_test, record_tests
from domain.tools import NewTool
from statemachines.refusals import Refusal
from statemachines.roles import SYSTEM

pytestmark = pytest.mark.usefixtures("world")  # steps ask for it too late for the database to hold the bureau

scenarios("tool_tests.feature")


@given(parsers.parse('柳林所登记了{kind} "{number}"'))
def registered(world, kind, number):
    actor = world.actor("qiansuozhang")
    with world.database.transaction() as session:
        new = NewTool(number=number, kind=kind, unit="LL01")
        tools.register_tool(session, new, actor=actor, now=world.now)


@when(
    parsers.re('李敏(?P<where>在春查中)?登记 "(?P<number>.+)" 于 (?P<day>\\S+) 试验(?P<result>合格|不合格)')
)
def put_to_test(world, where, number, day, result):
    actor = world.actor("limin")
    told = {"passed": result == "合格", "tested_on": day, "campaign": "CC2026" if where else None}
    with world.database.transaction() as session:
        tool = tools.tool_by_number(session, number, actor=actor, lock=True)
        record_test(session, tool, NewToolTest.model_validate(told), actor=actor, now=world.now)


@when("李敏在春查中登记检测报告", target_fixture="refused")
def reported(world, datatable):
    actor = world.actor("limin")
    lines = [
        ReportedTest(number=number, tested_on=day, passed=result == "合格", campaign="CC2026")
        for number, day, result in datatable[1:]
    ]
    try:
        with world.database.transaction() as session:
            record_tests(session, lines, actor=actor, now=world.now)
    except Refusal as refusal:
        return refusal
    return None


@then(parsers.parse('报告未登记，指出第 {place:d} 项 "{number}" {why}'))
def not_recorded(refused, place, number, why):
    assert refused.row == (place - 1, number)
    assert why in refused.sentence("zh")


def seen(world, number):
    with world.database.reading() as session:
        return tools.tool_by_number(session, number, actor=SYSTEM)


@then(parsers.parse('"{number}" 下次试验日是 {day}'))
def next_test(world, number, day):
    assert seen(world, number).next_test_on == date.fromisoformat(day)


@then(parsers.parse('{day} "{number}" 的状态是 "{status}"'))
def has_status(world, day, number, status):
    assert tools.shown_status(seen(world, number), on=date.fromisoformat(day)).zh == status


@then(parsers.parse('春查的工作量是 "{work}"'))
def counted(world, work):
    with world.database.reading() as session:
        campaign = campaigns.campaign_by_code(session, "CC2026", actor=SYSTEM)
        rows = quantities.list_quantities(session, campaign, actor=SYSTEM).items
    assert "，".join(f"{row.action}{row.item}{row.quantity:.0f}{row.measure_unit}" for row in rows) == work
