"""A checklist under the thumb: what was tapped is kept, and nothing has moved when it is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import func, select

from domain.checklists import NewChecklist, put_checklist
from domain.database import Database
from domain.file_store import FileStore
from domain.inspections import NewInspection, create
from domain.records import Answer
from domain.settings import Settings
from statemachines.roles import SYSTEM
from tests.applications import application
from tests.forms.chromium import SMALL_PHONE, Person, chromium, serving, until
from tests.photos import photo
from tests.world import World

pytestmark = pytest.mark.browser

GROUPS = ("配电变压器台区及低压配电装置", "拉线")
EACH = 4

BOXES = """() => [...document.querySelectorAll('.walk-head, .group-head, .group-head button, .judge span, .tail label, .tail input,'
  + ' .tail select, .tail textarea, .tail img')].filter((each) => each.checkVisibility())
  .map((each) => { const { x, y, width, height } = each.getBoundingClientRect();
    const place = each.closest('.walk-head, .group-head') ? [width, height] : [x, y - document.getElementById('walk').getBoundingClientRect().y, width, height];
    return place.map(Math.round).join(' ') + ' ' + (each.id || each.tagName); })"""
"""Where everything lies in the checklist; what sticks to the screen's edge has its size only."""


def visit(world: World, now: datetime) -> str:
    """A visit whose first group has a long name."""
    items = [
        {
            "code": f"W{group}{place}",
            "category": category,
            "item": f"{category}第{place}项",
            "criterion": "符合规程要求",
            "level": "general",
            "measure": "更换",
            "deadline_days": 7,
        }
        for group, category in enumerate(GROUPS)
        for place in range(1, EACH + 1)
    ]
    with world.database.transaction() as session:
        new = NewChecklist.model_validate({"code": "W", "name": "配电检查表", "items": items})
        put_checklist(session, new, actor=SYSTEM, now=now)
    with world.database.transaction() as session:
        wanted = NewInspection(campaign="CC2026", unit="LL01", checklist="W")
        return f"/inspections/{create(session, wanted, actor=world.actor('limin'), now=now).id}"


def boxes(page: Page) -> list[str]:
    """Where everything a thumb may want lies, in whole pixels."""
    found: list[str] = page.evaluate(BOXES)
    return found


def ask(page: Page, code: str) -> Locator:
    return page.locator(f"fieldset[data-item={code}]")


def test_nothing_moves_when_an_answer_is_kept(
    world: World, database: Database, store: FileStore, settings: Settings, tmp_path: Path
) -> None:
    shot = tmp_path / "现场.jpg"
    shot.write_bytes(photo())
    app = application(settings, database=database, files=store, clock=lambda: datetime.now(UTC))
    with chromium() as browser, serving(app) as address:
        page = Person(browser, address, **SMALL_PHONE).sign_in("limin").page
        page.goto(visit(world, datetime.now(UTC)))
        line = page.locator("[data-kept]")
        expect(page.locator("[data-save]")).to_be_hidden()

        # Without a signal it is kept here and waits; with one it goes to the server: three lines of words, one place.
        page.context.set_offline(True)
        before = boxes(page)
        ask(page, "W01").get_by_role("radio", name="合格", exact=True).check()
        # The tick that shows the choice is for the eye: whoever listens hears the same name as before.
        chosen = ask(page, "W01").get_by_role("radio", checked=True)
        assert chosen.aria_snapshot() == '- radio "合格" [checked]'
        expect(line).to_contain_text("待发送")
        expect(ask(page, "W01").locator("[data-by]")).to_contain_text("李敏")
        assert boxes(page) == before
        page.context.set_offline(False)
        page.evaluate("dispatchEvent(new Event('online'))")
        expect(line).to_contain_text("已存 ")
        assert boxes(page) == before

        # 不合格 opens its form; then typing, a photo and their keeping move none of it.
        failed = ask(page, "W02")
        failed.get_by_role("radio", name="不合格", exact=True).check()
        failed.locator("input[type=file]").first.set_input_files(str(shot))
        drawn = failed.get_by_role("img", name="现场.jpg")
        expect(drawn).to_be_visible()
        opened = boxes(page)
        failed.get_by_label("看到了什么").fill("瓷裙破损")
        drawn.evaluate("image => image.decode()")
        failed.get_by_label("看到了什么").blur()
        expect(page.locator(".ask.waiting")).to_have_count(0)
        expect(line).to_contain_text("已存 ")
        assert boxes(page) == opened

        # The rest of a group at one tap: its button goes, its long name keeps its lines.
        page.get_by_role("button", name="其余合格").first.click()
        expect(page.locator("[data-group-done]").first).to_have_text(f"{EACH}/{EACH}")
        expect(page.locator(".ask.waiting")).to_have_count(0)
        expect(page.get_by_role("button", name="其余合格")).to_have_count(0)
        assert boxes(page) == opened


