"""Whoever fixes, on a phone: from the link in an e-mail through the login to the very ticket, what is mine and by when, the
way there, acknowledged, progress told, more time asked for, and the photo after the fix lined up with the one before.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from PIL import Image
from playwright.sync_api import Page, expect

from domain.database import Database
from domain.delivery import deliver_all
from domain.file_store import FileStore
from domain.files import files_of, receive
from domain.history import history_of
from domain.records import FileKind
from domain.settings import Settings
from tests.applications import application
from tests.forms.camera import FRAME, film, looking_at
from tests.forms.chromium import SMALL_PHONE, OutOfOrder, Person, chromium, serving, until
from tests.mail_server import MailServer, text_of
from tests.photos import listed, photo
from tests.world import World

pytestmark = pytest.mark.browser

LAT, LON = 26.57, 106.71


def to_fix(world: World, store: FileStore, place: str, shade: int, **said: object) -> str:
    """A ticket assigned to 王建国 with a photo before, at a known position."""
    before = photo(colour=f"rgb({shade},90,0)", size=(1280, 720))
    where = {"location": place, "lat": LAT, "lon": LON}
    number = world.assigned(files=[listed(before, "前.jpg")], **where, **said).number
    with world.database.transaction() as session:
        receive(session, store, listed(before)["sha256"], before, actor=world.actor("limin"), now=world.now)
    return number


def written_to_wang(world: World, mail: MailServer, address: str) -> str:
    """What the e-mails to 王建国 say, sent by a real server."""
    deliver_all(world.database, Settings(smtp_url=mail.url, public_url=address), as_of=world.now)
    return "\n".join(text_of(message) for message in mail.to("wangjianguo@example.org"))


def good(page: Page) -> None:
    """Nothing to scroll sideways, nothing for axe to find."""
    size = page.viewport_size
    assert size
    page.wait_for_load_state("load")
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], page.url
    found = [f"{page.url} {each['id']}: {each['nodes']}" for each in Axe().run(page).response["violations"]]
    assert not found


def test_from_the_notice_to_the_fix(
    app: FastAPI, world: World, store: FileStore, mail: MailServer, tmp_path: Path
) -> None:
    sooner = to_fix(world, store, "10kV 柳林线 27# 变台", 200, due="2026-04-03")
    later = to_fix(world, store, "10kV 柳林线 31# 变台", 120, due="2026-04-20")
    scene = film(tmp_path / "camera.mjpeg", [Image.new("RGB", FRAME, "seagreen")])
    with chromium(*looking_at(scene)) as browser, serving(app) as address:
        letter = written_to_wang(world, mail, address)
        [link] = set(re.findall(rf"{address}/tickets/{sooner}\S*", letter))
        wang = Person(browser, address, **SMALL_PHONE)
        page = wang.page

        # Not signed in: the login comes between, and leads on to the very ticket.
        page.goto(link)
        expect(page.get_by_role("heading", name="登录")).to_be_visible()
        good(page)
        page.get_by_label("登录名").fill("wangjianguo")
        page.get_by_label("密码").fill("wangjianguo-chuncha")
        page.get_by_role("button", name="登录").click()
        expect(page).to_have_url(link)
        expect(page.locator(".top .where")).to_have_text(sooner)
        # Of the two tickets he was told of, this one is read.
        expect(page.locator(".top .bell")).to_have_accessible_name("通知：1 条未读")
        expect(page.locator(".top .bell .count")).to_have_text("1")
        good(page)
        page.get_by_role("button", name="签收").click()
        expect(page.locator(".bar").get_by_role("status")).to_have_text("已签收。")
        expect(page.get_by_role("region", name="三定")).not_to_contain_text("未签收")
        expect(page).to_have_url(link)
        good(page)

        # What is mine, the soonest first, each with its day; the other one acknowledged in one tap.
        page.get_by_role("link", name="返回列表").click()
        expect(page.get_by_role("heading", name="我的整改")).to_be_visible()
        jobs = page.locator(".job")
        expect(jobs).to_have_count(2)
        expect(jobs.nth(0)).to_contain_text("4月3日（周五）24:00")
        expect(jobs.nth(1)).to_contain_text("4月20日（周一）24:00")
        good(page)
        expect(page.get_by_text("1 件未签收")).to_be_visible()
        jobs.nth(1).get_by_role("button", name="签收").click()
        expect(jobs.nth(1).get_by_role("status")).to_have_text("已签收。")
        expect(page.get_by_text("件未签收")).to_be_hidden()
        expect(page).to_have_url(f"{address}/work")
        good(page)

        # One tap to the place.
        page.context.route("https://uri.amap.com/**", lambda asked: asked.fulfill(body="map"))
        with page.expect_popup() as opened:
            jobs.nth(0).get_by_role("link", name="高德地图").click()
        assert opened.value.url.startswith(f"https://uri.amap.com/marker?position={LON:.6f},{LAT:.6f}")
        assert quote("10kV 柳林线 27# 变台") in opened.value.url
        opened.value.close()
        other = jobs.nth(0).get_by_role("link", name="其他地图")
        assert other.get_attribute("href") == f"geo:{LAT:.6f},{LON:.6f}"

        jobs.nth(0).get_by_role("link", name="报进展").click()
        page.get_by_label("做到哪一步").fill("密封垫已到货，明天停电更换")
        good(page)
        page.get_by_role("button", name="报告进展").click()
        expect(page.get_by_text("进展已记录。")).to_be_visible()
        expect(page.get_by_text("密封垫已到货，明天停电更换")).to_be_visible()

        page.goto("/work")
        jobs.nth(1).get_by_role("link", name="申请延期").click()
        page.get_by_label("延至").fill("2026-04-28")
        page.get_by_label("申请理由").fill("停电计划排在 4 月下旬")
        page.get_by_label("临时防范措施").fill("每日巡视，加挂警示牌")
        good(page)
        page.get_by_role("button", name="申请延期").click()
        expect(page.locator(".top .where")).to_have_text(later)
        expect(page.get_by_role("heading", name="延期申请待审批")).to_be_visible()
        page.goto("/work")
        expect(jobs.nth(1)).to_contain_text("延期待审批")

        # The photo before lies over the camera's picture, as faint as one likes.
        jobs.nth(0).get_by_role("link", name="整改完成").click()
        good(page)
        page.get_by_role("button", name="对着这张拍").click()
        camera = page.get_by_role("dialog")
        over = camera.locator("img.over")
        expect(over).to_have_css("opacity", "0.45")
        assert over.evaluate("image => image.decode().then(() => image.naturalWidth)") > 320
        page.wait_for_function("document.querySelector('.lineup video').videoWidth > 0")
        seen, laid = (camera.locator(each).bounding_box() for each in ("video", "img.over"))
        assert seen == laid
        good(page)
        camera.get_by_label("整改前照片的浓淡").fill("70")
        expect(over).to_have_css("opacity", "0.7")
        camera.get_by_role("button", name="拍照").click()
        expect(camera).to_have_count(0)
        expect(page.locator("[data-previews] img")).to_have_count(1)
        page.get_by_label("怎样整改的").fill("已更换密封垫并补油，无渗漏")
        good(page)
        page.get_by_role("button", name="报告整改完成").click()
        expect(page.get_by_text("已报告整改完成，待复查。")).to_be_visible()
        expect(page.locator("[data-compare]")).to_be_visible()
        good(page)
        page.goto("/work")
        expect(jobs).to_have_count(1)
        expect(page.get_by_role("region", name="已报完成，等待复查")).to_contain_text(sooner)
        assert not wang.complaints

    with world.database.reading() as session:
        kinds = [each.kind for each in files_of(session, world.ticket(sooner)) if each.arrived_at]
        assert sorted(kinds) == [FileKind.AFTER, FileKind.BEFORE]


def test_one_tap_acknowledges_in_place_and_never_calls_a_person_back(
    world: World, database: Database, store: FileStore, settings: Settings
) -> None:
    world.now = datetime.now(UTC)
    first, second = (
        to_fix(world, store, "10kV 柳林线", 200, due=str((world.now + timedelta(days=days)).date()))
        for days in (30, 60)
    )
    app = application(settings, database=database, files=store, clock=lambda: datetime.now(UTC))
    server = OutOfOrder(app, "/field/acts")
    with chromium() as browser, serving(server) as address:
        page = Person(browser, address, **SMALL_PHONE).sign_in("wangjianguo").page
        server.holding = True
        page.goto("/work")
        job, other = (page.locator(".job").nth(place) for place in range(2))
        page.evaluate(
            """() => {
                const told = (window.told = []), acts = document.querySelector(".job-acts");
                new MutationObserver(() => told.push(acts.textContent)).observe(acts, {childList: true, subtree: true});
                navigation.addEventListener("navigate", (event) => told.push(event.destination.url));
            }"""
        )
        job.get_by_role("button", name="签收").click()
        until(page, lambda: server.held == 1, "it is sent")
        expect(job.get_by_role("status")).to_have_text("正在送…")
        expect(job.get_by_role("status")).to_be_focused()
        server.holding = False
        expect(job.get_by_role("status")).to_have_text("已签收。")
        told = page.evaluate("window.told")
        assert told and not [each for each in told if "存在本机" in each or "://" in each]

        # Gone on to something else before the answer: left in peace there, and it is sent all the same.
        server.holding = True
        other.get_by_role("button", name="签收").click()
        until(page, lambda: server.held >= 2, "it is sent")
        other.get_by_role("link", name="报进展").click()
        page.get_by_label("做到哪一步").fill("密封垫已到货")
        server.holding = False
        until(page, lambda: world.ticket(second).acknowledged_at is not None, "it is acknowledged")
        expect(page).to_have_url(f"{address}/tickets/{second}/progress")
        expect(page.get_by_label("做到哪一步")).to_have_value("密封垫已到货")
        page.goto("/work")
        expect(page.get_by_role("button", name="签收")).to_have_count(0)
    assert world.ticket(first).acknowledged_at


def test_what_was_fixed_without_a_signal_arrives_once_with_its_photo(
    world: World, database: Database, store: FileStore, settings: Settings, tmp_path: Path
) -> None:
    world.now = datetime.now(UTC)
    number = to_fix(world, store, "10kV 柳林线 27# 变台", 200)
    scene = film(tmp_path / "camera.mjpeg", [Image.new("RGB", FRAME, "seagreen")])
    app = application(settings, database=database, files=store, clock=lambda: datetime.now(UTC))
    with chromium(*looking_at(scene)) as browser, serving(app) as address:
        here = {"geolocation": {"latitude": LAT, "longitude": LON}, "permissions": ["geolocation"]}
        page = Person(browser, address, **SMALL_PHONE, **here).sign_in("wangjianguo").page
        page.goto("/field")
        expect(page.get_by_text("已存到本机")).to_be_visible()
        page.context.set_offline(True)

        page.goto("/work")
        job = page.locator(".job")
        shown = job.get_by_role("img", name=f"整改前 {number}")
        assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 320
        job.get_by_role("button", name="签收").click()
        expect(job.get_by_role("status")).to_contain_text("已签收，存在本机")

        job.get_by_role("link", name="报进展").click()
        page.get_by_label("做到哪一步").fill("密封垫已到货")
        page.get_by_role("button", name="报告进展").click()
        expect(page.get_by_role("heading", name="已存在本机")).to_be_visible()
        good(page)
        page.get_by_role("link", name="回到我的整改").click()

        # The ticket itself opens, and the photo before is there to be lined up with.
        job.get_by_role("link", name="27# 变台变压器渗漏油").click()
        expect(page.locator(".top .where")).to_have_text(number)
        page.get_by_role("link", name="报告整改完成").click()
        page.get_by_role("button", name="对着这张拍").click()
        over = page.locator("dialog img.over")
        assert over.evaluate("image => image.decode().then(() => image.naturalWidth)") > 320
        page.wait_for_function("document.querySelector('.lineup video').videoWidth > 0")
        page.get_by_role("dialog").get_by_role("button", name="拍照").click()
        expect(page.locator("[data-previews] img")).to_have_count(1)
        page.get_by_label("怎样整改的").fill("已更换密封垫并补油，无渗漏")
        page.get_by_role("button", name="报告整改完成").click()
        expect(page.get_by_role("heading", name="已存在本机")).to_be_visible()
        page.goto("/field")
        expect(page.locator("[data-field] .item")).to_have_count(3)
        good(page)
        assert world.ticket(number).acknowledged_at is None

        page.context.set_offline(False)
        page.evaluate("dispatchEvent(new Event('online'))")
        expect(page.get_by_role("heading", name="待发送")).to_have_count(0)
        page.goto(f"/tickets/{number}")
        expect(page.locator("[data-compare]")).to_be_visible()
        # The phone's camera took it just now, and says so: nothing about it is in doubt.
        expect(
            page.locator("figure", has=page.get_by_role("img", name="整改后 1")).locator(".doubt")
        ).to_have_count(0)

    ticket = world.ticket(number)
    assert (ticket.state, ticket.files_expected, ticket.files_arrived) == ("fixed", 2, 2)
    assert ticket.acknowledged_at and ticket.fixed_at
    with world.database.reading() as session:
        events = [each.event for each in history_of(session, ticket)]
        assert events[-3:] == ["acknowledge", "progress", "fix"]
        [after] = [each for each in files_of(session, ticket) if each.kind is FileKind.AFTER]
        assert after.captured_at is not None and after.stored is not None
        assert after.stored.taken_at == after.exif_at
        assert (after.captured_lat, after.captured_lon) == (LAT, LON)


def test_what_the_server_refuses_comes_back_with_what_was_written(
    world: World, database: Database, store: FileStore, settings: Settings, tmp_path: Path
) -> None:
    world.now = datetime.now(UTC)
    number = to_fix(world, store, "10kV 柳林线 27# 变台", 200)
    after = tmp_path / "后.jpg"
    after.write_bytes(photo(colour="green"))
    app = application(settings, database=database, files=store, clock=lambda: datetime.now(UTC))
    with chromium() as browser, serving(app) as address:
        wang = Person(browser, address, **SMALL_PHONE).sign_in("wangjianguo")
        page = wang.page
        page.goto(f"/tickets/{number}/fix")
        wang.choose("photos", after)
        page.get_by_label("怎样整改的").fill("已更换密封垫")
        page.get_by_label("完成时间").evaluate(
            "field => { field.max = field.min = ''; field.value = '2020-01-01T08:00'; }"
        )
        page.get_by_role("button", name="报告整改完成").click()
        expect(page.get_by_role("heading", name="服务器没有受理，请改好这些再上报")).to_be_visible()
        expect(page.get_by_label("怎样整改的")).to_have_value("已更换密封垫")
        expect(page.get_by_label("完成时间")).to_have_value("2020-01-01T08:00")
        expect(page.get_by_role("img", name="后.jpg")).to_be_visible()
        good(page)
        page.get_by_label("完成时间").fill("")
        page.get_by_role("button", name="报告整改完成").click()
        expect(page.get_by_text("已报告整改完成，待复查。")).to_be_visible()
    assert world.ticket(number).files_arrived == 2
