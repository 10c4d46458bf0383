"""One database: connections and the two ways to use them, writing in one transaction and reading."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError

from domain.errors import Stale, refusal_for

LARGEST_FILE = "largest_file"
"""Where a session carries the installation's limit for one file, bytes: a rule of input that is a setting."""


class Database:
    """A pool of connections to one PostgreSQL. Edges open transactions; commands never commit."""

    def __init__(self, url: str, *, pool_size: int = 16, largest_file: int | None = None) -> None:
        self.url = url
        info = {} if largest_file is None else {LARGEST_FILE: largest_file}
        self.engine = create_engine(url, pool_size=pool_size, max_overflow=4, pool_pre_ping=True)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False, info=info)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One unit of work: committed at the end, rolled back when anything is raised.

        Raises Stale when another writer was first, and the named refusal when the database's own law says no.
        """
        try:
            with self._sessions.begin() as session:
                yield session
        except StaleDataError as error:
            raise Stale from error
        except IntegrityError as error:
            raise refusal_for(error) from error

    @contextmanager
    def reading(self, *, snapshot: bool = False) -> Iterator[Session]:
        """A read-only session; with `snapshot` every query in it sees the same moment (REPEATABLE READ)."""
        options = {"isolation_level": "REPEATABLE READ"} if snapshot else {}
        with (
            self.engine.connect().execution_options(postgresql_readonly=True, **options) as connection,
            self._sessions(bind=connection) as session,
        ):
            yield session

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()
