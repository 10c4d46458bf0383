"""The checklist as a form without JavaScript: only what was changed is sent on, and two browsers do not lose each other."""

from __future__ import annotations

import re

import pytest
from httpx import Response
from sqlalchemy import select

from domain.checklists import NewChecklist, put_checklist
from domain.hazards import NewHazard, put_hazard
from domain.inspections import NewInspection, create, inspection_by_id
from domain.records import Inspection, Notice, Ticket
from statemachines.roles import SYSTEM
from tests.forms.conftest import Browser, SignedIn, text_of
from tests.photos import photo
from tests.world import World


@pytest.fixture
def address(world: World) -> str:
    """A visit to 柳林所: two items of 杆塔, the second with photos required, one of 拉线."""
    kinds = (("E16", "杆塔", False), ("E17", "杆塔", True), ("E31", "拉线", False))
    items = [
        {
            "code": code,
            "category": category,
            "item": f"{category}{code}",
            "criterion": "符合规程",
            "level": "一般",
            "measure": "处理",
            "deadline_days": 7,
            "photo_required": needed,
        }
        for code, category, needed in kinds
    ]
    with world.database.transaction() as session:
        new = NewChecklist.model_validate({"code": "p", "name": "线路检查表", "items": items})
        put_checklist(session, new, actor=SYSTEM, now=world.now)
    with world.database.transaction() as session:
        visit = NewInspection(campaign="CC2026", unit="LL01", checklist="p")
        return f"/inspections/{create(session, visit, actor=world.actor('limin'), now=world.now).id}"


def filled(page: Response) -> dict[str, str]:
    """The fields of the checklist as a browser would send them back."""
    form = page.text[page.text.index('id="walk"') : page.text.index("</form>", page.text.index('id="walk"'))]
    fields = dict(re.findall(r'type="hidden" name="(seen-[^"]+)" value="([^"]*)"', form))
    fields |= dict(re.findall(r'type="radio" name="([^"]+)" value="([^"]+)" checked', form))
    fields |= dict(
        re.findall(r'<input id="((?:note|location|deadline_days)-[^"]+)"[^>]*? value="([^"]*)"', form)
    )
    fields |= dict(re.findall(r'<textarea id="([^"]+)"[^>]*>([^<]*)</textarea>', form))
    return fields


def answers(world: World) -> dict[str, tuple[str, int]]:
    with world.database.reading() as session:
        key = session.scalars(select(Inspection.id)).one()
        found = inspection_by_id(session, key, actor=SYSTEM)
        return {each.item.code: (each.value.value, each.version) for each in found.answers}


def test_the_rest_of_a_group_is_fine_in_one_tap(browser_of: SignedIn, address: str, world: World) -> None:
    limin = browser_of("limin")
    done = limin.post(address, {"do": "rest:0", "value-E17": "na"})
    assert done.headers["location"] == f"{address}?done=answers#group-0"
    assert answers(world) == {"E16": ("pass", 1), "E17": ("na", 1)}
    page = limin.get(address)
    assert "2/2" in text_of(page)
    assert 'value="rest:0"' not in page.text
    assert "全部合格" in page.text


def test_only_what_was_changed_is_sent_on(browser_of: SignedIn, address: str, world: World) -> None:
    limin, zhang = browser_of("limin"), browser_of("zhangqiang")
    limin.post(address, {"do": "save", "value-E16": "fail", "note-E16": "倾斜", "value-E31": "pass"})
    before = filled(limin.get(address))
    zhang.post(address, filled(zhang.get(address)) | {"do": "save", "value-E31": "na"})
    # 李敏's page is older than 张强's change; she changes another item, and his answer stays.
    limin.post(address, before | {"do": "save", "value-E17": "pass"})
    assert answers(world) == {"E16": ("fail", 1), "E31": ("na", 2), "E17": ("pass", 1)}


def test_what_two_browsers_answered_differently_is_shown_side_by_side(
    browser_of: SignedIn, address: str, world: World
) -> None:
    limin, zhang = browser_of("limin"), browser_of("zhangqiang")
    seen_by_both = filled(limin.get(address))
    limin.post(address, seen_by_both | {"do": "save", "value-E16": "pass"})
    zhang.post(address, seen_by_both | {"do": "save", "value-E16": "fail", "note-E16": "倾斜三度"})
    page = limin.get(address)
    assert "有 1 项在两台设备上填得不一样" in text_of(page)
    assert "倾斜三度" in text_of(page)
    assert "请逐项选定" in text_of(limin.get(f"{address}/sign"))
    [choice] = re.findall(r'value="(keep:[^"]+:other)"', page.text)
    chosen = limin.post(address, filled(page) | {"do": choice})
    assert chosen.headers["location"].startswith(f"{address}?done=chosen")
    assert answers(world)["E16"] == ("fail", 2)
    assert limin.post(address, {"do": choice}).status_code == 404
    assert limin.post(address, {"do": "keep:nonsense:other"}).status_code == 404
    assert limin.post(address, {"do": choice.replace(":other", ":both")}).status_code == 422


def test_a_wrong_field_is_named_and_nothing_is_kept(browser_of: SignedIn, address: str, world: World) -> None:
    wrong = browser_of("limin").post(
        address, {"do": "save", "value-E16": "fail", "deadline_days-E16": "一周"}
    )
    assert (wrong.status_code, 'href="#deadline_days-E16"' in wrong.text) == (422, True)
    assert answers(world) == {}


