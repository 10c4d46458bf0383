"""Units and people: the tree (局 → 所/站 → 班组), who belongs where, and who holds which role for a place."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select, exists, func, literal, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from domain.access import hash_password
from domain.errors import BadInput, NotFound
from domain.history import record
from domain.records import Person, RoleGrant, Unit, UnitKind
from domain.visibility import units_visible_to
from statemachines.refusals import RoleMissing
from statemachines.roles import SYSTEM, Actor, Role

Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,23}$")]
Login = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")]
EmailAddress = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]

ROOT_CODE = "ROOT"
"""The unit above all others; the first administrator holds their role at it."""


class NewUnit(BaseModel):
    """A unit to add. `parent` is the code of the unit above, empty for a bureau at the top."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    code: Code
    name: str = Field(min_length=1, max_length=80)
    kind: UnitKind
    parent: Code | None = None


class GivenRole(BaseModel):
    """A role and the unit, by code, in whose subtree it holds."""

    role: Role
    unit: Code


class NewPerson(BaseModel):
    """A person to add. `roles` hold at the person's own unit unless `grants` says otherwise."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    login: Login
    name: str = Field(min_length=1, max_length=40)
    unit: Code
    roles: list[Role] = Field(default_factory=list, max_length=len(Role))
    grants: list[GivenRole] = Field(default_factory=list, max_length=50)
    email: EmailAddress | None = None
    phone: str | None = Field(default=None, max_length=40)
    password: str | None = Field(default=None, max_length=200)
    language: Literal["zh", "en"] = "zh"


def _may_administer(actor: Actor, event: str, at: str) -> None:
    if not actor.system and not actor.holds(Role.ADMINISTRATOR, at=at):
        raise RoleMissing(event=event, roles=(Role.ADMINISTRATOR,))


def unit_by_code(session: Session, code: str, *, actor: Actor, pointer: str = "/unit") -> Unit:
    """The unit with this code within the actor's sight. Raises BadInput naming the field."""
    unit = session.scalars(select(Unit).where(Unit.code == code, units_visible_to(actor))).one_or_none()
    if unit is None:
        raise unknown_unit(code, pointer=pointer)
    return unit


def units_by_codes(session: Session, codes: Iterable[str], *, actor: Actor) -> dict[str, Unit]:
    """The units with these codes within the actor's sight, by code; a code that none has is left out."""
    found = session.scalars(select(Unit).where(Unit.code.in_(set(codes)), units_visible_to(actor)))
    return {unit.code: unit for unit in found}


def unknown_unit(code: str, *, pointer: str = "/unit") -> BadInput:
    """The refusal of a code that no unit within reach has."""
    return BadInput(
        pointer,
        "unknown-unit",
        zh=f"没有编码为“{code}”的单位，或不在您的管辖范围内。",
        en=f"There is no unit with the code “{code}” within your reach.",
    )


def units_in_sight(session: Session, actor: Actor) -> list[Unit]:
    """Every unit the actor may see, parents before children."""
    return list(
        session.scalars(
            select(Unit).where(units_visible_to(actor), Unit.code != ROOT_CODE).order_by(Unit.path)
        )
    )


def unit_choices(session: Session, actor: Actor) -> list[tuple[str, str, int]]:
    """Code, name and depth of every unit the actor may see, parents before children, the uppermost at depth 0: what a
    choice of units shows, without the records of hundreds of them.
    """
    query = select(Unit.code, Unit.name, Unit.path).where(units_visible_to(actor), Unit.code != ROOT_CODE)
    rows = session.execute(query.order_by(Unit.path))
    return [(code, name, max(path.count("/") - 2, 0)) for code, name, path in rows]


