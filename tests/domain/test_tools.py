from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain import campaigns, files, quantities, tools
from domain.errors import BadInput, NotFound
from domain.file_store import sha256_of
from domain.history import history_of
from domain.photo_listings import arrived_photos
from domain.records import ToolStatus
from domain.tool_kinds import KINDS
from domain.tool_tests import NewToolTest, list_tests, record_test
from domain.tools import NewTool, ShownStatus, ToolFilter, months_later
from statemachines.refusals import RoleMissing
from statemachines.roles import SYSTEM
from tests.photos import listed, photo


def register(world, *, by="qiansuozhang", **said):
    actor = world.actor(by)
    with world.database.transaction() as session:
        new = NewTool.model_validate({"number": "ST-01", "kind": "绝缘手套", "unit": "LL01", **said})
        return tools.register_tool(session, new, actor=actor, now=world.now)


def put_to_test(world, number="ST-01", *, by="limin", **said):
    actor = world.actor(by)
    with world.database.transaction() as session:
        tool = tools.tool_by_number(session, number, actor=actor, lock=True)
        told = NewToolTest.model_validate({"passed": True, **said})
        record_test(session, tool, told, actor=actor, now=world.now)
        return tool


def counted(world):
    with world.database.reading() as session:
        campaign = campaigns.campaign_by_code(session, "CC2026", actor=SYSTEM)
        return quantities.list_quantities(session, campaign, actor=SYSTEM).items


def test_a_glove_tested_in_march_is_good_until_september_and_out_of_use_the_day_after(world):
    register(world)
    tool = put_to_test(world, tested_on="2026-03-10")
    assert tool.next_test_on == date(2026, 9, 10)
    assert tools.shown_status(tool, on=date(2026, 9, 10)) is ShownStatus.IN_USE
    assert tools.shown_status(tool, on=date(2026, 9, 11)) is ShownStatus.EXPIRED
    assert ShownStatus.EXPIRED.zh == "超期停用"


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        ("2025-08-31", 6, "2026-02-28"),
        ("2023-08-31", 6, "2024-02-29"),
        ("2026-03-10", 60, "2031-03-10"),
        ("2026-12-15", 1, "2027-01-15"),
    ],
)
def test_months_are_counted_as_people_count_them(day, months, later):
    assert months_later(date.fromisoformat(day), months).isoformat() == later


