"""Group robots against servers that speak the messengers' protocols: what they take, refuse and slow down."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select, update

from domain.delivery import Delivery, Outlets, deliver_all
from domain.delivery import deliver as deliver_batch
from domain.dispatches import claim, mark_sent
from domain.holding import holder
from domain.outbox import Telling, tell_all
from domain.outlets import NewOutlet, add_outlet
from domain.people import person_by_login
from domain.records import Channel, DeliveryAttempt, Dispatch, FileListing, History, Notice, Outlet, Person
from domain.robots.feishu import Feishu
from domain.settings import Settings
from statemachines.roles import SYSTEM
from tests.http_server import DingTalkServer, FeishuServer, HttpServer, MessengerServer, Say, WeComServer
from tests.mail_server import MailServer, text_of
from tests.photos import listed, photo
from tests.world import World

ROBOT = frozenset({Channel.ROBOT})


@pytest.fixture
def serving() -> Iterator[Callable[[HttpServer], HttpServer]]:
    """Stops every server given to it when the test is over."""
    running: list[HttpServer] = []

    def keep(server: HttpServer) -> HttpServer:
        running.append(server)
        return server

    yield keep
    for server in running:
        server.stop()


def robot(world: World, kind: str, url: str, **said: object) -> Outlet:
    new = NewOutlet.model_validate(
        {
            "kind": kind,
            "name": "柳林所安全群",
            "unit": "LL01",
            "url": url,
            "owner": "qiansuozhang",
            "private_allowed": True,
            **said,
        }
    )
    with world.database.transaction() as session:
        return add_outlet(session, new, actor=SYSTEM, now=world.now)[0]


def tell_group(world: World, *numbers: str, to: str = "wangjianguo", kind: str = "escalate") -> None:
    """Tell the group of 柳林所 of these tickets: `to` is to act, 赵主任 is told too."""
    with world.database.transaction() as session:
        people = {login: person_by_login(session, login, pointer="/") for login in (to, "zhaozhuren")}
        tellings = [
            Telling(
                key=f"{number}:{kind}:{world.now}",
                kind=kind,
                person=people[login],
                subject=f"逾期催办 {number}",
                body="请立即整改。",
                responsible=login == to,
                ticket_id=world.ticket(number).id,
                unit_path="/XB/LL01/",
                channels=ROBOT,
            )
            for number in numbers
            for login in people
        ]
        tell_all(session, tellings, now=world.now)


def deliver(world: World, **settings: object) -> Delivery:
    told = Settings.model_validate({"public_url": "https://chuncha.example.org", **settings})
    return deliver_all(world.database, told, as_of=world.now)


def messages(world: World) -> list[Dispatch]:
    with world.database.reading() as session:
        return list(
            session.scalars(select(Dispatch).where(Dispatch.channel == Channel.ROBOT).order_by(Dispatch.id))
        )


def outlet_now(world: World, outlet: Outlet) -> Outlet:
    with world.database.reading() as session:
        return session.scalars(select(Outlet).where(Outlet.id == outlet.id)).one()


def with_phone(world: World, login: str, phone: str) -> None:
    with world.database.transaction() as session:
        session.execute(update(Person).where(Person.login == login).values(phone=phone))


def test_a_wecom_group_hears_of_each_ticket_once_in_one_message(world: World, serving) -> None:
    server = serving(WeComServer())
    robot(world, "wecom", f"{server.url}/cgi-bin/webhook/send?key=good")
    first, second = world.assigned(due="2026-04-10").number, world.assigned().number
    tell_group(world, first, second)
    assert deliver(world, smtp_url=None).sent == 2, "one to the group, one to who was assigned"
    (said,) = server.taken
    assert said["msgtype"] == "markdown"
    text = said["markdown"]["content"]
    assert text.startswith("**春查通知：逾期2件**")
    assert text.count(first) == 2, "in its text and in its link"
    for part in (
        f"[{first}](https://chuncha.example.org/tickets/{first})",
        "柳林供电所，10kV 柳林线 27＃ 变台：27＃ 变台变压器渗漏油，期限2026年4月10日 24:00",
        "**王建国**、赵主任",
    ):
        assert part in text
    (message,) = messages(world)
    assert message.answer == '200 {"errcode": 0, "errmsg": "ok"}'


def test_wecom_calls_only_who_is_to_act_by_phone(world: World, serving) -> None:
    server = serving(WeComServer())
    robot(world, "wecom", f"{server.url}/send?key=good")
    with_phone(world, "wangjianguo", "13800000001")
    with_phone(world, "zhaozhuren", "13900000002")
    shot = listed(photo())
    number = world.assigned(files=[shot]).number
    with world.database.transaction() as session:
        session.execute(update(FileListing).values(arrived_at=world.now))
    tell_group(world, number)
    deliver(world)
    (said,) = server.taken
    assert said["text"]["mentioned_mobile_list"] == ["13800000001"]
    for part in (
        "@王建国",
        number,
        "柳林供电所",
        "期限",
        f"照片 https://chuncha.example.org/photos/{shot['sha256']}",
    ):
        assert part in said["text"]["content"]


@pytest.mark.parametrize(
    ("kind", "messenger", "tickets"),
    [
        ("wecom", WeComServer, 20),
        ("wecom", WeComServer, 60),
        ("dingtalk", DingTalkServer, 60),
        ("feishu", FeishuServer, 60),
    ],
)
def test_what_is_too_much_for_one_message_is_split_and_nothing_is_lost(
    world: World, serving, kind: str, messenger: type[HttpServer], tickets: int
) -> None:
    """The messenger itself refuses what is too large."""
    server = serving(messenger())
    robot(world, kind, f"{server.url}/send?key=good")
    world.later(minutes=7)
    numbers = [world.assigned(description=f"第{n}处绝缘子破损需要更换 " * 30).number for n in range(tickets)]
    tell_group(world, *numbers)
    deliver(world)
    assert 1 < len(server.taken) <= 5
    assert len(server.taken) == len(server.got), "none was refused"
    said = "".join(json.dumps(each, ensure_ascii=False) for each in server.taken)
    told = sum(f"[{number}]" in said for number in numbers)
    if kind != "wecom" or tickets == 20:
        assert told == tickets
    else:
        assert f"另有{tickets - told}件" in said
    with world.database.reading() as session:
        loose = session.scalars(
            select(Notice).where(Notice.channel == Channel.ROBOT, Notice.dispatch_id.is_(None))
        )
        assert list(loose) == []


def test_success_is_what_the_body_says(world: World, serving) -> None:
    server = serving(WeComServer())
    robot(world, "wecom", f"{server.url}/send?key=deleted")
    tell_group(world, world.assigned().number)
    assert deliver(world).gave_up == 1
    (message,) = messages(world)
    assert "93000" in (message.last_error or "")
    assert message.sent_at is None


def test_every_robot_of_the_nearest_unit_speaks_and_the_person_reads_it_once(
    world: World, serving, mail: MailServer
) -> None:
    foremen, bosses, bureau = serving(WeComServer()), serving(FeishuServer()), serving(DingTalkServer())
    robot(world, "wecom", f"{foremen.url}/send?key=good", name="班组群")
    second = robot(world, "feishu", f"{bosses.url}/hook/1", name="管理群")
    robot(world, "dingtalk", f"{bureau.url}/robot/send?access_token=t", name="局群", unit="XB")
    number = world.assigned().number
    world.later(minutes=7)
    for _ in range(2):
        tell_group(world, number)
    deliver(world)
    assert (len(foremen.taken), len(bosses.taken), bureau.got) == (1, 1, [])
    assert number in foremen.taken[0]["markdown"]["content"]
    assert number in bosses.taken[0]["card"]["elements"][0]["content"]
    with world.database.reading() as session:
        assert [
            key.rpartition(":robot")[2]
            for key in session.scalars(select(Notice.key).where(Notice.kind == "escalate"))
        ].count("") == 2, "the rows of the first robot have the keys they had when it was alone"
        mine = [
            notice.shown
            for notice in session.scalars(
                select(Notice)
                .join(Notice.person)
                .where(Person.login == "wangjianguo", Notice.kind == "escalate")
            )
        ]
    assert sorted(mine) == [False, True], "two rows, one for each group; the in-box shows it once"

    # One of the two is switched off before it spoke: the other speaks, and nobody hears of it by e-mail besides.
    tell_group(world, number, kind="remind")
    with world.database.transaction() as session:
        session.execute(update(Outlet).where(Outlet.id == second.id).values(switched_off_at=world.now))
    deliver(world, smtp_url=mail.url)
    assert (len(foremen.taken), len(bosses.taken)) == (2, 1)
    assert not [letter for letter in mail.to("wangjianguo@example.org") if "逾期催办" in letter["Subject"]]


def test_a_robot_is_never_asked_for_more_than_its_rate(world: World, serving) -> None:
    server = serving(WeComServer())
    outlet = robot(world, "wecom", f"{server.url}/send?key=good")
    number = world.assigned().number
    for _ in range(25):
        tell_group(world, number)
        deliver(world)
        world.later(milliseconds=100)
    assert len(server.got) == 20, "the 21st waits: the messenger never has to say so"
    assert outlet_now(world, outlet).failing_since is None
    server.taken.clear()
    world.later(minutes=1)
    deliver(world)
    assert len(server.got) == 25
    assert all(message.sent_at and message.attempts == 1 for message in messages(world))


class Clock:
    """Seconds that pass when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.mark.parametrize(
    ("kind", "messenger", "per_minute"),
    [("wecom", WeComServer, 20), ("dingtalk", DingTalkServer, 20), ("feishu", FeishuServer, 100)],
)
def test_what_has_piled_up_is_sent_at_the_messengers_pace(
    world: World, serving, kind: str, messenger: type[MessengerServer], per_minute: int
) -> None:
    """The messenger refuses what comes too fast, by the minute and by the second; it never has to."""
    clock = Clock()
    server = serving(messenger(clock=clock))
    outlet = robot(world, kind, f"{server.url}/send?key=good")
    piled = per_minute * 2 + 7
    with world.database.transaction() as session:
        session.add_all(
            Dispatch(
                channel=Channel.ROBOT,
                outlet_id=outlet.id,
                address=outlet.name,
                created_at=world.now,
                not_before=world.now,
            )
            for _ in range(piled)
        )
    sender = Outlets("https://chuncha.example.org", clock=clock, sleep=clock.sleep)
    with holder(world.database) as me:
        while len(server.taken) < piled:
            as_of = world.now + timedelta(seconds=clock())
            done = deliver_batch(world.database, sender, holder=me, as_of=as_of, clock=clock)
            assert not done.down
            assert done.sent or clock() < 180, "nothing is held back for longer than the rate asks"
            clock.sleep(0 if done.sent else 1)
    assert len(server.got) == piled, "none was refused"
    for minute in range(2):
        assert sum(minute * 60 <= at < (minute + 1) * 60 for at in server.taken_at) == per_minute
    assert outlet_now(world, outlet).failing_since is None


