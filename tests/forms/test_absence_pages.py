"""Days away as people record them: their own on /account, those of their units in the list."""

from __future__ import annotations

import re

from tests.forms.conftest import SignedIn, text_of

END = re.compile(r'action="(/absences/[^"]+/end)"')

DAYS = {"starts_on": "2026-04-02", "ends_on": "2026-04-10", "substitute": "sunhua"}


def test_ones_own_absence_is_recorded_seen_by_both_and_ended(browser_of: SignedIn) -> None:
    away, standing_in = browser_of("wangjianguo"), browser_of("sunhua")
    answer = away.post("/absences/new", {**DAYS, "reason": "培训"})
    assert answer.headers["location"] == "/account?done=absence"
    mine = away.get(answer.headers["location"])
    assert "王建国离岗，孙华代理" in text_of(mine)
    theirs = standing_in.get("/account")
    assert "王建国离岗，孙华代理" in text_of(theirs)
    assert not END.search(theirs.text), "who stands in does not end it"
    found = END.search(mine.text)
    assert found
    ended = away.post(found[1], {"back": "/account"}, page="/account")
    assert ended.headers["location"] == "/account?done=absence_end"
    assert "王建国离岗" not in text_of(away.get("/account")).split("最近的通知")[0]


def test_a_supervisor_records_and_ends_it_for_their_people(browser_of: SignedIn) -> None:
    supervisor = browser_of("qiansuozhang")
    page = supervisor.get("/absences")
    assert "王建国" in page.text
    assert "周海" not in page.text, "somebody of another station"
    form = supervisor.get("/absences/new?person=wangjianguo")
    assert "为王建国登记离岗" in text_of(form)
    sent = {**DAYS, "person": "wangjianguo"}
    answer = supervisor.post("/absences/new", sent, page="/absences/new?person=wangjianguo")
    assert answer.headers["location"] == "/absences?done=absence"
    listed = supervisor.get("/absences")
    found = END.search(listed.text)
    assert found
    supervisor.post(found[1], {"back": "/absences"}, page="/absences")
    assert "王建国离岗，孙华代理" in text_of(supervisor.get("/absences?over=1"))


def test_nobody_records_it_for_a_person_of_another_unit(browser_of: SignedIn) -> None:
    assert browser_of("qiansuozhang").get("/absences/new?person=zhouhai").status_code == 403
    assert browser_of("wangjianguo").get("/absences/new?person=sunhua").status_code == 403


def test_a_colleague_does_not_read_why_somebody_is_away(browser_of: SignedIn) -> None:
    browser_of("wangjianguo").post("/absences/new", {**DAYS, "reason": "住院"})
    assert "住院" in browser_of("zhaozhuren").get("/absences").text
    assert "住院" not in browser_of("limin").get("/absences").text


def test_what_was_filled_in_comes_back_with_what_is_wrong(browser_of: SignedIn) -> None:
    away = browser_of("wangjianguo")
    answer = away.post("/absences/new", {**DAYS, "ends_on": "2026-04-01"})
    assert answer.status_code == 422
    assert "早于开始日期" in text_of(answer)
    answer = away.post("/absences/new", {**DAYS, "substitute": "zhouhai"})
    assert answer.status_code == 422
    assert "没有角色" in text_of(answer)
