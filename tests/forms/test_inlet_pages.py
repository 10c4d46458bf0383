"""Places, imports, calls, my work, and the way back to the page a notice named, without JavaScript."""

from __future__ import annotations

import json
import re
from datetime import datetime
from html import unescape
from io import BytesIO

import pytest
from openpyxl import load_workbook

from domain import places
from domain.access import set_password
from domain.records import Ticket
from domain.tickets import TicketFilter, list_tickets
from statemachines.roles import SYSTEM
from tests.forms.conftest import Browser, SignedIn, text_of
from tests.world import World


@pytest.fixture
def supervisor(browser_of: SignedIn) -> Browser:
    return browser_of("qiansuozhang")


def tickets(world: World) -> list[Ticket]:
    with world.database.reading() as session:
        return list_tickets(session, TicketFilter(), actor=SYSTEM, now=world.now).items


# Places.


def test_a_place_is_made_printed_changed_and_taken_out_of_use(supervisor: Browser) -> None:
    told = {"code": "LL01-27", "name": "27# 变台", "unit": "LL01", "lat": "26.57", "lon": "106.71"}
    assert supervisor.post("/places/new", told).headers["location"].startswith("/places/LL01-27")
    assert "已被另一个检查点使用" in text_of(supervisor.post("/places/new", told))
    assert "经纬度须同时填写" in text_of(supervisor.post("/places/new", {**told, "code": "X", "lon": ""}))
    for size in ("small", "large"):
        paper = supervisor.get(f"/places/sheet.pdf?unit=LL01&size={size}")
        assert paper.content.startswith(b"%PDF-")
    changed = {"name": "27# 变压器台", "unit": "LL01-A"}
    assert supervisor.post("/places/LL01-27", changed).status_code == 303
    assert "27# 变压器台" in text_of(supervisor.get("/places?unit=LL01-A"))
    assert supervisor.post("/places/LL01-27", {"retired": "yes"}).status_code == 303
    assert "LL01-27" not in text_of(supervisor.get("/places"))
    assert "已停用" in text_of(supervisor.get("/places?retired=1"))


def test_places_of_others_are_not_there(supervisor: Browser, world: World, browser_of: SignedIn) -> None:
    with world.database.transaction() as session:
        new = places.NewPlace(code="SQ02-1", name="门口", unit="SQ02")
        places.add_place(session, new, actor=world.actor("guanli"), now=world.now)
    assert supervisor.get("/places/SQ02-1").status_code == 404
    assert supervisor.get("/places/sheet.pdf?code=SQ02-1").status_code == 404
    assert browser_of("limin").get("/places/new").status_code == 403
    # Somebody else's sign still lets them report as any worker may.
    assert "不在您的检查范围内" in text_of(supervisor.get("/p/SQ02-1"))


# Imports.


def sheet(browser: Browser, *rows: list[str]) -> dict[str, tuple[str, bytes]]:
    book = load_workbook(BytesIO(browser.get("/import/tickets/template.xlsx").content))
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    out = BytesIO()
    book.save(out)
    return {"file": ("隐患.xlsx", out.getvalue())}


GOOD = ["CC2026 2026年春查", "LL01 柳林供电所", "31# 杆拉线松弛", "一般", "线路", "31# 杆"]
BAD = ["CC2026", "柳林供电所", "32# 杆拉线松弛", "很严重", "线路", "", "两处"]


def carried(page: str) -> dict[str, object]:
    """What the preview's form would send."""
    inputs = re.findall(r'<input[^>]*name="(columns|row|cell-[^"]+)"[^>]*value="([^"]*)"', page)
    found: dict[str, object] = {"row": [unescape(value) for name, value in inputs if name == "row"]}
    found |= {name: unescape(value) for name, value in inputs if name != "row"}
    return found


def test_the_template_has_pick_lists_an_example_and_headings_the_import_knows(supervisor: Browser) -> None:
    book = load_workbook(BytesIO(supervisor.get("/import/tickets/template.xlsx").content))
    first, example, meaning, choices = book.worksheets
    assert [cell.value for cell in first[1]][:3] == ["检查活动", "单位", "隐患描述"]
    assert len(first.data_validations.dataValidation) == 3  # 类别: this campaign has no checklist
    assert [cell.value for cell in example[2]][1] == "LL01 柳林供电所"
    assert meaning.max_row == len(first[1]) + 1
    listed = [cell.value for cell in choices["A"] if cell.value]
    assert listed == ["LL01 柳林供电所", "LL01-A 柳林所检修班"]