HELD = """{
  const opened = new Promise((settled) => (window.openTheStore = settled));
  const { open } = IDBFactory.prototype;
  IDBFactory.prototype.open = function (...asked) {
    const request = open.apply(this, asked);
    const { addEventListener } = request;
    request.addEventListener = (type, told, ...more) =>
      addEventListener.call(request, type, type === "success" ? (event) => opened.then(() => told(event)) : told, ...more);
    return request;
  };
}"""
"""The phone's store opens when it is told to."""


def test_what_is_tapped_before_the_phone_has_opened_its_store_is_kept(
    world: World, database: Database, store: FileStore, settings: Settings
) -> None:
    app = application(settings, database=database, files=store, clock=lambda: datetime.now(UTC))
    with chromium() as browser, serving(app) as address:
        page = Person(browser, address, **SMALL_PHONE).sign_in("limin").page
        page.add_init_script(HELD)
        page.goto(visit(world, datetime.now(UTC)))
        ask(page, "W01").get_by_role("radio", name="合格", exact=True).check()
        page.get_by_role("button", name="其余合格").first.click()
        page.evaluate("openTheStore()")

        def answered() -> int:
            with database.reading() as session:
                return session.scalar(select(func.count()).select_from(Answer)) or 0

        until(page, lambda: answered() == EACH, "all of the group is on the server")
        expect(page.locator("[data-answered]")).to_have_text(str(EACH))


def test_what_a_colleague_answered_comes_in_without_moving_the_page(
    world: World, database: Database, store: FileStore, settings: Settings
) -> None:
    app = application(settings, database=database, files=store, clock=lambda: datetime.now(UTC))
    with chromium() as browser, serving(app) as address:
        one = Person(browser, address, **SMALL_PHONE).sign_in("limin").page
        other = Person(browser, address, **SMALL_PHONE).sign_in("limin").page
        walked = visit(world, datetime.now(UTC))
        for page in (one, other):
            page.goto(walked)
            expect(page.locator("[data-save]")).to_be_hidden()
        one.context.set_offline(True)
        for page, said in ((one, "合格"), (other, "不适用")):
            ask(page, "W01").get_by_role("radio", name=said, exact=True).check()
        expect(other.locator("[data-kept]")).to_contain_text("已存 ")

        # The thumb is at the last item when the answer to the first turns out to be given twice, with a banner above.
        last = ask(one, f"W1{EACH}").locator(".judge")
        last.evaluate("each => each.scrollIntoView({ block: 'center', behavior: 'instant' })")
        before = last.bounding_box()
        assert before
        one.context.set_offline(False)
        one.evaluate("dispatchEvent(new Event('online'))")
        expect(one.locator(".clash")).to_have_count(1)
        expect(one.get_by_text("有 1 项在两台设备上填得不一样")).to_have_count(1)
        after = last.bounding_box()
        assert after
        assert abs(after["y"] - before["y"]) < 1
