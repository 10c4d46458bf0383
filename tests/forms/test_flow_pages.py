"""What those who watch see of the flows: on time or silent, and what they did."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.flow_requests import not_taken, open_requests, take
from domain.flow_runs import beat, runs
from domain.heartbeats import expect
from domain.records import Heartbeat
from tests.forms.conftest import SignedIn, text_of
from tests.world import World

SILENT = "后台任务已停摆"


@pytest.fixture
def on_time(world: World) -> None:
    with world.database.transaction() as session:
        expect(session, now=datetime.now(UTC))


@pytest.mark.usefixtures("on_time")
def test_the_page_says_what_each_flow_did(browser_of: SignedIn, world: World) -> None:
    with beat(world.database, "sweep-deadlines") as outcome:
        outcome.update({"matters": 3, "told": 7, "put_off": 0})
    with pytest.raises(RuntimeError), beat(world.database, "deliver-notices"):
        raise RuntimeError("mail server gone")
    shown = text_of(browser_of("zhaozhuren").get("/flows"))
    assert "到期提醒和催办 完成" in shown
    assert "事项 3 · 通知 7" in shown
    assert "暂缓" not in shown
    assert "RuntimeError: mail server gone" in shown
    assert SILENT not in shown


@pytest.mark.usefixtures("on_time")
def test_a_silent_flow_is_a_red_banner_for_those_who_watch(browser_of: SignedIn, world: World) -> None:
    with world.database.transaction() as session:
        row = session.get_one(Heartbeat, "sweep-deadlines")
        row.expected_at = datetime.now(UTC) - timedelta(hours=1)
    for login in ("zhaozhuren", "zhengju", "guanli"):
        shown = text_of(browser_of(login).get("/campaigns"))
        assert f"{SILENT}：到期提醒和催办" in shown
    assert SILENT not in text_of(browser_of("limin").get("/campaigns"))


def test_from_december_on_an_unknown_year_is_a_banner_too(browser_of: SignedIn, world: World) -> None:
    world.now = datetime.fromisoformat("2026-12-01T08:00:00+08:00")
    assert "2027年放假安排尚未导入" in text_of(browser_of("zhaozhuren").get("/campaigns"))


def test_who_does_not_watch_has_no_business_there(browser_of: SignedIn) -> None:
    assert browser_of("wangjianguo").get("/flows").status_code == 403


@pytest.mark.usefixtures("on_time")
def test_a_supervisor_asks_for_a_run_sees_it_wait_and_then_what_it_did(
    browser_of: SignedIn, world: World
) -> None:
    browser = browser_of("zhaozhuren")
    answer = browser.post("/flows/sweep-deadlines/run", page="/flows")
    assert (answer.status_code, answer.headers["location"]) == (303, "/flows?done=run_asked")
    shown = text_of(browser.get("/flows?done=run_asked"))
    assert "已要求运行" in shown
    assert "赵主任" in shown
    assert "等待后台程序来取" in shown
    with world.database.transaction() as session:
        request = take(session, now=datetime.now(UTC))
        assert request is not None
        not_taken(session, request.id, "ConnectError: nobody listens")
    shown = text_of(browser.get("/flows"))
    assert "调度服务没有应答；请求已保留" in shown
    assert "ConnectError: nobody listens" in shown
    with beat(world.database, "sweep-deadlines", request=request.id) as outcome:
        outcome["told"] = 2
    shown = text_of(browser.get("/flows"))
    assert "已要求的运行" not in shown
    assert "要求人 赵主任" in shown
    assert "用时" in shown
    with world.database.reading() as session:
        (run,) = runs(session)
    answer = browser.post(f"/flows/runs/{run.id}/again", page="/flows")
    assert answer.status_code == 303
    assert "已要求的运行" in text_of(browser.get("/flows"))


@pytest.mark.usefixtures("on_time")
def test_a_dry_run_shows_who_would_be_told_within_ones_units(browser_of: SignedIn, world: World) -> None:
    browser = browser_of("qiansuozhang")
    form = {"dry_run": "1", "as_of": "2026-05-01T08:00"}
    assert browser.post("/flows/sweep-deadlines/run", form, page="/flows").status_code == 303
    with world.database.reading() as session:
        (request,) = open_requests(session)
    assert request.as_of == datetime.fromisoformat("2026-05-01T08:00:00+08:00")
    line = {"matter": "deadline", "step": "overdue", "login": "x", "channel": "email"}
    told = [
        {**line, "number": "CC2026-LL01-0001", "name": "王建国", "subject": "已超期", "at": "/XB/LL01/"},
        {**line, "number": "CC2026-SQ02-0001", "name": "周海", "subject": "别所的", "at": "/XB/SQ02/"},
    ]
    with beat(world.database, "sweep-deadlines", dry_run=True, request=request.id) as outcome:
        outcome.update({"told": 2, "lines": told})
    with world.database.reading() as session:
        (run,) = runs(session)
    shown = text_of(browser.get(f"/flows/runs/{run.id}"))
    assert "CC2026-LL01-0001" in shown
    assert "CC2026-SQ02-0001" not in shown
    assert "另有 1 条" in shown
    assert "CC2026-SQ02-0001" in text_of(browser_of("zhengju").get(f"/flows/runs/{run.id}"))


@pytest.mark.usefixtures("on_time")
def test_a_real_run_of_another_moment_is_refused_in_words(browser_of: SignedIn) -> None:
    browser = browser_of("guanli")
    answer = browser.post("/flows/sweep-deadlines/run", {"as_of": "2026-05-01T08:00"}, page="/flows")
    assert answer.status_code == 422
    assert "指定时点只能试运行" in text_of(answer)
    answer = browser.post("/flows/sweep-deadlines/run", {"dry_run": "1", "as_of": "soon"}, page="/flows")
    assert answer.status_code == 422
    assert browser.post("/flows/make-coffee/run", page="/flows").status_code == 404


@pytest.mark.usefixtures("on_time")
def test_a_leader_sees_the_flows_and_presses_nothing(browser_of: SignedIn) -> None:
    browser = browser_of("zhengju")
    assert "立即运行" not in text_of(browser.get("/flows"))
    assert browser.post("/flows/sweep-deadlines/run", page="/").status_code == 403
