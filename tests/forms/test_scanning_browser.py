"""Scanning our own printed signs with a phone's camera, without a signal: the place in the finding form, the tool in its
test. The Chromium of these tests reads no QR codes itself, so our own reader does.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from domain.database import Database
from domain.file_store import FileStore
from domain.places import NewPlace, add_place
from domain.records import Place, Tool
from domain.settings import Settings
from domain.tools import NewTool, register_tool
from papers.code_sheet import code_sheet, tool_sheet
from statemachines.roles import SYSTEM
from tests.applications import application
from tests.forms.camera import film, held, looking_at, printed
from tests.forms.chromium import SMALL_PHONE, Person, chromium, serving
from tests.world import World

pytestmark = pytest.mark.browser

HOST = "https://chuncha.example.org"


def signs(world: World) -> tuple[Place, Tool]:
    """A place with its position and a tool whose number is written in Chinese, past its test day."""
    now = datetime.now(UTC)
    with world.database.transaction() as session:
        new = NewPlace(code="LL01-27", name="10kV 柳林线 27# 变台", unit="LL01", lat=26.57, lon=106.71)
        place = add_place(session, new, actor=SYSTEM, now=now)
        told = {"number": "验电笔-01", "kind": "验电笔", "unit": "LL01", "last_test_on": "2024-03-01"}
        tool = register_tool(session, NewTool.model_validate(told), actor=SYSTEM, now=now)
    return place, tool


def keep_the_day(page: Page) -> None:
    page.goto("/field")
    expect(page.get_by_text("已存到本机")).to_be_visible()


def test_a_printed_sign_is_scanned_where_there_is_no_signal(
    world: World, database: Database, store: FileStore, settings: Settings, tmp_path: Path
) -> None:
    place, tool = signs(world)
    sheets = [
        held(printed(code_sheet([place], public_url=HOST))),
        held(printed(tool_sheet([tool], public_url=HOST)), turned=-9),
    ]
    app = application(settings, database=database, files=store, clock=lambda: datetime.now(UTC))
    with (
        chromium(*looking_at(film(tmp_path / "camera.mjpeg", sheets))) as browser,
        serving(app) as address,
    ):
        page = Person(browser, address, **SMALL_PHONE).sign_in("limin").page
        keep_the_day(page)
        page.context.set_offline(True)

        page.goto("/findings/new")
        page.get_by_role("button", name="扫检查点的二维码").click()
        # The camera sees the tool's label too; only a place's sign ends the look.
        expect(page.locator("[name=place]")).to_have_value("LL01-27")
        expect(page.get_by_label("在哪里").first).to_have_value("10kV 柳林线 27# 变台")
        expect(page.get_by_label("单位", exact=True)).to_have_value("LL01")
        expect(page.locator("dialog.lineup")).to_have_count(0)

        page.goto("/field/tool")
        page.get_by_role("button", name="扫工器具上的二维码").click()
        expect(page.get_by_role("heading", name="验电笔 验电笔-01")).to_be_visible()
        expect(page.get_by_text("禁止使用：超期停用")).to_be_visible()
        expect(page.get_by_role("button", name="保存试验结果")).to_be_visible()


def test_a_camera_that_does_not_open_is_said(
    world: World, database: Database, store: FileStore, settings: Settings
) -> None:
    app = application(settings, database=database, files=store, clock=lambda: world.now)
    with chromium() as browser, serving(app) as address:
        page = Person(browser, address, **SMALL_PHONE).sign_in("limin").page
        page.goto("/field/tool")
        page.get_by_role("button", name="扫工器具上的二维码").click()
        expect(page.get_by_text("打不开相机")).to_be_visible()
        expect(page.locator("dialog.lineup")).to_have_count(0)
