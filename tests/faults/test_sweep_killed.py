"""SIGKILL in the middle: every step stays recorded exactly once, every message is sent at least once."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from domain.delivery import deliver_all
from domain.dispatches import LEASE
from domain.escalation import sweep_all
from domain.outbox import tell
from domain.records import Dispatch, History, Notice, Person
from domain.settings import Settings
from tests.mail_server import MailServer
from tests.many import many_assigned, many_people, recorded
from tests.world import World

pytestmark = pytest.mark.slow

AS_OF = datetime.fromisoformat("2026-04-17T09:00:00+08:00")
TICKETS = 150
TOLD_PER_TICKET = 4
KILLS = 6
ROOT = Path(__file__).parents[2]


def start(*arguments: str) -> subprocess.Popen[str]:
    """A worker that waits for its signal to begin."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.worker", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "ready\n"
    return worker


def go(worker: subprocess.Popen[str]) -> None:
    assert worker.stdin is not None
    worker.stdin.write("go\n")
    worker.stdin.flush()


def kill(worker: subprocess.Popen[str]) -> bool:
    """Kill it; says whether it was still at work."""
    worker.kill()
    out, _ = worker.communicate()
    return out == ""


def test_a_sweep_killed_again_and_again_records_each_step_once(world: World) -> None:
    chance = random.Random(2026)
    numbers = many_assigned(world, TICKETS)
    cut_short = 0
    for _ in range(KILLS):
        worker = start("sweep", world.database.url, AS_OF.isoformat())
        go(worker)
        time.sleep(chance.uniform(0.03, 0.25))
        cut_short += kill(worker)
    done_before = {number for number, *_ in recorded(world)}
    sweep_all(world.database, as_of=AS_OF)
    assert cut_short, "no sweep was killed at work; the test shows nothing"
    assert done_before, "every sweep was killed before its first batch; the test shows nothing"
    steps = Counter((number, step) for number, step, _ in recorded(world))
    assert steps == Counter(
        (number, step) for number in numbers for step in ("due-in-3", "due-in-1", "overdue")
    )
    with world.database.reading() as session:
        told = session.scalar(
            select(func.count()).select_from(Notice).where(Notice.kind.in_(["remind", "escalate"]))
        )
        histories = session.scalar(
            select(func.count()).select_from(History).where(History.event == "escalate")
        )
    assert told == TICKETS * TOLD_PER_TICKET
    assert histories == TICKETS


def test_sweeps_in_several_processes_of_which_one_dies_record_each_step_once(world: World) -> None:
    numbers = many_assigned(world, TICKETS)
    workers = [start("sweep", world.database.url, AS_OF.isoformat()) for _ in range(3)]
    for worker in workers:
        go(worker)
    time.sleep(0.15)
    kill(workers[0])
    for worker in workers[1:]:
        worker.communicate(timeout=60)
        assert worker.returncode == 0
    sweep_all(world.database, as_of=AS_OF)
    assert len(recorded(world)) == 3 * len(numbers)
    assert len(set(recorded(world))) == 3 * len(numbers)


def test_a_deliverer_killed_again_and_again_loses_no_message(world: World, mail: MailServer) -> None:
    chance = random.Random(2027)
    many_people(world, 120)
    with world.database.transaction() as session:
        for person in session.scalars(select(Person).where(Person.login.like("p%"))):
            for number in range(2):
                tell(session, person, key=f"{number}", kind="test", subject="通知", body="正文", now=AS_OF)
    as_of = AS_OF
    cut_short = 0
    for _ in range(KILLS):
        worker = start("deliver", world.database.url, as_of.isoformat(), mail.url)
        arrived = len(mail.messages)
        go(worker)
        # Killed a moment after some letters have gone out, somewhere between the wire and the mark.
        wanted = arrived + chance.randint(1, 12)
        deadline = time.monotonic() + 20
        while len(mail.messages) < wanted and time.monotonic() < deadline and worker.poll() is None:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.01))
        cut_short += kill(worker)
        as_of += LEASE
    assert cut_short, "no deliverer was killed at work; the test shows nothing"
    deliver_all(world.database, Settings(smtp_url=mail.url), as_of=as_of + timedelta(minutes=1))
    with world.database.reading() as session:
        messages = list(session.scalars(select(Dispatch)))
        loose = session.scalar(select(func.count()).where(Notice.dispatch_id.is_(None)))
    assert (len(messages), loose) == (120, 0), "one message for each person, whoever bundled"
    assert all(message.sent_at is not None for message in messages)
    arrived_ids = mail.ids()
    assert set(arrived_ids) == {f"<{message.id}@chuncha>" for message in messages}, (
        "every message, under its own id"
    )
    twice = sum(times - 1 for times in arrived_ids.values())
    assert twice <= cut_short, "a killed deliverer repeats at most the letter it had just handed over"
