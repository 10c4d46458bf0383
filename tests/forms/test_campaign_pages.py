"""Campaigns, inspections, quantities, status and summary as pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sqlalchemy import select

from domain import campaigns
from domain.heartbeats import expect as expect_flows
from domain.heartbeats import finish
from domain.records import Inspection, QuantityRecord, Summary, Ticket
from statemachines.roles import SYSTEM
from tests.forms.conftest import SignedIn, heading_of, text_of
from tests.forms.test_accessibility_browser import inspection_of
from tests.photos import photo
from tests.world import World

HERE = "/campaigns/CC2026"


def move(world: World, event: str, **facts: object) -> None:
    with world.database.transaction() as session:
        actor = world.actor("zhaozhuren")
        campaign = campaigns.campaign_by_code(session, "CC2026", actor=actor, lock=True)
        campaigns.move_campaign(session, campaign, event, facts, actor=actor, now=world.now)


def test_home_is_what_is_ones_own(browser_of: SignedIn, world: World) -> None:
    number = world.assigned().number
    inspection_of(world)
    assert heading_of(browser_of("zhaozhuren").get("/")) == "2026年春查"
    inspector = text_of(browser_of("limin").get("/"))
    assert "今天的检查" in inspector
    assert "配电检查表" in inspector
    assignee = text_of(browser_of("wangjianguo").get("/"))
    assert "等我整改" in assignee
    assert number in assignee
    assert "没有等您整改的隐患" in text_of(browser_of("sunhua").get("/"))


def test_the_campaign_page_offers_the_next_step_to_those_who_may(browser_of: SignedIn, world: World) -> None:
    assert f'href="{HERE}/rectify"' in browser_of("zhaozhuren").get(HERE).text
    page = browser_of("limin").get(HERE)
    assert f'href="{HERE}/rectify"' not in page.text
    assert "“转入整改”须由本单位的" in text_of(page)


def test_moving_on_without_every_unit_needs_a_reason(browser_of: SignedIn, world: World) -> None:
    world.find()
    browser = browser_of("zhaozhuren")
    assert "尚未上报的单位：石桥供电所" in text_of(browser.get(f"{HERE}/rectify"))
    bare = browser.post(f"{HERE}/rectify", {"reason": ""})
    assert (bare.status_code, 'href="#reason"' in bare.text) == (409, True)
    done = browser.post(f"{HERE}/rectify", {"reason": "石桥所台风停工"})
    assert done.headers["location"] == f"{HERE}?done=rectify"
    assert "石桥所台风停工" in text_of(browser.get(HERE))


def test_a_zero_report_is_signed_with_one_button(browser_of: SignedIn, world: World) -> None:
    browser = browser_of("limin")
    answer = browser.post(f"{HERE}/zero_report", {"unit": "SQ02"}, page=HERE)
    assert answer.headers["location"] == f"{HERE}?done=zero"
    assert "零报告已登记" in text_of(browser.get(f"{HERE}?done=zero"))


def test_what_may_be_said_as_done_is_a_fixed_list(browser_of: SignedIn) -> None:
    assert "hello" not in browser_of("limin").get(f"{HERE}?done=<b>hello").text


def test_an_inspection_is_planned_answered_saved_and_signed(browser_of: SignedIn, world: World) -> None:
    inspection_of(world)
    browser = browser_of("limin")
    with world.database.transaction() as session:
        campaign = campaigns.campaign_by_code(session, "CC2026", actor=SYSTEM)
        campaign.checklist_id = session.scalars(select(Inspection.checklist_id)).first()

    planned = browser.post("/inspections", {"campaign": "CC2026", "unit": "SQ02"}, page=HERE)
    address = planned.headers["location"]
    assert "石桥供电所" in heading_of(browser.get(address))

    empty = browser.post(address, {"do": "save"})
    assert empty.status_code == 422
    saved = browser.post(address, {"do": "save", "value-D01": "pass"})
    assert saved.headers["location"] == f"{address}?done=answers"
    half = browser.post(address, {"do": "sign"})
    assert half.headers["location"] == f"{address}/sign"
    assert f'href="{address}#value-D02"' in browser.get(f"{address}/sign").text
    refused = browser.post(f"{address}/sign", {"signed": "1"})
    assert (refused.status_code, "检查表还有1项未填" in text_of(refused)) == (422, True)
    failed = {"do": "sign", "value-D02": "fail", "note-D02": "破损一片", "location-D02": "12#"}
    browser.post(address, failed, files=[("photos-D02", ("破损.jpg", photo(), "image/jpeg"))])
    before = text_of(browser.get(f"{address}/sign"))
    assert "本人已逐项检查，以上结果属实。" in before
    assert "绝缘子：破损一片" in before
    assert browser.post(f"{address}/sign", {}).status_code == 422
    done = browser.post(f"{address}/sign", {"signed": "1"})
    assert done.headers["location"] == f"{address}?done=submit"
    assert browser.get(f"{address}/sign").headers["location"] == address

    with world.database.reading() as session:
        ticket = session.scalars(select(Ticket)).one()
    assert (ticket.files_expected, ticket.files_arrived, ticket.location) == (1, 1, "12#")
    page = browser.get(address)
    assert ticket.number in page.text
    assert "合格率 50.00 %" in text_of(page)
    assert "检查人签字：李敏" in text_of(page).replace(" ", "")


def test_a_visit_not_made_keeps_its_reason(browser_of: SignedIn, world: World) -> None:
    address = f"/inspections/{inspection_of(world)}"
    browser = browser_of("zhaozhuren")
    assert browser.post(address, {"do": "miss", "reason": ""}).status_code == 422
    assert browser.post(address, {"do": "miss", "reason": "道路塌方"}).headers["location"].startswith(HERE)
    assert "道路塌方" in text_of(browser.get(address))


def test_work_in_bulk_is_one_record(browser_of: SignedIn, world: World) -> None:
    browser, address = browser_of("limin"), f"{HERE}/quantities"
    told = {"action": "清扫", "item": "针瓶", "quantity": "4500", "measure_unit": "个", "unit": "LL01"}
    wrong = browser.post(address, {**told, "quantity": "-1", "counts_as": "part"})
    assert (wrong.status_code, 'href="#quantity"' in wrong.text) == (422, True)
    assert 'value="针瓶"' in wrong.text
    done = browser.post(address, {**told, "approximate": "1", "counts_as": "part"})
    assert done.headers["location"] == f"{address}?unit=LL01&done=quantity"
    with world.database.reading() as session:
        record = session.scalars(select(QuantityRecord)).one()
    assert (int(record.quantity), record.approximate) == (4500, True)
    assert "清扫 针瓶 4500 余" in text_of(browser.get(address))


def test_the_status_counts_by_state_unit_and_level_and_says_what_it_divides(
    browser_of: SignedIn, world: World
) -> None:
    world.find()
    number = world.fixed(level="serious").number
    world.do(number, "verify", by="limin", passed=True, opinion="合格")
    page = browser_of("zhengju").get(f"{HERE}/status")
    shown = text_of(page)
    assert "整改率 50.00% 1 / 2" in shown
    assert re.search(r"柳林供电所 \D*1 0 0 1 0", shown)
    assert "较大 0 0 0 1 0" in shown
    assert "未上报" in shown


def test_late_flows_are_red_for_those_who_watch(browser_of: SignedIn, world: World) -> None:
    shown = text_of(browser_of("zhaozhuren").get("/"))
    assert "到期提醒和催办 从未完成过" in shown
    assert shown.count("定时任务没有按时运行") == 1
    assert "后台任务已停摆" not in shown, (
        "the board says it with the time of the last end; the banner would say it again"
    )
    assert "定时任务没有按时运行" not in text_of(browser_of("limin").get(f"{HERE}/status"))

    with world.database.transaction() as session:
        expect_flows(session, now=datetime.now(UTC))
        finish(session, "sweep-deadlines", {}, now=datetime.now(UTC))
    assert "定时任务没有按时运行" not in text_of(browser_of("zhaozhuren").get("/"))


def test_a_draft_of_the_summary_can_be_asked_for_and_mismatches_are_named(
    browser_of: SignedIn, world: World
) -> None:
    browser, address = browser_of("zhaozhuren"), f"{HERE}/summary"
    assert browser.post(address).headers["location"] == f"{address}?done=summary"
    assert "Word 文档" in text_of(browser.get(address)), (
        "the papers are written right after they were asked for"
    )
    with world.database.transaction() as session:
        summary = session.scalars(select(Summary)).one()
        summary.published_at, summary.papers = None, {}
    assert "正在生成" in text_of(browser.get(address))
    with world.database.transaction() as session:
        summary = session.scalars(select(Summary)).one()
        summary.refused_at = world.now
        summary.mismatches = [
            {"zh": "验电器：写为193，按记录核算为192", "en": "Detectors: 193 stated, 192 found"}
        ]
    assert "写为193，按记录核算为192" in text_of(browser.get(address))
    assert browser.get(f"{address}/docx").status_code == 404


def test_a_published_paper_is_handed_out_by_revision(
    browser_of: SignedIn, world: World, store: object
) -> None:
    browser, address = browser_of("zhaozhuren"), f"{HERE}/summary"
    browser.post(address)
    with world.database.transaction() as session:
        summary = session.scalars(select(Summary)).one()
        summary.snapshot, summary.cut_off, summary.published_at = {}, world.now, world.now
        summary.papers = {"html": store.put("<p>总结</p>".encode())}
    paper = browser.get(f"{address}/html?revision=1")
    assert (paper.text, paper.headers["content-type"]) == ("<p>总结</p>", "text/html; charset=utf-8")
    assert "default-src 'none'" in paper.headers["content-security-policy"]
    assert browser.get(f"{address}/html?revision=2").status_code == 404
    assert browser_of("limin").post(address, page=HERE).status_code == 403


def test_the_final_summary_waits_for_its_phase(browser_of: SignedIn, world: World) -> None:
    browser, address = browser_of("zhaozhuren"), f"{HERE}/summary"
    early = browser.post(address, {"final": "1"})
    assert (early.status_code, "不能“总结”" in text_of(early)) == (409, True)


def test_pages_that_are_not_there(browser_of: SignedIn) -> None:
    browser = browser_of("zhaozhuren")
    for path in ("/nothing", "/campaigns/NONE", f"{HERE}/nothing", "/inspections/1", "/extensions/1/approve"):
        answer = browser.get(path)
        assert answer.status_code == 404, path
        assert "<html" in answer.text
    assert browser.client.delete("/tickets").status_code == 405


def test_pages_are_kept_by_nobody_and_files_for_long(browser_of: SignedIn) -> None:
    page = browser_of("limin").get("/")
    assert page.headers["cache-control"] == "no-store"
    sheet = re.search(r'href="(/static/chuncha.css\?[0-9a-f]+)"', page.text)
    assert sheet
    assert "immutable" in browser_of("limin").get(sheet[1]).headers["cache-control"]
    assert not re.search(r"<script(?![^>]*src=)|\sstyle=|\son\w+=", page.text)
