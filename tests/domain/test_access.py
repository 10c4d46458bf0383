"""Ways in: passwords that slow down guessing, web logins that end, tokens that can be taken back."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select, text

from domain.access import (
    WEB_LOGIN_LASTS,
    SignedIn,
    TooManyAttempts,
    WrongPassword,
    actor_from_cookie,
    actor_from_token,
    change_own_password,
    issue_token,
    revoke_tokens,
    set_password,
    sign_in,
    sign_out,
)
from domain.history import history_of
from domain.people import deactivate, person_by_login
from domain.records import ApiToken, Person, WebLogin
from statemachines.roles import SYSTEM
from tests.refused import refused

RIGHT = "limin-chuncha"


def enter(world, login="limin", password=RIGHT):
    with world.database.transaction() as session:
        return sign_in(session, login, password, now=world.now)


def who(world, secret):
    with world.database.reading() as session:
        return actor_from_cookie(session, secret, now=world.now)


def test_name_and_password_open_a_web_login(world):
    came = enter(world)
    assert isinstance(came, SignedIn)
    here = who(world, came.secret)
    assert (here.actor.login, here.csrf_token, here.password_is_one_time) == ("limin", came.csrf_token, False)


def test_no_secret_is_kept_as_it_is(world):
    came, token = enter(world), world.token("limin")
    with world.database.reading() as session:
        kept = [
            *session.scalars(select(Person.password_hash).where(Person.password_hash.is_not(None))),
            *(bytes(each).hex() for each in session.scalars(select(WebLogin.secret_hash))),
            *(bytes(each).hex() for each in session.scalars(select(ApiToken.token_hash))),
        ]
        everything = session.scalar(text("SELECT string_agg(h.*::text, ' ') FROM history h"))
    assert all(each.startswith("$argon2") for each in kept if each.startswith("$"))
    for secret in (RIGHT, came.secret, token):
        assert secret not in " ".join(kept)
        assert secret not in everything


@pytest.mark.parametrize(
    ("login", "password"), [("limin", "wrong-password"), ("nobody", RIGHT), ("limin", ""), ("", "")]
)
def test_which_of_the_two_is_wrong_is_not_said(world, login, password):
    came = enter(world, login, password)
    assert isinstance(came, WrongPassword)
    assert came.sentence("zh") == WrongPassword().sentence("zh")
    assert came.status == 401


def test_somebody_without_a_password_does_not_come_in(world):
    with world.database.transaction() as session:
        session.execute(text("UPDATE people SET password_hash = NULL WHERE login = 'limin'"))
    for guess in ("", "nobody has this password", RIGHT):
        assert isinstance(enter(world, "limin", guess), WrongPassword)


def test_somebody_who_left_does_not_come_in(world):
    came = enter(world)
    with world.database.transaction() as session:
        deactivate(session, "limin", actor=SYSTEM, now=world.now)
    assert isinstance(enter(world), WrongPassword)
    assert who(world, came.secret) is None


def test_after_five_wrong_passwords_each_further_one_doubles_the_wait(world):
    for _ in range(5):
        assert isinstance(enter(world, password="wrong"), WrongPassword)
    refusal = enter(world)
    assert isinstance(refusal, TooManyAttempts), "even the right password waits"
    assert "请2秒后再试" in refusal.sentence("zh")
    assert refusal.status == 429
    waits = []
    for _ in range(4):
        world.later(seconds=0.001)
        while isinstance(enter(world, password="wrong"), TooManyAttempts):
            world.later(seconds=0.5)
        waits.append(world.now)
    gaps = [round((later - earlier).total_seconds()) for earlier, later in pairwise(waits)]
    assert gaps == [2, 4, 8]


def test_the_wait_ends_with_a_right_password_and_is_never_longer_than_a_quarter_of_an_hour(world):
    with world.database.transaction() as session:
        session.execute(text("INSERT INTO login_failures VALUES ('limin', 400, :at)"), {"at": world.now})
    world.later(minutes=14)
    assert isinstance(enter(world), TooManyAttempts)
    world.later(minutes=1, seconds=1)
    assert isinstance(enter(world), SignedIn)
    assert isinstance(enter(world, password="wrong"), WrongPassword)
    assert isinstance(enter(world), SignedIn), "the count began anew"


def test_one_persons_wrong_passwords_do_not_shut_out_another(world):
    for _ in range(6):
        enter(world, password="wrong")
    assert isinstance(enter(world, "zhangqiang", "zhangqiang-chuncha"), SignedIn)


def test_a_web_login_ends_by_itself_and_by_signing_out(world):
    first, second = enter(world), enter(world)
    with world.database.transaction() as session:
        sign_out(session, first.secret)
        sign_out(session, "no such secret")
    assert who(world, first.secret) is None
    assert who(world, second.secret) is not None
    world.now += WEB_LOGIN_LASTS
    assert who(world, second.secret) is None


def test_a_one_time_password_is_marked_until_it_is_changed(world):
    with world.database.transaction() as session:
        set_password(session, "limin", "eins-zwei-drei", one_time=True, actor=SYSTEM, now=world.now)
    came = enter(world, password="eins-zwei-drei")
    assert who(world, came.secret).password_is_one_time
    actor = world.actor("limin")
    with world.database.transaction() as session:
        change_own_password(
            session, actor, current="eins-zwei-drei", new="vier-fünf-sechs", keep=came.secret, now=world.now
        )
    assert not who(world, came.secret).password_is_one_time
    assert isinstance(enter(world, password="eins-zwei-drei"), WrongPassword)


def test_a_changed_password_ends_the_logins_elsewhere(world):
    elsewhere, here = enter(world), enter(world)
    actor = world.actor("limin")
    with world.database.transaction() as session:
        change_own_password(
            session, actor, current=RIGHT, new="new-password", keep=here.secret, now=world.now
        )
    assert who(world, elsewhere.secret) is None
    assert who(world, here.secret) is not None


@pytest.mark.parametrize(
    ("current", "new", "rule", "at"),
    [
        ("wrong", "new-password", "wrong-password", "/current"),
        (RIGHT, RIGHT, "same", "/password"),
        (RIGHT, "short", "too-short", "/password"),
    ],
)
def test_a_password_is_changed_by_who_knows_it_into_a_good_one(bureau, current, new, rule, at):
    with bureau.database.transaction() as session, refused(rule, at=at):
        change_own_password(session, bureau.actor("limin"), current=current, new=new, keep="", now=bureau.now)


def test_a_password_set_by_an_administrator_ends_every_login_and_the_wait(world):
    came = enter(world)
    for _ in range(7):
        enter(world, password="wrong")
    with world.database.transaction() as session:
        set_password(
            session, "limin", "neues-kennwort", one_time=True, actor=world.actor("guanli"), now=world.now
        )
    assert who(world, came.secret) is None
    assert isinstance(enter(world, password="neues-kennwort"), SignedIn)
    with world.database.reading() as session:
        last = history_of(session, person_by_login(session, "limin"))[-1]
    assert (last.event, last.actor_name, last.facts) == ("password_set", "管理员小吴", {"one_time": True})


def test_a_password_is_set_only_for_somebody_there(bureau):
    with bureau.database.transaction() as session, refused("not-found"):
        set_password(session, "nobody", "long-enough", one_time=False, actor=SYSTEM, now=bureau.now)


def token_of(world, login="robot", **said):
    with world.database.transaction() as session:
        return issue_token(session, login, note="接口", now=world.now, **said)


def bearer(world, token):
    with world.database.reading() as session:
        found = actor_from_token(session, token, now=world.now)
        return found and found.login


def test_a_token_stands_for_its_person(world):
    token = token_of(world)
    assert token.startswith("cc_")
    assert bearer(world, token) == "robot"
    assert bearer(world, token + "x") is None
    assert bearer(world, "") is None


def test_a_token_ends_when_it_was_said_to(world):
    token = token_of(world, lasts=timedelta(days=30))
    world.now += timedelta(days=30) - timedelta(seconds=1)
    assert bearer(world, token) == "robot"
    world.later(seconds=1)
    assert bearer(world, token) is None


def test_tokens_are_taken_back(world):
    first, second, other = token_of(world), token_of(world), token_of(world, "limin")
    with world.database.transaction() as session:
        assert revoke_tokens(session, "robot", now=world.now) == 2
        assert revoke_tokens(session, "robot", now=world.now) == 0
    assert [bearer(world, each) for each in (first, second, other)] == [None, None, "limin"]


def test_a_token_is_issued_only_to_somebody_there_and_leaves_a_trace(world):
    with world.database.transaction() as session, refused("not-found"):
        issue_token(session, "nobody", note="", now=world.now)
    token_of(world)
    with world.database.reading() as session:
        last = history_of(session, person_by_login(session, "robot"))[-1]
    assert (last.event, last.facts) == ("token_issued", {"note": "接口"})
