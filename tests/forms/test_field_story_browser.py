"""An inspector's day where there is no signal, in a real browser: a walk with a finding and a signature, a standard hazard,
a tool's test, work done in bulk; and an answer that two devices changed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from domain.checklists import NewChecklist, put_checklist
from domain.database import Database
from domain.file_store import FileStore
from domain.hazards import NewHazard, put_hazard
from domain.inspections import NewInspection, create
from domain.records import (
    Answer,
    FileListing,
    Inspection,
    PhotoListing,
    QuantityRecord,
    StandardHazard,
    StoredFile,
    Ticket,
    Tool,
    ToolTest,
)
from domain.settings import Settings
from domain.tools import NewTool, months_later, register_tool
from statemachines.inspection import InspectionState
from statemachines.roles import SYSTEM
from tests.applications import application
from tests.forms.chromium import PHONE, Person, chromium, serving, until
from tests.photos import photo
from tests.world import World

pytestmark = pytest.mark.browser

GROUPS = ("杆塔", "拉线", "变压器台区")


def visit(world: World, checklist: str, count: int, *, now: datetime) -> str:
    """A visit to 柳林所 with so many items in each of three groups, the second of each with its photo required."""
    items = [
        {
            "code": f"{checklist}{group}{place}",
            "category": category,
            "item": f"{category}第{place}项",
            "criterion": "符合规程",
            "level": "一般",
            "measure": "更换绝缘子",
            "deadline_days": 7,
            "photo_required": place == 2,
        }
        for group, category in enumerate(GROUPS)
        for place in range(1, count + 1)
    ]
    with world.database.transaction() as session:
        new = NewChecklist.model_validate({"code": checklist, "name": f"检查表{checklist}", "items": items})
        put_checklist(session, new, actor=SYSTEM, now=now)
    with world.database.transaction() as session:
        wanted = NewInspection(campaign="CC2026", unit="LL01", checklist=checklist)
        return f"/inspections/{create(session, wanted, actor=world.actor('limin'), now=now).id}"


def equip(world: World, now: datetime) -> None:
    """A hazard in the library and a tool whose test has run out."""
    hazard = {
        "code": "BYQ-01",
        "category": "生产设备/变压器台区",
        "title": "变压器渗漏油",
        "level": "serious",
        "measure": "更换密封垫",
        "deadline_days": 7,
    }
    tool = {"number": "YD-01", "kind": "验电笔", "unit": "LL01", "last_test_on": "2024-03-01"}
    with world.database.transaction() as session:
        put_hazard(session, NewHazard.model_validate(hazard), actor=SYSTEM, now=now)
        register_tool(session, NewTool.model_validate(tool), actor=SYSTEM, now=now)


def keep_the_day(page: Page) -> None:
    page.goto("/field")
    expect(page.get_by_text("已存到本机")).to_be_visible()


def judge(page: Page, code: str, words: str) -> None:
    choice = page.locator(f"fieldset[data-item={code}]").get_by_role("radio", name=words, exact=True)
    choice.evaluate("each => each.scrollIntoView({ block: 'center' })")
    choice.check()


def sign(page: Page) -> None:
    page.get_by_role("button", name="签字提交").click()
    page.get_by_text("以上结果属实").click()
    page.get_by_role("button", name="签字：李敏").click()


def test_what_was_done_without_a_signal_is_on_the_server_once(
    world: World, database: Database, store: FileStore, settings: Settings, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    walked, contested = visit(world, "A", 10, now=now), visit(world, "B", 2, now=now)
    equip(world, now)
    shot = tmp_path / "绝缘子.jpg"
    shot.write_bytes(photo())
    meter = tmp_path / "电表.jpg"
    meter.write_bytes(photo(colour="navy"))
    app = application(settings, database=database, files=store, clock=lambda: datetime.now(UTC))

    def rows(model: type) -> list[object]:
        with database.reading() as session:
            return list(session.scalars(select(model)))

    with chromium() as browser, serving(app) as address:
        one = Person(browser, address, **PHONE).sign_in("limin").page
        other = Person(browser, address, **PHONE).sign_in("limin").page
        keep_the_day(one)
        keep_the_day(other)
        one.context.set_offline(True)
        other.context.set_offline(True)

        # The walk: groups at one tap, one 不合格 with what it becomes already filled in, signed.
        one.goto(walked)
        judge(one, "A02", "不合格")
        failed = one.locator("fieldset[data-item=A02]")
        expect(failed.get_by_label("建议措施")).to_have_value("更换绝缘子")
        expect(failed.get_by_label("期限（天）")).to_have_value("7")
        failed.locator("input[type=file]").first.set_input_files(str(shot))
        expect(failed.get_by_role("img", name="绝缘子.jpg")).to_be_visible()
        failed.get_by_label("看到了什么").fill("瓷裙破损")
        # The words are kept and the picture is drawn: nothing moves any more under the thumb.
        failed.get_by_label("看到了什么").blur()
        failed.get_by_role("img", name="绝缘子.jpg").evaluate("image => image.decode()")
        for name, answered in (("其余合格", "10"), ("全部合格", "20"), ("全部合格", "30")):
            one.get_by_role("button", name=name).first.click()
            expect(one.locator("[data-answered]")).to_have_text(answered)
        sign(one)
        expect(one.get_by_text("已签字，存在本机")).to_be_visible()

        # A tool by its code, as its label's address leads to it where there is no signal.
        one.goto("/tools/YD-01")
        expect(one.get_by_text("禁止使用：超期停用")).to_be_visible()
        one.get_by_role("radio", name="合格", exact=True).check()
        expect(one.locator("[data-next]")).to_contain_text("合格后下次试验")
        # What the kind is usually tested for stands there; one more thing is added, and the meter is photographed.
        expect(one.get_by_label("测什么 1", exact=True)).to_have_value("启动电压")
        one.get_by_label("数值 2", exact=True).fill("45")
        one.get_by_role("button", name="再加一项").click()
        for field, said in (("测什么 4", "外观"), ("数值 4", "无裂纹")):
            one.get_by_label(field, exact=True).fill(said)
        one.locator("#test input[type=file]").first.set_input_files(str(meter))
        expect(one.get_by_role("img", name="电表.jpg")).to_be_visible()
        one.get_by_role("button", name="保存试验结果").click()
        expect(one.get_by_role("heading", name="已存在本机")).to_be_visible()

        one.goto("/field/quantity")
        for field, said in (("动作", "清扫"), ("对象", "针瓶"), ("数量", "4500"), ("计量单位", "个")):
            one.get_by_label(field, exact=True).fill(said)
        one.get_by_label("单位", exact=True).select_option("LL01")
        one.get_by_role("button", name="保存").click()
        expect(one.get_by_role("heading", name="已存在本机")).to_be_visible()

        # A standard hazard by the initials of how it is spoken.
        one.goto("/findings/new")
        one.get_by_role("button", name="从隐患库选").click()
        one.get_by_role("searchbox").fill("byqsly")
        expect(one.locator("dialog.picker li")).to_have_count(1)
        one.get_by_role("button", name="变压器渗漏油").last.click()
        one.get_by_label("单位", exact=True).select_option("LL01")
        one.get_by_role("button", name="上报", exact=True).click()
        expect(one.get_by_role("heading", name="已存在本机")).to_be_visible()

        # The other visit is answered on both phones, not the same way.
        for page, said in ((other, "不适用"), (one, "合格")):
            page.goto(contested)
            judge(page, "B01", said)
            expect(page.locator("[data-kept]")).to_contain_text("待发送")
        one.goto("/field")
        expect(one.locator("[data-field] .item .chip.warn").first).to_be_visible()
        assert not rows(Ticket) and not rows(Answer)

        other.context.set_offline(False)
        other.evaluate("dispatchEvent(new Event('online'))")
        until(other, lambda: len(rows(Answer)) == 1, "the other's answer")
        one.context.set_offline(False)
        one.evaluate("dispatchEvent(new Event('online'))")
        until(one, lambda: len(rows(Ticket)) == 2 and len(rows(QuantityRecord)) == 1, "what was done")
        expect(one.get_by_role("heading", name="待发送")).to_have_count(0)

        one.goto("/tools/YD-01")
        expect(one.get_by_text("可以使用，试验有效至")).to_be_visible()
        expect(one.get_by_text("工频耐压 45 kV，外观 无裂纹")).to_be_visible()
        shown = one.get_by_role("img", name="试验照片 1")
        assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 320

        one.goto(contested)
        expect(one.get_by_text("有 1 项在两台设备上填得不一样")).to_be_visible()
        clash = one.locator("fieldset[data-item=B01] .clash")
        expect(clash).to_contain_text("不适用")
        clash.get_by_role("button", name="B01 合格").click()
        expect(one.locator(".clash")).to_have_count(0)

    with database.reading() as session:
        visits = {f"/inspections/{each.id}": each for each in session.scalars(select(Inspection))}
        assert visits[walked].state is InspectionState.SUBMITTED
        judged = session.scalars(select(Answer).where(Answer.inspection_id == visits[walked].id)).all()
        assert sorted(each.value.value for each in judged) == ["fail", *["pass"] * 29]
        of_walk, of_library = session.scalars(select(Ticket).order_by(Ticket.inspection_id)).all()
        assert (of_walk.proposed_measure, of_walk.proposed_days) == ("更换绝缘子", 7)
        assert (of_walk.files_expected, of_walk.files_arrived) == (1, 1)
        assert of_library.standard_hazard_id == session.scalars(select(StandardHazard.id)).one()
        assert (of_library.level.value, of_library.proposed_measure) == ("serious", "更换密封垫")
        assert len(session.scalars(select(FileListing)).all()) == 1
        [tested] = session.scalars(select(ToolTest))
        [work] = session.scalars(select(QuantityRecord))
        assert (tested.passed, work.quantity) == (True, 4500)
        [listed] = session.scalars(select(PhotoListing).where(PhotoListing.tool_test_id == tested.id))
        tool = session.get(Tool, tested.tool_id)
        assert tool is not None
        assert tool.next_test_on == months_later(tested.tested_on, 12)
        assert session.get(StoredFile, listed.sha256) is not None


def test_a_refused_test_of_a_tool_is_put_right_with_what_was_measured_and_its_photo(
    world: World, database: Database, store: FileStore, settings: Settings, tmp_path: Path
) -> None:
    equip(world, datetime.now(UTC))
    meter = tmp_path / "电表.jpg"
    meter.write_bytes(photo(colour="navy"))
    app = application(settings, database=database, files=store, clock=lambda: datetime.now(UTC))
    with chromium() as browser, serving(app) as address:
        page = Person(browser, address, **PHONE).sign_in("limin").page
        keep_the_day(page)
        page.context.set_offline(True)
        page.goto("/tools/YD-01")
        page.get_by_role("radio", name="不合格", exact=True).check()
        page.get_by_label("数值 2", exact=True).fill("45")
        page.locator("#test input[type=file]").first.set_input_files(str(meter))
        expect(page.get_by_role("img", name="电表.jpg")).to_be_visible()
        # A phone whose calendar runs ahead lets a day pass that the server has not seen.
        page.get_by_label("试验日期").evaluate("field => { field.max = ''; field.value = '2099-01-01'; }")
        page.get_by_role("button", name="保存试验结果").click()
        page.context.set_offline(False)
        page.evaluate("dispatchEvent(new Event('online'))")
        page.get_by_role("link", name="改好再发").click()
        expect(page.get_by_text("试验日期晚于今天")).to_be_visible()
        expect(page.get_by_label("数值 2", exact=True)).to_have_value("45")
        expect(page.get_by_role("img", name="电表.jpg")).to_be_visible()
        page.get_by_label("试验日期").evaluate("field => { field.value = field.max; }")
        page.get_by_role("button", name="保存试验结果").click()
        expect(page.get_by_text("已送达。")).to_be_visible()
        expect(page.get_by_text("不合格，禁止使用")).to_be_visible()
    with database.reading() as session:
        [tested] = session.scalars(select(ToolTest))
        assert tested.readings == [{"name": "工频耐压", "value": "45", "unit": "kV"}]
        [listed] = session.scalars(select(PhotoListing))
        assert (listed.tool_test_id, listed.name) == (tested.id, "电表.jpg")
        assert session.get(StoredFile, listed.sha256) is not None