@given(st.dates(date(2000, 1, 1), date(2199, 12, 31)), st.integers(1, 120))
def test_so_many_months_later_is_never_in_another_month(day, months):
    later = months_later(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day <= day.day


def test_a_new_tool_waits_for_its_first_test(world):
    tool = register(world)
    assert (tool.status, tool.next_test_on, tool.measure_unit) == (ToolStatus.UNTESTED, None, "付")
    assert tools.shown_status(tool, on=world.now.date()) is ShownStatus.UNTESTED


def test_a_tool_taken_over_with_its_last_test_is_in_use(world):
    tool = register(world, kind="接地棒", last_test_on="2022-05-01")
    assert (tool.status, tool.next_test_on) == (ToolStatus.IN_USE, date(2027, 5, 1))


def test_a_failed_test_takes_it_out_of_use_until_it_passes(world):
    register(world)
    failed = put_to_test(world, passed=False, note="泄漏电流超标")
    assert (failed.status, failed.next_test_on) == (ToolStatus.FAILED, None)
    world.later(days=1)
    assert put_to_test(world).status is ToolStatus.IN_USE
    with world.database.reading() as session:
        last = history_of(session, failed)[-1]
    assert (last.event, last.from_state, last.to_state) == ("tested", "failed", "in_use")


def test_a_test_keeps_what_was_measured_and_lists_its_photos(world):
    register(world)
    data = photo()
    said = [
        {"name": "工频耐压", "value": "8", "unit": "kV"},
        {"name": "泄漏电流", "value": "≤7.5", "unit": "mA"},
    ]
    tool = put_to_test(world, readings=said, files=[listed(data, "电表.jpg")])
    limin, elsewhere = world.actor("limin"), world.actor("zhouhai")
    with world.database.reading() as session:
        [test] = list_tests(session, tool)
        assert test.readings == said
        assert [each.name for each in test.photos] == ["电表.jpg"]
        assert not arrived_photos(session, [test])
        facts = history_of(session, tool)[-1].facts
        assert (facts["readings"], facts["photos"]) == (said, 1)
        files.must_be_listed(session, sha256_of(data), actor=limin)
        with pytest.raises(NotFound):
            files.must_be_listed(session, sha256_of(data), actor=elsewhere)


@pytest.mark.parametrize(
    ("reading", "place"),
    [
        ({"name": "泄漏电流"}, "value"),
        ({"value": "7"}, "name"),
        ({"name": "泄漏电流", "value": " "}, "value"),
    ],
)
def test_a_reading_says_what_of_and_how_much(reading, place):
    with pytest.raises(ValidationError) as wrong:
        NewToolTest(passed=True, readings=[reading])
    assert wrong.value.errors()[0]["loc"] == ("readings", 0, place)


def test_an_older_test_recorded_late_changes_nothing_but_is_kept(world):
    register(world)
    put_to_test(world, tested_on="2026-03-10")
    tool = put_to_test(world, tested_on="2025-09-10", passed=False)
    assert (tool.status, tool.last_test_on) == (ToolStatus.IN_USE, date(2026, 3, 10))
    with world.database.reading() as session:
        assert [test.tested_on.year for test in list_tests(session, tool)] == [2026, 2025]


def test_a_test_in_a_campaign_is_one_more_in_its_quantities(world):
    register(world)
    register(world, number="XZ-01", kind="绝缘靴")
    put_to_test(world, campaign="CC2026", tested_on="2026-03-20")
    put_to_test(world, "XZ-01", campaign="CC2026", passed=False)
    put_to_test(world)
    rows = [(row.action, row.item, int(row.quantity), row.measure_unit) for row in counted(world)]
    assert rows == [("试验", "绝缘手套", 1, "付"), ("试验", "绝缘靴", 1, "双")]
    assert counted(world)[0].done_on == date(2026, 3, 20)


def test_an_unknown_kind_brings_its_own_unit_and_interval(world):
    with pytest.raises(ValidationError):
        NewTool(number="X", kind="绝缘凳", unit="LL01")
    tool = register(world, kind="绝缘凳", measure_unit="张", test_interval_months=12)
    assert (tool.measure_unit, tool.test_interval_months) == ("张", 12)


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"number": "ST-01"}, "/number"),
        ({"number": "ST-02", "unit": "XX"}, "/unit"),
        ({"number": "ST-02", "last_test_on": "2026-04-02"}, "/last_test_on"),
    ],
)
def test_a_tool_that_cannot_be_registered_names_the_field(world, said, pointer):
    register(world)
    with pytest.raises(BadInput) as refused:
        register(world, **said)
    assert refused.value.pointer == pointer


def test_a_test_that_cannot_be_recorded_names_the_field(world):
    register(world)
    for said, pointer in (({"tested_on": "2026-04-02"}, "/tested_on"), ({"campaign": "NONE"}, "/campaign")):
        with pytest.raises(BadInput) as refused:
            put_to_test(world, **said)
        assert refused.value.pointer == pointer
    assert counted(world) == []


def test_who_registers_who_tests_and_who_sees(world):
    register(world, by="robot")
    with pytest.raises(RoleMissing):
        register(world, by="limin", number="ST-02")
    with pytest.raises(NotFound):
        put_to_test(world, by="shisuozhang")


def test_tools_due_by_a_day_are_those_that_run_out_or_never_were_tested(world):
    register(world, number="A", last_test_on="2025-10-05")
    register(world, number="B")
    register(world, number="C", last_test_on="2026-03-10")
    register(world, number="D", kind="脚扣", unit="SQ02", by="zhaozhuren", last_test_on="2025-04-01")

    def numbers(actor=SYSTEM, **wanted):
        with world.database.reading() as session:
            return [
                tool.number for tool in tools.list_tools(session, ToolFilter(**wanted), actor=actor).items
            ]

    assert numbers() == ["A", "B", "C", "D"]
    assert numbers(due=date(2026, 4, 5)) == ["A", "B", "D"]
    assert numbers(due=date(2026, 4, 5), unit="LL01") == ["A", "B"]
    assert numbers(kind="脚扣") == ["D"]
    assert numbers(world.actor("shisuozhang")) == ["D"]


def test_every_known_kind_has_a_unit_and_an_interval():
    assert all(kind.measure_unit and kind.test_interval_months > 0 for kind in KINDS.values())