def test_a_robot_speaks_through_one_deliverer_at_a_time(world: World, serving) -> None:
    server = serving(FeishuServer())
    robot(world, "feishu", f"{server.url}/hook/1")
    world.later(minutes=7)
    with world.database.transaction() as session:
        outlet_id = session.scalars(select(Outlet.id)).one()
        session.add_all(
            Dispatch(
                channel=Channel.ROBOT,
                outlet_id=outlet_id,
                address="群",
                created_at=world.now,
                not_before=world.now,
            )
            for _ in range(12)
        )
    with holder(world.database) as one, holder(world.database) as other:
        with world.database.transaction() as session:
            held = claim(session, holder=one, as_of=world.now)
        with world.database.transaction() as session:
            assert held
            assert claim(session, holder=other, as_of=world.now) == []
            for letter in held:
                mark_sent(session, letter, "200", now=world.now)
        with world.database.transaction() as session:
            assert claim(session, holder=other, as_of=world.now)


def test_dingtalk_is_signed_has_its_keyword_and_calls_by_phone(world: World, serving) -> None:
    server = serving(DingTalkServer(secret="SEC000111", keyword="安全"))
    robot(world, "dingtalk", f"{server.url}/robot/send?access_token=t", secret="SEC000111", keyword="安全")
    with_phone(world, "wangjianguo", "13800000001")
    tell_group(world, world.assigned().number)
    deliver(world)
    (said,) = server.taken
    assert said["at"] == {"atMobiles": ["13800000001"], "isAtAll": False}
    assert "@13800000001" in said["markdown"]["text"]


