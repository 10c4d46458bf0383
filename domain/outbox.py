"""The outbox: what people must be told is a row in the command's own transaction, and is sent afterwards.

Exactly once to the record: `key` is unique. At least once to the wire: a row is marked sent only after the channel took
the message. A deliverer holds a row by a lease (its `not_before` moved ahead), so one that was killed gives its rows
back by itself; the message then goes out again under the same Message-ID.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, inspect, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from domain.records import Campaign, Channel, Notice, Person, Ticket
from statemachines.labels import Language

LEASE = timedelta(minutes=5)
BATCH = 20
"""Rows held at a time: even at 10 seconds each they are sent before the lease ends."""
ATTEMPTS = 8
FIRST_PAUSE = timedelta(minutes=1)
"""The pause after the first failure; it doubles each time, about two hours in all before giving up."""


def notice_row(
    person: Person,
    *,
    key: str,
    kind: str,
    subject: str,
    body: str,
    now: datetime,
    ticket_id: UUID | None = None,
    campaign_id: UUID | None = None,
    not_before: datetime | None = None,
) -> dict[str, Any]:
    """The columns of one notice. By e-mail when the person has an address; the in-box needs no sending."""
    channel = Channel.EMAIL if person.email else Channel.INBOX
    return {
        "id": uuid7(),
        "key": key,
        "kind": kind,
        "person_id": person.id,
        "channel": channel,
        "address": person.email or "",
        "ticket_id": ticket_id,
        "campaign_id": campaign_id,
        "subject": " ".join(subject.split()),
        "body": body,
        "created_at": now,
        "not_before": not_before or now,
        "attempts": 0,
        "sent_at": None if channel is Channel.EMAIL else now,
        "answer": None if channel is Channel.EMAIL else "in-box",
    }


def tell_all(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write many notices made by `notice_row`, leaving out keys already there."""
    if rows:
        # Past the ORM, so that the driver sends short statements in one pipeline instead of one enormous one.
        once = insert(Notice.__table__).on_conflict_do_nothing(index_elements=["key"])  # type: ignore[arg-type]
        session.connection().execute(once, rows)


def tell(
    session: Session,
    person: Person,
    *,
    key: str,
    kind: str,
    subject: str,
    body: str,
    now: datetime,
    ticket: Ticket | None = None,
    campaign: Campaign | None = None,
    not_before: datetime | None = None,
) -> None:
    """Tell a person something, once for each `key`; `body` is plain text, the link is added when it is sent.

    `not_before` holds the message back (quiet hours). Nothing is sent here: the row travels with the transaction.
    """
    # A ticket made in this transaction must stand in the database before a notice can name it.
    if ticket is not None and inspect(ticket).pending:
        session.flush()
    row = notice_row(
        person,
        key=key,
        kind=kind,
        subject=subject,
        body=body,
        now=now,
        ticket_id=ticket.id if ticket else None,
        campaign_id=campaign.id if campaign else None,
        not_before=not_before,
    )
    session.execute(insert(Notice).values(row).on_conflict_do_nothing(index_elements=["key"]))


@dataclass(frozen=True, slots=True)
class Letter:
    """A notice on its way: everything the channel needs, free of any session."""

    notice_id: UUID
    address: str
    subject: str
    body: str
    language: Language
    attempts: int
    ticket: str | None
    """The number of the ticket it is about."""
    campaign: str | None
    """The code of the campaign it is about."""


class NotDelivered(Exception):
    """The channel did not take a message; `permanent` when trying again cannot help (unknown mailbox)."""

    def __init__(self, said: str, *, permanent: bool) -> None:
        super().__init__(said)
        self.permanent = permanent


class ChannelDown(Exception):
    """The channel takes no message at all at the moment (server unreachable): no message is to blame."""


def waiting(as_of: datetime) -> ColumnElement[bool]:
    """Notices that may be sent now, as a condition."""
    return (Notice.sent_at.is_(None)) & (Notice.gave_up_at.is_(None)) & (Notice.not_before <= as_of)


def waiting_count(session: Session, *, as_of: datetime) -> int:
    """How many notices may be sent now."""
    return session.scalar(select(func.count()).select_from(Notice).where(waiting(as_of))) or 0


def claim(session: Session, *, as_of: datetime, limit: int = BATCH) -> list[Letter]:
    """Take up to `limit` waiting notices, oldest first, for LEASE; another deliverer passes over them.

    A notice already tried ATTEMPTS times without any word back (its deliverer died each time) is given up here.
    """
    rows = session.execute(
        select(Notice.id, Notice.attempts)
        .where(waiting(as_of))
        .order_by(Notice.not_before, Notice.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    hopeless = [row.id for row in rows if row.attempts >= ATTEMPTS]
    if hopeless:
        session.execute(
            update(Notice)
            .where(Notice.id.in_(hopeless))
            .values(
                gave_up_at=as_of, last_error=func.coalesce(Notice.last_error, "no word back from any attempt")
            ),
            execution_options={"synchronize_session": False},
        )
    taken = [row.id for row in rows if row.attempts < ATTEMPTS]
    if not taken:
        return []
    session.execute(
        update(Notice)
        .where(Notice.id.in_(taken))
        .values(not_before=as_of + LEASE, attempts=Notice.attempts + 1),
        execution_options={"synchronize_session": False},
    )
    return _letters(session, Notice.id.in_(taken))


def _letters(session: Session, which: ColumnElement[bool]) -> list[Letter]:
    rows = session.execute(
        select(
            Notice.id,
            Notice.address,
            Notice.subject,
            Notice.body,
            Person.language,
            Notice.attempts,
            Ticket.number,
            Campaign.code,
        )
        .join(Person, Person.id == Notice.person_id)
        .outerjoin(Ticket, Ticket.id == Notice.ticket_id)
        .outerjoin(Campaign, Campaign.id == Notice.campaign_id)
        .where(which)
        .order_by(Notice.id)
    )
    return [
        Letter(key, address, subject, body, "en" if language == "en" else "zh", attempts, ticket, campaign)
        for key, address, subject, body, language, attempts, ticket, campaign in rows
    ]


def mark_sent(session: Session, letter: Letter, answer: str, *, now: datetime) -> None:
    """The channel took it; its answer is kept as evidence."""
    session.execute(
        update(Notice)
        .where(Notice.id == letter.notice_id)
        .values(sent_at=now, answer=answer[:500], last_error=None),
        execution_options={"synchronize_session": False},
    )


def mark_failed(session: Session, letter: Letter, error: NotDelivered, *, now: datetime) -> bool:
    """The channel refused: try again later, twice as late each time, or give up. Returns whether it gave up."""
    gave_up = error.permanent or letter.attempts >= ATTEMPTS
    later = now + FIRST_PAUSE * 2 ** (letter.attempts - 1)
    session.execute(
        update(Notice)
        .where(Notice.id == letter.notice_id)
        .values(last_error=str(error)[:500], not_before=later, gave_up_at=now if gave_up else None),
        execution_options={"synchronize_session": False},
    )
    return gave_up


def put_back(session: Session, letters: Sequence[Letter], said: str, *, not_before: datetime) -> None:
    """Give claimed letters back untried; an outage of the channel uses up none of their attempts."""
    session.execute(
        update(Notice)
        .where(Notice.id.in_([letter.notice_id for letter in letters]))
        .values(not_before=not_before, attempts=Notice.attempts - 1, last_error=said[:500]),
        execution_options={"synchronize_session": False},
    )
