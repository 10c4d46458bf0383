"""Scheduled checks and calendar feeds as pages: the counts, making up for a missed visit, an address shown once."""

from __future__ import annotations

import re

from sqlalchemy import select

from domain import rotas
from domain.campaigns import campaign_by_code
from domain.missing import record_missed
from domain.planning import plan_inspections
from domain.records import CalendarFeed, Checklist, Inspection
from domain.rota_setup import NewRota
from statemachines.inspection import InspectionState
from tests.forms.conftest import SignedIn, text_of
from tests.world import World

WEEKLY = {"checklist": "ZJ", "every": "weekly", "from": "2026-04-01", "to": "2026-04-10", "weekday": 5}


def missed(world: World) -> Inspection:
    """Two weeks of checks planned, those of the first missed; one of them."""
    actor = world.actor("zhaozhuren")
    with world.database.transaction() as session:
        session.add(Checklist(code="ZJ", name="周检表", items=[]))
        session.flush()
        campaign = campaign_by_code(session, "CC2026", actor=actor)
        rotas.add_rota(session, campaign, NewRota.model_validate(WEEKLY), actor=actor, now=world.now)
        plan_inspections(session, as_of=world.now)
    with world.database.transaction() as session:
        record_missed(session, as_of=world.later(days=9))
    with world.database.reading() as session:
        query = select(Inspection).where(Inspection.state == InspectionState.MISSED)
        return session.scalars(query.order_by(Inspection.id)).first()  # type: ignore[return-value]


def test_the_campaign_s_page_counts_planned_done_and_missed(browser_of: SignedIn, world: World) -> None:
    missed(world)
    said = text_of(browser_of("zhaozhuren").get("/campaigns/CC2026"))
    assert "定期检查" in said
    assert re.search(r"周检表 每周 0 / 4 0\.00% 0 2（0） 0", said), said


def test_a_rota_says_whether_it_goes_on_or_is_over(browser_of: SignedIn, world: World) -> None:
    missed(world)
    browser = browser_of("zhaozhuren")
    assert "进行中" in text_of(browser.get("/campaigns/CC2026/rotas"))
    world.now = world.later(days=30)
    said = text_of(browser_of("zhaozhuren").get("/campaigns/CC2026/rotas"))
    assert "已结束" in said
    assert "进行中" not in said


def test_a_missed_visit_is_made_up_for_with_one_button_once(browser_of: SignedIn, world: World) -> None:
    visit = missed(world)
    here = f"/inspections/{visit.id}"
    browser = browser_of("limin")
    assert "今天补检" in text_of(browser.get(here))
    with world.database.reading() as session:
        unit = session.get_one(Inspection, visit.id, options=[]).unit_id
    code = re.search(r'name="unit" value="([^"]+)"', browser.get(here).text)
    assert code
    told = {"campaign": "CC2026", "unit": code[1], "instead_of": str(visit.id)}
    made = browser.post("/inspections", told, page=here)
    assert made.status_code == 303
    with world.database.reading() as session:
        again = session.scalars(select(Inspection).where(Inspection.instead_of_id == visit.id)).one()
    assert (again.unit_id, made.headers["location"]) == (unit, f"/inspections/{again.id}")
    after = text_of(browser.get(here))
    assert "已安排补检" in after
    assert "今天补检" not in after


def test_a_feed_s_address_is_shown_once_works_and_is_revoked(browser_of: SignedIn, world: World) -> None:
    browser = browser_of("wangjianguo")
    world.assigned()
    made = browser.post("/account/feeds", {"unit": ""}, page="/account")
    address = re.search(r'value="[^"]*(/calendar/[^"]+\.ics)"', made.text)
    assert address
    assert b"BEGIN:VTODO" in browser.get(address[1]).content
    assert address[1] not in browser.get("/account").text
    with world.database.reading() as session:
        key = session.scalars(select(CalendarFeed.id)).one()
    assert browser.post(f"/account/feeds/{key}/revoke", page="/account").status_code == 303
    assert browser.get(address[1]).status_code == 404


def test_a_unit_out_of_sight_is_refused_on_the_page(browser_of: SignedIn) -> None:
    refused = browser_of("shisuozhang").post("/account/feeds", {"unit": "LL01"}, page="/account")
    assert refused.status_code == 422
    assert "管辖范围" in text_of(refused)
