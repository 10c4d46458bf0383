"""Runs people ask for: kept whatever is down, given to the scheduler until they end, never twice by a double click."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from domain.errors import BadInput, NotFound
from domain.flow_requests import (
    PATIENCE,
    TRIES,
    NewRun,
    ask,
    ask_again,
    not_taken,
    open_requests,
    take,
)
from domain.flow_runs import beat, runs
from domain.heartbeats import heartbeats
from domain.history import history_of
from domain.records import FlowRequest
from statemachines.refusals import RoleMissing
from tests.waiting import until
from tests.world import World

HOUSE = Path(__file__).parents[2]
SWEEP = NewRun(flow="sweep-deadlines")


def asked(world: World, new: NewRun = SWEEP, *, by: str = "zhaozhuren") -> UUID:
    with world.database.transaction() as session:
        return ask(session, new, actor=world.actor(by), now=world.now).id


def taken(world: World) -> UUID | None:
    with world.database.transaction() as session:
        request = take(session, now=world.now)
        return request.id if request else None


def the_request(world: World) -> FlowRequest:
    with world.database.reading() as session:
        return session.scalars(select(FlowRequest)).one()


def test_a_supervisor_asks_and_the_run_says_who_asked(world: World) -> None:
    request = asked(world)
    assert taken(world) == request
    assert taken(world) is None, "what the scheduler has taken is not given to it again"
    with beat(world.database, "sweep-deadlines", request=request) as outcome:
        outcome["told"] = 3
    with world.database.reading() as session:
        (run,) = runs(session)
        assert run.requested_by is not None
        assert (run.requested_by.login, run.outcome, run.error) == ("zhaozhuren", {"told": 3}, None)
        assert open_requests(session) == []
        story = history_of(session, the_request(world))
        assert [(each.event, each.actor_name) for each in story] == [
            ("requested", "赵主任"),
            ("ran", "系统时钟"),
        ]


def test_pressed_twice_is_asked_once_and_may_be_asked_anew_afterwards(world: World) -> None:
    first = asked(world)
    assert asked(world, by="guanli") == first
    assert asked(world, NewRun(flow="sweep-deadlines", dry_run=True)) != first
    taken(world)
    with beat(world.database, "sweep-deadlines", request=first):
        pass
    assert asked(world) != first


@pytest.mark.parametrize("login", ["zhengju", "limin", "wangjianguo", "robot"])
def test_who_only_watches_or_works_cannot_ask(world: World, login: str) -> None:
    with pytest.raises(RoleMissing):
        asked(world, by=login)


def test_only_a_dry_run_may_be_of_another_moment(world: World) -> None:
    tomorrow = world.now + timedelta(days=1)
    with pytest.raises(ValidationError, match="dry run"):
        NewRun(flow="sweep-deadlines", as_of=tomorrow)
    asked(world, NewRun(flow="sweep-deadlines", as_of=tomorrow, dry_run=True))
    with pytest.raises(BadInput) as wrong:
        asked(world, NewRun(flow="make-coffee"))
    assert wrong.value.pointer == "/flow"


def test_a_dry_run_is_kept_for_whoever_asked_but_proves_no_life(world: World) -> None:
    request = asked(world, NewRun(flow="sweep-deadlines", as_of=world.now, dry_run=True))
    with beat(world.database, "sweep-deadlines", dry_run=True, request=request) as outcome:
        outcome.update({"told": 1, "lines": [{"name": "王建国"}]})
    with world.database.reading() as session:
        (run,) = runs(session)
        assert (run.dry_run, run.as_of, run.outcome["lines"]) == (True, world.now, [{"name": "王建国"}])
        assert heartbeats(session) == []
        assert "lines" not in history_of(session, the_request(world))[-1].facts["outcome"]
    with world.database.transaction() as session:
        again = ask_again(session, run.id, actor=world.actor("zhaozhuren"), now=world.now)
        assert (again.dry_run, again.as_of) == (True, world.now)
        with pytest.raises(NotFound):
            ask_again(session, request, actor=world.actor("zhaozhuren"), now=world.now)


def test_a_scheduler_that_is_down_costs_no_try(world: World) -> None:
    request = asked(world)
    for _ in range(TRIES + 1):
        assert taken(world) == request
        with world.database.transaction() as session:
            not_taken(session, request, "ConnectError: nobody listens")
    waiting = the_request(world)
    assert (waiting.tries, waiting.handed_at, waiting.error) == (0, None, "ConnectError: nobody listens")


def test_a_run_that_never_began_is_given_to_the_scheduler_again_a_few_times(world: World) -> None:
    world.now = datetime.now(UTC)
    request = asked(world)
    for _ in range(TRIES):
        assert taken(world) == request
        world.later(minutes=1)
        assert taken(world) is None, "it may still begin"
        world.now += PATIENCE
    assert taken(world) is None
    assert "never ended" in str(the_request(world).error)


def test_a_run_at_work_is_left_alone_and_one_that_was_killed_is_given_again_at_once(world: World) -> None:
    world.now = datetime.now(UTC)
    request = asked(world)
    taken(world)
    killed = subprocess.Popen(
        [sys.executable, "-c", HANGS, world.database.url, str(request)], cwd=HOUSE, stdout=subprocess.PIPE
    )
    assert killed.stdout is not None
    assert killed.stdout.readline() == b"at work\n"
    world.now += PATIENCE + timedelta(minutes=1)
    assert taken(world) is None, "it takes long, but it is at work"
    killed.kill()
    killed.wait()
    given: list[UUID | None] = []

    def given_again() -> bool:
        given.append(taken(world))
        return given[-1] is not None

    # The database notices a moment later that nobody holds the run any more.
    until(given_again, "it is given again")
    assert given[-1] == request
    assert taken(world) is None


HANGS = """
import sys, time
from uuid import UUID
from domain.database import Database
from domain.flow_runs import beat
with beat(Database(sys.argv[1], pool_size=2), "sweep-deadlines", request=UUID(sys.argv[2])):
    print("at work", flush=True)
    time.sleep(600)
"""


def test_a_run_that_breaks_off_ends_its_request_with_the_error(world: World) -> None:
    request = asked(world)
    with pytest.raises(ZeroDivisionError), beat(world.database, "sweep-deadlines", request=request):
        _ = 1 // 0
    ended = the_request(world)
    assert ended.ended_at is not None
    assert "ZeroDivisionError" in str(ended.error)