def add_unit(session: Session, new: NewUnit, *, actor: Actor, now: datetime) -> Unit:
    """Add a unit below its parent. Raises BadInput for a known code or unknown parent, RoleMissing."""
    if session.scalar(select(exists().where(Unit.code == new.code))):
        raise BadInput(
            "/code", "code-taken", zh=f"编码“{new.code}”已有单位使用。", en=f"The code “{new.code}” is taken."
        )
    parent = unit_by_code(session, new.parent or ROOT_CODE, actor=actor, pointer="/parent")
    _may_administer(actor, "增加单位 / add a unit", parent.path)
    unit = Unit(
        code=new.code, name=new.name, kind=new.kind, parent_id=parent.id, path=f"{parent.path}{new.code}/"
    )
    session.add(unit)
    session.flush()
    record(session, unit, "added", actor=actor, now=now, code=unit.code, name=unit.name)
    return unit


def add_person(session: Session, new: NewPerson, *, actor: Actor, now: datetime) -> Person:
    """Add a person with their roles. Raises BadInput for a known login or unknown unit, RoleMissing."""
    if session.scalar(select(exists().where(Person.login == new.login))):
        raise BadInput(
            "/login",
            "login-taken",
            zh=f"登录名“{new.login}”已被使用。",
            en=f"The login “{new.login}” is taken.",
        )
    unit = unit_by_code(session, new.unit, actor=actor)
    _may_administer(actor, "增加人员 / add a person", unit.path)
    person = Person(
        login=new.login,
        name=new.name,
        unit=unit,
        email=new.email,
        phone=new.phone,
        language=new.language,
        created_at=now,
        password_hash=hash_password(new.password) if new.password else None,
    )
    session.add(person)
    session.flush()
    given = [(role, unit) for role in new.roles]
    for position, grant in enumerate(new.grants):
        place = unit_by_code(session, grant.unit, actor=actor, pointer=f"/grants/{position}/unit")
        given.append((grant.role, place))
    grant_roles(session, person, given, actor=actor, now=now)
    return person


def grant_roles(
    session: Session, person: Person, given: Sequence[tuple[Role, Unit]], *, actor: Actor, now: datetime
) -> None:
    """Let a person hold exactly these roles at these units. Raises RoleMissing where the actor may not."""
    for _, unit in given:
        _may_administer(actor, "授予角色 / grant a role", unit.path)
    session.query(RoleGrant).filter(RoleGrant.person_id == person.id).delete()
    unique = {(role, unit.id): unit for role, unit in given}
    session.add_all(RoleGrant(person_id=person.id, role=role, unit_id=unit_id) for role, unit_id in unique)
    session.flush()
    record(
        session,
        person,
        "roles_set",
        actor=actor,
        now=now,
        roles=[f"{role.value}@{unit.code}" for (role, _), unit in unique.items()],
    )


def person_by_login(session: Session, login: str, *, pointer: str = "/assignee") -> Person:
    """The active person with this login, with unit and roles loaded. Raises BadInput naming the field."""
    person = session.scalars(
        select(Person)
        .where(Person.login == login, Person.active)
        .options(joinedload(Person.unit), selectinload(Person.grants).joinedload(RoleGrant.unit))
    ).one_or_none()
    if person is None:
        raise BadInput(
            pointer,
            "unknown-person",
            zh=f"没有登录名为“{login}”的在职人员。",
            en=f"There is nobody with the login “{login}”.",
        )
    return person


def holders(session: Session, role: Role, unit_path: str) -> list[Person]:
    """Active people holding `role` at the unit with this path or above it, those nearest the unit first."""
    query = (
        select(Person)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .join(Unit, Unit.id == RoleGrant.unit_id)
        .where(RoleGrant.role == role, Person.active, literal(unit_path).like(Unit.path.concat("%")))
        .order_by(func.length(Unit.path).desc(), Person.login)
        .options(joinedload(Person.unit))
    )
    return list(dict.fromkeys(session.scalars(query)))


