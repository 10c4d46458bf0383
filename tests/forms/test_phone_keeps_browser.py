"""What a phone promises about what is on it: drawn on, kept or honestly not for long, not left behind, handed on in a file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, expect
from sqlalchemy import func, select

from domain.database import Database
from domain.file_store import FileStore
from domain.records import FileListing, StoredFile, Ticket
from domain.settings import Settings
from tests.applications import application
from tests.forms.chromium import DESK, SMALL_PHONE, OutOfOrder, Person, chromium, serving, until
from tests.forms.test_field_story_browser import equip
from tests.photos import photo
from tests.world import World

pytestmark = pytest.mark.browser


def test_what_is_on_a_phone_is_handed_on_in_a_file_and_arrives_once(
    world: World, database: Database, store: FileStore, settings: Settings, tmp_path: Path
) -> None:
    seen = tmp_path / "现场.jpg"
    seen.write_bytes(photo(size=(1200, 900)))
    app = application(settings, database=database, files=store, clock=lambda: datetime.now(UTC))
    server = OutOfOrder(app, "/field/findings")
    with chromium() as browser, serving(server) as address:
        limin = Person(browser, address, **SMALL_PHONE).sign_in("limin")
        page = limin.page
        page.goto("/field")
        expect(page.get_by_text("已存到本机")).to_be_visible()
        page.context.set_offline(True)

        # A circle with a finger: a second photo, beside the plain one.
        page.goto("/findings/new")
        limin.choose("photos", seen)
        page.get_by_role("button", name="圈画 现场.jpg").click()
        canvas = page.get_by_role("img", name="用手指在照片上画圈或箭头")
        box = canvas.bounding_box()
        assert box
        page.mouse.move(box["x"] + 60, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + 160, box["y"] + 140, steps=4)
        page.mouse.up()
        page.get_by_role("button", name="完成").click()
        expect(page.get_by_role("img", name="现场-标注.jpg")).to_be_visible()
        page.get_by_label("是什么隐患").fill("渗漏变压器")
        page.get_by_label("单位", exact=True).select_option("LL01")
        page.get_by_label("类别").fill("生产设备/变压器台区")
        page.get_by_role("button", name="上报", exact=True).click()
        expect(page.get_by_role("heading", name="已存在本机")).to_be_visible()

        # This browser was asked to keep it for good, and would not say so: that is told.
        assert page.evaluate("navigator.storage.persisted()") is False
        expect(page.get_by_text("浏览器没有承诺长期保存")).to_be_visible()

        # Whoever signs out is asked first, and what is here stays.
        asked: list[str] = []

        def stay(dialog: Dialog) -> None:
            asked.append(dialog.message)
            dialog.dismiss()

        page.on("dialog", stay)
        server.failing = True
        page.context.set_offline(False)
        page.goto("/account")
        page.get_by_role("button", name="退出").click()
        until(page, lambda: asked, "whoever signs out is asked")
        assert len(asked) == 1 and "本机还有 1 条没有发送" in asked[0]
        expect(page).to_have_url(f"{address}/account")

        page.goto("/field")
        with page.expect_download() as saving:
            page.get_by_role("button", name="导出到文件").click()
        file = tmp_path / "limin.zip"
        saving.value.save_as(file)

        zhao = Person(browser, address, **DESK).sign_in("zhaozhuren")
        zhao.page.goto("/field/import")
        zhao.page.get_by_label("手机导出的文件（.zip）").set_input_files(str(file))
        zhao.page.get_by_role("button", name="先看每条会怎样").click()
        expect(zhao.page.get_by_text("将新登记 1 条")).to_be_visible()
        expect(zhao.page.get_by_text("照片 2 张")).to_be_visible()
        zhao.page.get_by_role("button", name="导入", exact=True).click()
        expect(zhao.page.get_by_role("link", name="CC2026-LL01-0001")).to_be_visible()

        # The server is itself again: the same ticket. The page may try by itself just now, and the button be gone with it.
        now = page.locator("[data-send-now]")
        expect(now).to_be_visible()
        server.failing = False
        now.dispatch_event("click")
        expect(page.get_by_role("link", name="渗漏变压器")).to_be_visible()
        expect(page.get_by_role("heading", name="待发送")).to_have_count(0)

    with database.reading() as session:
        [ticket] = session.scalars(select(Ticket))
        assert (ticket.finder_id, ticket.files_expected, ticket.files_arrived) == (
            world.actor("limin").id,
            2,
            2,
        )
        names = {each.name: each.sha256 for each in session.scalars(select(FileListing))}
        assert set(names) == {"现场.jpg", "现场-标注.jpg"}
        assert all(session.get(StoredFile, sha256) for sha256 in names.values())


def test_three_taps_and_one_photo_from_the_first_page_to_a_ticket_at_its_place(
    world: World, database: Database, store: FileStore, settings: Settings, tmp_path: Path
) -> None:
    equip(world, datetime.now(UTC))
    seen = tmp_path / "现场.jpg"
    seen.write_bytes(photo())
    app = application(settings, database=database, files=store, clock=lambda: datetime.now(UTC))
    here = {"geolocation": {"latitude": 26.57, "longitude": 106.71}, "permissions": ["geolocation"]}
    with chromium() as browser, serving(app) as address:
        page = Person(browser, address, **SMALL_PHONE, **here).sign_in("sunhua").page
        page.goto("/field")
        expect(page.get_by_text("已存到本机")).to_be_visible()
        page.goto("/")
        with page.expect_file_chooser() as camera:
            page.get_by_role("link", name="拍照报隐患").tap()
        camera.value.set_files(str(seen))
        page.wait_for_url("**/findings/new?draft=*")
        expect(page.get_by_role("img", name="现场.jpg")).to_be_visible()
        page.get_by_role("button", name="变压器渗漏油").tap()
        # Where the phone is comes by itself, once the person has allowed it.
        expect(page.locator("[name=lat]")).to_have_value("26.57")
        page.get_by_role("button", name="上报", exact=True).tap()
        expect(page.get_by_text("已送达，编号 CC2026-LL01-A-0001。")).to_be_visible()
    ticket = world.ticket("CC2026-LL01-A-0001")
    assert (ticket.lat, ticket.lon, ticket.files_arrived) == (26.57, 106.71, 1)
    assert (ticket.proposed_measure, ticket.proposed_days) == ("更换密封垫", 7)


def test_the_browser_sends_what_waits_when_it_finds_a_signal_and_no_page_is_open(
    world: World, database: Database, store: FileStore, settings: Settings, tmp_path: Path
) -> None:
    seen = tmp_path / "现场.jpg"
    seen.write_bytes(photo())
    app = application(settings, database=database, files=store, clock=lambda: datetime.now(UTC))
    with chromium() as browser, serving(app) as address:
        limin = Person(browser, address, **SMALL_PHONE).sign_in("limin")
        page, context = limin.page, limin.page.context
        page.goto("/field")
        expect(page.get_by_text("已存到本机")).to_be_visible()
        tags = "navigator.serviceWorker.ready.then(worker => worker.sync.getTags())"
        assert page.evaluate(tags) == []
        context.set_offline(True)
        page.goto("/findings/new")
        limin.choose("photos", seen)
        page.get_by_label("是什么隐患").fill("渗漏变压器")
        page.get_by_label("单位", exact=True).select_option("LL01")
        page.get_by_label("类别").fill("生产设备/变压器台区")
        page.get_by_role("button", name="上报", exact=True).click()
        expect(page.get_by_role("heading", name="已存在本机")).to_be_visible()
        until(
            page, lambda: page.evaluate(tags) == ["chuncha-queue"], "the browser is asked to wake the worker"
        )

        # No page of ours is left when the signal is back: the browser itself wakes the worker.
        empty = context.new_page()
        page.close()
        with database.reading() as session:
            assert session.scalars(select(Ticket)).all() == []
        context.set_offline(False)

        def arrived() -> bool:
            with database.reading() as session:
                return session.scalar(select(func.count()).select_from(StoredFile)) == 1

        until(empty, arrived, "the photo arrives")
        empty.goto("/field")
        expect(empty.get_by_role("heading", name="最近送达（1）")).to_be_visible()
    with database.reading() as session:
        [ticket] = session.scalars(select(Ticket))
        assert (ticket.description, ticket.files_expected, ticket.files_arrived) == ("渗漏变压器", 1, 1)
