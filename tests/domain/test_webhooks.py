"""Webhooks against a real receiver that checks with the Standard Webhooks library: order, ids, signatures, refusals."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook, WebhookVerificationError

from domain.delivery import deliver_all
from domain.dispatches import NotDelivered
from domain.errors import BadInput, NotFound
from domain.escalation import sweep_all
from domain.outlets import (
    NewOutlet,
    NewSecret,
    OutletChange,
    add_outlet,
    change_outlet,
    outlet_by_id,
    rotate_secret,
    switch_off,
    switch_on,
)
from domain.records import Dispatch, History, Outlet
from domain.settings import Settings
from domain.tickets import ticket_by_number
from domain.wire import is_public, post
from statemachines.refusals import RoleMissing
from statemachines.roles import SYSTEM
from tests.http_server import Got, HttpServer, Say
from tests.waiting import PATIENCE
from tests.world import World


@pytest.fixture
def receiver() -> Iterator[HttpServer]:
    """A program that takes everything."""
    server = HttpServer(lambda got: Say(body="thanks"))
    yield server
    server.stop()


@pytest.fixture
def current(world: World) -> World:
    """The library checks timestamps against the real clock."""
    world.now = datetime.now(UTC)
    return world


def hook(
    world: World, url: str, *, unit: str = "XB", by: str | None = None, **said: object
) -> tuple[Outlet, str]:
    new = NewOutlet.model_validate(
        {"kind": "webhook", "name": "ERP", "unit": unit, "url": url, "private_allowed": True, **said}
    )
    with world.database.transaction() as session:
        actor = world.actor(by) if by else SYSTEM
        owner = new.model_copy(update={"owner": new.owner or "guanli"})
        outlet, secret = add_outlet(session, owner, actor=actor, now=world.now)
    assert secret is not None
    return outlet, secret


def deliver(world: World) -> int:
    return deliver_all(world.database, Settings(smtp_url=None), as_of=world.now).sent


def types(server: HttpServer) -> list[str]:
    return [f"{got.json['type']} {got.json['data']['number']}" for got in server.got]


def test_each_change_of_a_ticket_is_told_in_order_and_signed(current: World, receiver: HttpServer) -> None:
    _, secret = hook(current, f"{receiver.url}/events")
    number = current.assigned(due=(current.now + timedelta(days=9)).date().isoformat()).number
    current.do(number, "fix", by="wangjianguo", note="已更换密封垫并补油")
    deliver(current)
    assert types(receiver) == [f"ticket.{what} {number}" for what in ("found", "assigned", "fixed")]
    assigned = receiver.got[1]
    data = Webhook(secret).verify(assigned.body, dict(assigned.headers))
    assert data["timestamp"].endswith("Z")
    assert (
        data["data"].items()
        >= {"state": "assigned", "level": "general", "unit": "LL01", "campaign": "CC2026"}.items()
    )
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(assigned.body.replace(b"LL01", b"LL02"), dict(assigned.headers))
    deliver(current)
    assert len(receiver.got) == 3, "told once"


def test_a_deadline_drawing_near_is_told_apart_from_one_that_has_passed(
    current: World, receiver: HttpServer
) -> None:
    hook(current, receiver.url + "/")
    number = current.acknowledged(due=(current.now + timedelta(days=14)).date().isoformat()).number
    sweep_all(current.database, as_of=current.next_step(number))
    sweep_all(current.database, as_of=current.later(days=40))
    deliver(current)
    assert types(receiver)[-2:] == [f"ticket.due_soon {number}", f"ticket.escalated {number}"]


def test_only_the_units_below_are_told_of_and_only_from_now_on(current: World, receiver: HttpServer) -> None:
    current.find()
    hook(current, receiver.url + "/", unit="SQ02")
    current.find()
    other = current.find(unit="SQ02").number
    deliver(current)
    assert types(receiver) == [f"ticket.found {other}"]


def test_what_a_slow_transaction_wrote_is_not_passed_over(current: World, receiver: HttpServer) -> None:
    """The later commit has the smaller id: a reader that goes by ids alone would lose it."""
    hook(current, f"{receiver.url}/")
    first, second = current.find().number, current.find().number
    deliver(current)
    receiver.got.clear()
    begun, may_end = Event(), Event()

    def slowly() -> None:
        with current.database.transaction() as session:
            write(session, first)
            begun.set()
            assert may_end.wait(PATIENCE)

    def write(session, number: str) -> None:
        ticket = ticket_by_number(session, number, actor=SYSTEM)
        row = History(
            subject="ticket", subject_id=ticket.id, at=current.now, actor_name="x", event="progress", facts={}
        )
        session.add(row)
        session.flush()

    slow = Thread(target=slowly)
    slow.start()
    assert begun.wait(PATIENCE)
    with current.database.transaction() as session:
        write(session, second)
    deliver(current)
    assert receiver.got == [], "the older transaction is still running"
    may_end.set()
    slow.join()
    deliver(current)
    assert types(receiver) == [f"ticket.progressed {first}", f"ticket.progressed {second}"]


def test_the_id_is_the_same_at_every_try(current: World) -> None:
    answers = iter([Say(status=500), Say(status=200)])
    server = HttpServer(lambda got: next(answers))
    _, secret = hook(current, f"{server.url}/")
    current.find()
    assert deliver(current) == 0
    current.later(minutes=2)
    assert deliver(current) == 1
    server.stop()
    first, second = server.got
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    # Each try signs its own hour, in whole seconds, so two minutes may read as one second less.
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) >= 119
    Webhook(secret).verify(second.body, dict(second.headers))


def test_during_a_rotation_both_secrets_verify_and_a_day_later_only_the_new_one(
    current: World, receiver: HttpServer
) -> None:
    outlet, old = hook(current, f"{receiver.url}/")
    current.now -= timedelta(hours=25)
    with current.database.transaction() as session:
        row = outlet_by_id(session, outlet.id, actor=SYSTEM, lock=True)
        new = rotate_secret(session, row, NewSecret(), actor=SYSTEM, now=current.now)
    assert new is not None
    current.find()
    deliver(current)
    during = receiver.got[-1]
    assert len(during.headers["webhook-signature"].split()) == 2
    for secret in (old, new):
        fresh = resigned(during, secret)
        assert fresh in during.headers["webhook-signature"].split()
    current.now += timedelta(hours=25)
    current.find()
    deliver(current)
    after = receiver.got[-1]
    Webhook(new).verify(after.body, dict(after.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(after.body, dict(after.headers))


def resigned(got: Got, secret: str) -> str:
    at = datetime.fromtimestamp(int(got.headers["webhook-timestamp"]), UTC)
    return Webhook(secret).sign(got.headers["webhook-id"], at, got.body.decode())


def test_a_receiver_that_is_gone_is_switched_off_at_once_and_may_go_on_later(current: World) -> None:
    answers = [Say(status=410)]
    server = HttpServer(lambda got: answers[0])
    outlet, _ = hook(current, f"{server.url}/")
    current.find()
    deliver(current)
    current.find()
    current.later(minutes=5)
    deliver(current)
    assert len(server.got) == 1
    answers[0] = Say()
    with current.database.transaction() as session:
        row = outlet_by_id(session, outlet.id, actor=SYSTEM, lock=True)
        assert "410" in (row.switched_off_why or "")
        switch_on(session, row, actor=SYSTEM, now=current.now)
    deliver(current)
    assert [got.json["data"]["number"][-4:] for got in server.got] == ["0001", "0002"], (
        "what it missed while off"
    )
    server.stop()


def test_a_receiver_that_asks_for_a_pause_gets_it(current: World) -> None:
    answers = iter([Say(status=429, headers={"Retry-After": "600"}), Say()])
    server = HttpServer(lambda got: next(answers))
    hook(current, f"{server.url}/")
    current.find()
    deliver(current)
    current.later(minutes=9)
    deliver(current)
    assert len(server.got) == 1
    current.later(minutes=2)
    assert deliver(current) == 1
    server.stop()


def test_a_redirect_is_not_followed(current: World, receiver: HttpServer) -> None:
    server = HttpServer(lambda got: Say(status=302, headers={"Location": receiver.url}))
    hook(current, f"{server.url}/")
    current.find()
    deliver(current)
    server.stop()
    assert receiver.got == []
    with current.database.reading() as session:
        assert "302" in (session.scalars(select(Dispatch.last_error)).one() or "")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
    ],
)
def test_what_is_a_public_address(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_a_name_that_leads_inside_is_refused_when_it_is_resolved(receiver: HttpServer) -> None:
    with pytest.raises(NotDelivered, match="private network") as refused:
        post(f"http://localhost:{receiver.port}/", b"{}", headers={})
    assert refused.value.permanent
    assert receiver.got == []


def test_the_address_that_was_judged_is_the_one_connected_to(
    receiver: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that says a public address first and a private one afterwards is asked once only."""
    asked: list[str] = []
    connected: list[object] = []

    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        address = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def connect(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        connected.append(address[0])
        raise OSError("no route")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(Exception, match="no route"):
        post(f"http://changing.example:{receiver.port}/", b"{}", headers={})
    assert (asked, connected) == (["changing.example"], ["93.184.216.34"])


def test_an_endless_answer_is_cut_short() -> None:
    server = HttpServer(lambda got: Say(body="x" * 10_000_000))
    begun = time.monotonic()
    heard = post(f"{server.url}/", b"{}", headers={}, private_allowed=True)
    server.stop()
    assert len(heard.text) == 64 * 1024
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "url", ["http://example.org/hook", "https://127.0.0.1/hook", "https://localhost/", "https://[::1]/x"]
)
def test_an_inner_or_unencrypted_address_is_refused_when_it_is_saved(world: World, url: str) -> None:
    with pytest.raises(BadInput) as refused:
        hook(world, url, by="guanli", private_allowed=False)
    assert (refused.value.pointer, refused.value.rule) == ("/url", "private-or-unencrypted")


