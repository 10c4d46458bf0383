"""The people of a sample, and filling an empty installation with it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files

from sqlalchemy import text, update

from domain import heartbeats
from domain.access import hash_password, issue_token
from domain.database import Database
from domain.imports import import_table
from domain.people import first_administrator
from domain.records import Person
from statemachines.roles import SYSTEM, Role

PASSWORD = "chuncha-2026"  # noqa: S105 - printed at the end, for invented people in a throw-away folder


@dataclass(frozen=True, slots=True)
class Colleague:
    """One person of a sample: login, name, unit (code) and role."""

    login: str
    name: str
    unit: str
    role: Role


@dataclass(frozen=True, slots=True)
class Table:
    """A table as `chuncha import` reads it; `named` is what a checklist is called."""

    kind: str
    filename: str
    data: bytes
    code: str | None = None
    name: str | None = None

    @classmethod
    def of(cls, package: str, kind: str) -> Table:
        """The table of that kind in a sample's folder."""
        filename = f"{kind}.csv"
        return cls(kind, filename, files(package).joinpath(filename).read_bytes())

    @classmethod
    def written(cls, kind: str, rows: Sequence[Mapping[str, str]]) -> Table:
        """A table of these rows, which have the same columns."""
        out = io.StringIO()
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        return cls(kind, f"{kind}.csv", out.getvalue().encode())

    def rows(self) -> list[dict[str, str]]:
        """Its rows by the names of the columns."""
        return list(csv.DictReader(io.StringIO(self.data.decode())))


def colleagues(people: Table) -> list[Colleague]:
    """The people of a table, who hold one role each."""
    return [Colleague(row["login"], row["name"], row["unit"], Role(row["roles"])) for row in people.rows()]


def set_up(database: Database, tables: Sequence[Table], *, now: datetime) -> tuple[str, str]:
    """Import the tables as `chuncha import` does; returns the administrator's login and password.

    Everybody of the sample gets the one printed password. Raises RuntimeError when a sample table has a bad row.
    """
    with database.transaction() as session:
        # The flows beat by the real clock.
        heartbeats.expect(session, now=datetime.now(UTC))
        # A throw-away installation need not survive a power cut, and the disk is waited for five thousand times less.
        session.execute(text("ALTER DATABASE postgres SET synchronous_commit TO off"))
        first = first_administrator(session, now=now)
        assert first is not None
        for table in tables:
            named = {"code": table.code, "name": table.name} if table.code else {}
            report = import_table(
                session, table.kind, table.data, table.filename, actor=SYSTEM, now=now, **named
            )
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
