"""The database holds the law too: what a command refuses, no statement writes, and a race has one winner."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, InternalError

from domain.errors import Stale
from domain.records.base import Instant
from domain.supervisions import Supervision, supervise
from domain.tickets import ticket_by_number
from statemachines.refusals import Refusal
from statemachines.roles import SYSTEM
from tests.refused import refused
from tests.waiting import PATIENCE

MAJOR = {"level": "major", "budget": 0, "emergency_plan": "停电转移负荷"}
PERSON = "(SELECT id FROM people WHERE login = '{}')"


def attempt(world, number, assignments):
    """Write straight into the ticket's row, past every command."""
    with world.database.engine.begin() as connection:
        connection.execute(
            text(f"UPDATE tickets SET {assignments} WHERE number = :number"), {"number": number}
        )


@pytest.mark.parametrize(
    ("begun", "assignments", "law"),
    [
        ("find", "state = 'assigned'", "three_fixed"),
        ("assigned", "due_at = NULL", "three_fixed"),
        ("assigned", "first_due_at = NULL", "three_fixed"),
        ("assigned", "assignee_id = NULL", "three_fixed"),
        ("assigned", "duty = ''", "three_fixed"),
        ("assigned", "duty = NULL", "three_fixed"),
        ("assigned", "measure = ''", "three_fixed"),
        ("assigned", "measure = NULL", "three_fixed"),
        ("assigned", "level = 'major'", "five_assurances"),
        ("assigned", "level = 'major', budget = 0", "five_assurances"),
        ("assigned", "level = 'major', emergency_plan = '停电'", "five_assurances"),
        ("assigned", "state = 'fixed'", "fixed_by_somebody"),
        ("fixed", "fix_note = ''", "fixed_by_somebody"),
        ("fixed", "fix_note = NULL", "fixed_by_somebody"),
        ("fixed", "state = 'verified'", "verified_by_somebody"),
        (
            "fixed",
            "state = 'verified', verified_at = now(), verifier_id = fixer_id",
            "verifier_not_fixer",
        ),
        ("fixed", "first_verifier_id = fixer_id", "verifier_not_fixer"),
        (
            "fixed",
            f"first_verifier_id = {PERSON.format('limin')}, verifier_id = {PERSON.format('limin')}",
            "two_verifiers",
        ),
        ("assigned", "state = 'cancelled'", "cancelled_with_reason"),
        ("assigned", "state = 'cancelled', cancelled_at = now()", "cancelled_with_reason"),
        ("assigned", "due_at = found_at - interval '1 second'", "due_after_found"),
        ("find", "on_the_spot = true, level = 'serious'", "on_the_spot_general"),
        ("find", "state = 'overdue'", "known_ticketstate"),
        ("find", "level = 'deadly'", "known_level"),
        ("find", "quantity = 3", "quantity_has_unit"),
        ("find", "quantity = 0, measure_unit = '处'", "quantity_positive"),
        ("find", "files_arrived = 1", "files_counted"),
        ("find", "lat = 91, lon = 0", "position_on_earth"),
        ("find", "description = ''", "description_length"),
    ],
)
def test_no_statement_writes_what_a_command_refuses(bureau, begun, assignments, law):
    number = getattr(bureau, begun)().number
    with pytest.raises(IntegrityError) as broken:
        attempt(bureau, number, assignments)
    assert broken.value.orig.diag.constraint_name == f"ck_tickets_{law}"


def test_a_major_hazard_is_not_closed_by_one_person_alone(bureau):
    number = bureau.fixed(**MAJOR).number
    with pytest.raises(IntegrityError, match="verified_by_somebody"):
        attempt(
            bureau, number, f"state = 'verified', verified_at = now(), verifier_id = {PERSON.format('limin')}"
        )


