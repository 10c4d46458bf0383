"""Heartbeats: late is late, whoever asks."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.database import Database
from domain.flow_runs import beat
from domain.heartbeats import LONGEST_SILENCE, begin, expect, fail, finish, heartbeats, late


def test_a_flow_that_never_was_scheduled_is_late(database: Database, now: datetime) -> None:
    with database.reading() as session:
        assert [each.flow for each in late(session, now=now)] == list(LONGEST_SILENCE)


def test_scheduled_flows_get_time_to_run_first(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        expect(session, now=now)
        assert late(session, now=now + timedelta(minutes=9)) == []
        assert [each.flow for each in late(session, now=now + timedelta(minutes=11))] == ["deliver-notices"]
        assert len(late(session, now=now + timedelta(days=2))) == len(LONGEST_SILENCE)


def test_a_flow_that_starts_again_and_again_but_never_ends_is_late(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        expect(session, now=now)
        for minutes in (5, 10, 15, 20, 25):
            begin(session, "sweep-deadlines", now=now + timedelta(minutes=minutes))
        silent = late(session, now=now + timedelta(minutes=26))
        assert "sweep-deadlines" in {each.flow for each in silent}


def test_a_run_that_ended_is_on_time_until_its_silence_is_too_long(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        begin(session, "sweep-deadlines", now=now)
        finish(session, "sweep-deadlines", {"tickets": 3}, now=now)
        assert "sweep-deadlines" not in {each.flow for each in late(session, now=now + timedelta(minutes=20))}
        assert "sweep-deadlines" in {each.flow for each in late(session, now=now + timedelta(minutes=21))}


def test_a_run_that_broke_off_keeps_its_error_and_its_last_end(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        begin(session, "sweep-deadlines", now=now)
        finish(session, "sweep-deadlines", {}, now=now)
        begin(session, "sweep-deadlines", now=now + timedelta(minutes=5))
        fail(session, "sweep-deadlines", "OperationalError: gone")
        (row,) = [each for each in late(session, now=now + timedelta(hours=1)) if each.error]
    assert (row.flow, row.last, row.error) == ("sweep-deadlines", now, "OperationalError: gone")


def test_beating_around_a_run_notes_what_it_did(database: Database) -> None:
    with beat(database, "deliver-notices") as outcome:
        outcome["sent"] = 4
    with pytest.raises(ZeroDivisionError), beat(database, "sweep-deadlines"):
        _ = 1 // 0
    with beat(database, "plan-inspections", dry_run=True):
        pass
    with database.reading() as session:
        rows = {row.flow: row for row in heartbeats(session)}
        silent = {each.flow for each in late(session, now=datetime.now(UTC))}
    assert rows["deliver-notices"].outcome == {"sent": 4}
    assert rows["sweep-deadlines"].error == "ZeroDivisionError: integer division or modulo by zero"
    assert rows["sweep-deadlines"].finished_at is None
    assert "plan-inspections" not in rows, "a dry run is no sign of life"
    assert "deliver-notices" not in silent
