"""What a process keeps of its counts is never ahead of, behind, or beside what a session sees."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from domain.campaigns import campaign_by_code
from domain.forgetting import forget_expired
from domain.status import Counts, campaign_status
from tests.world import World

STRUCK = text(
    "UPDATE tickets SET state = 'cancelled', cancelled_at = now(), cancel_reason = '重复' WHERE number = :number"
)


def seen(session: Session, world: World) -> Counts:
    actor = world.actor("zhaozhuren")
    campaign = campaign_by_code(session, "CC2026", actor=actor)
    return campaign_status(session, campaign, actor=actor, now=world.now).counts


def looked_at(world: World) -> Counts:
    with world.database.reading(snapshot=True) as session:
        return seen(session, world)


class TakenBack(Exception):
    """The transaction does not come to its end."""


def struck_and_taken_back(world: World, number: str) -> None:
    with world.database.transaction() as session:
        session.execute(STRUCK, {"number": number})
        assert seen(session, world).cancelled == 1
        raise TakenBack


def test_what_is_taken_back_was_never_counted(world: World) -> None:
    number = world.find().number
    assert looked_at(world).found == 1
    with pytest.raises(TakenBack):
        struck_and_taken_back(world, number)
    assert (looked_at(world).found, looked_at(world).cancelled) == (1, 0)


def test_a_session_is_not_told_what_came_after_its_moment(world: World) -> None:
    number = world.find().number
    assert looked_at(world).found == 1
    with world.database.reading(snapshot=True) as earlier:
        earlier.execute(text("SELECT 1"))
        with world.database.transaction() as session:
            session.execute(STRUCK, {"number": number})
        assert looked_at(world).cancelled == 1
        assert (seen(earlier, world).found, seen(earlier, world).cancelled) == (1, 0)
    assert looked_at(world).cancelled == 1


def test_what_began_earlier_and_ends_later_is_counted_when_it_ends(world: World) -> None:
    first, second = world.find().number, world.find().number
    assert looked_at(world).found == 2
    with world.database.transaction() as slow:
        slow.execute(STRUCK, {"number": first})
        with world.database.transaction() as quick:
            quick.execute(STRUCK, {"number": second})
        assert looked_at(world).cancelled == 1
    assert looked_at(world).cancelled == 2


def test_a_ticket_that_changes_units_leaves_one_and_comes_to_the_other(world: World) -> None:
    number = world.find(unit="LL01").number
    looked_at(world)
    move = text(
        "UPDATE tickets SET unit_id = (SELECT id FROM units WHERE code = 'SQ02') WHERE number = :number"
    )
    with world.database.transaction() as session:
        session.execute(move, {"number": number})
    actor = world.actor("zhaozhuren")
    with world.database.reading() as session:
        campaign = campaign_by_code(session, "CC2026", actor=actor)
        status = campaign_status(session, campaign, actor=actor, now=world.now)
    counted = {row.code: row.counts.total for row in status.by_unit}
    assert (counted["LL01"], counted["SQ02"]) == (0, 1)


def test_where_tickets_moved_is_forgotten_after_two_days_and_not_before(world: World) -> None:
    world.find()
    with world.database.transaction() as session:
        assert forget_expired(session, as_of=world.now).moves == 0
        session.execute(text("UPDATE ticket_moves SET at = now() - interval '49 hours'"))
        assert forget_expired(session, as_of=world.now).moves > 0
        assert session.scalar(text("SELECT count(*) FROM ticket_moves")) == 0
