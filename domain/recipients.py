"""Whom a step of a ladder tells: people, the holders of roles above a unit, and who stands in for whoever is away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Protocol
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from domain.ladder_settings import LadderStep, Told, named
from domain.many_rows import among
from domain.records import Person, RoleGrant, Unit
from domain.stand_ins import StandIns
from statemachines.labels import Level, local_day
from statemachines.roles import Role
from statemachines.ticket import APPROVERS

ROLES_TOLD = (Role.SUPERVISOR, Role.LEADER, Role.INSPECTOR)

_NAMED = {Told.ASSIGNEE, Told.INSPECTOR, Told.REQUESTER, Told.ADDRESSEE}


class Concerns(Protocol):
    """What the recipients of a step are found from."""

    @property
    def unit_path(self) -> str: ...
    @property
    def level(self) -> Level | None: ...
    @property
    def people(self) -> Mapping[Told, UUID | None]: ...
    @property
    def acts(self) -> UUID | None: ...


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody told. `responsible` acts, all others urge; `instead_of` is the absent person they stand in for.

    Who is `away` is told as well, but finds it in the in-box on return: a substitute acts meanwhile.
    """

    person: Person
    responsible: bool = False
    instead_of: Person | None = None
    away: bool = False

    def name(self) -> str:
        """As the history keeps it: 李强（代王建国）."""
        return f"{self.person.name}（代{self.instead_of.name}）" if self.instead_of else self.person.name


@lru_cache(maxsize=4096)
def unit_and_above(path: str) -> tuple[str, ...]:
    """The paths of a unit and of all above it: "/XB/XB03/" → "/", "/XB/", "/XB/XB03/"."""
    codes = path.strip("/").split("/") if path != "/" else []
    return ("/", *("/" + "/".join(codes[: n + 1]) + "/" for n in range(len(codes))))


class Recipients:
    """Who is told, looked up once for a batch of matters: a handful of queries, however many there are."""

    def __init__(
        self, session: Session, subjects: Sequence[Concerns], steps: Iterable[LadderStep], *, on: datetime
    ) -> None:
        words = {word for step in steps for word in step.to}
        logins = {about[1] for word in words if (about := named(word)) and about[0] == "person"}
        codes = {about[1] for word in words if (about := named(word)) and about[0] == "leader_of"}
        paths = {path for subject in subjects for path in unit_and_above(subject.unit_path)}
        self._unit_paths: dict[str, str] = {}
        if codes:
            rows = session.execute(select(Unit.code, Unit.path).where(Unit.code.in_(codes)))
            self._unit_paths = dict(rows.tuples().all())
            paths |= {each for path in self._unit_paths.values() for each in unit_and_above(path)}
        ids = {key for subject in subjects for key in subject.people.values() if key is not None}
        self._people: dict[UUID, Person] = {}
        self._by_login: dict[str, Person] = {}
        self._add(
            session, or_(among(Person.id, ids), Person.login.in_(logins)) if logins else among(Person.id, ids)
        )
        self._holders: defaultdict[tuple[Role, str], list[Person]] = defaultdict(list)
        rows = session.execute(
            select(RoleGrant.role, Unit.path, Person)
            .join(Unit, Unit.id == RoleGrant.unit_id)
            .join(Person, Person.id == RoleGrant.person_id)
            .where(Unit.path.in_(paths), RoleGrant.role.in_(ROLES_TOLD), Person.active)
            .order_by(func.length(Unit.path).desc(), Person.login)
        )
        for role, path, person in rows:
            self._holders[role, path].append(person)
            self._people[person.id] = person
        self._stand_ins = StandIns(session, local_day(on))
        if missing := self._stand_ins.substitutes - self._people.keys():
            self._add(session, among(Person.id, missing))

    def _add(self, session: Session, which: object) -> None:
        for person in session.scalars(select(Person).where(which, Person.active)):  # type: ignore[arg-type]
            self._people[person.id] = self._by_login[person.login] = person

    def of(self, words: Iterable[str], subject: Concerns) -> list[Recipient]:
        """The people these words mean for this matter, each once. People no longer active are not told."""
        found: dict[UUID, Recipient] = {}
        for word in words:
            for person in self._meant(word, subject):
                found.setdefault(person.id, Recipient(person, responsible=person.id == subject.acts))
        for told in list(found.values()):
            substitute = self._substitute_of(told.person)
            if substitute is None:
                continue
            found[told.person.id] = Recipient(told.person, told.responsible, away=True)
            if substitute.id not in found or found[substitute.id].away:
                found[substitute.id] = Recipient(substitute, told.responsible, instead_of=told.person)
        return list(found.values())

    def _substitute_of(self, person: Person) -> Person | None:
        """Who acts for them today; None when they are here, or nobody who could is."""
        return self._people.get(self._stand_ins.of(person.id) or _NOBODY)

    def _meant(self, word: str, subject: Concerns) -> list[Person]:
        about = named(word)
        if about is not None:
            kind, key = about
            if kind == "person":
                return [self._by_login[key]] if key in self._by_login else []
            return self._leader(self._unit_paths[key]) if key in self._unit_paths else []
        told = Told(word)
        if told in _NAMED:
            person = self._people.get(subject.people.get(told) or _NOBODY)
            if person is not None or told is not Told.INSPECTOR:
                return [person] if person is not None else []
            return self._holding(Role.INSPECTOR, subject.unit_path)
        if told is Told.UNIT_LEADER:
            return self._leader(subject.unit_path)
        if told is Told.APPROVER:
            roles = APPROVERS[subject.level or Level.GENERAL]
            asked = subject.people.get(Told.REQUESTER)
            held = [person for role in roles for person in self._holding(role, subject.unit_path)]
            return [person for person in held if person.id != asked]
        return self._holding(Role.SUPERVISOR if told is Told.SUPERVISOR else Role.LEADER, subject.unit_path)

    def _holding(self, role: Role, unit_path: str) -> list[Person]:
        upwards = reversed(unit_and_above(unit_path))
        return [person for path in upwards for person in self._holders[role, path]]

    def _leader(self, unit_path: str) -> list[Person]:
        for path in reversed(unit_and_above(unit_path)):
            if found := self._holders[Role.LEADER, path] or self._holders[Role.SUPERVISOR, path]:
                return found
        return []


_NOBODY = UUID(int=0)