def test_wrong_cells_are_named_put_right_on_the_page_and_then_all_are_imported(
    supervisor: Browser, world: World
) -> None:
    preview = supervisor.post("/import/tickets", files=sheet(supervisor, GOOD, BAD))
    said = text_of(preview)
    assert preview.status_code == 422
    assert "共 2 行，1 行有误" in said
    assert "等级须为一般、较大或重大" in said
    assert tickets(world) == []
    told = carried(preview.text)
    told |= {"csrf": supervisor.token("/import/tickets"), "cell-3-等级": "较大", "cell-3-数量": "两处"}
    again = supervisor.client.post("/import/tickets", data=told)
    assert "须为数字" in text_of(again)
    told = carried(again.text) | {"csrf": told["csrf"], "cell-3-数量": "2", "cell-3-计量单位": "处"}
    row = json.loads(told["row"][0])  # type: ignore[index]
    assert row["cells"]["等级"] == "较大"
    row["cells"]["计量单位"] = "处"
    told["row"] = [json.dumps(row), told["row"][1]]  # type: ignore[index]
    good = supervisor.client.post("/import/tickets", data=told)
    assert "2 行都可以导入：新增 2" in text_of(good)
    assert tickets(world) == []
    commit = carried(good.text) | {"csrf": told["csrf"], "commit": "1"}
    assert supervisor.client.post("/import/tickets", data=commit).status_code == 303
    made = tickets(world)
    assert {ticket.description for ticket in made} == {"31# 杆拉线松弛", "32# 杆拉线松弛"}
    assert {ticket.finder.login for ticket in made} == {"qiansuozhang"}
    # The same rows again make nothing new.
    assert supervisor.client.post("/import/tickets", data=commit).status_code == 303
    assert len(tickets(world)) == 2


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ([*GOOD[:1], "SQ02", *GOOD[2:]], "没有编码为“SQ02”的单位"),
        ([*GOOD, "", "", "", "shisuozhang"], "没有登录名为“shisuozhang”的在职人员"),
        ([*GOOD[:2], "", *GOOD[3:]], "须填写"),
    ],
)
def test_nobody_imports_for_other_units_or_in_the_name_of_others_people(
    supervisor: Browser, world: World, row: list[str], words: str
) -> None:
    answer = supervisor.post("/import/tickets", {"commit": "1"}, files=sheet(supervisor, row))
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert tickets(world) == []


def test_the_finder_named_in_a_row_found_it_and_the_history_says_who_imported(
    supervisor: Browser, world: World
) -> None:
    row = [*GOOD, "", "", "2026-03-31 09:30", "孙华"]
    answer = supervisor.post("/import/tickets", {"commit": "1"}, files=sheet(supervisor, row))
    assert answer.status_code == 303
    (ticket,) = tickets(world)
    assert (ticket.finder.login, ticket.found_at.isoformat()) == ("sunhua", "2026-03-31T01:30:00+00:00")
    story = text_of(supervisor.get(f"/tickets/{ticket.number}"))
    assert "钱所长 发现并上报" in story
    assert "发现人：孙华" in story


@pytest.mark.parametrize(
    "file", [b"", b"PK\x03\x04 no workbook", b"\xff\xfe\x00", "表头不对\n1\n".encode(), b"a" * 5_000_000]
)
def test_what_is_no_table_is_refused_in_words(supervisor: Browser, file: bytes) -> None:
    answer = supervisor.post("/import/tickets", files={"file": ("x.xlsx", file)})
    assert answer.status_code == 422
    assert "还不能导入" in text_of(answer)


def test_inspectors_do_not_import(browser_of: SignedIn) -> None:
    assert browser_of("limin").get("/import/tickets").status_code == 403
    assert browser_of("zhaozhuren").get("/import/people").status_code == 404


# Calls.


def test_a_call_is_taken_answered_called_back_and_settled(browser_of: SignedIn) -> None:
    inspector = browser_of("limin")
    told = {
        "way": "phone",
        "source": "12351",
        "unit": "LL01",
        "campaign": "CC2026",
        "content": "门口电杆倾斜",
        "caller_name": "老赵",
        "caller_phone": "139 0000 0000",
        "callback_wanted": "1",
    }
    assert inspector.post("/calls/new", told).headers["location"] == "/calls/LF2026-0001?done=call"
    page = "/calls/LF2026-0001"
    assert inspector.post(f"{page}/settle", page=page).status_code == 422
    assert inspector.post(f"{page}/answer", {"answer": "本周扶正"}, page=page).status_code == 303
    refused = inspector.post(f"{page}/settle", page=page)
    assert "回访后才能办结" in text_of(refused)
    assert inspector.post(f"{page}/call_back", {"satisfied": "true"}, page=page).status_code == 303
    made = {"campaign": "CC2026", "description": "门口电杆倾斜", "level": "general", "category": "线路"}
    assert inspector.post(f"{page}/ticket", made, page=page).status_code == 303
    assert inspector.post(f"{page}/settle", page=page).status_code == 303
    seen = text_of(inspector.get(page))
    assert all(words in seen for words in ("已办结", "满意", "CC2026-LL01-0001", "老赵"))
    assert "老赵" not in inspector.get("/tickets/CC2026-LL01-0001").text
    assert browser_of("shisuozhang").get(page).status_code == 404


# My work.