def test_only_an_administrator_allows_the_inner_network(world: World) -> None:
    with pytest.raises(RoleMissing):
        hook(world, "http://10.0.0.1/hook", by="zhaozhuren")
    outlet, _ = hook(world, "https://erp.example.org/hook", by="zhaozhuren", private_allowed=False)
    supervisor = world.actor("zhaozhuren")
    allow = OutletChange(private_allowed=True)
    with world.database.transaction() as session:
        row = outlet_by_id(session, outlet.id, actor=supervisor, lock=True)
        with pytest.raises(RoleMissing):
            change_outlet(session, row, allow, actor=supervisor, now=world.now)


def test_a_station_looks_after_its_own_outlets_alone(world: World) -> None:
    outlet, _ = hook(
        world, "https://erp.example.org/hook", unit="LL01", private_allowed=False, by="qiansuozhang"
    )
    with world.database.transaction() as session:
        row = outlet_by_id(session, outlet.id, actor=world.actor("qiansuozhang"), lock=True)
        switch_off(session, row, actor=world.actor("qiansuozhang"), now=world.now)
    with world.database.reading() as session, pytest.raises(NotFound):
        outlet_by_id(session, outlet.id, actor=world.actor("shisuozhang"))


def test_a_weak_secret_is_refused(world: World) -> None:
    with pytest.raises(BadInput) as refused:
        hook(world, "https://erp.example.org/hook", private_allowed=False, by="guanli", secret="password")
    assert refused.value.pointer == "/secret"
