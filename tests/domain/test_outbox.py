"""The outbox: one row for each occasion, person and channel, in the command's own transaction."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from uuid_utils.compat import uuid7

from domain.outbox import Telling, tell, tell_all
from domain.people import person_by_login
from domain.records import Channel, Notice, Outlet, OutletKind, Person, Unit
from tests.world import World


def person(world: World, login: str) -> Person:
    with world.database.reading() as session:
        return person_by_login(session, login, pointer="/login")


def telling(world: World, login: str = "limin", **said: object) -> Telling:
    return Telling(
        **{
            "key": "k",
            "kind": "test",
            "person": person(world, login),
            "subject": "通知",
            "body": "正文",
            **said,
        }
    )


def told(world: World, *tellings: Telling) -> list[Notice]:
    """Everything of the kind `test` once these are told."""
    with world.database.transaction() as session:
        tell_all(session, tellings, now=world.now)
    with world.database.reading() as session:
        return list(session.scalars(select(Notice).where(Notice.kind == "test").order_by(Notice.id)))


def robot(world: World, unit: str, *, name: str = "群", off: bool = False) -> Outlet:
    with world.database.transaction() as session:
        made = Outlet(
            id=uuid7(),
            kind=OutletKind.WECOM,
            name=name,
            unit_id=session.scalars(select(Unit.id).where(Unit.code == unit)).one(),
            owner_id=session.scalars(select(Person.id).where(Person.login == "zhaozhuren")).one(),
            url="https://robot.example.org/send?key=1",
            secrets=[],
            created_at=world.now,
            switched_off_at=world.now if off else None,
        )
        session.add(made)
    return made


def test_the_same_occasion_is_told_once_to_each_person(world: World) -> None:
    told(world, telling(world), telling(world, "zhangqiang"))
    rows = told(world, telling(world), telling(world, "zhangqiang"))
    assert [row.address for row in rows] == ["limin@example.org", "zhangqiang@example.org"]


def test_a_person_without_an_address_finds_it_in_the_in_box(world: World) -> None:
    with world.database.transaction() as session:
        session.execute(update(Person).where(Person.login == "limin").values(email=None))
    by_mail = telling(world, channels=frozenset({Channel.EMAIL}), key="asked for e-mail")
    rows = told(world, telling(world), by_mail)
    assert [(row.channel, row.shown, row.address) for row in rows] == [(Channel.INBOX, True, "")] * 2


def test_a_subject_is_one_line(world: World) -> None:
    (row,) = told(world, telling(world, subject="一行\r\nBcc: x@y"))
    assert row.subject == "一行 Bcc: x@y"


def test_a_notice_of_a_new_ticket_stands_in_the_same_transaction(world: World) -> None:
    ticket = world.find(level="serious")
    with world.database.reading() as session:
        assert session.scalars(select(Notice.ticket_id)).all() == [ticket.id] * 2


def test_of_several_channels_the_in_box_shows_one(world: World) -> None:
    outlet = robot(world, "XB")
    every = frozenset({Channel.EMAIL, Channel.INBOX, Channel.ROBOT})
    rows = told(world, telling(world, channels=every, unit_path="/XB/LL01/"))
    assert {row.channel: (row.shown, row.outlet_id) for row in rows} == {
        Channel.INBOX: (True, None),
        Channel.EMAIL: (False, None),
        Channel.ROBOT: (False, outlet.id),
    }


@pytest.mark.parametrize(
    ("unit_path", "expected"),
    [("/XB/LL01/LL01-A/", "所里"), ("/XB/LL01/", "所里"), ("/XB/SQ02/", "局里"), ("/XB/", "局里"), ("/", "")],
)
def test_the_nearest_robot_at_or_above_the_unit_is_used(world: World, unit_path: str, expected: str) -> None:
    robot(world, "XB", name="局里")
    robot(world, "LL01", name="所里")
    robot(world, "LL01-A", name="关了", off=True)
    (row,) = told(world, telling(world, channels=frozenset({Channel.ROBOT}), unit_path=unit_path))
    assert row.shown
    if expected:
        assert (row.channel, row.address) == (Channel.ROBOT, expected)
    else:
        assert (row.channel, row.address) == (Channel.EMAIL, "limin@example.org"), "nobody is left untold"


def test_who_stands_in_and_who_is_to_act_are_kept(world: World) -> None:
    absent = person(world, "zhangqiang")
    (row,) = told(world, telling(world, responsible=True, instead_of=absent))
    assert (row.responsible, row.instead_of_id) == (True, absent.id)


def test_what_is_held_back_keeps_its_time(world: World) -> None:
    later = world.now + timedelta(hours=3)
    with world.database.transaction() as session:
        limin = person_by_login(session, "limin", pointer="/login")
        tell(session, limin, key="k", kind="test", subject="s", body="b", now=world.now, not_before=later)
    assert told(world)[0].not_before == later
