"""What the queue of a phone asks of the server: under the person's own name, once, and to the last byte."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

import pytest
from httpx import Response
from sqlalchemy import func, select

from domain.file_store import FileStore, sha256_of
from domain.files import receive
from domain.hazards import NewHazard, put_hazard
from domain.history import history_of
from domain.phone import receipt_of
from domain.records import QuantityRecord, StandardHazard, Ticket, ToolTest
from domain.tools import NewTool, register_tool
from statemachines.labels import local_day
from statemachines.roles import SYSTEM
from tests.forms.conftest import Browser, SignedIn, text_of
from tests.photos import listed, photo
from tests.world import World

KEY = "01890a5d-ac96-774b-bcce-b302099a8057"


class Phone:
    """Somebody's phone, which has taken the session's token."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.session = browser.get("/field/session", headers={"Accept": "application/json"}).json()

    def headers(self, **more: str) -> dict[str, str]:
        return {"Accept": "application/json", "X-CSRF-Token": self.session["csrf"], **more}

    def finding(self, world: World, *photos: bytes, author: str | None = None, **said: object) -> Response:
        finding = {
            "campaign": "CC2026",
            "unit": "LL01",
            "description": "渗漏变压器",
            "level": "general",
            "category": "生产设备/变压器台区",
            "source": "phone",
            "found_at": world.now.isoformat(),
            "files": [
                {"name": f"{place}.jpg", "sha256": hashlib.sha256(each).hexdigest(), "size": len(each)}
                for place, each in enumerate(photos)
            ],
        }
        fix = said.pop("fix", None)
        item = {
            "id": KEY,
            "kind": "finding",
            "author": author or self.session["login"],
            "made_at": world.now.isoformat(),
            "device": KEY,
            "base_version": None,
            "body": {"finding": {**finding, **said}, **({"fix": fix} if fix else {})},
        }
        return self.browser.client.post("/field/findings", json=item, headers=self.headers())

    def item(self, path: str, kind: str, body: dict[str, object], key: str = KEY, **said: str) -> Response:
        item = {
            "id": key,
            "kind": kind,
            "author": self.session["login"],
            "made_at": "2026-04-01T09:00:00+08:00",
            "body": body,
            **said,
        }
        return self.browser.client.post(path, json=item, headers=self.headers())

    def day(self) -> dict[str, Any]:
        told: dict[str, Any] = self.browser.get("/field/day", headers={"Accept": "application/json"}).json()
        return told

    def part(self, data: bytes, start: int, end: int) -> Response:
        return self.browser.client.put(
            f"/field/files/{hashlib.sha256(data).hexdigest()}",
            content=data[start:end],
            headers=self.headers(**{"Content-Range": f"bytes {start}-{end - 1}/{len(data)}"}),
        )


@pytest.fixture
def limin(browser_of: SignedIn) -> Phone:
    return Phone(browser_of("limin"))


def test_a_finding_becomes_one_ticket_however_often_it_is_sent(limin: Phone, world: World) -> None:
    first, again = limin.finding(world), limin.finding(world)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["number"] == "CC2026-LL01-0001"
    with world.database.reading() as session:
        tickets = session.scalars(select(Ticket)).all()
    assert [(ticket.id, ticket.source) for ticket in tickets] == [(UUID(KEY), "phone")]


def test_the_receipt_is_read_from_the_id(limin: Phone, world: World) -> None:
    assert receipt_of(UUID(KEY)) == "084S-N02Q"
    assert limin.finding(world).json()["receipt"] == "084S-N02Q"
    assert receipt_of(UUID(int=2**40 - 1)) == "ZZZZ-ZZZZ"


def test_nothing_is_sent_under_another_name(limin: Phone, world: World) -> None:
    answer = limin.finding(world, author="zhangqiang")
    assert (answer.status_code, answer.json()["code"]) == (403, "others-item")
    assert "zhangqiang" in answer.json()["detail"]


def test_without_the_forms_token_nothing_is_taken(limin: Phone, world: World) -> None:
    limin.session["csrf"] = "another"
    answer = limin.finding(world)
    assert (answer.status_code, answer.json()["code"]) == (403, "form-expired")