def nearest_holders(session: Session, roles: Sequence[Role], unit_path: str) -> list[Person]:
    """Active people holding one of the roles at the unit, else at the nearest above it where somebody does."""
    query = (
        select(Person, Unit.path)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .join(Unit, Unit.id == RoleGrant.unit_id)
        .where(RoleGrant.role.in_(roles), Person.active, literal(unit_path).like(Unit.path.concat("%")))
        .order_by(func.length(Unit.path).desc(), Person.login)
    )
    rows = session.execute(query).tuples().all()
    return list(dict.fromkeys(person for person, path in rows if path == rows[0][1]))


def _assignees(unit_path: str) -> Select[tuple[Person]]:
    """Assignees of the unit, of one above it, or of a team in it."""
    return (
        select(Person)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .join(Unit, Unit.id == RoleGrant.unit_id)
        .where(
            RoleGrant.role == Role.ASSIGNEE,
            Person.active,
            or_(
                literal(unit_path).like(Unit.path.concat("%")),
                Unit.path.startswith(unit_path, autoescape=True),
            ),
        )
        .order_by(func.length(Unit.path).desc(), Person.login)
        .options(joinedload(Person.unit))
    )


def may_be_assigned(session: Session, unit_path: str) -> list[Person]:
    """Who can be made responsible for a hazard at this unit: assignees of the unit, above it, or of a team in it."""
    return list(dict.fromkeys(session.scalars(_assignees(unit_path))))


def assignees_for(session: Session, unit_paths: Sequence[str]) -> list[tuple[Person, int]]:
    """Who can be made responsible at any of these units, and at how many of them, those for most first."""
    query = (
        select(Person, Unit.path)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .join(Unit, Unit.id == RoleGrant.unit_id)
        .where(RoleGrant.role == Role.ASSIGNEE, Person.active)
        .order_by(Person.login)
        .options(joinedload(Person.unit))
    )
    at: dict[Person, list[str]] = {}
    for person, path in session.execute(query):
        at.setdefault(person, []).append(path)
    counted = [
        (
            person,
            sum(any(path.startswith(own) or own.startswith(path) for own in paths) for path in unit_paths),
        )
        for person, paths in at.items()
    ]
    return sorted(((person, count) for person, count in counted if count), key=lambda each: -each[1])


def assignee_by_login(session: Session, login: str, *, unit: Unit) -> Person:
    """The person with this login, who may be made responsible at this unit. Raises BadInput at `/assignee`."""
    person = session.scalars(_assignees(unit.path).where(Person.login == login).limit(1)).one_or_none()
    if person is None:
        person = person_by_login(session, login)
        raise BadInput(
            "/assignee",
            "not-an-assignee",
            zh=f"“{person.name}”不是“{unit.name}”的整改责任人，请另选，或由管理员授予“责任人”角色。",
            en=f"“{person.name}” is not an assignee for “{unit.name}”; choose another person, or let an"
            " administrator grant the role.",
        )
    return person


def first_administrator(session: Session, *, now: datetime) -> tuple[str, str] | None:
    """In an empty database create the root unit and an administrator; returns login and one-time password.

    Returns None when there is anybody already.
    """
    if session.scalar(select(exists().where(Person.id.is_not(None)))):
        return None
    root = Unit(code=ROOT_CODE, name="全部单位", kind=UnitKind.BUREAU, parent_id=None, path="/")
    session.add(root)
    session.flush()
    password = secrets.token_urlsafe(9)
    person = add_person(
        session,
        NewPerson(
            login="admin", name="管理员", unit=ROOT_CODE, roles=[Role.ADMINISTRATOR], password=password
        ),
        actor=SYSTEM,
        now=now,
    )
    person.password_is_one_time = True
    return person.login, password


def deactivate(session: Session, login: str, *, actor: Actor, now: datetime) -> Person:
    """End a person's access; the records that name them stay. Raises NotFound, RoleMissing."""
    person = session.scalars(
        select(Person).where(Person.login == login).options(joinedload(Person.unit))
    ).one_or_none()
    if person is None:
        raise NotFound(what=login)
    _may_administer(actor, "停用人员 / deactivate a person", person.unit.path)
    person.active = False
    record(session, person, "deactivated", actor=actor, now=now)
    return person
