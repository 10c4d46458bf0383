"""SIGKILL to a deliverer: every message arrives, a second copy carries the same id, and the next run sends what it held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, select

from domain.delivery import deliver_all, prepare
from domain.outbox import tell
from domain.outlets import NewOutlet, add_outlet
from domain.records import Dispatch, Notice, Person
from domain.settings import Settings
from statemachines.roles import SYSTEM
from tests.faults.conftest import Workers
from tests.http_server import HttpServer, Say
from tests.mail_server import MailServer
from tests.many import many_people
from tests.world import World

pytestmark = pytest.mark.slow

BEGUN = datetime.fromisoformat("2026-04-17T09:00:00+08:00")
EVERY = timedelta(minutes=1)
"""Between two runs of the deliverer (flows/deployments.py)."""
PEOPLE = 40


def write_to_many(world: World, *, now: datetime, times: int = 2) -> None:
    many_people(world, PEOPLE)
    with world.database.transaction() as session:
        for person in session.scalars(select(Person).where(Person.login.like("p%"))):
            for number in range(times):
                tell(session, person, key=f"{number}", kind="test", subject="通知", body="正文", now=now)


def deliver(world: World, mail: MailServer, as_of: datetime, **how: Any) -> dict[str, Any]:
    return {
        "does": "deliver",
        "database": world.database.url,
        "as_of": as_of.isoformat(),
        "limit": 6,
        "smtp_url": mail.url,
        **how,
    }


def messages(world: World) -> list[Dispatch]:
    with world.database.reading() as session:
        assert session.scalar(select(func.count()).where(Notice.dispatch_id.is_(None))) == 0
        return list(session.scalars(select(Dispatch).order_by(Dispatch.id)))


def test_killed_between_the_channels_yes_and_the_mark_each_message_arrives_under_its_one_id(
    world: World, workers: Workers, mail: MailServer, chance: Random
) -> None:
    """Ten deliverers, one a minute, die just so; four at a moment drawn by lot; the last two may live."""
    write_to_many(world, now=BEGUN)
    as_of, kills = BEGUN, 0
    for place in [*range(1, 6), *(chance.randint(1, 5) for _ in range(5))]:
        kills += workers.run(deliver(world, mail, as_of, at_mark=place)) == [None]
        as_of += EVERY
    assert kills == 10
    repeated = sum(times - 1 for times in mail.ids().values())
    assert 0 < repeated <= kills, "a killed deliverer repeats at most the letter it had just handed over"
    for _ in range(4):
        kills += workers.run(deliver(world, mail, as_of, at_statement=chance.randint(1, 40))) == [None]
        as_of += EVERY
    # What more than one deliverer died over has a pause first.
    for _ in range(2):
        assert workers.run(deliver(world, mail, as_of)) != [None]
        as_of += 10 * EVERY
    sent = messages(world)
    assert len(sent) == PEOPLE, "one message for each person, whoever bundled"
    assert all(message.sent_at and not message.gave_up_at for message in sent)
    assert set(mail.ids()) == {f"<{message.id}@chuncha>" for message in sent}
    assert sum(times - 1 for times in mail.ids().values()) <= kills


def test_what_a_killed_deliverer_held_is_sent_by_the_next_run(
    world: World, workers: Workers, mail: MailServer
) -> None:
    write_to_many(world, now=BEGUN)
    assert workers.run(deliver(world, mail, BEGUN, limit=PEOPLE, at_mark=3)) == [None]
    assert len(mail.messages) == 3
    done = deliver_all(world.database, Settings(smtp_url=mail.url), as_of=BEGUN + EVERY)
    assert done.sent == PEOPLE - 2
    assert all(message.sent_at is not None for message in messages(world))
    assert [message.attempts for message in messages(world)].count(1) == PEOPLE - 1, (
        "only the one it had in hand was tried twice"
    )


def test_a_message_every_deliverer_dies_over_keeps_no_other(
    world: World, workers: Workers, mail: MailServer
) -> None:
    write_to_many(world, now=BEGUN)
    prepare(world.database, as_of=BEGUN, public_url=Settings().public_url)
    fatal = str(messages(world)[0].id)
    assert workers.run(deliver(world, mail, BEGUN, limit=PEOPLE, over=fatal)) == [None]
    assert len(mail.ids()) == 1
    assert workers.run(deliver(world, mail, BEGUN + EVERY, limit=PEOPLE, over=fatal)) == [None]
    assert len(mail.ids()) == PEOPLE, "the next run sends the others first"
    settings = Settings(smtp_url=mail.url)
    assert deliver_all(world.database, settings, as_of=BEGUN + 2 * EVERY).sent == 0, "it has its pause"
    assert deliver_all(world.database, settings, as_of=BEGUN + 4 * EVERY).sent == 1
    assert Counter(message.attempts for message in messages(world)) == {1: PEOPLE - 1, 3: 1}


@pytest.fixture
def program() -> Iterator[HttpServer]:
    """A program that takes every event."""
    server = HttpServer(lambda got: Say(body="thanks"))
    yield server
    server.stop()


def test_a_webhook_event_sent_again_has_the_same_id(
    world: World, workers: Workers, mail: MailServer, program: HttpServer
) -> None:
    # A webhook's signature is made by the real clock.
    world.now = datetime.now(UTC)
    new = {"kind": "webhook", "name": "ERP", "unit": "XB", "url": program.url, "private_allowed": True}
    with world.database.transaction() as session:
        add_outlet(session, NewOutlet.model_validate({**new, "owner": "guanli"}), actor=SYSTEM, now=world.now)
    world.find()
    as_of = world.now
    for fate in ({"at_mark": 1}, {"at_mark": 1}, {}, {}):
        workers.run(deliver(world, mail, as_of, **fate))
        as_of += EVERY
    (message,) = messages(world)
    assert message.sent_at is not None
    assert [got.headers["webhook-id"] for got in program.got] == [str(message.id)] * 3
