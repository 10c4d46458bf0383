"""Whether anything may have changed since somebody last looked: one small question instead of all the figures.

Every command leaves a row of history, so what was committed tells whether figures can have moved. The clock moves some
of them too: a deadline passes, another comes within seven days, a day begins.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from domain.figure_filter import SOON
from statemachines.labels import local_day

# Rows of transactions below `settled` are all there, and the last of them names them all; above it every row that can
# be seen is counted, so one that commits late is not missed although its number is lower than others'.
# Then the last deadline before a moment: of tickets in the words of `ix_tickets_open_due`, of suggestions in those of
# `ix_suggestions_open`.
_PASSED = """
       (SELECT coalesce(due_at, 'infinity'::timestamptz) FROM tickets
        WHERE state IN ('found', 'assigned', 'fixed') AND coalesce(due_at, 'infinity'::timestamptz) < {moment}
        ORDER BY coalesce(due_at, 'infinity'::timestamptz) DESC, id DESC LIMIT 1)"""
_SEEN = text(
    f"""
WITH seen AS MATERIALIZED (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS settled)
SELECT (SELECT xid || ':' || id FROM history WHERE xid < (SELECT settled FROM seen) ORDER BY xid DESC, id DESC LIMIT 1),
       (SELECT count(*) FROM history WHERE xid >= (SELECT settled FROM seen)),
       {_PASSED.format(moment=":now")},
       {_PASSED.format(moment=":soon")},
       (SELECT answer_due_at FROM suggestions WHERE answer_due_at < :now ORDER BY answer_due_at DESC LIMIT 1)
"""  # noqa: S608 - put together from constants above alone
)


def changes_stamp(session: Session, *parts: object, now: datetime) -> str:
    """A short text that is the same as long as no figure can have changed; `parts` are what else it depends on.

    It may change although no figure has: it is about the whole installation. In a session that sees one moment, what is
    read beside it belongs to it.
    """
    seen = session.execute(_SEEN, {"now": now, "soon": now + SOON}).one()
    told = repr((tuple(seen), local_day(now), parts))
    return hashlib.sha256(told.encode()).hexdigest()[:24]
