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


def test_a_scheduler_that_was_off_gets_time_and_the_last_end_stays(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        expect(session, now=now)
        for flow in LONGEST_SILENCE:
            begin(session, flow, now=now + timedelta(minutes=1))
            finish(session, flow, {}, now=now + timedelta(minutes=1))
        back = now + timedelta(days=3)
        assert len(late(session, now=back)) == len(LONGEST_SILENCE)
        expect(session, now=back)
        assert late(session, now=back + timedelta(minutes=9)) == []
        assert {row.finished_at for row in heartbeats(session)} == {now + timedelta(minutes=1)}
        assert "sweep-deadlines" in {each.flow for each in late(session, now=back + timedelta(minutes=21))}


def test_a_scheduler_that_is_started_again_and_again_and_runs_nothing_is_late(
    database: Database, now: datetime
) -> None:
    with database.transaction() as session:
        for minutes in range(0, 30, 5):
            expect(session, now=now + timedelta(minutes=minutes))
            session.flush()
        silent = {each.flow for each in late(session, now=now + timedelta(minutes=30))}
        assert {"sweep-deadlines", "deliver-notices"} <= silent


def test_a_daily_flow_that_breaks_off_is_late_although_the_machine_is_restarted_every_day(
    database: Database, now: datetime
) -> None:
    with database.transaction() as session:
        expect(session, now=now)
        finish(session, "plan-inspections", {}, now=now + timedelta(minutes=1))
        for hours in range(1, 30):
            at = now + timedelta(hours=hours)
            begin(session, "deliver-notices", now=at)
            finish(session, "deliver-notices", {}, now=at)
            if hours == 20:
                expect(session, now=at + timedelta(minutes=10))
            session.flush()
            session.expire_all()
        silent = {each.flow for each in late(session, now=at)}
    assert "plan-inspections" in silent
    assert "deliver-notices" not in silent


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
