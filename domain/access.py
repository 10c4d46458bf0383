"""Ways in: passwords, web logins and bearer tokens. The actor of every command comes from here, never from a body."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast
from uuid import UUID

from pwdlib import PasswordHash
from sqlalchemy import ColumnElement, Row, delete, exists, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased, joinedload, selectinload

from domain.errors import BadInput, NotFound
from domain.history import record
from domain.records import Absence, ApiToken, LoginFailure, Person, RoleGrant, Unit, WebLogin
from domain.stand_ins import StandIns
from statemachines.labels import Language, local_day
from statemachines.refusals import Refusal
from statemachines.roles import Actor, Grant

WEB_LOGIN_LASTS = timedelta(days=14)
FREE_ATTEMPTS = 5
LONGEST_WAIT = timedelta(minutes=15)
SHORTEST_PASSWORD = 8

_passwords = PasswordHash.recommended()


@cache
def _nobody() -> str:
    """Verified against when there is no such login, so that the answer takes as long and tells nothing."""
    return _passwords.hash("nobody has this password")


class WrongPassword(Refusal):
    """The name and the password do not belong together; which of the two is wrong is not said."""

    code, status = "wrong-password", 401
    title_zh, title_en = "登录失败", "Not signed in"
    zh = "登录名或密码不对。忘记密码请找本单位管理员重置。"
    en = "The login name or the password is wrong. An administrator of your unit can set a new one."


class TooManyAttempts(Refusal):
    """Guessing is slowed: after five wrong passwords each further one doubles the wait."""

    code, status = "too-many-attempts", 429
    title_zh, title_en = "尝试过多", "Too many attempts"
    zh = "密码错误次数过多，请{seconds}秒后再试。"
    en = "Too many wrong passwords. Try again in {seconds} seconds."


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new web login: `secret` goes into the cookie and is kept nowhere else."""

    secret: str
    csrf_token: str
    person: Person


