"""Messages on the wire: what waits for one person or one group becomes one digest, held, sent and marked as one.

At least once to the wire: a message is marked sent only after the channel took it. A deliverer holds messages by its
number (domain/holding.py) and by a lease (their `not_before` moved ahead), so one that was killed gives them back by
itself; they go out again under the same id. Every try that came to an end stands in the delivery log.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    Row,
    and_,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased
from uuid_utils.compat import uuid7

from domain.records import (
    Campaign,
    Channel,
    DeliveryAttempt,
    Dispatch,
    FileListing,
    Notice,
    Outlet,
    OutletKind,
    Person,
    Ticket,
    Unit,
)
from statemachines.labels import Language

LEASE = timedelta(minutes=5)
BATCH = 20
"""Messages held at a time: even at 10 seconds each they are sent before the lease ends."""
ATTEMPTS = 8
FIRST_PAUSE = timedelta(minutes=1)
"""The pause after the first failure; it doubles each time, about two hours in all before giving up."""
LONGEST_PAUSE = timedelta(hours=3)
"""Nothing waits longer between two tries; what does was written by a clock that has been put back since."""
CLOCKS_APART = timedelta(minutes=5)
"""How far the clocks of two machines may be apart."""
AT_ONCE = 5
"""Messages of one outlet held at a time."""
UNTIL_THE_NEXT_RUN = timedelta(seconds=50)
"""How long a broken way is left alone: less than the minute between two runs, so that each of them tries it."""
PER_MINUTE = {
    OutletKind.WECOM: 20,
    OutletKind.DINGTALK: 20,
    OutletKind.FEISHU: 100,
    OutletKind.WEBHOOK: 600,
}
"""What each messenger takes of one robot (domain/robots/); over 20 a minute DingTalk blocks it for ten."""
JITTER = 0.1
"""Pauses are up to a tenth longer by chance, so that what failed together is not tried again together."""

_INBOX: ColumnClause[str] = literal_column(f"'{Channel.INBOX.value}'")
"""Written out, so that the partial index is recognised."""


@dataclass(frozen=True, slots=True)
class Item:
    """One notice within a message, with what a digest says of its ticket."""

    kind: str
    subject: str
    body: str
    person: str
    phone: str | None
    responsible: bool
    instead_of: str | None
    ticket: str | None
    """The number of the ticket it is about."""
    campaign: str | None
    """The code of the campaign it is about."""
    path: str | None
    """The page it is about, when that is neither a ticket's nor a campaign's."""
    place: str
    what: str
    due_at: datetime | None
    photo: str | None
    """The SHA-256 of the ticket's first photo."""
    inspection: UUID | None = None
    """The visit it is about."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message on its way: everything the channel needs, free of any session."""

    dispatch_id: UUID
    channel: Channel
    address: str
    language: Language
    attempts: int
    """How many tries there were with this one."""
    items: tuple[Item, ...] = ()
    outlet: Outlet | None = None
    event: dict[str, Any] | None = None

    @property
    def way(self) -> UUID | Channel:
        """What breaks down as one: the mail server, or one outlet."""
        return self.outlet.id if self.outlet else self.channel


class NotDelivered(Exception):
    """The channel did not take a message; `permanent` when trying again cannot help (unknown mailbox).

    `retry_after` is when the channel asked to be tried again, if it did.
    """

    def __init__(self, said: str, *, permanent: bool, retry_after: timedelta | None = None) -> None:
        super().__init__(said)
        self.permanent = permanent
        self.retry_after = retry_after


class ChannelDown(Exception):
    """The channel takes no message at all at the moment (server unreachable): no message is to blame."""

    def __init__(self, said: str, *, pause: timedelta = UNTIL_THE_NEXT_RUN) -> None:
        super().__init__(said)
        self.pause = pause


# What waits.


def loose(as_of: datetime, *, now: datetime | None = None) -> ColumnElement[bool]:
    """Notices no message carries yet, as a condition; `now`: the present when `as_of` lies before it, in a replay."""
    # Written by a clock that ran ahead and was put right: its times mean nothing, and nobody waits for them to come.
    ahead = Notice.created_at > (now or as_of) + CLOCKS_APART
    return and_(
        Notice.dispatch_id.is_(None), Notice.channel != _INBOX, or_(Notice.not_before <= as_of, ahead)
    )


def unsettled() -> ColumnElement[bool]:
    """Messages neither sent nor given up, as a condition."""
    return and_(Dispatch.sent_at.is_(None), Dispatch.gave_up_at.is_(None))