def test_dingtalk_with_a_wrong_secret_is_refused_for_good(world: World, serving) -> None:
    server = serving(DingTalkServer(secret="SEC000111"))
    robot(world, "dingtalk", f"{server.url}/robot/send?access_token=t", secret="SECwrong0")
    tell_group(world, world.assigned().number)
    assert deliver(world).gave_up == 1
    assert "sign not match" in (messages(world)[0].last_error or "")


def test_dingtalks_block_of_ten_minutes_is_waited_out_and_uses_up_no_attempt(world: World, serving) -> None:
    server = serving(DingTalkServer())
    outlet = robot(world, "dingtalk", f"{server.url}/robot/send?access_token=t")
    server.taken += [None] * 20  # another program uses the same robot
    tell_group(world, world.assigned().number)
    assert "130101" in deliver(world).said()["down"]
    blocked = outlet_now(world, outlet).blocked_until
    assert blocked is not None
    assert blocked >= world.now + timedelta(minutes=10)
    world.later(minutes=9)
    deliver(world)
    assert len(server.got) == 1, "left alone meanwhile"
    server.taken.clear()
    world.later(minutes=2)
    assert deliver(world).sent == 1
    assert messages(world)[0].attempts == 1
    assert outlet_now(world, outlet).failing_since is None


