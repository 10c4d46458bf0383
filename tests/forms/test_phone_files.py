"""What a phone exported is shown first and then taken in: once, under the finder's name, by their own supervisor."""

from __future__ import annotations

import hashlib
import json
import zipfile
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import func, select

from domain.records import History, QuantityRecord, StoredFile, Ticket, ToolTest
from domain.tools import NewTool, register_tool
from statemachines.roles import SYSTEM
from tests.forms.conftest import Browser, SignedIn, text_of
from tests.photos import listed, photo
from tests.world import World

KEY = "01890a5d-ac96-774b-bcce-b302099a8057"
OTHER = "01890a5d-ac96-774b-bcce-b302099a8058"
PHOTO = photo()


def item(world: World, key: str = KEY, *, author: str = "sunhua", **said: Any) -> dict[str, Any]:
    finding = {
        "campaign": "CC2026",
        "unit": "LL01-A",
        "description": "渗漏变压器",
        "level": "general",
        "category": "生产设备/变压器台区",
        "source": "phone",
        "found_at": world.now.isoformat(),
        "files": [listed(PHOTO)],
    }
    told = {"kind": "finding", "author_name": "孙华", "title": "渗漏变压器", "body": {"finding": finding}}
    return {"id": key, "author": author, "made_at": world.now.isoformat(), **told, **said}


def exported(*items: dict[str, Any], photos: bool = True, **said: Any) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        told = {"format": "chuncha-phone", "version": 1, "items": items, **said}
        packed.writestr("items.json", json.dumps(told))
        if photos:
            packed.writestr(f"photos/{hashlib.sha256(PHOTO).hexdigest()}", PHOTO)
    return out.getvalue()


def preview(browser: Browser, data: bytes) -> Any:
    files = {"file": ("chuncha-sunhua.zip", data, "application/zip")}
    return browser.post("/field/import", {"do": "preview"}, files=files)


def take(browser: Browser, data: bytes) -> Any:
    staged = f"{hashlib.sha256(data).hexdigest()}:{len(data)}"
    return browser.post("/field/import", {"do": "take", "staged": staged})


def tickets(world: World) -> int:
    with world.database.reading() as session:
        return session.scalar(select(func.count()).select_from(Ticket)) or 0


def test_it_is_shown_then_taken_in_once_with_its_photos(browser_of: SignedIn, world: World) -> None:
    browser = browser_of("qiansuozhang")
    data = exported(item(world), item(world, OTHER, kind="answers"))

    shown = text_of(preview(browser, data))
    assert "将新登记 1 条，早已登记 0 条，不能受理 1 条。现在还没有导入。" in shown
    assert "084S-N02Q" in shown
    assert "须由本人在手机上登录后发送" in shown
    assert tickets(world) == 0

    assert "新登记 1 条，早已登记 0 条，未受理 1 条。" in text_of(take(browser, data))
    ticket = world.ticket("CC2026-LL01-A-0001")
    assert (ticket.finder.login, str(ticket.id), ticket.files_arrived) == ("sunhua", KEY, 1)
    with world.database.reading() as session:
        row = session.scalars(select(History).where(History.event == "taken_in")).one()
    assert (row.facts["receipt"], row.facts["author"]) == ("084S-N02Q", "sunhua")
    assert "从手机导出的文件导入" in browser.get("/tickets/CC2026-LL01-A-0001").text

    assert "早已登记 1 条" in text_of(preview(browser, data))
    take(browser, data)
    assert tickets(world) == 1