def test_a_login_that_ended_is_said_as_such(stranger: Browser) -> None:
    for path in ("/field/session", "/field/day", f"/field/files/{'0' * 64}"):
        answer = stranger.get(path, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (401, "login-needed")


def test_what_is_wrong_is_named_by_field_in_the_readers_language(limin: Phone, world: World) -> None:
    answer = limin.finding(world, unit="GONE", level="general")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "/unit")
    answer = limin.finding(world, description="")
    assert answer.json()["errors"][0] == {
        "field": "/finding/description",
        "rule": "too-short",
        "detail": "至少1个字。",
    }


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"[]", b'{"id":"x"}', b'{"body":{"a":"\x00"}}'], ids=range(5)
)
def test_a_malformed_item_is_refused_and_not_an_error(limin: Phone, body: bytes) -> None:
    answer = limin.browser.client.post("/field/findings", content=body, headers=limin.headers())
    assert answer.status_code in {400, 422}
    assert answer.json()["detail"]


def test_a_photo_goes_on_where_it_broke_off(limin: Phone, world: World) -> None:
    data = photo(size=(900, 700))
    limin.finding(world, data)
    half = len(data) // 2
    assert limin.part(data, 0, half).json() == {"complete": False, "offset": half}
    asked = limin.browser.get(
        f"/field/files/{hashlib.sha256(data).hexdigest()}", headers={"Accept": "application/json"}
    )
    assert asked.json() == {"complete": False, "offset": half}
    assert limin.part(data, half, len(data)).json() == {"complete": True, "offset": 0}
    assert world.ticket("CC2026-LL01-0001").files_arrived == 1


def test_a_photo_damaged_on_the_way_is_refused(limin: Phone, world: World) -> None:
    data = photo()
    limin.finding(world, data)
    answer = limin.browser.client.put(
        f"/field/files/{hashlib.sha256(data).hexdigest()}", content=data[:-1] + b"x", headers=limin.headers()
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "file-hash-mismatch")


def test_fixed_on_the_spot_is_one_act(limin: Phone, world: World) -> None:
    before, after = photo(), photo(colour="green")
    listed = {"name": "后.jpg", "sha256": hashlib.sha256(after).hexdigest(), "size": len(after)}
    fix = {"note": "当场紧固", "fixed_at": world.now.isoformat(), "files": [listed]}
    refused = limin.finding(world, fix={**fix, "files": []})
    assert refused.status_code in {409, 422}
    with world.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Ticket)) == 0
    limin.finding(world, before, fix=fix)
    ticket = world.ticket("CC2026-LL01-0001")
    assert (ticket.state, ticket.on_the_spot, ticket.files_expected) == ("fixed", True, 2)


