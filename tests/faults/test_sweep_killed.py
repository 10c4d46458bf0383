"""SIGKILL to a sweep, at any point and again and again: every step is climbed once, recorded whole, and in time."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from domain.escalation import sweep_all
from domain.flow_runs import runs
from domain.heartbeats import LONGEST_SILENCE, late
from domain.records import Heartbeat, Notice, Person
from tests.faults.conftest import Workers
from tests.faults.ledger import EVERY, due, each_once, falling_due, late_by, nothing_is_half_written
from tests.many import many_assigned
from tests.world import World

pytestmark = pytest.mark.slow

MORNING = datetime.fromisoformat("2026-04-17T08:00:00+08:00")
KILLS = 50
URGED = ("qiansuozhang", "zhaozhuren", "limin")
"""Who is told that a deadline has passed."""
STEPS = ("due-in-3", "due-in-1", "overdue")


def sweep(world: World, as_of: datetime, **how: Any) -> dict[str, Any]:
    """A sweep in small batches, so that there are many points to be killed at."""
    return {"does": "sweep", "database": world.database.url, "as_of": as_of.isoformat(), "limit": 3, **how}


def test_a_sweep_killed_fifty_times_climbs_each_step_once_and_none_late(
    world: World, workers: Workers, chance: Random
) -> None:
    """Every other run is killed: before a statement or commit drawn by lot, each fifth at a moment drawn by lot."""
    numbers = falling_due(world, 200, first=MORNING, last=MORNING + 2 * KILLS * EVERY, chance=chance)
    as_of, killed = MORNING, 0
    for run in count(1):
        as_of += EVERY
        fate = {"at_statement": chance.randint(1, 30)} if run % 5 else {"after": chance.uniform(0, 0.04)}
        killed += workers.run(sweep(world, as_of, **fate)) == [None]
        as_of += EVERY
        sweep_all(world.database, as_of=as_of, limit=3)
        if killed >= KILLS and run >= KILLS:
            break
    nothing_is_half_written(world, now=as_of)
    each_once(world, numbers, STEPS)
    assert max(late_by(world, "overdue").values()) <= 2 * EVERY, (
        "one run was killed, the next must have done it"
    )
    with world.database.reading() as session:
        chased = select(Notice.kind, Person.login).join(Person, Person.id == Notice.person_id)
        told = Counter(session.execute(chased).tuples().all())
    assert {told["escalate", login] for login in URGED} == {len(numbers)}
    # A reminder that waited for the first sweep comes before the deadline has passed, or with what is told then.
    assert told["remind", "wangjianguo"] + told["escalate", "wangjianguo"] == len(numbers)


@pytest.mark.parametrize("sweepers", [2, 4])
def test_of_sweepers_at_once_all_but_one_may_die(
    world: World, workers: Workers, chance: Random, sweepers: int
) -> None:
    numbers = many_assigned(world, 90)
    fates: list[dict[str, Any]] = [{"at_statement": chance.randint(1, 40)} for _ in range(sweepers - 1)]
    *killed, last = workers.run(*(sweep(world, MORNING, **fate) for fate in [*fates, {}]))
    assert None in killed
    # What the dead held at their end is taken up by the next run, the rest was done by whoever lived.
    assert last is not None and last["matters"] > 0
    assert due(world, now=MORNING) <= 3 * len(killed)
    assert workers.run(sweep(world, MORNING + EVERY)) != [None]
    nothing_is_half_written(world, now=MORNING + EVERY)
    each_once(world, numbers, STEPS)


def test_a_killed_run_shows_as_never_finished_and_turns_the_flow_late(world: World, workers: Workers) -> None:
    many_assigned(world, 8)
    assert workers.run(sweep(world, MORNING, limit=2, at_statement=30)) == [None]
    with world.database.reading() as session:
        (run,) = runs(session)
        heartbeat = session.scalars(select(Heartbeat)).one()
        now = datetime.now(UTC)
        assert (run.finished_at, run.error, heartbeat.finished_at) == (None, None, None)
        assert "sweep-deadlines" not in {each.flow for each in late(session, now=now)}
        silence = LONGEST_SILENCE["sweep-deadlines"] + timedelta(seconds=1)
        assert "sweep-deadlines" in {each.flow for each in late(session, now=now + silence)}
    (said,) = workers.run(sweep(world, MORNING))
    assert said is not None
    with world.database.reading() as session:
        latest, _ = runs(session)
        heartbeat = session.scalars(select(Heartbeat)).one()
    assert latest.outcome == heartbeat.outcome == said, "it says what was done, not what had been begun"
    assert heartbeat.finished_at is not None
    assert sweep_all(world.database, as_of=MORNING).matters == 0
