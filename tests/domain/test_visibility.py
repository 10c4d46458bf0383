"""What a person may see: the subtree of each role and what is their own; all else is not there."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from domain.people import NewPerson, NewUnit, add_person, add_unit, units_in_sight
from domain.records import Campaign, Ticket
from domain.tickets import TicketFilter, list_tickets, ticket_by_number
from domain.visibility import campaigns_visible_to, tickets_visible_to
from statemachines.roles import SYSTEM, Actor
from tests.refused import refused


@pytest.fixture(scope="module")
def places(world_copy):
    """One ticket at each place: station, its team, the other station."""
    return {unit: world_copy.find(unit=unit).number for unit in ("LL01", "LL01-A", "SQ02")}


def sees(world, who):
    actor = world.actor(who)
    with world.database.reading() as session:
        return set(session.scalars(select(Ticket.number).where(tickets_visible_to(actor))))


@pytest.mark.parametrize(
    ("who", "units"),
    [
        ("limin", {"LL01", "LL01-A", "SQ02"}),
        ("zhengju", {"LL01", "LL01-A", "SQ02"}),
        ("robot", {"LL01", "LL01-A", "SQ02"}),
        ("qiansuozhang", {"LL01", "LL01-A"}),
        ("shisuozhang", {"SQ02"}),
        ("wangjianguo", {"LL01-A"}),
        ("zhouhai", {"SQ02"}),
    ],
)
def test_a_role_reaches_down_its_subtree_and_no_further(world_copy, places, who, units):
    seen = sees(world_copy, who)
    assert {unit for unit, number in places.items() if number in seen} == units


@pytest.mark.parametrize("who", ["shisuozhang", "zhouhai", "wangjianguo"])
def test_what_is_not_in_sight_is_not_there(bureau, places, who):
    with bureau.database.reading() as session:
        actor = bureau.actor(who)
        with refused("not-found"):
            ticket_by_number(session, places["LL01"], actor=actor)
        page = list_tickets(session, TicketFilter(unit="LL01", q=places["LL01"]), actor=actor, now=bureau.now)
        assert page.items == []


@pytest.mark.parametrize("event", ["assign", "fix", "verify", "cancel", "supervise"])
def test_nobody_acts_on_what_they_cannot_see(bureau, places, event):
    said = {"passed": True} if event == "verify" else {}
    with refused("not-found"):
        bureau.do(places["LL01"], event, by="shisuozhang", **said)


def test_what_is_ones_own_is_seen_wherever_it_is(bureau):
    number = bureau.assigned(unit="LL01").number
    assert number in sees(bureau, "wangjianguo"), "the person responsible sees it at the station above"
    bureau.do(number, "fix", by="wangjianguo", note="已换")
    bureau.do(number, "verify", by="limin", passed=False, opinion="仍渗油")
    bureau.do(number, "reassign", by="zhaozhuren", assignee="sunhua", reason="休假")
    assert number in sees(bureau, "wangjianguo"), "who fixed it once goes on seeing it"


def test_a_code_that_begins_like_another_is_no_part_of_it(world):
    with world.database.transaction() as session:
        unit = {"code": "LL011", "name": "柳林东供电所", "kind": "station", "parent": "XB"}
        add_unit(session, NewUnit.model_validate(unit), actor=SYSTEM, now=world.now)
        actor = world.actor("qiansuozhang")
        assert [each.code for each in units_in_sight(session, actor)] == ["LL01", "LL01-A"]


def test_without_a_role_only_ones_own_is_seen(world):
    with world.database.transaction() as session:
        body = {"login": "xinren", "name": "新人", "unit": "LL01"}
        add_person(session, NewPerson.model_validate(body), actor=SYSTEM, now=world.now)
    world.find()
    assert sees(world, "xinren") == set()
    with world.database.reading() as session:
        assert units_in_sight(session, world.actor("xinren")) == []


@pytest.mark.parametrize("who", ["zhaozhuren", "qiansuozhang", "wangjianguo", "zhouhai"])
def test_a_campaign_is_seen_by_everybody_it_covers(bureau, who):
    with bureau.database.reading() as session:
        assert list(
            session.scalars(select(Campaign.code).where(campaigns_visible_to(bureau.actor(who))))
        ) == ["CC2026"]


def test_a_campaign_is_not_seen_from_outside_its_scope(world):
    with world.database.transaction() as session:
        for unit in (
            {"code": "DB", "name": "东部供电局", "kind": "bureau", "parent": None},
            {"code": "DB01", "name": "东河供电所", "kind": "station", "parent": "DB"},
        ):
            add_unit(session, NewUnit.model_validate(unit), actor=SYSTEM, now=world.now)
        body = {"login": "donghe", "name": "东河所长", "unit": "DB01", "roles": ["supervisor"]}
        add_person(session, NewPerson.model_validate(body), actor=SYSTEM, now=world.now)
    with world.database.reading() as session:
        assert (
            list(session.scalars(select(Campaign).where(campaigns_visible_to(world.actor("donghe"))))) == []
        )
    with refused("unknown-unit", at="/unit"):
        world.find(by="zhaozhuren", unit="DB01")


def test_the_clock_and_the_administrator_of_all_see_everything(bureau, places):
    everything = set(places.values())
    assert everything <= sees(bureau, "admin")
    with bureau.database.reading() as session:
        assert everything <= set(session.scalars(select(Ticket.number).where(tickets_visible_to(SYSTEM))))


def test_somebody_unknown_sees_nothing(bureau, places):
    nobody = Actor(id=None, login="", name="", unit_id=None, unit_path="/")
    with bureau.database.reading() as session:
        assert list(session.scalars(select(Ticket).where(tickets_visible_to(nobody)))) == []
