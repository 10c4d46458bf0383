"""A day without a signal, in a real browser with its real service worker, and everything that can go wrong after it."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import psutil
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, Playwright, expect, sync_playwright
from sqlalchemy import func, select

from domain.records import FileListing, StoredFile, Ticket
from tests.forms.bad_line import Line, Servers
from tests.forms.chromium import PATIENCE, PHONE, QUIET, chromium_path
from tests.photos import photo
from tests.waiting import until
from tests.world import World

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

FINDINGS = 20


class Phone:
    """One phone: a browser with a profile on disk, which can be killed and taken up again."""

    def __init__(self, playwright: Playwright, folder: Path, address: str) -> None:
        self.playwright, self.folder, self.address = playwright, folder, address
        self.open()

    def open(self) -> None:
        self.context: BrowserContext = self.playwright.chromium.launch_persistent_context(
            str(self.folder),
            executable_path=chromium_path(),
            args=list(QUIET),
            locale="zh-CN",
            base_url=self.address,
            **PHONE,  # type: ignore[arg-type]
        )
        self.context.set_default_timeout(PATIENCE)
        self.tabs = [self.context.pages[0], self.context.new_page()]

    def kill(self) -> None:
        """SIGKILL to the browser and everything it started, in the middle of whatever it was doing."""
        ours = [
            each
            for each in psutil.process_iter(["cmdline"])
            if f"--user-data-dir={self.folder}" in (each.info["cmdline"] or [])
        ]
        assert ours
        for each in [*(child for one in ours for child in one.children(recursive=True)), *ours]:
            # One may end by itself when its neighbour is gone.
            with suppress(psutil.NoSuchProcess):
                each.kill()
        self.context.close()
        (self.folder / "SingletonLock").unlink(missing_ok=True)

    def sign_in(self, page: Page, login: str) -> None:
        page.goto("/login?next=/field")
        page.get_by_label("登录名").fill(login)
        page.get_by_label("密码").fill(f"{login}-chuncha")
        page.get_by_role("button", name="登录").click()
        # The address of the login form ends in /field too.
        page.wait_for_url(lambda url: "/login" not in url)

    def sign_out(self, page: Page) -> None:
        page.goto("/account")
        page.get_by_role("button", name="退出登录").click()
        page.wait_for_url("**/login")

    def report(self, page: Page, number: int, photos: list[Path]) -> str:
        """Through the form, as a person does; returns the receipt. A tab behind another draws once a second."""
        page.bring_to_front()
        again = page.get_by_role("link", name="再报一条")
        if again.count():
            again.click()
        else:
            page.goto("/findings/new")
        page.locator("[data-photos].lively input[name=photos]").set_input_files(
            [str(each) for each in photos]
        )
        page.get_by_label("是什么隐患").fill(f"第{number:02}条")
        page.get_by_label("单位", exact=True).select_option("LL01" if number % 2 else "SQ02")
        page.get_by_label("类别").fill("生产设备/变压器台区")
        page.get_by_role("button", name="上报", exact=True).click()
        return page.locator(".saved .receipt").inner_text()


def pictures(folder: Path) -> list[Path]:
    """Two photos for each finding: most small, two of several parts, one too large for a bad line."""
    made = []
    for place in range(2 * FINDINGS):
        data = photo(colour=f"hsl({place * 9}, 60%, 50%)", size=(640, 480 + place))
        if place in {5, 6, 7}:
            # Noise that a file this size can hold, enlarged: what is too large is made small at the first try.
            fine = 60 if place == 7 else 520
            grain = Image.frombytes("RGB", (fine, fine), os.urandom(fine * fine * 3))
            side = 2600 if place == 7 else 520
            out = BytesIO()
            grain.resize((side, side)).save(out, "JPEG", quality=95 if place == 7 else 88)
            data = out.getvalue()
        path = folder / f"现场{place:02}.jpg"
        path.write_bytes(data)
        made.append(path)
    return made


def test_a_day_without_a_signal_arrives_once_and_whole(world: World, tmp_path: Path) -> None:
    # Begun first: loading the application takes a server some seconds.
    servers = Servers(world.database.url, tmp_path / "data")
    photos = pictures(tmp_path)

    def tickets() -> int:
        with world.database.reading() as session:
            return session.scalar(select(func.count()).select_from(Ticket)) or 0

    def arrived() -> int:
        with world.database.reading() as session:
            return session.scalar(select(func.count()).select_from(StoredFile)) or 0

    line = Line(servers)
    try:
        servers.next()
        with sync_playwright() as playwright:
            phone = Phone(playwright, tmp_path / "profile", line.address)
            page = phone.tabs[0]
            phone.sign_in(page, "limin")
            expect(page.get_by_text("已存到本机")).to_be_visible()
            line.up = False
            phone.context.set_offline(True)
            receipts = [phone.report(page, n, photos[2 * n - 2 : 2 * n]) for n in range(1, 11)]
            phone.kill()

            phone.open()
            phone.context.set_offline(True)
            for number in range(11, FINDINGS + 1):
                page = phone.tabs[number % 2]
                receipts.append(phone.report(page, number, photos[2 * number - 2 : 2 * number]))
            one, other = phone.tabs
            one.goto("/field")
            expect(one.get_by_role("heading", name="待发送（20）")).to_be_visible()
            assert one.locator(".item .receipt").all_inner_texts() == receipts
            other.goto("/tickets")
            expect(other.get_by_role("heading", name="没有信号，这一页不在本机")).to_be_visible()

            # The login ends meanwhile, and a colleague signs in on the same phone: nothing goes under their name.
            phone.context.clear_cookies()
            phone.context.set_offline(False)
            line.up = True
            # At the door itself: a first page that is slow to come would be taken from the phone.
            other.goto("/login")
            expect(other.get_by_text("本机有 20 条待发送，登录后自动发送。")).to_be_visible()
            phone.sign_in(other, "zhangqiang")
            expect(other.get_by_role("heading", name="他人存下的（20）")).to_be_visible()
            phone.sign_out(other)
            assert tickets() == 0

            line.cutting = True
            phone.sign_in(other, "limin")
            one.goto("/field")
            until(lambda: tickets() >= 7, "the first records")
            servers.next()
            one.locator("[data-send-now]").evaluate("button => button.click()")
            until(lambda: tickets() == FINDINGS and arrived() >= 8, "the first photos")
            servers.next()
            all_sent = one.get_by_role("heading", name="最近送达（20）")

            def press() -> None:
                """As an impatient person does every so often; the button goes when nothing is left."""
                one.locator("[data-send-now]").evaluate("button => button.click()")
                one.wait_for_timeout(200)

            until(all_sent.is_visible, "everything is sent", pause=press, seconds=120)
            expect(one.locator("[data-queue]")).to_be_hidden()
            phone.context.close()
    finally:
        line.close()
        servers.stop()

    with world.database.reading() as session:
        made = session.scalars(select(Ticket).order_by(Ticket.id)).all()
        listed = session.scalars(select(FileListing).order_by(FileListing.id)).all()
        stored = set(session.scalars(select(StoredFile.sha256)))
    assert [ticket.description for ticket in made] == [f"第{n:02}条" for n in range(1, FINDINGS + 1)]
    for unit in ("LL01", "SQ02"):
        numbers = [ticket.number for ticket in made if f"-{unit}-" in ticket.number]
        assert numbers == [f"CC2026-{unit}-{n:04}" for n in range(1, 11)], "in the order they were made"
    assert all((ticket.files_expected, ticket.files_arrived) == (2, 2) for ticket in made)
    chosen = [hashlib.sha256(path.read_bytes()).hexdigest() for path in photos]
    by_name = {listing.name: listing for listing in listed}
    for path, sha256 in zip(photos, chosen, strict=True):
        listing = by_name[path.name]
        assert listing.sha256 in stored
        if path.name == "现场07.jpg":
            assert path.stat().st_size > 500 * 1024 >= listing.size
        else:
            assert listing.sha256 == sha256
    assert line.cut is not None, "no upload was cut off; the test shows nothing"
    assert line.went_on and 0 not in line.went_on, "a photo that broke off goes on from where it was"
