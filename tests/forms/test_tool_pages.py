"""Tools registered by a page: who may, what comes of it, and what is said when something is wrong."""

from __future__ import annotations

import re
from datetime import date

import pytest
from sqlalchemy import select

from domain.records import History, Tool, ToolStatus
from tests.forms.conftest import SignedIn, heading_of, text_of
from tests.world import World

NEW = {"number": "YD-LL-07", "kind": "验电笔", "unit": "LL01", "holder": "王建国"}


def tool(world: World, number: str) -> Tool | None:
    with world.database.reading() as session:
        return session.scalars(select(Tool).where(Tool.number == number)).one_or_none()


def test_a_supervisor_registers_a_tool_and_sees_its_label(browser_of: SignedIn, world: World) -> None:
    supervisor = browser_of("zhaozhuren")
    assert 'href="/tools/new"' in supervisor.get("/tools").text
    made = supervisor.post("/tools/new", {**NEW, "made_on": "2024-05-01", "last_test_on": "2025-09-10"})
    assert (made.status_code, made.headers["location"]) == (303, "/tools/YD-LL-07?done=tool")
    shown = supervisor.get(made.headers["location"])
    assert "工器具已登记" in text_of(shown)
    assert "可以使用，试验有效至" in text_of(shown)
    registered = tool(world, "YD-LL-07")
    assert registered is not None
    assert (registered.measure_unit, registered.test_interval_months) == ("支", 12)
    assert (registered.status, registered.next_test_on) == (ToolStatus.IN_USE, date(2026, 9, 10))
    with world.database.reading() as session:
        row = session.scalars(select(History).where(History.subject_id == registered.id)).one()
        assert (row.event, row.actor_name) == ("registered", "赵主任")


def test_another_kind_brings_its_unit_of_measure_and_interval(browser_of: SignedIn, world: World) -> None:
    supervisor = browser_of("zhaozhuren")
    stool = {**NEW, "number": "凳-01", "kind": "绝缘凳"}
    refused = supervisor.post("/tools/new", stool)
    assert refused.status_code == 422
    assert "“绝缘凳”不是常用种类" in text_of(refused)
    assert 'href="#kind"' in refused.text, "the sentence leads to its field"
    assert 'value="凳-01"' in refused.text, "nothing typed is lost"
    both = {**stool, "measure_unit": "张", "test_interval_months": "12", "another": "1"}
    made = supervisor.post("/tools/new", both)
    assert made.headers["location"] == "/tools/new?unit=LL01&done=tool"
    assert re.search(r'value="LL01" selected', supervisor.get(made.headers["location"]).text)
    registered = tool(world, "凳-01")
    assert registered is not None
    assert (registered.measure_unit, registered.status) == ("张", ToolStatus.UNTESTED)


WRONG = [
    ({"number": "YD 07"}, "编号不能含空格", "A number has no spaces"),
    ({"number": "new"}, "“new”是系统网页的地址", "“new” is the address of a page"),
    ({"number": "sheet.pdf"}, "“sheet.pdf”是系统网页的地址", "“sheet.pdf” is the address of a page"),
    ({"kind": ""}, "种类：必须填写", "Kind: This field is required"),
    ({"unit": "XX"}, "XX", "XX"),
    ({"test_interval_months": "半年"}, "试验周期（月）：须为整数", "whole number"),
    ({"last_test_on": "2027-01-01"}, "试验日期晚于今天", "in the future"),
    ({"made_on": "2027-01-01"}, "出厂日期晚于今天", "in the future"),
    ({"made_on": "2025-05-01", "last_test_on": "2025-04-01"}, "早于出厂日期2025-05-01", "before the day it"),
]


@pytest.mark.parametrize(("told", "zh", "en"), WRONG)
def test_what_is_wrong_is_said_in_the_readers_language(
    browser_of: SignedIn, world: World, told: dict[str, str], zh: str, en: str
) -> None:
    supervisor = browser_of("zhaozhuren")
    refused = supervisor.post("/tools/new", {**NEW, **told})
    assert refused.status_code == 422
    assert zh in text_of(refused)
    supervisor.post("/language/en", {"next": "/account"}, page="/account")
    assert en in text_of(supervisor.post("/tools/new", {**NEW, **told}))
    assert tool(world, {**NEW, **told}["number"]) is None


def test_a_number_is_given_once(browser_of: SignedIn) -> None:
    supervisor = browser_of("zhaozhuren")
    assert supervisor.post("/tools/new", NEW).status_code == 303
    again = supervisor.post("/tools/new", NEW)
    assert again.status_code == 422
    assert "编号“YD-LL-07”已有工器具使用" in text_of(again)


def test_a_station_registers_its_own_and_nobody_else_s(browser_of: SignedIn, world: World) -> None:
    chief = browser_of("qiansuozhang")
    form = chief.get("/tools/new").text
    assert 'value="LL01"' in form and 'value="SQ02"' not in form
    assert chief.post("/tools/new", {**NEW, "unit": "SQ02"}).status_code == 422
    assert chief.post("/tools/new", NEW).status_code == 303
    inspector = browser_of("limin")
    assert inspector.get("/tools/new").status_code == 403
    assert 'href="/tools/new' not in inspector.get("/tools").text


def test_the_form_is_told_in_english(browser_of: SignedIn) -> None:
    supervisor = browser_of("zhaozhuren")
    supervisor.post("/language/en", {"next": "/account"}, page="/account")
    assert heading_of(supervisor.get("/tools/new")) == "Register a tool"
