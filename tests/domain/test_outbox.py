"""The outbox: one row for each key, held by a lease, tried again at growing intervals, never in the way."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import select, update

from domain import outbox
from domain.delivery import Delivery, deliver, deliver_all
from domain.outbox import ATTEMPTS, LEASE, ChannelDown, Letter, NotDelivered, claim, tell
from domain.records import Channel, Notice, Person
from domain.settings import Settings
from tests.world import World


class Sent:
    """A sender that keeps letters, and refuses those a test names."""

    def __init__(self, refuse: dict[str, Exception] | None = None) -> None:
        self.letters: list[Letter] = []
        self.refuse = refuse or {}

    def send(self, letter: Letter, *, now: object) -> str:
        if error := self.refuse.get(letter.address):
            raise error
        self.letters.append(letter)
        return "250 OK"


def write(world: World, *logins: str, times: int = 1) -> None:
    with world.database.transaction() as session:
        for login in logins:
            person = session.scalars(select(Person).where(Person.login == login)).one()
            for number in range(times):
                tell(
                    session,
                    person,
                    key=f"test:{login}:{number}",
                    kind="test",
                    subject=f"通知 {number}",
                    body="正文",
                    now=world.now,
                )


def notices(world: World) -> list[Notice]:
    with world.database.reading() as session:
        return list(session.scalars(select(Notice).where(Notice.kind == "test").order_by(Notice.id)))


def test_the_same_key_is_one_row(world: World) -> None:
    write(world, "limin")
    write(world, "limin")
    assert len(notices(world)) == 1


def test_a_person_without_an_address_finds_it_in_the_in_box(world: World) -> None:
    with world.database.transaction() as session:
        session.execute(update(Person).where(Person.login == "limin").values(email=None))
    write(world, "limin")
    (notice,) = notices(world)
    assert (notice.channel, notice.sent_at, notice.answer) == (Channel.INBOX, world.now, "in-box")
    assert deliver(world.database, Sent(), as_of=world.now).sent == 0


def test_a_subject_is_one_line(world: World) -> None:
    with world.database.transaction() as session:
        person = session.scalars(select(Person).where(Person.login == "limin")).one()
        tell(session, person, key="k", kind="test", subject="一行\r\nBcc: x@y", body="", now=world.now)
    assert notices(world)[0].subject == "一行 Bcc: x@y"


def test_a_notice_of_a_new_ticket_stands_in_the_same_transaction(world: World) -> None:
    ticket = world.find(level="serious")
    with world.database.reading() as session:
        assert session.scalars(select(Notice.ticket_id)).all() == [ticket.id] * 2


def test_what_was_taken_is_marked_with_the_answer(world: World) -> None:
    write(world, "limin", "zhangqiang")
    sender = Sent()
    assert deliver(world.database, sender, as_of=world.now).sent == 2
    assert [letter.address for letter in sender.letters] == ["limin@example.org", "zhangqiang@example.org"]
    assert all(notice.sent_at and notice.answer == "250 OK" for notice in notices(world))
    assert deliver(world.database, sender, as_of=world.now + timedelta(days=1)).sent == 0


def test_a_claimed_letter_is_held_until_the_lease_ends(world: World) -> None:
    write(world, "limin")
    with world.database.transaction() as session:
        (letter,) = claim(session, as_of=world.now)
    # Its deliverer died here.
    with world.database.transaction() as session:
        assert claim(session, as_of=world.now + LEASE - timedelta(seconds=1)) == []
    with world.database.transaction() as session:
        (again,) = claim(session, as_of=world.now + LEASE)
    assert again.notice_id == letter.notice_id
    assert again.attempts == 2


def test_two_deliverers_at_once_never_hold_the_same_letter(world: World) -> None:
    write(world, "limin", "zhangqiang", times=60)
    senders = [Sent() for _ in range(3)]

    def work(sender: Sent) -> None:
        done = Delivery(more=True)
        while done.more:
            deliver(world.database, sender, as_of=world.now, limit=7, done=done)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, senders))
    work(senders[0])
    sent = [letter.notice_id for sender in senders for letter in sender.letters]
    assert len(sent) == len(set(sent)) == 120


def test_a_passing_error_is_tried_again_twice_as_late_each_time(world: World) -> None:
    write(world, "limin")
    busy = Sent({"limin@example.org": NotDelivered("451 busy", permanent=False)})
    as_of, pauses = world.now, []
    for _ in range(ATTEMPTS - 1):
        assert deliver(world.database, busy, as_of=as_of).put_off == 1
        (notice,) = notices(world)
        pauses.append(round((notice.not_before - as_of).total_seconds() / 60))
        as_of = notice.not_before
    assert pauses == [1, 2, 4, 8, 16, 32, 64]
    assert deliver(world.database, busy, as_of=as_of).gave_up == 1
    (notice,) = notices(world)
    assert (notice.attempts, notice.last_error) == (ATTEMPTS, "451 busy")
    assert notice.gave_up_at is not None
    assert deliver(world.database, busy, as_of=as_of + timedelta(days=1)) == Delivery()


def test_a_lasting_error_is_given_up_at_once_and_blocks_nobody(world: World) -> None:
    write(world, "limin", "zhangqiang", "sunhua")
    sender = Sent({"limin@example.org": NotDelivered("550 unknown", permanent=True)})
    done = deliver(world.database, sender, as_of=world.now)
    assert (done.sent, done.gave_up) == (2, 1)
    given_up = notices(world)[0]
    assert given_up.gave_up_at is not None
    assert given_up.last_error == "550 unknown"


def test_a_letter_over_which_the_channel_stumbles_is_put_off_like_any_other(world: World) -> None:
    write(world, "limin", "zhangqiang")
    stumbles = Sent({"limin@example.org": IndexError("deep inside")})
    done = deliver(world.database, stumbles, as_of=world.now)
    assert (done.sent, done.put_off) == (1, 1)
    assert notices(world)[0].last_error == "IndexError('deep inside')"


def test_an_outage_uses_up_no_attempt(world: World) -> None:
    write(world, "limin", "zhangqiang")
    down = Sent(
        {"limin@example.org": ChannelDown("no route"), "zhangqiang@example.org": ChannelDown("no route")}
    )
    as_of = world.now
    for _ in range(ATTEMPTS * 3):
        assert deliver(world.database, down, as_of=as_of).down == "no route"
        as_of += timedelta(minutes=1)
    assert {(notice.attempts, notice.last_error) for notice in notices(world)} == {(0, "no route")}
    assert deliver(world.database, Sent(), as_of=as_of).sent == 2


def test_a_letter_that_kills_its_deliverer_each_time_is_given_up(world: World) -> None:
    write(world, "limin", "zhangqiang")
    as_of = world.now
    with world.database.transaction() as session:
        session.execute(update(Notice).where(Notice.address == "limin@example.org").values(attempts=ATTEMPTS))
    sender = Sent()
    assert deliver(world.database, sender, as_of=as_of).sent == 1
    assert notices(world)[0].last_error == "no word back from any attempt"


def test_a_slow_channel_leaves_the_rest_before_the_lease_ends(world: World, monkeypatch) -> None:
    write(world, "limin", times=3)
    clock = iter([0.0, 0.0, 250.0, 260.0])
    monkeypatch.setattr("domain.delivery.time.monotonic", lambda: next(clock))
    assert deliver(world.database, Sent(), as_of=world.now).sent == 1


def test_without_a_mail_server_notices_stay_in_the_in_box(world: World) -> None:
    write(world, "limin")
    done = deliver_all(world.database, Settings(smtp_url=None), as_of=world.now)
    assert done.sent == 1
    assert "CHUNCHA_SMTP_URL" in (notices(world)[0].answer or "")


def test_a_dry_run_counts_and_sends_nothing(world: World) -> None:
    write(world, "limin", "zhangqiang")
    done = deliver_all(world.database, Settings(), as_of=world.now, dry_run=True)
    assert str(done) == "waiting 2"
    assert all(notice.attempts == 0 for notice in notices(world))


def test_what_is_held_back_waits_for_its_time(world: World) -> None:
    with world.database.transaction() as session:
        person = session.scalars(select(Person).where(Person.login == "limin")).one()
        later = world.now + timedelta(hours=3)
        tell(session, person, key="k", kind="test", subject="s", body="b", now=world.now, not_before=later)
    assert deliver(world.database, Sent(), as_of=world.now).sent == 0
    assert deliver(world.database, Sent(), as_of=world.now + timedelta(hours=3)).sent == 1


def test_waiting_is_read_from_its_own_index(world: World) -> None:
    with world.database.reading() as session:
        assert outbox.waiting_count(session, as_of=world.now) == 0
