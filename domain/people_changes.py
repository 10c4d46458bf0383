"""People changed after they were added: name, unit, address, roles, password, leaving and coming back.

Whoever administers a person must administer every place that person holds a role at: otherwise setting a password for
somebody above would be a way up.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from domain.access import revoke_tokens, set_password
from domain.errors import BadInput, NotFound
from domain.history import record
from domain.paging import Key, Page, page_of
from domain.people import EmailAddress, GivenRole, deactivate, grant_roles, unit_by_code
from domain.records import Person, RoleGrant, Ticket, Unit
from domain.rights import Deed, may, must_be_allowed
from domain.tickets import RUNNING
from domain.visibility import units_visible_to
from statemachines.refusals import Refusal
from statemachines.roles import Actor, Role


class OwnAccount(Refusal):
    """Nobody locks themselves out or gives themselves roles."""

    code, status = "own-account", 409
    title_zh, title_en = "不能办理本人账号", "Not for one's own account"
    zh = "本人的角色和停用须由其他管理员办理。"
    en = "Your own roles, and the end of your own access, are for another administrator to set."


class PersonChange(BaseModel):
    """What becomes of a person. `email` and `phone` are emptied by an empty text; what is left out stays."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: Annotated[str | None, Field(min_length=1, max_length=40)] = None
    unit: Annotated[str | None, Field(min_length=1, max_length=24)] = None
    email: EmailAddress | Literal[""] | None = None
    phone: Annotated[str | None, Field(max_length=40)] = None
    language: Literal["zh", "en"] | None = None


class Grants(BaseModel):
    """Every role a person is to hold, and where."""

    model_config = ConfigDict(extra="forbid")

    grants: list[GivenRole] = Field(default_factory=list, max_length=50)


class PeopleFilter(BaseModel):
    """What a list is narrowed to; `unit` means the unit and all below it, `q` a part of name or login."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    q: Annotated[str | None, Field(max_length=64)] = None
    unit: Annotated[str | None, Field(max_length=24)] = None
    role: Role | None = None
    active: bool | None = True


def _in_sight(actor: Actor) -> ColumnElement[bool]:
    return Person.unit_id.in_(select(Unit.id).where(units_visible_to(actor)))


def list_people(
    session: Session, wanted: PeopleFilter, *, actor: Actor, limit: int = 50, cursor: str | None = None
) -> Page[Person]:
    """One page of the people of units in sight, by login, unit and roles loaded. Raises BadInput."""
    query = (
        select(Person)
        .where(_in_sight(actor))
        .options(joinedload(Person.unit), selectinload(Person.grants).joinedload(RoleGrant.unit))
    )
    if wanted.q:
        word = f"%{wanted.q.translate(_LITERAL)}%"
        query = query.where(or_(Person.name.ilike(word), Person.login.ilike(word)))
    if wanted.unit:
        top = unit_by_code(session, wanted.unit, actor=actor)
        below = select(Unit.id).where(Unit.path.startswith(top.path, autoescape=True))
        query = query.where(Person.unit_id.in_(below))
    if wanted.role is not None:
        query = query.where(Person.id.in_(select(RoleGrant.person_id).where(RoleGrant.role == wanted.role)))
    if wanted.active is not None:
        query = query.where(Person.active.is_(wanted.active))
    return page_of(session, query, Key(Person.login, str), limit=limit, cursor=cursor)


_LITERAL = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


def person_in_sight(session: Session, login: str, *, actor: Actor, lock: bool = False) -> Person:
    """The person with this login, active or not, unit and roles loaded. Raises NotFound when out of sight."""
    query = (
        select(Person)
        .where(Person.login == login, _in_sight(actor))
        .options(joinedload(Person.unit), selectinload(Person.grants).joinedload(RoleGrant.unit))
    )
    if lock:
        query = query.with_for_update(of=Person).execution_options(populate_existing=True)
    person = session.scalars(query).one_or_none()
    if person is None:
        raise NotFound(what=login)
    return person


def _places(person: Person) -> list[str]:
    return [person.unit.path, *(grant.unit.path for grant in person.grants)]


def may_manage(actor: Actor, person: Person) -> bool:
    """Whether the actor administers the person's unit and every place they hold a role at."""
    return all(may(actor, Deed.MANAGE_PEOPLE, at=path) for path in _places(person))


def _must_manage(actor: Actor, person: Person) -> None:
    for path in _places(person):
        must_be_allowed(actor, Deed.MANAGE_PEOPLE, at=path)


def change_person(
    session: Session, person: Person, told: PersonChange, *, actor: Actor, now: datetime
) -> Person:
    """Name, unit, e-mail, telephone, language. Raises BadInput for an unknown unit, RoleMissing."""
    _must_manage(actor, person)
    changed: dict[str, object] = {}
    if told.unit is not None and told.unit != person.unit.code:
        unit = unit_by_code(session, told.unit, actor=actor)
        must_be_allowed(actor, Deed.MANAGE_PEOPLE, at=unit.path)
        changed["unit"], person.unit = [person.unit.code, unit.code], unit
    for name in ("name", "email", "phone", "language"):
        value = getattr(told, name)
        if value is None:
            continue
        before, after = getattr(person, name), value or None
        if before != after:
            changed[name] = [before, after]
            setattr(person, name, after)
    if changed:
        session.flush()
        record(session, person, "changed", actor=actor, now=now, changed=changed)
    return person


def set_roles(session: Session, person: Person, told: Grants, *, actor: Actor, now: datetime) -> Person:
    """Let the person hold exactly these roles. Raises OwnAccount, BadInput for an unknown unit, RoleMissing."""
    _must_manage(actor, person)
    if person.id == actor.id:
        raise OwnAccount()
    given = [
        (grant.role, unit_by_code(session, grant.unit, actor=actor, pointer=f"/grants/{place}/unit"))
        for place, grant in enumerate(told.grants)
    ]
    for _, unit in given:
        must_be_allowed(actor, Deed.MANAGE_PEOPLE, at=unit.path)
    grant_roles(session, person, given, actor=actor, now=now)
    session.expire(person, ["grants"])
    return person


def give_password(session: Session, person: Person, *, actor: Actor, now: datetime) -> str:
    """A new one-time password, shown once; the person's web logins end. Raises BadInput when they left, RoleMissing."""
    _must_manage(actor, person)
    if not person.active:
        raise BadInput(
            "/login",
            "not-active",
            zh=f"“{person.name}”已停用，请先恢复。",
            en=f"“{person.name}” has left; let them back first.",
        )
    password = secrets.token_urlsafe(9)
    set_password(session, person.login, password, one_time=True, actor=actor, now=now)
    return password


def end_access(session: Session, person: Person, *, actor: Actor, now: datetime) -> Person:
    """停用: no more logins and tokens; the records that name them stay. Raises OwnAccount, RoleMissing."""
    _must_manage(actor, person)
    if person.id == actor.id:
        raise OwnAccount()
    deactivate(session, person.login, actor=actor, now=now)
    revoke_tokens(session, person.login, now=now)
    return person


def restore_access(session: Session, person: Person, *, actor: Actor, now: datetime) -> Person:
    """恢复 somebody who left; a new one-time password is given apart. Raises RoleMissing."""
    _must_manage(actor, person)
    if not person.active:
        person.active = True
        session.flush()
        record(session, person, "restored", actor=actor, now=now)
    return person


def open_work(session: Session, person: Person) -> int:
    """How many open tickets the person is responsible for: to be given to others before they leave."""
    query = select(func.count()).where(Ticket.assignee_id == person.id, Ticket.state.in_(RUNNING))
    return session.scalar(query) or 0
