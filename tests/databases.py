"""Databases for tests: copies of a template that are put back as they were and lent again.

Making a database costs a hundred times what emptying one does, and nearly every test wants its own.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import psycopg
from psycopg import sql

from domain.database import Database

GROWN = 8 * 1024 * 1024
"""Bytes above its template from which a database is not worth putting back."""

_numbers = itertools.count()

_SHAPE = """
    SELECT 'column', attrelid::regclass::text, attname, atttypid::regtype::text, attnotnull::text
      FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
     WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
    UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, contype::text, convalidated::text
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, tgfoid::regproc::text, tgenabled::text
      FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'function', proname, md5(prosrc), '', ''
      FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    ORDER BY 1, 2, 3
"""
_OTHERS_OUT = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def named(url: str, database: str) -> str:
    """The address of another database of the same server."""
    return url.replace("/postgres?", f"/{database}?", 1)


def administering(url: str) -> psycopg.Connection:
    """A connection of the database's owner, outside SQLAlchemy; every statement commits."""
    return psycopg.connect(url.replace("postgresql+psycopg", "postgresql", 1), autocommit=True)


class Shelf:
    """Copies of one template, waiting to be lent."""

    def __init__(self, server: str, template: str) -> None:
        self.server = server
        self.template = template
        self._waiting: list[tuple[str, Database]] = []

    @contextmanager
    def lend(self) -> Iterator[Database]:
        """A database with just what the template holds.

        It is lent again with its engine, which knows the statements compiled so far: an eighth of what tests cost.
        """
        name, own = self._waiting.pop() if self._waiting else self._made()
        yield own
        own.close()
        if self._put_back(name):
            self._waiting.append((name, own))
        else:
            with administering(self.server) as admin:
                admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _made(self) -> tuple[str, Database]:
        self._original  # noqa: B018 - read while nobody copies the template
        name = f"t_{os.getpid()}_{next(_numbers)}"
        with administering(self.server) as admin:
            copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            admin.execute(copy.format(sql.Identifier(name), sql.Identifier(self.template)))
        return name, Database(named(self.server, name))

    @cached_property
    def _original(self) -> _Contents:
        with administering(named(self.server, self.template)) as template:
            return _Contents.of(template)

    def _put_back(self, name: str) -> bool:
        """Give it the template's rows again; False when its schema was changed or it has grown large."""
        with administering(named(self.server, name)) as connection:
            connection.execute(_OTHERS_OUT)
            return self._original.restore(connection)


class _Contents:
    """What a template holds: the shape of its schema, the rows of its tables, where its sequences stand."""

    def __init__(self, shape: list[tuple], size: int, rows: dict[str, bytes], sequences: list[tuple]) -> None:  # type: ignore[type-arg]
        self.shape = shape
        self.size = size
        self.rows = rows
        self.sequences = sequences

    @classmethod
    def of(cls, connection: psycopg.Connection) -> _Contents:
        """Read them."""
        rows = {}
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            with connection.cursor().copy(
                sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))
            ) as lines:
                rows[table] = b"".join(bytes(line) for line in lines)
        shape, size, sequences = cls._looked_at(connection)
        return cls(shape, size, rows, sequences)

    @staticmethod
    def _looked_at(connection: psycopg.Connection) -> tuple[list[tuple], int, list[tuple]]:  # type: ignore[type-arg]
        shape = connection.execute(_SHAPE).fetchall()
        [(size,)] = connection.execute("SELECT pg_database_size(current_database())").fetchall()
        told = (
            "SELECT sequencename, coalesce(last_value, start_value), last_value IS NOT NULL FROM pg_sequences"
        )
        return shape, size, connection.execute(told).fetchall()

    def restore(self, connection: psycopg.Connection) -> bool:
        """Make the database hold them again; False, and nothing done, when rows alone would not be enough."""
        shape, size, sequences = self._looked_at(connection)
        if shape != self.shape or size > self.size + GROWN:
            return False
        with connection.transaction():
            # Neither the triggers that keep history as it is nor the keys between tables look on meanwhile.
            connection.execute("SET LOCAL session_replication_role = replica")
            emptied = [sql.SQL("DELETE FROM {}").format(sql.Identifier(table)) for table in self.rows]
            connection.execute(sql.SQL("; ").join(emptied))
            for table, lines in self.rows.items():
                if lines:
                    copied = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))
                    with connection.cursor().copy(copied) as target:
                        target.write(lines)
            for name, *at in set(self.sequences) - set(sequences):
                connection.execute("SELECT setval(%s, %s, %s)", [name, *at])
        return True