def _sealed(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def hash_password(password: str) -> str:
    """The argon2 hash of a password. Raises BadInput for one shorter than eight characters."""
    if len(password) < SHORTEST_PASSWORD:
        raise BadInput(
            "/password",
            "too-short",
            zh=f"密码至少{SHORTEST_PASSWORD}个字符。",
            en=f"A password has at least {SHORTEST_PASSWORD} characters.",
        )
    return _passwords.hash(password)


def _person(session: Session, *condition: ColumnElement[bool] | InstrumentedAttribute[bool]) -> Person | None:
    query = (
        select(Person)
        .where(*condition)
        .options(joinedload(Person.unit), selectinload(Person.grants).joinedload(RoleGrant.unit))
    )
    return session.scalars(query).one_or_none()


def actor_of(person: Person) -> Actor:
    """The actor a person is; `unit` and `grants` with their units must be loaded."""
    return Actor(
        id=person.id,
        login=person.login,
        name=person.name,
        unit_id=person.unit_id,
        unit_path=person.unit.path,
        grants=tuple(Grant(grant.role, grant.unit.path) for grant in person.grants),
        language=cast(Language, person.language),
    )


#: Where a role is held, beside the unit its holder belongs to.
_PLACE = aliased(Unit)

#: Everything an actor is made of, one row for each role: every request begins with this, so it is one query.
_ACTORS = (
    select(
        Person.id,
        Person.login,
        Person.name,
        Person.unit_id,
        Person.language,
        Unit.path,
        RoleGrant.role,
        _PLACE.path.label("place"),
        exists().where(Absence.substitute_id == Person.id, Absence.ended_at.is_(None)).label("stands_in"),
    )
    .join(Unit, Unit.id == Person.unit_id)
    .outerjoin(RoleGrant, RoleGrant.person_id == Person.id)
    .outerjoin(_PLACE, _PLACE.id == RoleGrant.unit_id)
    .where(Person.active)
    .order_by(RoleGrant.id)
)


def _actor_of_rows(session: Session, rows: Sequence[Row[Any]], *, now: datetime | None) -> Actor:
    first = rows[0]
    stands_in: frozenset[UUID] = frozenset()
    if first.stands_in and now is not None:
        stands_in = StandIns(session, local_day(now)).whom(first.id)
    return Actor(
        id=first.id,
        login=first.login,
        name=first.name,
        unit_id=first.unit_id,
        unit_path=first.path,
        grants=tuple(Grant(row.role, row.place) for row in rows if row.role is not None),
        language=cast(Language, first.language),
        stands_in_for=stands_in,
    )


def actor_by_login(session: Session, login: str, *, now: datetime | None = None) -> Actor:
    """The actor with this login, for commands run on the machine itself; with `now` also for whom they stand in.

    Raises NotFound.
    """
    rows = session.execute(_ACTORS.where(Person.login == login)).all()
    if not rows:
        raise NotFound(what=login)
    return _actor_of_rows(session, rows, now=now)


def sign_in(session: Session, login: str, password: str, *, now: datetime) -> SignedIn | Refusal:
    """Check a name and password and open a web login.

    Returns the refusal instead of raising it, so that the count of wrong passwords is committed with it.
    """
    failure = session.get(LoginFailure, login, with_for_update=True)
    if failure is not None and failure.failures >= FREE_ATTEMPTS:
        wait = min(timedelta(seconds=2 ** min(failure.failures - FREE_ATTEMPTS, 10)), LONGEST_WAIT)
        left = (failure.last_at + wait - now).total_seconds()
        if left > 0:
            return TooManyAttempts(seconds=int(left) + 1)
    person = _person(session, Person.login == login, Person.active)
    known = person.password_hash if person is not None and person.password_hash else None
    right = _passwords.verify(password, known or _nobody())
    if person is None or not right or known is None:
        row = insert(LoginFailure).values(login=login, failures=1, last_at=now)
        session.execute(
            row.on_conflict_do_update(
                index_elements=["login"], set_={"failures": LoginFailure.failures + 1, "last_at": now}
            )
        )
        return WrongPassword()
    session.execute(delete(LoginFailure).where(LoginFailure.login == login))
    session.execute(delete(WebLogin).where(WebLogin.person_id == person.id, WebLogin.expires_at < now))
    secret, csrf_token = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    session.add(
        WebLogin(
            person_id=person.id,
            secret_hash=_sealed(secret),
            csrf_token=csrf_token,
            created_at=now,
            expires_at=now + WEB_LOGIN_LASTS,
        )
    )
    return SignedIn(secret, csrf_token, person)


def sign_out(session: Session, secret: str) -> None:
    """End the web login of this cookie; nothing happens when there is none."""
    session.execute(delete(WebLogin).where(WebLogin.secret_hash == _sealed(secret)))


@dataclass(frozen=True, slots=True)
class WebActor:
    """Who a cookie stands for, and what their forms must carry."""

    actor: Actor
    csrf_token: str
    password_is_one_time: bool


def actor_from_cookie(session: Session, secret: str, *, now: datetime) -> WebActor | None:
    """Who this cookie stands for; None when it is unknown, expired, or the person is no longer active."""
    rows = session.execute(
        _ACTORS.add_columns(WebLogin.csrf_token, Person.password_is_one_time)
        .join(WebLogin, WebLogin.person_id == Person.id)
        .where(WebLogin.secret_hash == _sealed(secret), WebLogin.expires_at > now)
    ).all()
    if not rows:
        return None
    return WebActor(_actor_of_rows(session, rows, now=now), rows[0].csrf_token, rows[0].password_is_one_time)


def issue_token(
    session: Session, login: str, *, note: str, now: datetime, lasts: timedelta | None = None
) -> str:
    """Make a bearer token for a person or program and return it; only its hash is kept. Raises NotFound."""
    person = _person(session, Person.login == login, Person.active)
    if person is None:
        raise NotFound(what=login)
    token = f"cc_{secrets.token_urlsafe(32)}"
    session.add(
        ApiToken(
            person_id=person.id,
            token_hash=_sealed(token),
            note=note,
            created_at=now,
            expires_at=None if lasts is None else now + lasts,
        )
    )
    record(session, person, "token_issued", actor=actor_of(person), now=now, note=note)
    return token


def revoke_tokens(session: Session, login: str, *, now: datetime) -> int:
    """Revoke every token of a person; returns how many."""
    people = select(Person.id).where(Person.login == login)
    done = session.execute(
        update(ApiToken)
        .where(ApiToken.person_id.in_(people), ApiToken.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def actor_from_token(session: Session, token: str, *, now: datetime) -> Actor | None:
    """Who this bearer token stands for; None when it is unknown, expired or revoked."""
    rows = session.execute(
        _ACTORS.join(ApiToken, ApiToken.person_id == Person.id).where(
            ApiToken.token_hash == _sealed(token),
            ApiToken.revoked_at.is_(None),
            or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now),
        )
    ).all()
    return _actor_of_rows(session, rows, now=now) if rows else None


def set_password(
    session: Session, login: str, password: str, *, one_time: bool, actor: Actor, now: datetime
) -> None:
    """Give a person a password and end their other web logins. Raises NotFound, BadInput."""
    person = _person(session, Person.login == login)
    if person is None:
        raise NotFound(what=login)
    person.password_hash = hash_password(password)
    person.password_is_one_time = one_time
    session.execute(delete(WebLogin).where(WebLogin.person_id == person.id))
    session.execute(delete(LoginFailure).where(LoginFailure.login == login))
    record(session, person, "password_set", actor=actor, now=now, one_time=one_time)


def change_own_password(
    session: Session, actor: Actor, *, current: str, new: str, keep: str, now: datetime
) -> None:
    """Change one's own password; the web login whose secret is `keep` stays. Raises BadInput."""
    person = _person(session, Person.id == actor.id)
    if person is None or not person.password_hash or not _passwords.verify(current, person.password_hash):
        raise BadInput("/current", "wrong-password", zh="当前密码不对。", en="The current password is wrong.")
    if new == current:
        raise BadInput("/password", "same", zh="新密码须与当前密码不同。", en="Choose another password.")
    person.password_hash = hash_password(new)
    person.password_is_one_time = False
    session.execute(
        delete(WebLogin).where(WebLogin.person_id == person.id, WebLogin.secret_hash != _sealed(keep))
    )
    record(session, person, "password_changed", actor=actor, now=now)
