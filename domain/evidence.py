"""Whether a photo's own data agrees with what the form said: time, place, an original, used before.

The phone sends when and where the form took a photo; the file may say the same of itself (EXIF), read by the phone
before it shrank the photo or by the server from the bytes. Neither is proof; what disagrees is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import asin, cos, radians, sin, sqrt
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from domain.database import TOLERANCE
from domain.records import FileKind, FileListing, Ticket
from domain.visibility import tickets_visible_to
from statemachines.labels import LOCAL, Labelled, Language
from statemachines.roles import Actor

EARTH_METRES = 6_371_000
WITHOUT_CAPTURE = timedelta(days=1)
"""A photo listed without a capture time may be this much older or newer than the finding."""

Position = tuple[float, float]
"""Latitude and longitude, degrees."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a photo's own data may be off before it is said: minutes, metres."""

    minutes: int = 30
    metres: int = 1000


class DoubtKind(Labelled):
    """What disagrees. The code is what programs read."""

    TIME_OFF = "time-off", "拍摄时间不符", "Time disagrees"
    PLACE_OFF = "place-off", "拍摄地点不符", "Place disagrees"
    BEFORE_FINDING = "before-finding", "拍摄于发现之前", "Taken before the finding"
    USED_BEFORE = "used-before", "照片重复使用", "Used before"
    NOT_ORIGINAL = "not-original", "不是原图", "Not an original"


@dataclass(frozen=True, slots=True)
class Doubt:
    """One thing that disagrees, by how much: minutes or metres."""

    kind: DoubtKind
    off_by: int | None = None

    def sentence(self, language: Language) -> str:
        """What the reader should know before they rely on the photo."""
        if language == "zh":
            return _ZH[self.kind].format(off=_amount_zh(self))
        return _EN[self.kind].format(off=_amount_en(self))


_ZH = {
    DoubtKind.TIME_OFF: "照片自带的拍摄时间与上报时间相差{off}",
    DoubtKind.PLACE_OFF: "照片自带的位置与上报位置相距{off}",
    DoubtKind.BEFORE_FINDING: "整改后照片拍摄于发现隐患之前{off}",
    DoubtKind.USED_BEFORE: "同一张照片此前已用于另一张隐患单",
    DoubtKind.NOT_ORIGINAL: "照片不带拍摄时间，可能不是原图",
}
_EN = {
    DoubtKind.TIME_OFF: "The photo's own time is {off} away from what was reported",
    DoubtKind.PLACE_OFF: "The photo's own place is {off} away from what was reported",
    DoubtKind.BEFORE_FINDING: "The photo after the fix was taken {off} before the hazard was found",
    DoubtKind.USED_BEFORE: "The same photo was used by another ticket before",
    DoubtKind.NOT_ORIGINAL: "The photo carries no time of its own; it may not be an original",
}


def _amount_zh(doubt: Doubt) -> str:
    off = doubt.off_by or 0
    if doubt.kind is DoubtKind.PLACE_OFF:
        return f"{off / 1000:.1f}公里" if off >= 1000 else f"{off}米"
    return f"{off}分钟" if off < 120 else f"{off // 60}小时" if off < 2880 else f"{off // 1440}天"


def _amount_en(doubt: Doubt) -> str:
    off = doubt.off_by or 0
    if doubt.kind is DoubtKind.PLACE_OFF:
        return f"{off / 1000:.1f} km" if off >= 1000 else f"{off} m"
    return f"{off} minutes" if off < 120 else f"{off // 60} hours" if off < 2880 else f"{off // 1440} days"


def tolerance_of(session: Session) -> Tolerance:
    """The installation's tolerance."""
    return cast(Tolerance, session.info.get(TOLERANCE) or Tolerance())


def own_time(listing: FileListing) -> datetime | None:
    """When the file itself says it was taken; the phone read it before the server could."""
    if listing.exif_at is not None:
        return listing.exif_at
    return listing.stored.taken_at if listing.stored else None


