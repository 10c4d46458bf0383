"""Making messages of what waits: one digest for each person, one for each group, in one transaction."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, case, cast, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from domain.digest import by_urgency
from domain.dispatches import items_of, loose
from domain.ladder import matter_of
from domain.ladder_settings import Act
from domain.records import Channel, Chase, Dispatch, Matter, Notice, Outlet, Person
from domain.robots import MESSENGERS, parts

_BUNDLING = 0x6275_6E64_6C65
"""The lock of whoever bundles: two at once would make two digests of one."""


def bundle(session: Session, *, as_of: datetime, public_url: str, now: datetime | None = None) -> int:
    """Put every waiting notice into a message. Returns how many messages were made.

    `now` is the present when `as_of` lies before it: what was written in between is not sent by a replay.
    Which notices a message carries is settled when this transaction commits, and never changes. Somebody else who
    bundles at this moment is left to it.
    """
    if not session.scalar(select(func.pg_try_advisory_xact_lock(_BUNDLING))):
        return 0
    _spare_what_is_off(session)
    unbundled = loose(as_of, now=now)
    _spare_what_is_over(session, unbundled)
    return _for_people(session, unbundled, as_of=as_of) + _for_groups(
        session, unbundled, as_of=as_of, public_url=public_url
    )


def _spare_what_is_off(session: Session) -> None:
    """What a robot that was switched off was to say goes to the people themselves."""
    own = case(
        (and_(Notice.shown, Person.email.is_not(None)), Channel.EMAIL.value), else_=Channel.INBOX.value
    )
    session.execute(
        update(Notice)
        .where(
            Notice.dispatch_id.is_(None),
            Notice.channel == literal(Channel.ROBOT.value, Text),
            Notice.outlet_id == Outlet.id,
            Outlet.switched_off_at.is_not(None),
            Person.id == Notice.person_id,
        )
        .values(channel=own, address=func.coalesce(Person.email, ""), outlet_id=None),
        execution_options={"synchronize_session": False},
    )


def _spare_what_is_over(session: Session, unbundled: ColumnElement[bool]) -> None:
    """A chase held back over night or a holiday stays in the in-box alone when its matter was settled meanwhile."""
    held = select(Notice.id, Notice.key).where(
        unbundled, Notice.kind.in_([act.value for act in Act]), Notice.not_before > Notice.created_at
    )
    about = {key: matter for key, said in session.execute(held) if (matter := matter_of(said)) is not None}
    if not about:
        return
    rows = session.execute(
        select(Chase.subject_id, Chase.turn).where(
            Chase.matter.in_(list(Matter)), Chase.subject_id.in_({subject for subject, _ in about.values()})
        )
    )
    still_open = set(rows.tuples())
    over = [key for key, matter in about.items() if matter not in still_open]
    if over:
        session.execute(
            update(Notice)
            .where(Notice.id.in_(over))
            .values(channel=Channel.INBOX, shown=True, outlet_id=None),
            execution_options={"synchronize_session": False},
        )


def _for_people(session: Session, unbundled: ColumnElement[bool], *, as_of: datetime) -> int:
    """One message for each person and address."""
    whose = (Notice.person_id, Notice.address)
    by_mail = and_(unbundled, Notice.channel == Channel.EMAIL.value)
    rows: list[dict[str, Any]] = [
        {
            "id": uuid7(),
            "channel": Channel.EMAIL,
            "person_id": person_id,
            "address": address,
            "created_at": as_of,
            "not_before": as_of,
            "attempts": 0,
        }
        for person_id, address in session.execute(
            select(*whose).where(by_mail).group_by(*whose).order_by(func.min(cast(Notice.id, Text)))
        )
    ]
    if rows:
        session.connection().execute(insert(Dispatch.__table__), rows)  # type: ignore[arg-type]
        session.execute(
            update(Notice)
            .where(
                by_mail,
                Dispatch.id.in_([row["id"] for row in rows]),
                Dispatch.person_id == Notice.person_id,
                Dispatch.address == Notice.address,
            )
            .values(dispatch_id=Dispatch.id),
            execution_options={"synchronize_session": False},
        )
    return len(rows)


def _for_groups(session: Session, unbundled: ColumnElement[bool], *, as_of: datetime, public_url: str) -> int:
    """One message for each robot, or a few where one would be too large."""
    to_robots = and_(unbundled, Notice.channel == Channel.ROBOT.value)
    by_outlet: defaultdict[UUID, list[tuple[Any, object]]] = defaultdict(list)
    for notice, item in items_of(session, to_robots):
        if notice.outlet_id is not None:
            by_outlet[notice.outlet_id].append((item, notice.id))
    if not by_outlet:
        return 0
    made = 0
    for outlet in session.scalars(select(Outlet).where(Outlet.id.in_(by_outlet)).order_by(Outlet.id)):
        items = by_outlet[outlet.id]
        place = {id(item): number for number, item in enumerate(by_urgency([item for item, _ in items]))}
        items.sort(key=lambda pair: place[id(pair[0])])
        for keys in parts(items, outlet, public_url=public_url):
            dispatch = Dispatch(
                channel=Channel.ROBOT,
                outlet_id=outlet.id,
                address=outlet.name,
                created_at=as_of,
                not_before=MESSENGERS[outlet.kind].not_before(as_of),
            )
            session.add(dispatch)
            session.flush()
            session.execute(
                update(Notice).where(Notice.id.in_(keys)).values(dispatch_id=dispatch.id),
                execution_options={"synchronize_session": False},
            )
            made += 1
    return made
