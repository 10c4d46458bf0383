"""Messages: one digest for each person and run, held by a lease, tried again at growing intervals, never in the way."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from sqlalchemy import select, update

from domain import delivery
from domain.bundling import bundle
from domain.database import Database
from domain.delivery import Delivery, deliver_all, prepare
from domain.dispatches import (
    ATTEMPTS,
    JITTER,
    LEASE,
    ChannelDown,
    Letter,
    NotDelivered,
    claim,
    what_waits,
)
from domain.holding import holder
from domain.outbox import tell
from domain.people import person_by_login
from domain.records import DeliveryAttempt, Dispatch, Notice
from domain.settings import Settings
from tests.many import many_people
from tests.world import World

PUBLIC = "https://chuncha.example.org"


def deliver(
    database: Database,
    sender: delivery.Sender,
    *,
    as_of: datetime,
    clock: Callable[[], float] = time.monotonic,
) -> Delivery:
    prepare(database, as_of=as_of, public_url=PUBLIC)
    with holder(database) as me:
        return delivery.deliver(database, sender, holder=me, as_of=as_of, clock=clock)


class Sent:
    """A channel that keeps letters, and refuses those a test names."""

    def __init__(self, refuse: dict[str, Exception] | None = None) -> None:
        self.letters: list[Letter] = []
        self.refuse = refuse or {}

    def send(self, letter: Letter, *, now: object) -> str:
        if error := self.refuse.get(letter.address):
            raise error
        self.letters.append(letter)
        return "250 OK"


def write(world: World, *logins: str, first: int = 0, times: int = 1) -> None:
    with world.database.transaction() as session:
        for login in logins:
            person = person_by_login(session, login, pointer="/login")
            for number in range(first, first + times):
                tell(
                    session,
                    person,
                    key=f"test:{number}",
                    kind="test",
                    subject=f"通知 {number}",
                    body="正文",
                    now=world.now,
                )


def messages(world: World) -> list[Dispatch]:
    with world.database.reading() as session:
        return list(session.scalars(select(Dispatch).order_by(Dispatch.id)))


def tries(world: World) -> list[tuple[str, str]]:
    with world.database.reading() as session:
        rows = session.scalars(select(DeliveryAttempt).order_by(DeliveryAttempt.at, DeliveryAttempt.id))
        return [(row.outcome, row.answer) for row in rows]


def test_a_person_gets_one_message_for_a_run(world: World) -> None:
    write(world, "limin", "zhangqiang", times=3)
    sender = Sent()
    assert deliver(world.database, sender, as_of=world.now).sent == 2
    assert [[item.subject for item in letter.items] for letter in sender.letters] == [
        ["通知 0", "通知 1", "通知 2"]
    ] * 2


def test_what_a_message_carries_never_changes(world: World) -> None:
    write(world, "limin")
    busy = Sent({"limin@example.org": NotDelivered("451 busy", permanent=False)})
    assert deliver(world.database, busy, as_of=world.now).put_off == 1
    write(world, "limin", first=1)
    sender = Sent()
    later = world.now + timedelta(minutes=10)
    assert deliver(world.database, sender, as_of=later).sent == 2
    assert [[item.subject for item in letter.items] for letter in sender.letters] == [["通知 0"], ["通知 1"]]


def test_what_is_held_back_waits_for_its_time(world: World) -> None:
    with world.database.transaction() as session:
        person = person_by_login(session, "limin", pointer="/login")
        later = world.now + timedelta(hours=3)
        tell(session, person, key="k", kind="test", subject="s", body="b", now=world.now, not_before=later)
    assert deliver(world.database, Sent(), as_of=world.now).sent == 0
    assert deliver(world.database, Sent(), as_of=world.now + timedelta(hours=3)).sent == 1


def test_what_was_taken_is_marked_with_the_answer(world: World) -> None:
    write(world, "limin", "zhangqiang")
    sender = Sent()
    assert deliver(world.database, sender, as_of=world.now).sent == 2
    assert [letter.address for letter in sender.letters] == ["limin@example.org", "zhangqiang@example.org"]
    assert all(message.sent_at and message.answer == "250 OK" for message in messages(world))
    assert tries(world) == [("sent", "250 OK")] * 2
    assert deliver(world.database, sender, as_of=world.now + timedelta(days=1)).sent == 0


def test_a_claimed_letter_is_held_until_the_lease_ends(world: World) -> None:
    write(world, "limin")
    with world.database.transaction() as session:
        bundle(session, as_of=world.now, public_url=PUBLIC)
        (letter,) = claim(session, holder=1, as_of=world.now)
    # Its deliverer died here.
    with world.database.transaction() as session:
        assert claim(session, holder=1, as_of=world.now + LEASE - timedelta(seconds=1)) == []
    with world.database.transaction() as session:
        (again,) = claim(session, holder=1, as_of=world.now + LEASE)
    assert again.dispatch_id == letter.dispatch_id


def test_deliverers_at_once_never_hold_the_same_letter(world: World) -> None:
    many_people(world, 120)
    write(world, *(f"p{number}" for number in range(120)), times=2)
    senders = [Sent() for _ in range(3)]

    def work(sender: Sent) -> None:
        prepare(world.database, as_of=world.now, public_url=PUBLIC)
        done = Delivery(more=True)
        with holder(world.database) as me:
            while done.more:
                delivery.deliver(world.database, sender, holder=me, as_of=world.now, limit=7, done=done)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, senders))
    work(senders[0])
    sent = [letter for sender in senders for letter in sender.letters]
    assert len({letter.dispatch_id for letter in sent}) == len(sent) == 120
    assert {len(letter.items) for letter in sent} == {2}


def test_who_bundles_does_so_alone(world: World) -> None:
    write(world, "limin")
    with world.database.transaction() as first, world.database.transaction() as second:
        assert bundle(first, as_of=world.now, public_url=PUBLIC) == 1
        assert bundle(second, as_of=world.now, public_url=PUBLIC) == 0
    assert len(messages(world)) == 1


def test_a_passing_error_is_tried_again_twice_as_late_each_time(world: World) -> None:
    write(world, "limin")
    busy = Sent({"limin@example.org": NotDelivered("451 busy", permanent=False)})
    as_of, pauses = world.now, []
    for _ in range(ATTEMPTS - 1):
        assert deliver(world.database, busy, as_of=as_of).put_off == 1
        (message,) = messages(world)
        pauses.append((message.not_before - as_of).total_seconds() / 60)
        as_of = message.not_before
    for pause, minutes in zip(pauses, [1, 2, 4, 8, 16, 32, 64], strict=True):
        assert minutes <= pause <= minutes * (1 + JITTER) + 0.1
    assert deliver(world.database, busy, as_of=as_of).gave_up == 1
    (message,) = messages(world)
    assert (message.attempts, message.last_error) == (ATTEMPTS, "451 busy")
    assert message.gave_up_at is not None
    assert tries(world) == [("put_off", "451 busy")] * ATTEMPTS
    assert deliver(world.database, busy, as_of=as_of + timedelta(days=1)).said() == {}


def test_a_channel_that_names_a_pause_gets_it(world: World) -> None:
    write(world, "limin")
    error = NotDelivered("slow down", permanent=False, retry_after=timedelta(minutes=10))
    deliver(world.database, Sent({"limin@example.org": error}), as_of=world.now)
    assert messages(world)[0].not_before >= world.now + timedelta(minutes=10)


def test_a_lasting_error_is_given_up_at_once_and_blocks_nobody(world: World) -> None:
    write(world, "limin", "zhangqiang", "sunhua")
    sender = Sent({"limin@example.org": NotDelivered("550 unknown", permanent=True)})
    done = deliver(world.database, sender, as_of=world.now)
    assert (done.sent, done.gave_up) == (2, 1)
    given_up = messages(world)[0]
    assert given_up.gave_up_at is not None
    assert given_up.last_error == "550 unknown"
    assert ("refused", "550 unknown") in tries(world)


def test_a_letter_over_which_the_channel_stumbles_is_put_off_like_any_other(world: World) -> None:
    write(world, "limin", "zhangqiang")
    stumbles = Sent({"limin@example.org": IndexError("deep inside")})
    done = deliver(world.database, stumbles, as_of=world.now)
    assert (done.sent, done.put_off) == (1, 1)
    assert messages(world)[0].last_error == "IndexError('deep inside')"


def test_an_outage_uses_up_no_attempt(world: World) -> None:
    write(world, "limin", "zhangqiang")
    error = ChannelDown("no route")
    down = Sent({"limin@example.org": error, "zhangqiang@example.org": error})
    as_of = world.now
    for _ in range(ATTEMPTS * 3):
        assert deliver(world.database, down, as_of=as_of).said() == {"down": "no route"}
        as_of += timedelta(minutes=2)
    assert {(message.attempts, message.last_error) for message in messages(world)} == {(0, "no route")}
    assert tries(world) == [("down", "no route")] * ATTEMPTS * 3, "one try a run"
    assert deliver(world.database, Sent(), as_of=as_of).sent == 2


def test_a_letter_that_kills_its_deliverer_each_time_is_given_up(world: World) -> None:
    write(world, "limin", "zhangqiang")
    with world.database.transaction() as session:
        bundle(session, as_of=world.now, public_url=PUBLIC)
        fatal = Dispatch.address == "limin@example.org"
        session.execute(update(Dispatch).where(fatal).values(attempts=ATTEMPTS))
    assert deliver(world.database, Sent(), as_of=world.now).sent == 1
    assert messages(world)[0].last_error == "no word back from any attempt"


def test_a_slow_channel_leaves_the_rest_before_the_lease_ends(world: World) -> None:
    write(world, "limin", "zhangqiang", "sunhua")
    seconds = iter([0.0, 0.0, 250.0])
    assert deliver(world.database, Sent(), as_of=world.now, clock=lambda: next(seconds)).sent == 1


def test_without_a_mail_server_notices_stay_in_the_in_box(world: World) -> None:
    write(world, "limin")
    done = deliver_all(world.database, Settings(smtp_url=None), as_of=world.now)
    assert done.sent == 1
    assert "CHUNCHA_SMTP_URL" in (messages(world)[0].answer or "")


def test_a_dry_run_counts_and_sends_nothing(world: World) -> None:
    write(world, "limin", "zhangqiang", times=2)
    done = deliver_all(world.database, Settings(), as_of=world.now, dry_run=True)
    assert str(done) == "waiting 4"
    assert messages(world) == []


def test_a_replay_of_yesterday_leaves_what_was_written_since(world: World) -> None:
    write(world, "limin")
    yesterday, settings = world.now - timedelta(days=1), Settings(smtp_url=None)
    for dry_run in (True, False):
        assert (
            str(deliver_all(world.database, settings, as_of=yesterday, now=world.now, dry_run=dry_run))
            == "none"
        )
    assert messages(world) == []
    assert deliver_all(world.database, settings, as_of=world.now).sent == 1


def test_what_waits_is_what_is_loose_and_what_was_not_taken(world: World) -> None:
    write(world, "limin", times=2)
    deliver(
        world.database,
        Sent({"limin@example.org": NotDelivered("451", permanent=False)}),
        as_of=world.now,
    )
    write(world, "zhangqiang")
    with world.database.reading() as session:
        assert what_waits(session, as_of=world.now).count == 1, "the others have their pause"
        later = what_waits(session, as_of=world.now + timedelta(minutes=5))
        assert (later.count, later.oldest) == (3, world.now)
        assert session.scalars(select(Notice.dispatch_id).where(Notice.dispatch_id.is_(None))).all() == [None]
