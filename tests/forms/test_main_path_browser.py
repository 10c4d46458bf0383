"""The main path in a real browser, as three people: found with a photo, assigned, fixed with a photo, verified."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.sync_api import expect
from sqlalchemy import select

from domain.records import History
from tests.forms.chromium import DESK, PHONE, Person, chromium, serving
from tests.photos import photo
from tests.world import World

pytestmark = pytest.mark.browser


def saved(folder: Path, name: str, colour: str) -> Path:
    path = folder / name
    path.write_bytes(photo(colour=colour, size=(1600, 1200)))
    return path


def test_from_the_finding_to_the_closed_ticket(app: FastAPI, world: World, tmp_path: Path) -> None:
    before, after = saved(tmp_path, "前.jpg", "orange"), saved(tmp_path, "后.jpg", "green")
    with chromium() as browser, serving(app) as address:
        limin = Person(browser, address, **PHONE).sign_in("limin")
        limin.page.get_by_role("link", name="报隐患").first.click()
        limin.choose("photos", before)
        expect(limin.page.get_by_role("img", name="前.jpg")).to_be_visible()
        limin.page.get_by_label("是什么隐患").fill("渗漏变压器")
        limin.page.get_by_label("在哪里").first.fill("10kV 柳林线 27# 变台")
        limin.page.get_by_role("radio", name="较大").check(force=True)
        limin.page.get_by_label("单位", exact=True).select_option(label="柳林供电所")
        limin.page.get_by_label("类别").fill("生产设备/变压器台区")
        limin.page.get_by_role("button", name="上报", exact=True).click()
        expect(limin.page.get_by_text("已存在本机")).to_be_visible()
        expect(limin.page.get_by_text("已送达，编号 CC2026-LL01-0001。")).to_be_visible()
        limin.page.get_by_role("link", name="查看隐患单").click()
        number = "CC2026-LL01-0001"
        expect(limin.page.locator(".top .where")).to_have_text(number)
        shown = limin.page.get_by_role("img", name="整改前 1")
        expect(shown).to_be_visible()
        assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 320

        zhao = Person(browser, address, **DESK).sign_in("zhaozhuren")
        zhao.page.get_by_role("region", name="要办的事").get_by_role("link", name="未三定").click()
        zhao.page.get_by_role("link", name=number).click()
        zhao.page.get_by_role("link", name="下达整改").click()
        zhao.page.get_by_label("定人（责任人）").select_option(label="王建国（柳林所检修班）")
        zhao.page.get_by_label("定责（措施）").fill("停电更换密封垫，补油至标准油位")
        zhao.page.get_by_role("button", name="下达整改").click()
        expect(zhao.page.get_by_role("status")).to_contain_text("已下达整改")
        expect(zhao.page.get_by_text("4月8日（周三）24:00").first).to_be_visible()

        wang = Person(browser, address, **PHONE).sign_in("wangjianguo")
        wang.page.get_by_role("link", name="渗漏变压器").click()
        wang.page.get_by_role("button", name="签收").click()
        expect(wang.page.get_by_text("已签收。")).to_be_visible()
        wang.page.get_by_role("link", name="报告整改完成").click()
        wang.choose("photos", after)
        wang.page.get_by_label("怎样整改的").fill("已更换密封垫并补油，无渗漏")
        wang.page.get_by_role("button", name="报告整改完成").click()
        expect(wang.page.get_by_text("已报告整改完成，待复查。")).to_be_visible()
        expect(wang.page.get_by_role("img", name="整改后 1")).to_be_visible()
        wang.page.get_by_text("为什么不能办其他事项").click()
        expect(wang.page.get_by_text("本单由您整改，须由他人复查。").first).to_be_visible()

        limin.page.goto("/")
        limin.page.get_by_role("link", name="渗漏变压器").first.click()
        limin.page.get_by_role("link", name="复查合格", exact=True).click()
        limin.page.get_by_role("button", name="复查合格").click()
        expect(limin.page.get_by_role("status")).to_have_text("复查合格，已销号。")
        expect(limin.page.locator(".top .chip")).to_have_text("已销号")

        assert not [*limin.complaints, *zhao.complaints, *wang.complaints]
    ticket = world.ticket(number)
    assert (ticket.state, ticket.files_expected, ticket.files_arrived) == ("verified", 2, 2)


def test_the_path_works_without_javascript(app: FastAPI, world: World, tmp_path: Path) -> None:
    number = world.assigned().number
    with chromium() as browser, serving(app) as address:
        wang = Person(browser, address, java_script_enabled=False, **PHONE).sign_in("wangjianguo")
        wang.page.goto(f"/tickets/{number}/fix")
        wang.choose("photos", saved(tmp_path, "后.jpg", "green"))
        wang.page.get_by_label("怎样整改的").fill("已更换密封垫")
        wang.page.get_by_role("button", name="报告整改完成").click()
        expect(wang.page.get_by_role("status")).to_contain_text("待复查")
    assert world.ticket(number).files_arrived == 1


KEEPS_NOTHING = (
    """IDBFactory.prototype.open = () => { throw new DOMException("not here", "SecurityError"); };"""
)


def test_a_browser_that_keeps_nothing_sends_forms_as_always(
    app: FastAPI, world: World, tmp_path: Path
) -> None:
    number = world.assigned().number
    with chromium() as browser, serving(app) as address:
        wang = Person(browser, address, **PHONE).sign_in("wangjianguo")
        wang.page.add_init_script(KEEPS_NOTHING)
        wang.page.goto(f"/tickets/{number}")
        wang.page.get_by_role("button", name="签收").click()
        expect(wang.page.get_by_role("status")).to_contain_text("签收")
        wang.page.goto(f"/tickets/{number}/fix")
        wang.choose("photos", saved(tmp_path, "后.jpg", "green"))
        wang.page.get_by_label("怎样整改的").fill("已更换密封垫")
        wang.page.get_by_role("button", name="报告整改完成").click()
        expect(wang.page.get_by_role("status")).to_contain_text("待复查")
        assert not wang.complaints
    assert world.ticket(number).acknowledged_at
    assert world.ticket(number).files_arrived == 1


def test_what_is_wrong_is_read_first_and_leads_to_the_field(app: FastAPI, world: World) -> None:
    number = world.fixed().number
    with chromium() as browser, serving(app) as address:
        limin = Person(browser, address, **PHONE).sign_in("limin")
        limin.page.goto(f"/tickets/{number}/return")
        limin.page.get_by_label("复查意见").evaluate("field => field.removeAttribute('required')")
        limin.page.get_by_role("button", name="复查不合格").click()
        problems = limin.page.get_by_role("alert")
        expect(problems).to_be_focused()
        problems.get_by_role("link").click()
        expect(limin.page.get_by_label("复查意见")).to_be_focused()


def test_a_second_press_sends_nothing_twice(app: FastAPI, world: World) -> None:
    number = world.assigned().number
    with chromium() as browser, serving(app) as address:
        wang = Person(browser, address, **PHONE).sign_in("wangjianguo")
        wang.page.goto(f"/tickets/{number}/progress")
        wang.page.get_by_label("做到哪一步").fill("材料已到")
        wang.page.get_by_role("button", name="报告进展").dblclick()
        expect(wang.page.get_by_text("进展已记录。")).to_be_visible()
        # Whoever sent it, the page or the browser for it: nothing of it waits any more.
        wang.page.goto("/field")
        expect(wang.page.get_by_role("heading", name="最近送达（1）")).to_be_visible()
        expect(wang.page.get_by_role("heading", name="待发送")).to_have_count(0)
    with world.database.reading() as session:
        [told] = session.scalars(select(History).where(History.event == "progress"))
    assert told.facts["note"] == "材料已到"


def test_a_chosen_photo_can_be_taken_back_and_others_added(
    app: FastAPI, world: World, tmp_path: Path
) -> None:
    one, two = saved(tmp_path, "一.jpg", "red"), saved(tmp_path, "二.jpg", "blue")
    with chromium() as browser, serving(app) as address:
        page = Person(browser, address, **PHONE).sign_in("limin")
        page.page.goto("/findings/new")
        page.choose("photos", one)
        page.choose("photos", two)
        expect(page.page.locator("[data-previews] img").nth(1)).to_be_visible()
        page.page.get_by_role("button", name="移除 一.jpg").click()
        names = page.page.locator("input[name=photos]").evaluate("input => [...input.files].map(f => f.name)")
        assert names == ["二.jpg"]
