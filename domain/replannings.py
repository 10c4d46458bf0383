"""Planning anew once more after a ladder or calendar was changed, for whoever was planning by the old one meanwhile.

Whoever changes one plans anew all that is open (domain/ladder_changes.py, domain/calendar_import.py). A command that
had read the old one and was not done yet, making a ticket say, plans by it all the same: nothing it writes is seen by
the other, and nobody is made to wait for either. So a sweep plans the same once more, and again when nobody is left
who may have begun before it looked. What was planned wrongly is right before the sweep after it, no step is late.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from domain.calendar_import import calendar_again
from domain.database import Database
from domain.ladder_changes import campaign_again, unit_again
from domain.records import Calendar, Replanning, Unit

_BEGAN_FIRST = text(
    "SELECT min(xact_start) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


def plan_again(database: Database, *, now: datetime) -> None:
    """Plan anew what waits for it; what another sweep plans is left to it."""
    with database.glance() as session:
        if session.scalars(select(Replanning.id).limit(1)).first() is None:
            return
    with database.transaction() as session:
        query = select(Replanning).order_by(Replanning.id).with_for_update(skip_locked=True)
        waiting = session.scalars(query).all()
        # First the clock, then who is at work: whoever is not among them began after it.
        looked_at = session.scalar(select(func.clock_timestamp()))
        began_first = session.scalar(_BEGAN_FIRST)
        for each in waiting:
            new = each.seen_at is None
            each.seen_at = each.seen_at or looked_at
            assert each.seen_at is not None
            last = began_first is None or began_first > each.seen_at
            if new or last:
                _again(session, each, now=now)
            if last:
                session.delete(each)
            session.flush()


def _again(session: Session, each: Replanning, *, now: datetime) -> None:
    if each.campaign_id is not None:
        campaign_again(session, each.campaign_id, now=now)
    elif each.unit_id is not None:
        unit_again(session, session.get_one(Unit, each.unit_id), now=now)
    else:
        calendar_again(session, session.get_one(Calendar, each.calendar_id), now=now)