def waiting(as_of: datetime) -> ColumnElement[bool]:
    """Messages that may be sent now, as a condition."""
    return and_(unsettled(), or_(Dispatch.not_before <= as_of, Dispatch.not_before > as_of + LONGEST_PAUSE))


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits to be sent, and since when the oldest of it."""

    count: int
    oldest: datetime | None


def what_waits(session: Session, *, as_of: datetime, now: datetime | None = None) -> Waiting:
    """Notices that may be sent then and were not: in no message yet, or in one that is waiting. `now` as in `loose`."""
    late = (
        select(Notice.id, Notice.created_at)
        .outerjoin(Dispatch, Dispatch.id == Notice.dispatch_id)
        .where(or_(loose(as_of, now=now), waiting(as_of)))
        .subquery()
    )
    count, oldest = session.execute(select(func.count(), func.min(late.c.created_at))).one()
    return Waiting(count, oldest)


# Holding.


def claim(
    session: Session,
    *,
    holder: int,
    as_of: datetime,
    limit: int = BATCH,
    without: Iterable[UUID | Channel] = (),
) -> list[Letter]:
    """Hold up to `limit` waiting letters, oldest first, and what the outlets' rates allow, for LEASE.

    Another deliverer passes over them. `without` are the ways found broken. A message already tried ATTEMPTS times
    without any word back (its deliverer died each time) is given up here.
    """
    broken = set(without)
    rows: list[Row[tuple[UUID, int]]] = []
    if Channel.EMAIL not in broken:
        rows += _held(session, as_of, limit, Dispatch.channel == Channel.EMAIL.value)
    for outlet in _outlets(session, as_of, broken):
        room = min(AT_ONCE, _room(session, outlet, as_of=as_of))
        if room > 0:
            rows += _held(session, as_of, room, Dispatch.outlet_id == outlet.id)
    hopeless = [row.id for row in rows if row.attempts >= ATTEMPTS]
    if hopeless:
        said = func.coalesce(Dispatch.last_error, "no word back from any attempt")
        _change(session, Dispatch.id.in_(hopeless), gave_up_at=as_of, last_error=said)
    taken = [row.id for row in rows if row.attempts < ATTEMPTS]
    if not taken:
        return []
    _change(session, Dispatch.id.in_(taken), not_before=as_of + LEASE, held_by=holder)
    return _letters(session, taken)


def take_up(session: Session, letter: Letter) -> None:
    """The letter is tried next: that is counted before it is, for a try from which no word comes back.

    The others held meanwhile lose no attempt when their deliverer dies.
    """
    _change(session, Dispatch.id == letter.dispatch_id, attempts=letter.attempts)


def _held(
    session: Session, as_of: datetime, limit: int, which: ColumnElement[bool]
) -> Sequence[Row[tuple[UUID, int]]]:
    return session.execute(
        select(Dispatch.id, Dispatch.attempts)
        .where(waiting(as_of), which)
        # What a deliverer died over comes after what it held besides.
        .order_by(Dispatch.not_before, Dispatch.attempts, Dispatch.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()


def _outlets(session: Session, as_of: datetime, broken: set[UUID | Channel]) -> Sequence[Outlet]:
    """The outlets something waits for that may be used now, locked so that their rates are counted by one alone."""
    return session.scalars(
        select(Outlet)
        .where(
            Outlet.switched_off_at.is_(None),
            or_(
                Outlet.blocked_until.is_(None),
                Outlet.blocked_until <= as_of,
                Outlet.blocked_until > as_of + LONGEST_PAUSE,
            ),
            Outlet.id.not_in([way for way in broken if not isinstance(way, Channel)]),
            Outlet.id.in_(select(Dispatch.outlet_id).where(waiting(as_of))),
        )
        .order_by(Outlet.id)
        .with_for_update(skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    ).all()


def _room(session: Session, outlet: Outlet, *, as_of: datetime) -> int:
    """How many more messages the outlet may send: its rate less the last minute's tries and what is being tried.

    A robot speaks through one deliverer at a time, which keeps its pace within a second too; a webhook has none.
    """
    tried = select(func.count()).where(
        DeliveryAttempt.outlet_id == outlet.id,
        DeliveryAttempt.at > as_of - timedelta(minutes=1),
        DeliveryAttempt.at <= as_of + CLOCKS_APART,
    )
    held = select(func.count()).where(
        Dispatch.outlet_id == outlet.id,
        unsettled(),
        Dispatch.held_by.is_not(None),
        Dispatch.not_before > as_of,
        Dispatch.not_before <= as_of + LEASE,
    )
    in_hand: int
    spent: int
    in_hand, spent = session.execute(select(held.scalar_subquery(), tried.scalar_subquery())).one()
    if in_hand and outlet.kind is not OutletKind.WEBHOOK:
        return 0
    return PER_MINUTE[outlet.kind] - spent - in_hand


def _change(session: Session, which: ColumnElement[bool], **values: Any) -> None:
    # Past the object mapper, which would cost a message more than the database does (docs/performance.md).
    session.connection().execute(update(Dispatch.__table__).where(which).values(**values))  # type: ignore[arg-type]


def _letters(session: Session, keys: Sequence[UUID]) -> list[Letter]:
    rows = session.execute(
        select(Dispatch, Person.language, Outlet)
        .outerjoin(Person, Person.id == Dispatch.person_id)
        .outerjoin(Outlet, Outlet.id == Dispatch.outlet_id)
        .where(Dispatch.id.in_(keys)),
        execution_options={"populate_existing": True},
    )
    place = {key: number for number, key in enumerate(keys)}
    items: dict[UUID | None, list[Item]] = {}
    for notice, item in items_of(session, Notice.dispatch_id.in_(keys)):
        items.setdefault(notice.dispatch_id, []).append(item)
    return [
        Letter(
            dispatch_id=dispatch.id,
            channel=dispatch.channel,
            address=dispatch.address,
            language="en" if language == "en" else "zh",
            attempts=dispatch.attempts + 1,
            items=tuple(items.get(dispatch.id, ())),
            outlet=outlet,
            event=dispatch.event,
        )
        for dispatch, language, outlet in sorted(rows, key=lambda row: place[row[0].id])
    ]


def items_of(session: Session, which: ColumnElement[bool]) -> Iterator[tuple[Notice, Item]]:
    """The notices under this condition with what a message says of them, oldest first."""
    absent = aliased(Person)
    photo = (
        select(FileListing.sha256)
        .where(FileListing.ticket_id == Ticket.id, FileListing.arrived_at.is_not(None))
        .order_by(FileListing.listed_at, FileListing.id)
        .limit(1)
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            Notice,
            Person.name,
            Person.phone,
            absent.name,
            Ticket,
            Unit.name,
            Campaign.code,
            photo,
        )
        .join(Person, Person.id == Notice.person_id)
        .outerjoin(absent, absent.id == Notice.instead_of_id)
        .outerjoin(Ticket, Ticket.id == Notice.ticket_id)
        .outerjoin(Unit, Unit.id == Ticket.unit_id)
        .outerjoin(Campaign, Campaign.id == Notice.campaign_id)
        .where(which)
        .order_by(Notice.id)
    )
    for notice, person, phone, away, ticket, unit, campaign, sha256 in rows:
        yield (
            notice,
            Item(
                kind=notice.kind,
                subject=notice.subject,
                body=notice.body,
                person=person,
                phone=phone,
                responsible=notice.responsible,
                instead_of=away,
                ticket=ticket.number if ticket else None,
                campaign=campaign,
                path=notice.path,
                inspection=notice.inspection_id,
                place="，".join(part for part in (unit, ticket.location) if part) if ticket else "",
                what=ticket.description if ticket else notice.subject,
                due_at=ticket.due_at if ticket else None,
                photo=sha256,
            ),
        )


# What became of it.


def _log(session: Session, letter: Letter, outcome: str, answer: str, *, at: datetime) -> None:
    session.connection().execute(
        insert(DeliveryAttempt.__table__).values(  # type: ignore[arg-type]
            id=uuid7(),
            dispatch_id=letter.dispatch_id,
            outlet_id=letter.outlet.id if letter.outlet else None,
            at=at,
            outcome=outcome,
            answer=answer[:500],
        )
    )


def mark_sent(session: Session, letter: Letter, answer: str, *, now: datetime) -> None:
    """The channel took it; its answer is kept as evidence."""
    _log(session, letter, "sent", answer, at=now)
    _change(
        session,
        Dispatch.id == letter.dispatch_id,
        sent_at=now,
        answer=answer[:500],
        last_error=None,
        held_by=None,
    )


def mark_failed(session: Session, letter: Letter, error: NotDelivered, *, now: datetime) -> bool:
    """The channel refused: try again later, twice as late each time, or give up. Returns whether it gave up."""
    gave_up = error.permanent or letter.attempts >= ATTEMPTS
    pause = FIRST_PAUSE * 2 ** (letter.attempts - 1) * random.uniform(1, 1 + JITTER)  # noqa: S311 - no secret
    pause = max(pause, error.retry_after or timedelta())
    _log(session, letter, "refused" if error.permanent else "put_off", str(error), at=now)
    _change(
        session,
        Dispatch.id == letter.dispatch_id,
        last_error=str(error)[:500],
        not_before=now + pause,
        gave_up_at=now if gave_up else None,
        held_by=None,
    )
    return gave_up


def put_back(session: Session, letters: Sequence[Letter], down: ChannelDown, *, now: datetime) -> None:
    """Give messages back; an outage of the channel, met by the first of them, uses up none of their attempts."""
    met = letters[0]
    _log(session, met, "down", str(down), at=now)
    _change(session, Dispatch.id == met.dispatch_id, attempts=met.attempts - 1)
    _change(
        session,
        Dispatch.id.in_([letter.dispatch_id for letter in letters]),
        not_before=now + down.pause,
        last_error=str(down)[:500],
        held_by=None,
    )