def test_feishu_is_signed_and_tells_names_in_bold(world: World, serving) -> None:
    server = serving(FeishuServer(secret="feishu-secret"))
    robot(world, "feishu", f"{server.url}/hook/1", secret="feishu-secret")
    world.later(minutes=7)
    tell_group(world, world.assigned().number)
    deliver(world)
    (said,) = server.taken
    assert said["card"]["header"]["template"] == "red"
    assert "**王建国**" in said["card"]["elements"][0]["content"]


def test_feishu_is_left_alone_on_the_hour_and_when_it_is_crowded(world: World, serving) -> None:
    server = serving(FeishuServer())
    robot(world, "feishu", f"{server.url}/hook/1")
    tell_group(world, world.assigned().number)
    deliver(world)
    assert server.got == [], "it is 10:00"
    world.later(minutes=2)
    server.crowded = True
    assert "11232" in deliver(world).said()["down"]
    server.crowded = False
    world.later(minutes=3)
    assert deliver(world).sent == 1
    assert messages(world)[0].attempts == 1


@pytest.mark.parametrize(
    ("moment", "moved"),
    [
        ("2026-04-01T10:00:00+08:00", True),
        ("2026-04-01T17:30:59+08:00", True),
        ("2026-04-01T10:01:00+08:00", False),
        ("2026-04-01T10:29:59+08:00", False),
    ],
)
def test_away_from_the_hour(moment: str, moved: bool) -> None:
    at = datetime.fromisoformat(moment)
    sent = Feishu().not_before(at)
    assert (sent > at) is moved
    assert sent.minute % 30 in ({1, 2} if moved else {at.minute % 30})
    assert sent - at < timedelta(minutes=3)


def test_what_people_write_can_call_nobody(world: World, serving) -> None:
    server = serving(FeishuServer())
    robot(world, "feishu", f"{server.url}/hook/1")
    world.later(minutes=7)
    tell_group(
        world, world.assigned(description="<at id=all></at> [点我](https://evil.example) @所有人").number
    )
    deliver(world)
    said = server.taken[0]["card"]["elements"][0]["content"]
    assert "<at" not in said
    assert "](https://evil" not in said


