"""Doors that need no login are kept from being flooded: tries are counted in the database, for all web processes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from domain.records import DoorKind, Knock
from statemachines.labels import local_day
from statemachines.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many tries within the span."""

    most: int
    within: timedelta


BY_ADDRESS = {
    # A station's people share one address behind its router.
    DoorKind.REPORT: Limit(20, timedelta(hours=1)),
    # A code has 60 bits: even without this nobody would guess one.
    DoorKind.LOOKUP: Limit(30, timedelta(minutes=10)),
}
BY_PLACE = Limit(40, timedelta(hours=1))
"""Reports about one place, whoever sends them."""


class TooOften(Refusal):
    """Too many tries from one address or about one place."""

    code, status = "too-often", 429
    title_zh, title_en = "过于频繁", "Too often"
    zh = "短时间内提交或查询过多，请{minutes}分钟后再试。险情紧急的，请立即电话报告本单位值班人员。"
    en = "Too many tries in a short time; try again in {minutes} minutes. If it is urgent, call whoever is on duty."


HARD = 3
"""So many times its share, and nothing is read from an address any more, nor counted."""


def knock(
    session: Session, door: DoorKind, address: str, *, place_id: UUID | None = None, now: datetime
) -> TooOften | None:
    """Count one try, and return the refusal when the address or the place has had its share.

    Returned, not raised: the count is committed with it. Refused tries count too, so whoever keeps hammering waits on.
    """
    sender = _counted_as(address, now)
    said = _share(session, (Knock.door == door, Knock.address == sender), BY_ADDRESS[door], sender, now=now)
    if said is None and place_id is not None:
        about = (Knock.door == door, Knock.place_id == place_id)
        said = _share(session, about, BY_PLACE, place_id.bytes, now=now)
    session.add(Knock(door=door, address=sender, place_id=place_id, at=now))
    return said


def must_not_flood(session: Session, door: DoorKind, address: str, *, now: datetime) -> None:
    """Before a body is read: raise TooOften when the address goes on far beyond its share."""
    limit = BY_ADDRESS[door]
    tries = select(func.count()).where(
        Knock.door == door, Knock.address == _counted_as(address, now), Knock.at > now - limit.within
    )
    if (session.scalar(tries) or 0) >= HARD * limit.most:
        raise TooOften(minutes=int(limit.within.total_seconds()) // 60)


def is_shut(session: Session, door: DoorKind, address: str, *, now: datetime) -> TooOften | None:
    """Whether the address has had its share, without counting."""
    sender = _counted_as(address, now)
    return _left(session, (Knock.door == door, Knock.address == sender), BY_ADDRESS[door], now=now)


def _share(
    session: Session, about: tuple[ColumnElement[bool], ...], limit: Limit, key: bytes, *, now: datetime
) -> TooOften | None:
    # Two tries at the same moment are counted one after the other, in whichever process they are.
    lock = int.from_bytes(hashlib.sha256(key).digest()[:8], "big", signed=True)
    session.execute(select(func.pg_advisory_xact_lock(lock)))
    return _left(session, about, limit, now=now)


def _left(
    session: Session, about: tuple[ColumnElement[bool], ...], limit: Limit, *, now: datetime
) -> TooOften | None:
    tries = (
        select(Knock.at)
        .where(*about, Knock.at > now - limit.within)
        .order_by(Knock.at.desc())
        .limit(limit.most)
    )
    times = list(session.scalars(tries))
    if len(times) < limit.most:
        return None
    wait = times[-1] + limit.within - now
    return TooOften(minutes=max(1, -(-int(wait.total_seconds()) // 60)))


def _counted_as(address: str, now: datetime) -> bytes:
    """The address as it is counted: an IPv6 sender has a whole /64 to themselves. Hashed with the day."""
    try:
        known = ip_address(address)
        text = str(known) if known.version == 4 else str(ip_network(f"{known}/64", strict=False))
    except ValueError:
        text = address
    return hashlib.sha256(f"{local_day(now)}|{text}".encode()).digest()
