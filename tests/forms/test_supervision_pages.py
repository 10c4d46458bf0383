"""Supervision as people use it: listed on the ticket, reported on, planned, delisted, printed."""

from __future__ import annotations

import pytest

from tests.forms.conftest import SignedIn, heading_of, text_of
from tests.world import World

PLAN = {
    "goals": "消除渗漏",
    "methods": "停电更换密封垫",
    "funds": "大修费 3000 元",
    "people": "柳林所检修班",
    "schedule": "4月15日前完成",
    "safety": "设围栏，专人看护",
}


@pytest.fixture
def number(world: World) -> str:
    """A major hazard 王建国 is responsible for."""
    return world.assigned(level="major", budget=3000, emergency_plan="专人看护").number


def listed(browser_of: SignedIn, number: str) -> str:
    """List it as 赵主任 does; returns the address of the order."""
    form = f"/tickets/{number}/supervise"
    sent = {"level": "company", "reason": "长期未处理", "requirements": "停止使用", "report_every_days": "3"}
    supervisor = browser_of("zhaozhuren")
    answer = supervisor.post(form, sent, page=form)
    assert answer.status_code == 303
    page = supervisor.get(f"/tickets/{number}").text
    return "/supervisions/" + page.split('href="/supervisions/')[-1].split('"')[0]


def test_a_ticket_is_listed_reported_on_and_delisted(browser_of: SignedIn, world: World, number: str) -> None:
    order = listed(browser_of, number)
    assignee = browser_of("wangjianguo")
    page = text_of(assignee.get(order))
    assert "本单位督办" in page
    assert "停止使用" in page
    assert "每 3 天报告一次" in page
    empty = assignee.post(f"{order}/report", {"text": " "}, page=f"{order}/report")
    assert empty.status_code == 422
    assert "请写明所做的工作" in text_of(empty)
    said = assignee.post(f"{order}/report", {"text": "密封垫已到货"}, page=f"{order}/report")
    assert said.headers["location"].startswith(order)
    assert "密封垫已到货" in text_of(assignee.get(order))

    early = browser_of("zhaozhuren").get(f"{order}/delist")
    assert "须先复查合格销号" in text_of(early)

    drafted = assignee.post(f"/tickets/{number}/plan", PLAN, page=f"/tickets/{number}/plan")
    plan = drafted.headers["location"].split("?")[0]
    approved = browser_of("zhengju").post(f"{plan}/approve", {"opinion": "同意"}, page=plan)
    assert approved.status_code == 303
    world.do(number, "fix", by="wangjianguo", note="已更换")
    for who in ("limin", "zhangqiang"):
        world.do(number, "verify", by=who, passed=True, opinion="合格")
    done = browser_of("zhaozhuren").post(f"{order}/delist", {"opinion": "同意摘牌"}, page=f"{order}/delist")
    assert done.status_code == 303
    paper = text_of(browser_of("zhaozhuren").get(f"{order}/paper"))
    assert "隐患本单位督办通知书" in paper
    assert "摘牌通知" in paper
    assert "2026年4月1日" in paper


def test_a_plan_lacking_a_part_keeps_what_was_written(browser_of: SignedIn, number: str) -> None:
    form = f"/tickets/{number}/plan"
    answer = browser_of("wangjianguo").post(form, {**PLAN, "safety": ""}, page=form)
    assert answer.status_code == 422
    assert "治理方案缺少：安全措施和应急预案" in text_of(answer)
    assert "停电更换密封垫" in answer.text


def test_the_leader_refuses_with_a_reason(browser_of: SignedIn, number: str) -> None:
    form = f"/tickets/{number}/plan"
    plan = browser_of("wangjianguo").post(form, PLAN, page=form).headers["location"].split("?")[0]
    leader = browser_of("zhengju")
    assert leader.post(f"{plan}/refuse", {"opinion": ""}, page=plan).status_code == 422
    assert leader.post(f"{plan}/refuse", {"opinion": "没有看护"}, page=plan).status_code == 303
    assert "上次未批准：没有看护" in text_of(browser_of("wangjianguo").get(form))


def test_the_list_is_narrowed_and_hides_what_is_elsewhere(
    browser_of: SignedIn, world: World, number: str
) -> None:
    order = listed(browser_of, number)
    supervisor = browser_of("zhaozhuren")
    assert heading_of(supervisor.get("/supervisions")) == "督办"
    assert order in supervisor.get("/supervisions?level=company&state=open&unit=LL01").text
    assert "没有符合条件的督办" in text_of(supervisor.get("/supervisions?state=delisted"))
    assert "没有符合条件的督办" in text_of(supervisor.get("/supervisions?late=1"))
    world.later(days=5)
    assert "进展逾期未报" in text_of(supervisor.get("/supervisions?late=1"))
    assert supervisor.get("/supervisions?level=nonsense").status_code == 422
    stranger = browser_of("shisuozhang")
    assert order not in stranger.get("/supervisions").text
    for path in (order, f"{order}/paper", f"{order}/report", f"/tickets/{number}/plan"):
        assert stranger.get(path).status_code == 404
