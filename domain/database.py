"""One database: connections and the two ways to use them, writing in one transaction and reading."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import IntegrityError, InvalidatePoolError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from domain.errors import Stale, refusal_for
from domain.kept_counts import KEPT_COUNTS, KeptCounts

LARGEST_FILE = "largest_file"
"""Where a session carries the installation's limit for one file, bytes: a rule of input that is a setting."""
TOLERANCE = "evidence_tolerance"
"""Where a session carries how far a photo's own data may be off (domain/evidence.py)."""

IDLE = 1.0
"""Seconds after which a connection is tried before it is used again."""


class Database:
    """A pool of connections to one PostgreSQL. Edges open transactions; commands never commit."""

    def __init__(
        self, url: str, *, pool_size: int = 16, largest_file: int | None = None, tolerance: object = None
    ) -> None:
        self.url = url
        told = {LARGEST_FILE: largest_file, TOLERANCE: tolerance}
        info = {name: value for name, value in told.items() if value is not None}
        self._counts = info[KEPT_COUNTS] = KeptCounts()
        self.engine = create_engine(url, pool_size=pool_size, max_overflow=4, pool_use_lifo=True)
        _try_what_lay_idle(self.engine)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False, info=info)
        self._glances = self.engine.execution_options(isolation_level="AUTOCOMMIT")

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

    @contextmanager
    def glance(self) -> Iterator[Session]:
        """A session for one query, without a transaction around it: two round trips less. For reading alone."""
        with self._glances.connect() as connection, self._sessions(bind=connection) as session:
            yield session

    def close(self) -> None:
        """Give every connection back, and forget what was counted: whoever comes again may find another database."""
        self.engine.dispose()
        self._counts.forget()


def _try_what_lay_idle(engine: Engine) -> None:
    """Let a connection be tried before it is used again, unless it was in use a moment ago.

    A server that was restarted shows as a dead connection; then all of them are made anew and nobody notices. Trying
    every time would be a round trip for each request (docs/performance.md).
    """

    @event.listens_for(engine, "checkin")
    def put_back(_: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info["put_back"] = monotonic()

    @event.listens_for(engine, "checkout")
    def taken(connection: DBAPIConnection, record: ConnectionPoolEntry, _: PoolProxiedConnection) -> None:
        put_back = record.info.get("put_back")
        if put_back is None or monotonic() - put_back < IDLE:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error