def test_tests_of_tools_and_work_done_are_taken_in_too(browser_of: SignedIn, world: World) -> None:
    tool = {"number": "YD-01", "kind": "验电笔", "unit": "LL01-A", "last_test_on": "2025-01-01"}
    with world.database.transaction() as session:
        register_tool(session, NewTool.model_validate(tool), actor=SYSTEM, now=world.now)
    passed = {"passed": True, "tested_on": "2026-03-31", "files": [listed(PHOTO)]}
    work = {"action": "清扫", "item": "针瓶", "quantity": "4500", "measure_unit": "个", "unit": "LL01-A"}
    data = exported(
        item(world, kind="tool-test", body={"tool": "YD-01", "test": passed}),
        item(world, OTHER, kind="quantity", body={"campaign": "CC2026", "quantity": work}),
    )
    browser = browser_of("qiansuozhang")
    shown = text_of(preview(browser, data))
    assert "将新登记 2 条" in shown and "照片 1 张" in shown
    assert "新登记 2 条" in text_of(take(browser, data))
    assert "早已登记 2 条" in text_of(preview(browser, data))
    with world.database.reading() as session:
        [tested] = session.scalars(select(ToolTest))
        [made] = session.scalars(select(QuantityRecord))
        assert [str(tested.id), str(made.id)] == [KEY, OTHER]
        assert session.get(StoredFile, listed(PHOTO)["sha256"]) is not None
        assert tested.tester_id == made.recorded_by_id == world.actor("sunhua").id


def test_a_fix_kept_on_a_phone_is_taken_in_with_its_photo(browser_of: SignedIn, world: World) -> None:
    number = world.assigned(to="sunhua").number
    said = {"note": "已更换密封垫", "files": [listed(PHOTO, "后.jpg")]}
    data = exported(item(world, kind="fix", body={"ticket": number, "said": said}))
    browser = browser_of("qiansuozhang")
    assert "将新登记 1 条" in text_of(preview(browser, data))
    assert world.ticket(number).state == "assigned"
    assert "新登记 1 条" in text_of(take(browser, data))
    ticket = world.ticket(number)
    assert (ticket.state, ticket.fixer_id, ticket.files_arrived) == ("fixed", world.actor("sunhua").id, 1)
    assert "早已登记 1 条" in text_of(preview(browser, data))


def test_only_the_supervisor_of_who_saved_it_takes_it_in(browser_of: SignedIn, world: World) -> None:
    said = text_of(
        preview(browser_of("shisuozhang"), exported(item(world), item(world, OTHER, author="nobody")))
    )
    assert "不能受理 2 条" in said
    assert "孙华存下，须由其所在单位的安监主管导入" in said
    assert browser_of("limin").get("/field/import").status_code == 403


def test_wrong_items_and_missing_photos_are_named(browser_of: SignedIn, world: World) -> None:
    wrong = item(world)
    wrong["body"]["finding"]["unit"] = "GONE"
    browser = browser_of("zhaozhuren")
    said = text_of(
        preview(browser, exported(wrong, item(world, OTHER), {**item(world), "body": {}}, photos=False))
    )
    assert "GONE" in said
    assert "缺照片 1 张" in said
    assert "必须填写" in said


def test_anything_else_is_no_file_of_a_phone(browser_of: SignedIn, world: World) -> None:
    browser = browser_of("zhaozhuren")
    torn = exported(item(world))[:-30]
    for data in (b"", b"nonsense", torn, exported(format="other"), exported({"id": 1}), exported(items=None)):
        answer = preview(browser, data)
        assert answer.status_code == 422, data[:20]
    assert browser.post("/field/import", {"do": "take", "staged": "../../x:9"}).status_code == 422
    for length in ("9", "²", "9" * 5000):
        staged = {"do": "take", "staged": f"{'0' * 64}:{length}"}
        assert browser.post("/field/import", staged).status_code == 422


@pytest.mark.parametrize("packed", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_file_is_refused_however_it_was_packed(
    browser_of: SignedIn, world: World, packed: int
) -> None:
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w", packed) as written:
        written.writestr("items.json", json.dumps({"format": "chuncha-phone", "version": 1, "items": []}))
    assert preview(browser_of("zhaozhuren"), whole.getvalue()).status_code == 200
    for place in range(40, 90, 5):
        damaged = bytearray(whole.getvalue())
        damaged[place : place + 5] = b"\xff" * 5
        assert preview(browser_of("zhaozhuren"), bytes(damaged)).status_code == 422, place