def test_a_robot_that_keeps_refusing_is_switched_off_and_its_owner_told_by_mail(
    world: World, serving, mail: MailServer
) -> None:
    server = serving(WeComServer())
    outlet = robot(world, "wecom", f"{server.url}/send?key=deleted")
    number = world.assigned().number
    for _ in range(10):
        tell_group(world, number)
        deliver(world, smtp_url=mail.url)
        world.later(minutes=1)
    off = outlet_now(world, outlet)
    assert off.switched_off_at is not None
    assert "93000" in (off.switched_off_why or "")
    tell_group(world, number)
    deliver(world, smtp_url=mail.url)
    assert len(server.got) == 10, "left alone from then on"
    (letter,) = mail.to("qiansuozhang@example.org")
    assert letter["Subject"] == "发送渠道已停用：柳林所安全群"
    assert "93000" in text_of(letter)
    assert [m["Subject"] for m in mail.to("wangjianguo@example.org")][-1] == f"逾期催办 {number}", (
        "who was to act is told directly"
    )
    with world.database.reading() as session:
        assert session.scalars(
            select(History.event).where(History.subject == "outlet", History.subject_id == off.id)
        ).all() == ["added", "switched_off"]


def test_what_was_told_to_a_robot_just_switched_off_goes_to_the_people(
    world: World, serving, mail: MailServer
) -> None:
    server = serving(WeComServer())
    outlet = robot(world, "wecom", f"{server.url}/send?key=good")
    number = world.assigned().number
    deliver(world, smtp_url=mail.url)
    tell_group(world, number)
    with world.database.transaction() as session:
        session.execute(update(Outlet).where(Outlet.id == outlet.id).values(switched_off_at=world.now))
    assert deliver(world, smtp_url=mail.url).sent == 2
    assert server.got == []


def test_an_unreachable_robot_is_tried_ever_less_often_and_after_a_day_switched_off(
    world: World, serving
) -> None:
    server = WeComServer()
    server.stop()
    outlet = robot(world, "wecom", f"{server.url}/send?key=good")
    tell_group(world, world.assigned().number)
    begun = world.now
    while world.now < begun + timedelta(hours=25):
        deliver(world)
        # A run between two tries changes nothing: later on only the first after each pause is played.
        world.later(minutes=1 if world.now < begun + timedelta(minutes=40) else 11)
    with world.database.reading() as session:
        mine = select(DeliveryAttempt).where(DeliveryAttempt.outlet_id == outlet.id)
        tried = list(session.scalars(mine.order_by(DeliveryAttempt.at)))
    assert {each.outcome for each in tried} == {"down"}
    assert 120 <= len(tried) <= 170, "about every ten minutes"
    first, *_, last = [later.at - earlier.at for earlier, later in pairwise(tried)]
    assert first < timedelta(minutes=5) < last < timedelta(minutes=13)
    assert outlet_now(world, outlet).switched_off_at is not None
    assert messages(world)[0].gave_up_at is not None


def test_a_server_that_answers_nonsense_is_tried_again(world: World, serving) -> None:
    answers = iter([Say(status=502, body="<html>bad gateway"), Say(body="no json"), Say(body={"errcode": 0})])
    server = serving(HttpServer(lambda got: next(answers)))
    robot(world, "wecom", f"{server.url}/send?key=good")
    tell_group(world, world.assigned().number)
    for _ in range(3):
        deliver(world)
        world.later(minutes=5)
    (message,) = messages(world)
    assert (message.attempts, message.sent_at is not None) == (3, True)
    with world.database.reading() as session:
        outcomes = session.scalars(
            select(DeliveryAttempt.outcome)
            .where(DeliveryAttempt.dispatch_id == message.id)
            .order_by(DeliveryAttempt.at)
        ).all()
    assert outcomes == ["put_off", "put_off", "sent"]
