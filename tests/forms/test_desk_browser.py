"""The supervisor's desk in a real browser: from a figure to the act, as supervisor, leader and another unit's."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from playwright.sync_api import Page, expect

from domain.file_store import FileStore
from domain.files import receive
from tests.forms.chromium import DESK, Person, chromium, serving
from tests.photos import listed, photo
from tests.world import World

pytestmark = pytest.mark.browser

NARROW: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}


def fits(page: Page) -> None:
    """Nothing has to be scrolled sideways."""
    size = page.viewport_size
    assert size
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= size["width"], f"{page.url}: {width}"


def fixed_with_photos(world: World, store: FileStore, place: str, shade: int) -> str:
    """A ticket waiting for its re-check, with a photo before and one after."""
    before, after = (photo(colour=f"rgb({shade},{green},0)") for green in (90, 200))
    number = world.assigned(files=[listed(before, "前.jpg")], location=place).number
    world.do(number, "fix", by="wangjianguo", note="已更换", files=[listed(after, "后.jpg")])
    for login, data in (("limin", before), ("wangjianguo", after)):
        with world.database.transaction() as session:
            receive(session, store, listed(data)["sha256"], data, actor=world.actor(login), now=world.now)
    return number


def test_from_a_figure_of_the_board_to_acts_on_many(app: FastAPI, world: World, store: FileStore) -> None:
    first, second = (world.find(location=f"{n}# 杆").number for n in (1, 2))
    major = world.find(level="major", location="3# 杆").number
    good, bad = (fixed_with_photos(world, store, f"{n}# 杆", n) for n in (4, 5))
    with chromium() as browser, serving(app) as address:
        zhao = Person(browser, address, **DESK).sign_in("zhaozhuren")
        page = zhao.page
        page.goto("/campaigns/CC2026/status")
        page.get_by_role("region", name="要办的事").get_by_role("link", name="未三定").click()
        rows = page.locator("table.rows tbody tr")
        expect(rows).to_have_count(3)
        page.wait_for_load_state()

        # By keyboard: down, choose; down, choose; the last by mouse.
        for _ in range(2):
            page.keyboard.press("j")
            page.keyboard.press("x")
        expect(page.locator("[data-picked]")).to_have_text("已选 2 张")
        page.keyboard.press("j")
        page.keyboard.press("k")
        expect(rows.nth(1).get_by_role("link")).to_be_focused()
        rows.nth(2).get_by_role("checkbox").check()
        # What is chosen outlives another list.
        page.get_by_role("navigation", name="常用筛选").get_by_role("link", name="待复查").click()
        page.wait_for_url("**/tickets?*state=fixed*")
        expect(page.locator("[data-picked]")).to_have_text("已选 3 张")
        page.keyboard.press("a")

        page.get_by_label("定人").select_option(label="王建国（柳林所检修班）")
        page.get_by_label("措施").fill("停电更换密封垫")
        page.get_by_role("button", name="预览").click()
        expect(page.get_by_text("这是预览，还没有保存")).to_be_visible()
        expect(page.get_by_role("row", name=major)).to_contain_text("不能办")
        expect(page.get_by_role("row", name=first)).to_contain_text("4月")
        assert world.ticket(first).state == "found", "a preview keeps nothing"
        page.get_by_role("button", name="确认办理 2 张").click()
        expect(page.get_by_role("status")).to_contain_text("已办理 2 张")
        assert [world.ticket(number).state for number in (first, second, major)] == [
            "assigned",
            "assigned",
            "found",
        ]

        # What could not be done stays chosen, until one lets go of it.
        page.goto("/tickets?state=fixed")
        expect(page.locator("[data-picked]")).to_have_text("已选 1 张")
        page.get_by_role("button", name="取消选择").click()
        page.keyboard.press("j")
        page.keyboard.press("v")
        expect(page).to_have_url(f"{address}/tickets/{bad}/verify")
        page.goto("/tickets?state=fixed")
        for number in (good, bad):
            page.get_by_role("checkbox", name=number).check()
        page.get_by_role("group", name="办理所选").get_by_role("button", name="复查").click()
        one = page.get_by_role("listitem").filter(has_text=good)
        for side in ("整改前", "整改后"):
            shown = one.get_by_role("img", name=side)
            assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
        one.get_by_role("radio", name="合格", exact=True).check(force=True)
        other = page.get_by_role("listitem").filter(has_text=bad)
        other.get_by_role("radio", name="不合格", exact=True).check(force=True)
        other.get_by_label("复查意见").fill("仍渗油")
        page.get_by_role("button", name="提交复查结论").click()
        expect(page.get_by_role("status")).to_contain_text("已办理 2 张")
        assert [world.ticket(number).state for number in (good, bad)] == ["verified", "assigned"]
        assert not zhao.complaints


def test_who_sees_what_of_it_also_on_the_road(app: FastAPI, world: World) -> None:
    number = world.find(level="major", description="油枕渗漏").number
    world.assigned()
    paths = ("/campaigns/CC2026/status", "/tickets", "/supervisions")
    with chromium() as browser, serving(app) as address:
        zhao = Person(browser, address, **NARROW).sign_in("zhaozhuren")
        for path in (*paths, f"/tickets/{number}", f"/tickets/bulk/assign?number={number}"):
            zhao.page.goto(path)
            fits(zhao.page)
        zhao.page.goto("/tickets")
        # The list comes first; what narrows it is folded away and one tap off.
        expect(zhao.page.get_by_text("油枕渗漏").filter(visible=True).first).to_be_in_viewport()
        expect(zhao.page.locator("#q")).to_be_hidden()
        zhao.page.get_by_text("筛选和排序").click()
        zhao.page.locator("#q").fill("油枕")
        zhao.page.locator("#q").press("Enter")
        zhao.page.wait_for_url("**/tickets?*q=*")
        expect(zhao.page.get_by_text("油枕渗漏").filter(visible=True).first).to_be_visible()
        zhao.page.goto(f"/tickets/{number}/supervise")
        zhao.page.get_by_label("要求").fill("一周内完成治理")
        zhao.page.get_by_label("理由").fill("重大隐患")
        zhao.page.get_by_role("button", name="督办").last.click()
        expect(zhao.page.get_by_role("status")).to_be_visible()

        zheng = Person(browser, address, **NARROW).sign_in("zhengju")
        zheng.page.goto("/campaigns/CC2026/status")
        expect(
            zheng.page.get_by_role("region", name="进度").get_by_role("link", name="2").first
        ).to_be_visible()
        fits(zheng.page)
        zheng.page.goto("/supervisions")
        expect(zheng.page.get_by_role("listitem").filter(has_text="油枕渗漏")).to_be_visible()
        fits(zheng.page)

        shi = Person(browser, address, **NARROW).sign_in("shisuozhang")
        shi.page.goto("/campaigns/CC2026/status")
        expect(shi.page.get_by_text("还没有隐患单。")).to_be_visible()
        assert "柳林" not in shi.page.content()
        fits(shi.page)
        for path in ("/tickets", "/supervisions"):
            shi.page.goto(path)
            assert number not in shi.page.content()
            assert "油枕" not in shi.page.content()
        for path in (
            f"/tickets/{number}",
            "/campaigns/CC2026/status?unit=LL01",
            "/campaigns/CC2026/status?unit=XB",
        ):
            answer = shi.page.goto(path)
            assert answer and answer.status == 404
        for each in (zhao, zheng):
            assert not each.complaints
