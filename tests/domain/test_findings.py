"""Submitting a finding: a ticket at once, exactly once, with a number that is never reused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from pydantic import ValidationError
from sqlalchemy import func, select

from domain import campaigns
from domain.campaigns import NewCampaign, campaign_by_code
from domain.checklists import NewChecklist, put_checklist
from domain.errors import explain
from domain.findings import NewFinding, submit_finding
from domain.records import Ticket
from statemachines.labels import Level
from statemachines.roles import SYSTEM
from statemachines.ticket import TicketState
from tests.refused import refused


def count(world):
    with world.database.reading() as session:
        return session.scalar(select(func.count()).select_from(Ticket))


def test_a_finding_is_a_ticket_with_the_first_number_of_its_unit(world):
    ticket = world.find()
    assert ticket.number == "CC2026-LL01-0001"
    assert ticket.state is TicketState.FOUND
    assert (ticket.found_at, ticket.recorded_at) == (world.now, world.now)
    assert (ticket.first_due_at, ticket.due_at, world.next_step(ticket.number)) == (None, None, None)


def test_every_unit_counts_for_itself(world):
    numbers = [world.find(unit=unit).number for unit in ("LL01", "SQ02", "LL01", "LL01-A")]
    assert numbers == ["CC2026-LL01-0001", "CC2026-SQ02-0001", "CC2026-LL01-0002", "CC2026-LL01-A-0001"]


def test_a_refused_submission_uses_up_no_number(world):
    with refused("not-found"):
        world.find(recurrence_of="CC2025-LL01-0007")
    assert world.find().number == "CC2026-LL01-0001"


def test_many_at_once_are_numbered_without_gap_and_without_repetition(world):
    inspector = world.actor("limin")

    def submit(place):
        said = {
            "campaign": "CC2026",
            "unit": "LL01" if place % 2 else "SQ02",
            "description": f"隐患{place}",
            "level": "general",
            "category": "线路",
        }
        with world.database.transaction() as session:
            new = NewFinding.model_validate(said)
            return submit_finding(session, new, actor=inspector, now=world.now).ticket.number

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(submit, range(40)))
    expected = [f"CC2026-{unit}-{place:04d}" for unit in ("LL01", "SQ02") for place in range(1, 21)]
    assert sorted(numbers) == expected


def test_the_same_finding_sent_again_is_the_first_ticket(bureau):
    key = uuid4()
    first = bureau.find(id=key)
    before = count(bureau)
    again = bureau.find(id=key)
    assert (again.id, again.number, again.version) == (key, first.number, first.version)
    assert count(bureau) == before


def test_the_same_finding_sent_from_many_places_at_once_is_one_ticket(bureau):
    key, before = uuid4(), count(bureau)
    with ThreadPoolExecutor(6) as pool:
        numbers = set(pool.map(lambda _: bureau.find(id=key).number, range(6)))
    assert len(numbers) == 1
    assert count(bureau) == before + 1


@pytest.mark.parametrize("other", [{"description": "另一处渗漏"}, {"level": "serious"}, {"unit": "SQ02"}])
def test_the_same_id_with_other_content_is_refused_and_keeps_the_first(bureau, other):
    key = uuid4()
    first = bureau.find(id=key)
    with refused("same-id-other-content", zh=first.number, en=first.number):
        bureau.find(id=key, **other)
    assert bureau.ticket(first.number).description == first.description


def test_the_same_id_from_another_person_is_refused(bureau):
    key = uuid4()
    bureau.find(id=key, by="limin")
    with refused("same-id-other-content"):
        bureau.find(id=key, by="zhangqiang")


def test_a_phone_may_run_five_minutes_ahead_but_nothing_is_found_in_the_future(bureau):
    ticket = bureau.find(found_at=bureau.now + timedelta(minutes=5))
    assert ticket.found_at == bureau.now
    with refused("found-in-future", at="/found_at", zh="晚于现在", en="in the future"):
        bureau.find(found_at=bureau.now + timedelta(minutes=6))


def test_what_was_found_days_ago_keeps_its_day(bureau):
    found_at = bureau.now - timedelta(days=9)
    ticket = bureau.find(found_at=found_at)
    assert (ticket.found_at, ticket.recorded_at) == (found_at, bureau.now)


@pytest.mark.parametrize(
    ("said", "rule", "pointer"),
    [
        ({"unit": "XX99"}, "unknown-unit", "/unit"),
        ({"unit": "XB"}, "unit-not-in-campaign", "/unit"),
        ({"unit": "SQ02", "by": "wangjianguo"}, "unknown-unit", "/unit"),
        ({"campaign": "CC1999"}, "unknown-campaign", "/campaign"),
        ({"checklist_item": "P9"}, "unknown-item", "/checklist_item"),
    ],
)
def test_a_place_or_item_that_is_not_there_for_the_finder_is_named(bureau, said, rule, pointer):
    before = count(bureau)
    with refused(rule, at=pointer):
        bureau.find(**said)
    assert count(bureau) == before


def test_anybody_reports_what_they_saw_within_their_reach(bureau):
    assert bureau.find(by="wangjianguo", unit="LL01-A").finder.login == "wangjianguo"


def test_a_summed_up_campaign_takes_no_more_findings(world):
    actor = world.actor("zhaozhuren")
    with world.database.transaction() as session:
        campaign = campaign_by_code(session, "CC2026", actor=actor, lock=True)
        for event, facts, more in (
            ("rectify", {"reason": "道路中断"}, {}),
            ("recheck", {}, {}),
            ("summarise", {}, {"mismatches": []}),
        ):
            campaigns.move_campaign(session, campaign, event, facts, actor=actor, now=world.now, **more)
    with refused("findings-closed", zh="2026年春查", en="2026年春查"):
        world.find()


def test_a_checklist_item_gives_level_and_category(world):
    item = {
        "code": "P1",
        "category": "生产设备/杆塔",
        "item": "拉线松弛",
        "criterion": "拉线受力均匀",
        "level": "serious",
        "measure": "调整拉线",
        "deadline_days": 3,
    }
    actor = world.actor("zhaozhuren")
    with world.database.transaction() as session:
        told = NewChecklist.model_validate({"code": "p", "name": "配电检查表", "items": [item]})
        put_checklist(session, told, actor=SYSTEM, now=world.now)
        body = {
            "code": "QC2026",
            "name": "2026年秋查",
            "kind": "秋查",
            "unit": "XB",
            "units": ["LL01"],
            "checklist": "p",
        }
        campaigns.create_campaign(session, NewCampaign.model_validate(body), actor=actor, now=world.now)
    ticket = world.find(campaign="QC2026", checklist_item="P1", level=None, category=None)
    assert (ticket.level, ticket.category) == (Level.SERIOUS, "生产设备/杆塔")
    assert ticket.checklist_item.code == "P1"


def test_a_recurrence_is_a_new_ticket_linked_to_the_old(bureau):
    old = bureau.find()
    new = bureau.find(recurrence_of=old.number)
    assert new.number != old.number
    assert new.recurrence_of_id == old.id


@pytest.mark.parametrize(
    ("said", "rule", "zh", "en"),
    [
        ({"quantity": 3}, "measure-unit-missing", "计量单位", "measure_unit"),
        ({"level": None}, "level-missing", "须填写 level", "Give a level"),
        ({"category": None}, "category-missing", "须填写 category", "Give a category"),
        ({"lat": 26.5}, "position-incomplete", "经纬度", "together"),
        ({"description": "漏" * 4001}, "too-long", "最多4000个字", "at most 4000"),
        ({"description": "  "}, "too-short", "至少1个字", "at least 1"),
        ({"quantity": 0, "measure_unit": "处"}, "too-small", "须大于0", "greater than 0"),
        ({"found_at": "2026-04-01T09:00:00"}, "time-zone", "时区", "time zone"),
        ({"level": "deadly"}, "unknown-value", "以下之一", "one of"),
        ({"colour": "red"}, "unknown-field", "没有这个字段", "no such field"),
    ],
)
def test_what_is_written_wrongly_is_explained_in_both_languages(said, rule, zh, en):
    whole = {
        "campaign": "CC2026",
        "unit": "LL01",
        "description": "渗油",
        "level": "general",
        "category": "变台",
    }
    with pytest.raises(ValidationError) as wrong:
        NewFinding.model_validate(whole | said)
    [in_chinese] = explain(wrong.value.errors(), "zh")
    [in_english] = explain(wrong.value.errors(), "en")
    assert in_chinese.rule == in_english.rule == rule
    assert zh in in_chinese.sentence
    assert en in in_english.sentence
