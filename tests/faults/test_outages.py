"""PostgreSQL restarted under a sweep, a mail server away for an hour, clocks that jump: nothing is lost, doubled or late."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, select, text
from sqlalchemy.exc import OperationalError

from chuncha.postgres import start_postgres
from domain.delivery import deliver_all
from domain.escalation import sweep_all
from domain.flow_runs import beat
from domain.heartbeats import late
from domain.outbox import tell
from domain.people import person_by_login
from domain.records import DeliveryAttempt, Dispatch, Heartbeat, Notice
from domain.settings import Settings
from tests.faults.ledger import EVERY, due, each_once, late_by, nothing_is_half_written
from tests.faults.test_sweep_killed import MORNING, STEPS
from tests.mail_server import MailServer
from tests.many import many_assigned
from tests.world import World

pytestmark = pytest.mark.slow

MINUTE = timedelta(minutes=1)


# PostgreSQL restarted.


class Server:
    """The PostgreSQL under a world."""

    def __init__(self, world: World) -> None:
        with world.database.reading() as session:
            self.folder = Path(str(session.scalar(text("SHOW data_directory"))))

    def restart(self) -> None:
        """End it without waiting for anybody, and start it again."""
        pid = int((self.folder / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGINT)
        # pg_ctl waits for the note of the process to go.
        while (self.folder / "postmaster.pid").exists():
            time.sleep(0.005)
        start_postgres(self.folder)


@pytest.fixture
def server(world: World) -> Server:
    return Server(world)


@contextmanager
def restarted_before(world: World, server: Server, what: str, *, nth: int) -> Iterator[None]:
    """The server is restarted before a statement with this in it, or a COMMIT, comes for the n-th time."""
    engine: Engine = world.database.engine
    seen = 0

    def count(statement: str) -> None:
        nonlocal seen
        seen += what in statement
        if what in statement and seen == nth:
            server.restart()

    def before_statement(_: object, __: object, statement: str, *___: object) -> None:
        count(statement)

    def before_commit(_: object) -> None:
        count("COMMIT")

    event.listen(engine, "before_cursor_execute", before_statement)
    event.listen(engine, "commit", before_commit)
    yield
    event.remove(engine, "before_cursor_execute", before_statement)
    event.remove(engine, "commit", before_commit)
    assert seen >= nth, "the server was never restarted; the test shows nothing"


def test_postgresql_restarted_under_a_sweep_costs_one_run_and_no_step(world: World, server: Server) -> None:
    numbers = many_assigned(world, 30)
    as_of = MORNING
    # Where it reads, writes, and commits its second batch (the first commit is the heartbeat's).
    for what, nth in (("FROM tickets", 1), ("INTO history", 1), ("INTO notices", 2), ("COMMIT", 3)):
        with (
            restarted_before(world, server, what, nth=nth),
            pytest.raises(OperationalError),
            beat(world.database, "sweep-deadlines"),
        ):
            sweep_all(world.database, as_of=as_of, limit=4)
        with world.database.reading() as session:
            said = session.scalars(select(Heartbeat)).one()
        assert said.finished_at is None
        assert said.error is not None and "OperationalError" in said.error
        as_of += EVERY
    with beat(world.database, "sweep-deadlines") as outcome:
        outcome.update(sweep_all(world.database, as_of=as_of).said())
    nothing_is_half_written(world, now=as_of)
    each_once(world, numbers, STEPS)
    assert due(world, now=as_of) == 0
    with world.database.reading() as session:
        said = session.scalars(select(Heartbeat)).one()
    assert said.finished_at is not None and said.error is None


def test_postgresql_restarted_between_the_mail_and_its_mark_repeats_it_under_its_id(
    world: World, server: Server, mail: MailServer
) -> None:
    write(world, "limin", "zhangqiang", "sunhua")
    struck = False

    def strike(_: object) -> None:
        nonlocal struck
        if not struck and len(mail.messages) == 1:
            struck = True
            server.restart()

    mail.on_message = strike
    settings = Settings(smtp_url=mail.url)
    with pytest.raises(OperationalError):
        deliver_all(world.database, settings, as_of=world.now)
    mail.on_message = lambda message: None
    assert deliver_all(world.database, settings, as_of=world.now + MINUTE).sent == 2
    assert sorted(mail.ids().values()) == [1, 1, 2]


# A mail server that is away.


def write(world: World, *logins: str, first: int = 0) -> None:
    with world.database.transaction() as session:
        for login in logins:
            person = person_by_login(session, login, pointer="/login")
            tell(session, person, key=f"t{first}", kind="test", subject="通知", body="正文", now=world.now)


def test_a_mail_server_away_for_an_hour_delays_nothing_by_more_than_a_run_after_it_is_back(
    world: World, mail: MailServer
) -> None:
    settings = Settings(smtp_url=mail.url)
    write(world, "limin")
    assert deliver_all(world.database, settings, as_of=world.now).sent == 1
    mail.stop()
    for minute in range(60):
        if minute % 15 == 0:
            write(world, "limin", "zhangqiang", "sunhua", first=minute + 1)
        assert deliver_all(world.database, settings, as_of=world.now).down
        world.later(minutes=1)
    mail.start()
    done = deliver_all(world.database, settings, as_of=world.now)
    assert done.sent == 12, "the first run after it is back sends everything"
    with world.database.reading() as session:
        sent = session.scalars(select(Dispatch)).all()
        tries = session.scalars(select(DeliveryAttempt).where(DeliveryAttempt.outcome == "down")).all()
    assert {message.attempts for message in sent} == {1}, "an outage uses up no attempt"
    assert len(tries) == 60, "each run asked once, not for each message"
    assert set(mail.ids()) == {f"<{message.id}@chuncha>" for message in sent}
    assert set(mail.ids().values()) == {1}


# Clocks that jump.


def test_a_clock_that_ran_a_month_ahead_and_was_put_back_repeats_and_loses_nothing(
    world: World, mail: MailServer
) -> None:
    """One sweep and one delivery by the wrong clock: the steps are told too early, but once, and no message is stuck."""
    settings = Settings(smtp_url=mail.url)
    numbers = many_assigned(world, 5)
    wrong = MORNING + timedelta(days=30, hours=15)
    write(world, "limin")
    mail.refuse["limin@example.org"] = "451 busy"
    assert sweep_all(world.database, as_of=wrong).matters == 5
    assert deliver_all(world.database, settings, as_of=wrong).put_off == 1
    mail.refuse.clear()
    with world.database.reading() as session:
        held = session.scalars(select(Notice).where(Notice.dispatch_id.is_(None))).all()
    assert held, "at night people are told in the morning: of that wrong day"
    for run in range(2):
        assert sweep_all(world.database, as_of=MORNING + run * EVERY).matters == 0
        deliver_all(world.database, settings, as_of=MORNING + run * EVERY)
    nothing_is_half_written(world, now=MORNING)
    each_once(world, numbers, (*STEPS, "overdue-3", "overdue-7"))
    with world.database.reading() as session:
        sent = session.scalars(select(Dispatch)).all()
        assert session.scalars(select(Notice).where(Notice.dispatch_id.is_(None))).all() == []
    assert None not in {message.sent_at for message in sent}
    assert set(mail.ids().values()) == {1}


def test_a_clock_put_back_an_hour_repeats_nothing_and_goes_on_when_it_gets_there(world: World) -> None:
    numbers = many_assigned(world, 3)
    as_of = datetime.fromisoformat("2026-04-15T08:32:00+08:00")
    assert sweep_all(world.database, as_of=as_of).matters == 3
    for _ in range(30):
        assert sweep_all(world.database, as_of=as_of - timedelta(hours=1)).matters == 0
        as_of += EVERY
    as_of = datetime.fromisoformat("2026-04-16T23:57:00+08:00")
    while as_of < datetime.fromisoformat("2026-04-17T00:10:00+08:00"):
        sweep_all(world.database, as_of=as_of)
        as_of += EVERY
    nothing_is_half_written(world, now=as_of)
    each_once(world, numbers, STEPS)
    assert max(late_by(world, "overdue").values()) < EVERY


def test_an_end_noted_by_a_clock_ahead_does_not_prove_that_a_flow_runs(world: World) -> None:
    with beat(world.database, "sweep-deadlines"):
        pass
    now = datetime.now(UTC)
    with world.database.reading() as session:
        assert "sweep-deadlines" not in {each.flow for each in late(session, now=now)}
        # As the flow's clock would have it, had it run two hours ahead.
        assert "sweep-deadlines" in {each.flow for each in late(session, now=now - timedelta(hours=2))}
