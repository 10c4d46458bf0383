"""The ledger: one row for each thing that happened, never changed, in words people know."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from domain.history import history_of, plain
from domain.records import History, Person, Unit
from statemachines.labels import Level
from tests.refused import refused

THREE = {"assignee": "wangjianguo", "duty": "负责停电处理", "measure": "停电更换密封垫"}


def story(world, number):
    with world.database.reading() as session:
        return history_of(session, world.ticket(number))


def test_every_command_leaves_one_row(bureau):
    number = bureau.find().number
    steps = [
        ("regrade", "zhaozhuren", {"level": "serious", "reason": "油位过低"}),
        ("assign", "zhaozhuren", THREE),
        ("acknowledge", "wangjianguo", {}),
        ("progress", "wangjianguo", {"note": "已停电"}),
        ("reassign", "zhaozhuren", {"assignee": "sunhua", "reason": "休假"}),
        ("supervise", "zhengju", {"reason": "久拖不改"}),
        ("fix", "sunhua", {"note": "已更换密封垫"}),
        ("verify", "limin", {"passed": False, "opinion": "仍渗油"}),
        ("fix", "sunhua", {"note": "重新更换"}),
        ("verify", "limin", {"passed": True, "opinion": "合格"}),
    ]
    for event, who, said in steps:
        bureau.later(hours=1)
        bureau.do(number, event, by=who, **said)
    assert [(row.event, row.actor_name, row.from_state, row.to_state) for row in story(bureau, number)] == [
        ("found", "李敏", None, "found"),
        ("regrade", "赵主任", "found", "found"),
        ("assign", "赵主任", "found", "assigned"),
        ("acknowledge", "王建国", "assigned", "assigned"),
        ("progress", "王建国", "assigned", "assigned"),
        ("reassign", "赵主任", "assigned", "assigned"),
        ("supervise", "郑局长", "assigned", "assigned"),
        ("fix", "孙华", "assigned", "fixed"),
        ("return", "李敏", "fixed", "assigned"),
        ("fix", "孙华", "assigned", "fixed"),
        ("verify", "李敏", "fixed", "verified"),
    ]


def test_a_row_says_when_and_with_which_facts(bureau):
    number = bureau.find().number
    bureau.later(hours=3)
    bureau.do(number, "assign", by="zhaozhuren", **THREE, due="2026-04-10")
    row = story(bureau, number)[-1]
    assert row.at == bureau.now
    assert row.facts == {**THREE, "due": "2026-04-10T23:59:59+08:00"}


def test_what_was_and_what_is_stand_beside_each_other(bureau):
    number = bureau.assigned().number
    bureau.do(number, "reassign", by="zhaozhuren", assignee="sunhua", reason="休假")
    bureau.do(number, "regrade", by="zhaozhuren", level="serious", reason="油位过低")
    moved, graded = story(bureau, number)[-2:]
    assert (moved.facts["previous"], moved.facts["assignee"]) == ("wangjianguo", "sunhua")
    assert (graded.facts["previous"], graded.facts["level"]) == ("general", "serious")


def test_a_refused_command_leaves_no_row(bureau):
    number = bureau.find().number
    with refused("three-fixed-missing"):
        bureau.do(number, "assign", by="zhaozhuren")
    assert [row.event for row in story(bureau, number)] == ["found"]


def test_an_acknowledgement_repeated_leaves_no_second_row(bureau):
    number = bureau.assigned().number
    for _ in range(3):
        bureau.do(number, "acknowledge", by="wangjianguo")
    assert [row.event for row in story(bureau, number)] == ["found", "assign", "acknowledge"]


@pytest.mark.parametrize(
    "attempt",
    [
        "UPDATE history SET actor_name = '别人'",
        "UPDATE history SET at = at WHERE false",
        "DELETE FROM history",
        "DELETE FROM history WHERE event = 'found'",
        "TRUNCATE history",
        "TRUNCATE history CASCADE",
    ],
)
def test_the_database_itself_keeps_the_ledger(bureau, attempt):
    number = bureau.find().number
    before = [row.facts for row in story(bureau, number)]
    with (
        pytest.raises(IntegrityError, match="append-only"),
        bureau.database.engine.begin() as connection,
    ):
        connection.execute(text(attempt))
    assert [row.facts for row in story(bureau, number)] == before


def test_the_ledger_of_one_record_is_not_mixed_with_anothers(bureau):
    first, second = bureau.find().number, bureau.assigned().number
    assert [row.event for row in story(bureau, first)] == ["found"]
    assert [row.event for row in story(bureau, second)] == ["found", "assign"]


@pytest.mark.parametrize(
    ("fact", "kept"),
    [
        (None, None),
        (True, True),
        (3, 3),
        ("停电", "停电"),
        (Level.MAJOR, "major"),
        (date(2026, 4, 1), "2026-04-01"),
        (datetime(2026, 4, 1, 2, tzinfo=UTC), "2026-04-01T02:00:00+00:00"),
        (Decimal("350.50"), "350.50"),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        ([Level.MAJOR, Decimal(1)], ["major", "1"]),
        ({"due": date(2026, 4, 1)}, {"due": "2026-04-01"}),
        (Person(login="limin"), "limin"),
        (Unit(code="LL01"), "LL01"),
    ],
)
def test_facts_are_kept_as_plain_json(fact, kept):
    assert plain(fact) == kept


def test_rows_are_numbered_by_the_database_alone(bureau):
    with (
        pytest.raises(Exception, match="GENERATED ALWAYS"),
        bureau.database.engine.begin() as connection,
    ):
        connection.execute(
            text(
                "INSERT INTO history (id, subject, subject_id, at, actor_name, event, facts)"
                " VALUES (1, 'ticket', gen_random_uuid(), now(), '别人', 'found', '{}')"
            )
        )
    assert History.__table__.c.id.identity.always