@pytest.mark.parametrize(
    ("assignments", "law"),
    [
        ("interim_measures = ''", "interim_measures"),
        ("reason = ''", "interim_measures"),
        ("proposed_due_at = previous_due_at", "later_than_before"),
        ("requested_at = previous_due_at + interval '1 second'", "asked_before_due"),
        ("decided_by_id = requested_by_id", "not_own_request"),
        ("state = 'approved'", "decided"),
    ],
)
def test_extensions_have_their_laws_too(bureau, assignments, law):
    key = bureau.ask_extension(
        bureau.assigned().number, reason="等待停电计划", interim_measures="增设围栏", due="2026-04-20"
    )
    with pytest.raises(IntegrityError, match=law), bureau.database.engine.begin() as connection:
        connection.execute(text(f"UPDATE extensions SET {assignments} WHERE id = :key"), {"key": key})


def test_what_the_database_refuses_is_said_in_words(bureau):
    number = bureau.fixed().number
    rule = "ck_tickets_quantity_has_unit"
    with refused("self-verification", zh="须由他人复查"), bureau.database.transaction() as session:
        ticket = ticket_by_number(session, number, actor=SYSTEM)
        ticket.first_verifier_id = ticket.fixer_id
    with refused("law-of-the-records", zh=rule, en=rule), bureau.database.transaction() as session:
        ticket_by_number(session, number, actor=SYSTEM).quantity = 3


def test_of_two_writers_with_the_same_version_one_succeeds_and_one_is_refused(world):
    """Neither takes the lock, both have read before either writes: only `version` stands between them."""
    number = world.assigned().number
    both_have_read = Barrier(2)

    def write(place):
        leader = world.actor("zhengju")
        try:
            with world.database.transaction() as session:
                ticket = ticket_by_number(session, number, actor=leader)
                both_have_read.wait(PATIENCE)
                supervise(session, ticket, Supervision(reason=f"理由{place}"), actor=leader, now=world.now)
        except Refusal as refusal:
            return refusal.code
        return "done"

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(write, range(2)))
    assert sorted(outcomes) == ["done", "stale"]
    assert world.ticket(number).supervision_reason == f"理由{outcomes.index('done')}"


def test_a_writer_who_waits_for_the_lock_meets_the_new_state(world):
    """Two people press “fix” at the same moment: the second is told where the ticket stands now."""
    number = world.assigned().number

    def press(_):
        try:
            return world.do(number, "fix", by="wangjianguo", note="已换").state
        except Refusal as refusal:
            return refusal.code

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(press, range(4)))
    assert sorted(outcomes) == ["fixed", *["wrong-state"] * 3]


def test_nothing_of_a_failed_transaction_is_kept(bureau):
    number = bureau.find().number
    with refused("not-found"), bureau.database.transaction() as session:
        ticket_by_number(session, number, actor=SYSTEM).description = "别的"
        session.flush()
        ticket_by_number(session, "CC2026-LL01-9999", actor=SYSTEM)
    assert bureau.ticket(number).description == "27# 变台变压器渗漏油"


def test_who_reads_cannot_write(bureau):
    with bureau.database.reading() as session, pytest.raises(InternalError, match="read-only"):
        session.execute(text("DELETE FROM notices"))


def test_a_snapshot_sees_one_moment(bureau):
    with bureau.database.reading(snapshot=True) as session:
        before = session.scalar(text("SELECT count(*) FROM tickets"))
        bureau.find()
        assert session.scalar(text("SELECT count(*) FROM tickets")) == before


def test_a_connection_that_only_read_can_write_again(bureau):
    for _ in range(20):
        with bureau.database.reading():
            pass
    assert bureau.find().number


def test_moments_are_stored_in_utc_and_never_without_a_time_zone(bureau):
    ticket = bureau.ticket(bureau.find().number)
    assert ticket.found_at.isoformat() == "2026-04-01T02:00:00+00:00"
    with pytest.raises(ValueError, match="time zone"):
        Instant().process_bind_param(datetime(2026, 4, 1), None)


def test_a_stale_write_is_told_in_both_languages():
    with refused("stale", zh="刚被他人更新", en="has just changed"):
        raise Stale