def test_the_day_is_told_once_and_then_unchanged(limin: Phone, world: World) -> None:
    first = limin.browser.get("/field/day", headers={"Accept": "application/json"})
    day = first.json()
    assert [unit["code"] for unit in day["units"]] == ["LL01", "LL01-A", "SQ02"]
    assert day["pages"] == ["/", "/findings/new", "/field", "/field/tool", "/field/quantity"]
    again = limin.browser.get(
        "/field/day", headers={"Accept": "application/json", "If-None-Match": first.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


def test_what_whoever_fixes_did_without_a_signal_counts_once_and_from_when_it_was_done(
    browser_of: SignedIn, world: World
) -> None:
    number, data = world.assigned().number, photo(colour="green")
    wang = Phone(browser_of("wangjianguo"))
    here = "/field/acts"
    saved = world.now
    world.later(hours=5)
    acts: list[tuple[str, dict[str, object]]] = [
        ("acknowledge", {}),
        ("progress", {"note": "密封垫已到货", "files": []}),
        ("fix", {"note": "已更换密封垫", "files": [listed(data, "后.jpg")]}),
    ]
    for place, (act, told) in enumerate(acts):
        key = f"{KEY[:-1]}{place}"
        first, again = (
            wang.item(here, act, {"ticket": number, "said": told}, key=key, made_at=saved.isoformat())
            for _ in range(2)
        )
        assert (first.status_code, again.status_code) == (201, 200), first.text
        assert first.json() == again.json()
        assert first.json()["href"] == f"/tickets/{number}"
    other = wang.item(here, "progress", {"ticket": number, "said": {"note": "别的"}}, key=f"{KEY[:-1]}1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    ticket = world.ticket(number)
    assert (ticket.state, ticket.fixed_at) == ("fixed", saved)
    assert (ticket.files_expected, ticket.files_arrived) == (1, 0)
    with world.database.reading() as session:
        events = [each.event for each in history_of(session, ticket)]
    assert events[-3:] == ["acknowledge", "progress", "fix"]

    late = wang.item(here, "request", {"ticket": number, "said": {"due": "2026-05-01"}}, key=f"{KEY[:-1]}8")
    assert late.status_code == 409
    assert wang.item(here, "cancel", {"ticket": number, "said": {}}, key=f"{KEY[:-1]}9").status_code == 404
    elsewhere = Phone(browser_of("zhouhai"))
    assert (
        elsewhere.item(here, "progress", {"ticket": number, "said": {"note": "我"}}, key=KEY).status_code
        == 404
    )


def test_a_day_has_what_is_to_be_fixed_with_the_photos_before(
    browser_of: SignedIn, world: World, store: FileStore
) -> None:
    data = photo()
    number = world.assigned(files=[listed(data, "前.jpg")]).number
    with world.database.transaction() as session:
        receive(session, store, sha256_of(data), data, actor=world.actor("limin"), now=world.now)
    wang = browser_of("wangjianguo")
    day = Phone(wang).day()
    here = f"/tickets/{number}"
    pages = ["/work", here, f"{here}/fix", f"{here}/progress", f"{here}/request"]
    assert [each for each in day["pages"] if each in pages] == pages
    assert len(day["photos"]) == 2
    for address in [*day["pages"], *day["photos"]]:
        assert wang.get(address).status_code == 200, address
    assert not Phone(browser_of("limin")).day()["photos"]


def tool_of(world: World, number: str = "验电笔-01", last: str | None = "2025-03-01") -> None:
    with world.database.transaction() as session:
        new = NewTool.model_validate(
            {"number": number, "kind": "验电笔", "unit": "LL01", "holder": "王建国", "last_test_on": last}
        )
        register_tool(session, new, actor=SYSTEM, now=world.now)


def test_the_test_of_a_tool_is_recorded_once_and_gives_the_next_day(limin: Phone, world: World) -> None:
    tool_of(world)
    kept = limin.day()["tools"][0]
    assert (kept["status"], kept["stopped"], kept["next"]) == ("expired", True, "2026-03-01")
    today = local_day(world.now).isoformat()
    told: dict[str, object] = {
        "tool": "验电笔-01",
        "test": {"passed": True, "tested_on": today, "campaign": "CC2026"},
    }
    first, again = (limin.item("/field/tool-tests", "tool-test", told) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["next_test_on"] == kept["next_if_today"]
    assert first.json()["href"] == "/tools/%E9%AA%8C%E7%94%B5%E7%AC%94-01"
    other = limin.item("/field/tool-tests", "tool-test", {**told, "test": {"passed": False}})
    assert (other.status_code, other.json()["code"]) == (409, "id-taken")
    with world.database.reading() as session:
        assert session.scalars(select(ToolTest.id)).all() == [UUID(KEY)]
        assert session.scalars(select(QuantityRecord.action)).all() == ["试验"]
    failed = limin.item(
        "/field/tool-tests", "tool-test", {"tool": "验电笔-01", "test": {"passed": False}}, key=KEY[:-1] + "8"
    )
    assert (failed.json()["status"], failed.json()["next_test_on"]) == ("failed", None)
    assert limin.day()["tools"][0]["stopped"] is True
    unknown = limin.item("/field/tool-tests", "tool-test", {**told, "tool": "没有"}, key=KEY[:-1] + "9")
    assert unknown.status_code == 404
    assert "没有" in unknown.json()["detail"]


def test_the_form_of_a_test_takes_what_was_measured_and_photos(browser_of: SignedIn, world: World) -> None:
    tool_of(world)
    browser = browser_of("limin")
    # As the form comes: the names usual for the kind stand there, and rows left empty measured nothing.
    rows = {
        "reading_name_0": "启动电压",
        "reading_usual_0": "启动电压",
        "reading_unit_0": "kV",
        "reading_name_1": "工频耐压",
        "reading_usual_1": "工频耐压",
        "reading_unit_1": "kV",
    }
    for name, value in rows.items():
        assert f'name="{name}" value="{value}"' in browser.get("/tools/验电笔-01").text
    half = browser.post("/tools/验电笔-01", {**rows, "passed": "true", "reading_name_2": "外观"})
    assert half.status_code == 422
    assert "测得的数值：必须填写" in text_of(half)
    assert 'href="#readings"' in half.text and 'value="外观"' in half.text
    sent = {**rows, "passed": "true", "reading_value_1": "45"}
    data = photo()
    broken = browser.post("/tools/验电笔-01", sent, files={"photos": ("电表.jpg", b"none", "image/jpeg")})
    assert broken.status_code == 422
    made = browser.post("/tools/验电笔-01", sent, files={"photos": ("电表.jpg", data, "image/jpeg")})
    assert made.status_code == 303
    with world.database.reading() as session:
        [test] = session.scalars(select(ToolTest))
        assert test.readings == [{"name": "工频耐压", "value": "45", "unit": "kV"}]
    shown = browser.get("/tools/验电笔-01")
    assert "工频耐压 45 kV" in text_of(shown)
    address = f"/photos/{sha256_of(data)}"
    assert address in shown.text
    assert browser.get(address).status_code == browser.get(f"{address}?size=thumb").status_code == 200
    assert browser_of("zhouhai").get(address).status_code == 404


def test_a_tools_page_says_whether_it_may_be_used_and_takes_a_test(
    browser_of: SignedIn, world: World
) -> None:
    tool_of(world)
    browser = browser_of("limin")
    assert "禁止使用： 超期停用 ，应于" in text_of(browser.get("/tools/验电笔-01"))
    refused = browser.post("/tools/验电笔-01", {"passed": "true", "tested_on": "2027-01-01"})
    assert refused.status_code == 422
    assert "试验日期晚于今天" in text_of(refused)
    assert browser.post("/tools/验电笔-01", {"passed": "true"}).status_code == 303
    assert "可以使用" in text_of(browser.get("/tools/验电笔-01"))
    assert "验电笔-01" in browser.get("/tools").text
    label = browser.get("/tools/sheet.pdf?number=验电笔-01")
    assert label.content.startswith(b"%PDF")
    assert browser.get("/tools/sheet.pdf?number=nothing").status_code == 404
    assert browser.get("/field/tool?tool=验电笔-01").status_code == 303
    missing = browser.get("/field/tool?tool=没有")
    assert (missing.status_code, "没有" in missing.text) == (404, True)


def test_work_done_in_bulk_is_recorded_once(limin: Phone, world: World) -> None:
    said = {"action": "清扫", "item": "针瓶", "quantity": "4500", "measure_unit": "个", "unit": "LL01"}
    told: dict[str, object] = {"campaign": "CC2026", "quantity": said}
    first, again = (limin.item("/field/quantities", "quantity", told) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    more: dict[str, object] = {"campaign": "CC2026", "quantity": {**said, "quantity": "1"}}
    assert limin.item("/field/quantities", "quantity", more).json()["code"] == "id-taken"
    wrong: dict[str, object] = {"campaign": "CC2026", "quantity": {**said, "unit": "GONE"}}
    refused = limin.item("/field/quantities", "quantity", wrong, key=KEY[:-1] + "8")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "/quantity/unit")
    with world.database.reading() as session:
        assert session.scalars(select(QuantityRecord.id)).all() == [UUID(KEY)]
    shown = limin.browser.get("/field/quantity")
    assert "记工作量" in shown.text
    posted = limin.browser.post("/field/quantity", {**said, "campaign": "CC2026"})
    assert posted.headers["location"] == "/field/quantity?done=quantity"


def test_the_day_carries_the_library_as_it_is_spoken_and_a_hazard_prefills_the_form(
    limin: Phone, world: World
) -> None:
    with world.database.transaction() as session:
        new = NewHazard.model_validate(
            {
                "code": "BYQ-01",
                "category": "生产设备/变压器台区",
                "title": "变压器渗漏油",
                "level": "serious",
                "measure": "更换密封垫",
                "deadline_days": 7,
            }
        )
        put_hazard(session, new, actor=SYSTEM, now=world.now)
    kept = limin.day()["hazards"][0]
    assert (kept["pinyin"], kept["initials"]) == ("bianyaqishenlouyou", "byqsly")
    assert kept["fill"] == {"standard_hazard": "BYQ-01", "standard_hazard_version": 1}
    form = limin.browser.get("/findings/new?hazard=BYQ-01").text
    for filled in (
        "变压器渗漏油",
        'value="更换密封垫"',
        'name="standard_hazard" value="BYQ-01"',
        'value="7"',
    ):
        assert filled in form
    assert limin.browser.get("/findings/new?hazard=GONE").status_code == 200
    sent = limin.finding(world, **kept["fill"], measure="更换密封垫", deadline_days=7)
    assert sent.status_code == 201
    with world.database.reading() as session:
        ticket = session.scalars(select(Ticket)).one()
        hazard = session.scalars(select(StandardHazard)).one()
    assert (ticket.standard_hazard_id, ticket.proposed_days) == (hazard.id, 7)


def test_the_shell_is_complete(stranger: Browser) -> None:
    manifest = stranger.get("/manifest.webmanifest").json()
    assert manifest["lang"] == "zh-CN"
    for icon in manifest["icons"]:
        assert stranger.get(icon["src"]).status_code == 200, icon
    worker = stranger.get("/service-worker.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    files = worker.text.splitlines()[0]
    assert "/static/built/forms.js?" in files
    assert "/static/chuncha.css?" in files
    offline = stranger.get("/offline")
    assert "没有信号" in offline.text
