"""Everything that happened to a ticket in the order of time, and with each thing who was told and what came of it.

A notice is written in the transaction of what it tells, with the same moment: that is how the two are brought together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from domain.history import history_of
from domain.receipts import Standing, Through, standing_of
from domain.records import History, Notice, Ticket

NOTICES_AT_MOST = 500
"""The newest notices that are read; the delivery log has them all."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """Somebody who was told: by what way, whether it arrived, when they opened it, and 已阅."""

    name: str
    instead_of: str | None
    through: Through
    standing: Standing
    sent_at: datetime | None
    read_at: datetime | None
    acknowledged_at: datetime | None


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened, and who was told; without an entry notices of something the history does not keep."""

    at: datetime
    entry: History | None
    told: tuple[Hearing, ...]


def timeline(session: Session, ticket: Ticket) -> list[Moment]:
    """What happened and who was told, oldest first."""
    rows = history_of(session, ticket)
    heard = _heard(session, ticket)
    moments = []
    for number, row in enumerate(rows):
        # Several entries of one command share its moment; the last of them has the notices.
        last = number + 1 == len(rows) or rows[number + 1].at != row.at
        moments.append(Moment(row.at, row, tuple(heard.pop(row.at, ())) if last else ()))
    moments += [Moment(at, None, tuple(told)) for at, told in heard.items()]
    return sorted(moments, key=lambda moment: moment.at)


def _heard(session: Session, ticket: Ticket) -> dict[datetime, Sequence[Hearing]]:
    query = (
        select(Notice)
        .where(Notice.ticket_id == ticket.id)
        .options(joinedload(Notice.person), joinedload(Notice.instead_of), joinedload(Notice.dispatch))
        .order_by(Notice.id.desc())
        .limit(NOTICES_AT_MOST)
    )
    found: defaultdict[datetime, list[Hearing]] = defaultdict(list)
    for notice in reversed(list(session.scalars(query))):
        found[notice.created_at].append(
            Hearing(
                name=notice.person.name,
                instead_of=notice.instead_of.name if notice.instead_of else None,
                through=Through(notice.channel.value),
                standing=standing_of(notice),
                sent_at=notice.dispatch.sent_at if notice.dispatch else None,
                read_at=notice.read_at,
                acknowledged_at=notice.acknowledged_at,
            )
        )
    return dict(found)
