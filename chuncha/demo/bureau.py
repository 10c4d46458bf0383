"""The bureau the demo plays in: an invented county with fifteen stations, read from the tables it also imports."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.resources import files

from sqlalchemy import text, update

from domain import heartbeats
from domain.access import hash_password, issue_token
from domain.database import Database
from domain.imports import import_table
from domain.people import first_administrator
from domain.records import Person
from domain.samples import CHECKLIST_DISTRIBUTION, sample
from statemachines.roles import SYSTEM, Role

CODE = "YL"
NAME = "云岭县供电局"
CHECKLIST = "PD90"
PASSWORD = "chuncha-2026"  # noqa: S105 - printed at the end, for invented people in a throw-away folder

UNITS, PEOPLE = "units.csv", "people.csv"


@dataclass(frozen=True, slots=True)
class Colleague:
    """One person of the sample: login, name, unit (code) and role."""

    login: str
    name: str
    unit: str
    role: Role


@dataclass(frozen=True, slots=True)
class Station:
    """A station with its people. `fixers` are those of its team where it has one, else its own.

    `partner` is the bureau's inspector who looks after it; `lines` are its 10 kV lines, `villages` what they feed.
    """

    code: str
    name: str
    head: Colleague
    checker: Colleague
    fixers: tuple[Colleague, ...]
    partner: Colleague
    lines: tuple[str, ...]
    villages: tuple[str, ...]

    @property
    def short(self) -> str:
        """柳林供电所 → 柳林所."""
        return self.name.replace("供电所", "所")


# fmt: off
_VILLAGES = (
    "张庄", "李家沟", "前营", "后洼", "小寨", "上河", "下河", "杨树屯", "王家店", "刘庄",
    "北沟", "新村", "老君堂", "塔坡", "枣园", "沙岗", "高台", "石门", "泉头", "竹园",
)
# fmt: on
_SIDES = "东西南北"


class Bureau:
    """Who is who."""

    def __init__(self) -> None:
        self.people = [
            Colleague(row["login"], row["name"], row["unit"], Role(row["roles"])) for row in _rows(PEOPLE)
        ]
        self._units = list(_rows(UNITS))

    def named(self, login: str) -> Colleague:
        """The person with this login."""
        return next(each for each in self.people if each.login == login)

    def holding(self, role: Role, unit: str = CODE) -> list[Colleague]:
        """The people of one unit with this role."""
        return [each for each in self.people if each.unit == unit and each.role is role]

    @property
    def safety_supervisor(self) -> Colleague:
        """安监部主任: sets the campaign up, assigns what is beyond a station."""
        return self.holding(Role.SUPERVISOR)[0]

    @property
    def leader(self) -> Colleague:
        """分管副局长."""
        return self.holding(Role.LEADER)[0]

    @property
    def inspectors(self) -> list[Colleague]:
        """The bureau's own inspectors."""
        return self.holding(Role.INSPECTOR)

    @cached_property
    def stations(self) -> list[Station]:
        """The fifteen stations in the order of the table."""
        codes = [(row["code"], row["name"]) for row in self._units if row["kind"] == "station"]
        return [self._station(place, code, name) for place, (code, name) in enumerate(codes)]

    def _station(self, place: int, code: str, name: str) -> Station:
        inspectors = self.inspectors
        fixers = self.holding(Role.ASSIGNEE, f"{code}-A") or self.holding(Role.ASSIGNEE, code)
        side = next(side for side in _SIDES[place % 4 :] + _SIDES if side != name[0])
        lines = (f"10kV {name.removesuffix('供电所')}线", f"10kV {name[0]}{side}线")
        villages = tuple(_VILLAGES[(3 * place + step) % len(_VILLAGES)] for step in range(4))
        return Station(
            code=code,
            name=name,
            head=self.holding(Role.SUPERVISOR, code)[0],
            checker=self.holding(Role.INSPECTOR, code)[0],
            fixers=tuple(fixers),
            partner=inspectors[place % len(inspectors)],
            lines=lines,
            villages=villages,
        )


def _table(name: str) -> bytes:
    return files(__package__).joinpath(f"samples/{name}").read_bytes()


def _rows(name: str) -> Iterator[dict[str, str]]:
    return csv.DictReader(io.StringIO(_table(name).decode()))


def set_up(database: Database, *, now: datetime) -> tuple[str, str]:
    """Import units, people and the checklist as `chuncha import` does; returns the administrator's login and password.

    Everybody of the sample gets the one printed password. Raises RuntimeError when a sample table has a bad row.
    """
    with database.transaction() as session:
        # The flows beat by the real clock.
        heartbeats.expect(session, now=datetime.now(UTC))
        # A throw-away installation need not survive a power cut, and the disk is waited for five thousand times less.
        session.execute(text("ALTER DATABASE postgres SET synchronous_commit TO off"))
        first = first_administrator(session, now=now)
        assert first is not None
        tables = [
            ("units", _table(UNITS), UNITS, {}),
            ("people", _table(PEOPLE), PEOPLE, {}),
            (
                "checklist",
                sample(CHECKLIST_DISTRIBUTION),
                CHECKLIST_DISTRIBUTION,
                {"code": CHECKLIST, "name": "配电春查检查表（90项）"},
            ),
        ]
        for kind, data, filename, named in tables:
            report = import_table(session, kind, data, filename, actor=SYSTEM, now=now, **named)
            if not report.good:
                raise RuntimeError("\n".join(report.lines("zh")))
        # One argon2 hash for all of them: each costs a twentieth of a second.
        session.execute(
            update(Person).where(Person.login != first[0]).values(password_hash=hash_password(PASSWORD))
        )
    return first


def settle(database: Database) -> None:
    """From now on somebody may use it in earnest: every commit waits for the disk again."""
    with database.transaction() as session:
        session.execute(text("ALTER DATABASE postgres RESET synchronous_commit"))


def issue_tokens(database: Database, people: Sequence[Colleague], *, now: datetime) -> dict[str, str]:
    """A bearer token for everybody, by login."""
    with database.transaction() as session:
        return {each.login: issue_token(session, each.login, note="demo", now=now) for each in people}