def own_place(listing: FileListing) -> Position | None:
    """Where the file itself says it was taken."""
    if listing.exif_lat is not None and listing.exif_lon is not None:
        return listing.exif_lat, listing.exif_lon
    stored = listing.stored
    if stored is not None and stored.lat is not None and stored.lon is not None:
        return stored.lat, stored.lon
    return None


def shown_time(listing: FileListing) -> datetime:
    """The time a copy is marked with: what the form said, else the file, else when it was listed."""
    return listing.captured_at or own_time(listing) or listing.listed_at


def doubts(listing: FileListing, ticket: Ticket, tolerance: Tolerance) -> list[Doubt]:
    """What disagrees about one photo; `listing.stored` must be loaded."""
    found: list[Doubt] = []
    taken = own_time(listing)
    if taken is not None:
        found += _time(listing, ticket, taken, tolerance)
    elif listing.stored is not None:
        found.append(Doubt(DoubtKind.NOT_ORIGINAL))
    place, said = own_place(listing), _place_said(listing, ticket)
    if place and said and (metres := metres_between(place, said)) > tolerance.metres:
        found.append(Doubt(DoubtKind.PLACE_OFF, metres))
    if listing.reused_from_id is not None:
        found.append(Doubt(DoubtKind.USED_BEFORE))
    return found


def _time(listing: FileListing, ticket: Ticket, taken: datetime, tolerance: Tolerance) -> list[Doubt]:
    allowed = timedelta(minutes=tolerance.minutes)
    if listing.kind is not FileKind.BEFORE and taken < ticket.found_at - allowed:
        return [Doubt(DoubtKind.BEFORE_FINDING, _minutes(ticket.found_at - taken))]
    said = listing.captured_at
    if said is None and listing.kind is FileKind.BEFORE:
        said, allowed = ticket.found_at, max(allowed, WITHOUT_CAPTURE)
    if said is not None and abs(taken - said) > allowed:
        return [Doubt(DoubtKind.TIME_OFF, _minutes(abs(taken - said)))]
    return []


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)


def _place_said(listing: FileListing, ticket: Ticket) -> Position | None:
    if listing.captured_lat is not None and listing.captured_lon is not None:
        return listing.captured_lat, listing.captured_lon
    return (ticket.lat, ticket.lon) if ticket.lat is not None and ticket.lon is not None else None


def metres_between(one: Position, other: Position) -> int:
    """The distance over the ground, whole metres."""
    lat1, lon1, lat2, lon2 = (radians(degrees) for degrees in (*one, *other))
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return round(2 * EARTH_METRES * asin(min(1.0, sqrt(half))))


def listing_in_sight(
    session: Session, sha256: str, *, actor: Actor, number: str | None = None
) -> tuple[FileListing, Ticket] | None:
    """The listing of a file with the ticket `number` (left out: the first that lists it), in the actor's sight."""
    query = (
        select(FileListing, Ticket)
        .join(Ticket, Ticket.id == FileListing.ticket_id)
        .where(FileListing.sha256 == sha256, tickets_visible_to(actor))
        .options(joinedload(FileListing.stored), joinedload(Ticket.unit, innerjoin=True))
        .order_by(FileListing.id)
        .limit(1)
    )
    if number is not None:
        query = query.where(Ticket.number == number)
    found = session.execute(query).one_or_none()
    return (found[0], found[1]) if found else None


def mark_for(session: Session, sha256: str, *, actor: Actor, number: str | None = None) -> str | None:
    """The mark of a photo's copy as it stands with that ticket, None when no ticket in sight lists it."""
    found = listing_in_sight(session, sha256, actor=actor, number=number)
    return mark_of(*found) if found else None


def mark_of(listing: FileListing, ticket: Ticket) -> str:
    """What is drawn on the copy people see: number, time, unit."""
    at = shown_time(listing).astimezone(LOCAL).strftime("%Y-%m-%d %H:%M")
    return f"{ticket.number}  {at}  {ticket.unit.name}"