def test_my_work_is_sorted_by_deadline_and_acknowledged_from_the_list(
    browser_of: SignedIn, world: World
) -> None:
    later = world.assigned(description="拉线松弛", due="2026-04-20").number
    late = world.assigned(
        description="变压器漏油", due="2026-04-02", lat=26.57, lon=106.71, location="27# 变台"
    ).number
    world.later(days=3)
    worker = browser_of("wangjianguo")
    page = worker.get("/work")
    assert page.text.index(late) < page.text.index(later)
    assert "已超期" in text_of(page)
    assert "position=106.710000,26.570000&amp;coordinate=wgs84" in page.text
    assert 'href="geo:26.570000,106.710000"' in page.text
    answer = worker.post(f"/tickets/{late}/acknowledge", {"back": f"/work#t-{late}"}, page="/work")
    assert answer.headers["location"] == f"/work?done=acknowledge#t-{late}"
    assert f'action="/tickets/{late}/acknowledge"' not in worker.get("/work").text
    assert browser_of("zhouhai").get("/work").status_code == 200


@pytest.mark.parametrize("back", ["https://example.org/", "//example.org", "/\\example.org", "javascript:1"])
def test_back_leads_nowhere_else(browser_of: SignedIn, world: World, back: str) -> None:
    number = world.assigned().number
    worker = browser_of("wangjianguo")
    answer = worker.post(f"/tickets/{number}/acknowledge", {"back": back}, page=f"/tickets/{number}")
    assert answer.headers["location"] == f"/tickets/{number}?done=acknowledge"


# The way back.


def test_a_link_in_a_notice_opens_the_ticket_after_login_and_after_a_new_password(
    stranger: Browser, world: World
) -> None:
    number = world.assigned().number
    asked = f"/tickets/{number}"
    assert stranger.get(asked).headers["location"] == f"/login?next={asked}"
    with world.database.transaction() as session:
        set_password(session, "wangjianguo", "one-time-1", one_time=True, actor=SYSTEM, now=world.now)
    door = stranger.sign_in("wangjianguo", "one-time-1", asked)
    assert door.headers["location"] == f"/password?next={asked}"
    told = {"current": "one-time-1", "password": "only-mine-1", "again": "only-mine-1", "next": asked}
    answer = stranger.post("/password", told, page=f"/password?next={asked}")
    assert answer.headers["location"] == f"{asked}?done=password"
    assert stranger.post("/password", {**told, "next": "//example.org"}).status_code == 422


# Likely duplicates.


def test_the_finding_form_shows_what_may_be_the_same_and_the_ticket_offers_to_strike_itself(
    browser_of: SignedIn, world: World
) -> None:
    first = world.find(description="27# 变台变压器漏油", location="").number
    inspector, chief = browser_of("limin"), browser_of("zhaozhuren")
    shown = inspector.get("/findings/similar?unit=LL01&description=27%23变台变压器漏油")
    assert first in text_of(shown)
    assert "就是这处，不再上报" in text_of(shown)
    for nothing in ("", "?unit=NOPE&description=漏油漏油", "?unit=LL01&description=x&lat=1", "?unit=LL01"):
        answer = inspector.get(f"/findings/similar{nothing}")
        assert (answer.status_code, text_of(answer).strip()) == (200, "")
    second = world.find(description="27# 变台变压器又漏油", location="").number
    assert "确是重复的，请告诉安监主管" in text_of(inspector.get(f"/tickets/{second}"))
    page = chief.get(f"/tickets/{second}")
    assert f'href="/tickets/{second}/cancel?duplicate_of={first}"' in page.text
    form = chief.get(f"/tickets/{second}/cancel?duplicate_of={first}").text
    assert f'value="{first}"' in form
    assert "重复登记" in form


# Tools.


def test_a_station_takes_its_register_over_from_excel(browser_of: SignedIn, world: World) -> None:
    chief = browser_of("qiansuozhang")
    assert 'href="/import/tools"' in chief.get("/tools").text
    book = load_workbook(BytesIO(chief.get("/import/tools/template.xlsx").content))
    first, example = book.worksheets[:2]
    kinds = [cell.value for cell in book["选项"]["B"] if cell.value]
    assert kinds[:3] == ["拉闸杆", "绝缘操作杆", "验电笔"]
    assert [cell.value for cell in example[2]][2] == "LL01 柳林供电所"
    first.append(["LL01-YDB-01", "验电笔", "LL01 柳林供电所", "10kV", "一楼", None, datetime(2025, 10, 15)])
    first.append(["LL01-MHQ-01", "灭火器", "LL01 柳林供电所"])
    out = BytesIO()
    book.save(out)
    preview = chief.post("/import/tools", files={"file": ("工器具.xlsx", out.getvalue())})
    assert preview.status_code == 422
    assert "“灭火器”不是常用种类" in text_of(preview)
    book.active.delete_rows(3)  # type: ignore[union-attr]
    out = BytesIO()
    book.save(out)
    done = chief.post("/import/tools", {"commit": "1"}, files={"file": ("工器具.xlsx", out.getvalue())})
    assert done.headers["location"] == "/tools?done=imported_tools"
    assert "LL01-YDB-01" in chief.get("/tools").text
    inspector = browser_of("limin")
    assert inspector.get("/import/tools").status_code == 403
    assert 'href="/import/tools"' not in inspector.get("/tools").text
