"""What those who watch see of the flows: on time or silent, and what they did."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.heartbeats import beat, expect
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
        row.started_at = datetime.now(UTC) - timedelta(hours=1)
    for login in ("zhaozhuren", "zhengju", "guanli"):
        shown = text_of(browser_of(login).get("/campaigns"))
        assert f"{SILENT}：sweep-deadlines" in shown
    assert SILENT not in text_of(browser_of("limin").get("/campaigns"))


def test_from_december_on_an_unknown_year_is_a_banner_too(browser_of: SignedIn, world: World) -> None:
    world.now = datetime.fromisoformat("2026-12-01T08:00:00+08:00")
    assert "2027年放假安排尚未导入" in text_of(browser_of("zhaozhuren").get("/campaigns"))


def test_who_does_not_watch_has_no_business_there(browser_of: SignedIn) -> None:
    assert browser_of("wangjianguo").get("/flows").status_code == 403