def test_photos_are_kept_with_the_answer_and_asked_for_where_the_checklist_says_so(
    browser_of: SignedIn, address: str, world: World
) -> None:
    limin = browser_of("limin")
    told = {"do": "sign", "value-E16": "pass", "value-E31": "pass", "value-E17": "fail"}
    limin.post(address, told)
    page = limin.get(f"{address}/sign")
    assert "须附照片" in text_of(page)
    refused = limin.post(f"{address}/sign", {"signed": "1"})
    assert (refused.status_code, "规定不合格须附照片" in text_of(refused)) == (422, True)
    limin.post(
        address,
        filled(limin.get(address)) | {"do": "save"},
        files=[("photos-E17", ("裂纹.jpg", photo(), "image/jpeg"))],
    )
    assert "/photos/" in limin.get(address).text
    assert limin.post(f"{address}/sign", {"signed": "1"}).status_code == 303
    with world.database.reading() as session:
        ticket = session.scalars(select(Ticket)).one()
    assert (ticket.files_expected, ticket.files_arrived, ticket.photo_required) == (1, 1, True)


def test_checked_and_nothing_found_is_signed_on_purpose(browser_of: SignedIn, address: str) -> None:
    limin = browser_of("limin")
    limin.post(address, {"do": "rest:0"}), limin.post(address, {"do": "rest:1"})
    assert "本人已逐项检查，未发现隐患（零报告）。" in text_of(limin.get(f"{address}/sign"))
    limin.post(f"{address}/sign", {"signed": "1"})
    page = text_of(limin.get(address))
    assert "已检查，未发现隐患（零报告）。" in page
    assert "检查人签字：李敏2026年4月1日10:00" in page.replace(" ", "")


def test_a_colleague_is_handed_the_visit_and_finds_it_by_the_notice(
    browser_of: SignedIn, address: str, world: World
) -> None:
    limin = browser_of("limin")
    limin.post(address, {"do": "rest:0"})
    assert "张强" in text_of(limin.get(f"{address}/hand-over"))
    wrong = limin.post(f"{address}/hand-over", {"to": "limin"})
    assert (wrong.status_code, 'href="#to"' in wrong.text) == (422, True)
    done = limin.post(f"{address}/hand-over", {"to": "zhangqiang", "reason": "去开会"})
    assert done.headers["location"] == f"{address}?done=hand_over"
    assert "李敏交接给张强" in text_of(limin.get(address)).replace(" ", "")
    zhang = browser_of("zhangqiang")
    with world.database.reading() as session:
        notice = session.scalars(select(Notice).where(Notice.kind == "hand_over")).one()
    assert zhang.get(f"/inbox/{notice.id}").headers["location"] == address
    assert "李敏" in text_of(zhang.get(address))
    assert browser_of("zhengju").get(f"{address}/hand-over").status_code == 403


def test_guidance_photos_are_put_under_items_and_hazards_by_those_who_may(
    browser_of: SignedIn, address: str, world: World
) -> None:
    with world.database.transaction() as session:
        new = {
            "code": "E16-1",
            "category": "杆塔",
            "title": "电杆倾斜",
            "level": "一般",
            "measure": "校正",
            "deadline_days": 7,
        }
        put_hazard(session, NewHazard.model_validate(new), actor=SYSTEM, now=world.now)
    zhao, limin = browser_of("zhaozhuren"), browser_of("limin")
    for page, action in (
        ("/checklists/p", "/checklists/p/E16/guidance"),
        ("/hazards/E16-1", "/hazards/E16-1/guidance"),
    ):
        assert action not in limin.get(page).text
        assert zhao.post(action, page=page).status_code == 422
        no_photo = zhao.post(action, page=page, files=[("photo", ("x.jpg", b"no photo", "image/jpeg"))])
        assert (no_photo.status_code, "只接受 JPEG" in text_of(no_photo)) == (422, True)
        done = zhao.post(
            action,
            page=page,
            files=[("photo", ("示范.jpg", photo(taken="2026:01:01 00:00:00"), "image/jpeg"))],
        )
        assert done.status_code == 303
        [shown] = re.findall(r'src="(/photos/guidance/[^"]+)"', limin.get(page).text)
        copy = limin.get(shown)
        assert (copy.status_code, b"2026:01:01" in copy.content) == (200, False)
    day = limin.get("/field/day", headers={"Accept": "application/json"}).json()
    assert any(each.startswith("/photos/guidance/") for each in day["photos"]), "seen without a signal too"
    [under] = re.findall(r'src="(/photos/guidance/[^"]+)"', limin.get(address).text)
    assert under == shown
    zhao.post("/checklists/p/E16/guidance", {"remove": "1"}, page="/checklists/p")
    assert "/photos/guidance/" not in limin.get("/checklists/p").text
    assert limin.get("/photos/guidance/" + "0" * 64).status_code == 404
    token = {"csrf": limin.token("/account")}
    assert limin.client.post("/hazards/E16-1/guidance", data=token).status_code == 403
    assert zhao.post("/checklists/p/Z9/guidance", {"remove": "1"}, page="/checklists/p").status_code == 404


def test_the_library_is_searched_as_people_type(browser_of: SignedIn, address: str, world: World) -> None:
    zhao = browser_of("zhaozhuren")
    assert (
        zhao.post("/checklists/p/hazards", page="/checklists/p").headers["location"]
        == "/hazards?done=derived"
    )
    limin: Browser = browser_of("limin")
    assert "杆塔E16" in text_of(limin.get("/hazards?q=gt"))
    assert "拉线E31" not in text_of(limin.get("/hazards?q=ganta"))
    assert "没有找到" in text_of(limin.get("/hazards?q=xyz"))
    assert zhao.post("/hazards/E31/withdraw").headers["location"] == "/hazards?done=hazard_withdrawn"
    assert "已停用" in text_of(limin.get("/hazards/E31"))
    assert limin.get("/hazards/nothing").status_code == 404
