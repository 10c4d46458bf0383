"""Who holds a message while it is being sent: a number, and a lock PostgreSQL lets go of the moment the process dies.

What a killed deliverer held is taken back by the next run. Should PostgreSQL not learn of its end (a machine without
power, a cut line), the lease of domain/dispatches.py ends it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from sqlalchemy import Interval, cast, func, literal, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from domain.database import Database
from domain.dispatches import FIRST_PAUSE, unsettled
from domain.records import Dispatch


@contextmanager
def holder(database: Database) -> Iterator[int]:
    """The number this run holds messages by, until its end or its death."""
    number = secrets.randbits(62)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(select(func.pg_advisory_lock(number)))
        try:
            yield number
        finally:
            # A connection that broke meanwhile has let go already; the pool forgets it.
            with suppress(DBAPIError):
                connection.execute(select(func.pg_advisory_unlock(number)))


def take_back(session: Session, *, as_of: datetime) -> int:
    """Free what the dead hold. Returns how many messages.

    They may go out at once; one whose deliverer died over it more than once waits longer each time, so that a message
    which kills every deliverer does not keep the others.
    """
    held = select(Dispatch.held_by).where(unsettled(), Dispatch.held_by.is_not(None)).distinct()
    dead = [
        number
        for number in session.scalars(held)
        if session.scalar(select(func.pg_try_advisory_xact_lock(number)))
    ]
    if not dead:
        return 0
    pauses = func.power(2, func.greatest(Dispatch.attempts - 1, 0)) - 1
    freed = session.execute(
        update(Dispatch)
        .where(unsettled(), Dispatch.held_by.in_(dead))
        .values(held_by=None, not_before=literal(as_of) + cast(FIRST_PAUSE, Interval) * pauses)
        .returning(Dispatch.id),
        execution_options={"synchronize_session": False},
    )
    return len(freed.all())
