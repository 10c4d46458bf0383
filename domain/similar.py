"""Tickets that may be about the same hazard, closed ones included, with enough to decide: shown, never acted upon.

PostgreSQL narrows to a few hundred candidates of the same station (the embedded one has no pg_trgm); their words are
compared here by pairs of characters, which needs no dictionary and works for Chinese.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import cos, radians
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, and_, literal, or_, select
from sqlalchemy.orm import Session, joinedload

from domain.evidence import metres_between
from domain.files import Latitude, Longitude
from domain.people import unit_by_code
from domain.records import (
    CancelKind,
    ChecklistItem,
    FileListing,
    Place,
    Ticket,
    Unit,
    UnitKind,
)
from domain.tickets import load_named
from domain.visibility import tickets_visible_to
from statemachines.labels import Labelled
from statemachines.roles import Actor

CANDIDATES = 400
"""The newest tickets of the station whose words are compared."""
SHOWN_AT_MOST = 5
NEAR_METRES = 100
ENOUGH = 0.5
"""From here on a ticket is shown: half of the pairs of characters in common, or less with the same place or item."""
ALIKE = 0.4
"""Words that have this much in common are named as a reason."""
SHORTEST = 4
"""Pairs a text must have before it counts that they all stand in another."""
OTHER_NUMBER = 0.5
"""27# is not 28#: texts whose numbers have nothing in common are worth this much of their likeness."""


class Likeness(Labelled):
    """Why a ticket is shown."""

    WORDS = "words", "描述相近", "Similar words"
    PLACE = "place", "同一检查点", "Same place"
    NEAR = "near", "位置相近", "Nearby"
    ITEM = "item", "同一检查条目", "Same checklist item"


WEIGHT = {Likeness.PLACE: 0.3, Likeness.NEAR: 0.2, Likeness.ITEM: 0.2}


class Sought(BaseModel):
    """What is about to be reported: unit and place by code, the words typed so far."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    unit: str = Field(min_length=1, max_length=24)
    description: Annotated[str, Field(max_length=4000)] = ""
    location: Annotated[str, Field(max_length=200)] = ""
    place: Annotated[str, Field(max_length=32)] | None = None
    checklist_item: Annotated[str, Field(max_length=32)] | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None


@dataclass(frozen=True, slots=True)
class Similar:
    """A ticket that may be the same: unit and people loaded, its first photo, why it is shown, how far away."""

    ticket: Ticket
    score: float
    reasons: tuple[Likeness, ...]
    metres: int | None
    photo: str | None

    @property
    def closed(self) -> bool:
        """Whether nothing is to be done about it any more: the same hazard again is a recurrence."""
        return self.ticket.state.value in {"verified", "cancelled"}


def similar_tickets(
    session: Session, sought: Sought, *, actor: Actor, but: UUID | None = None
) -> list[Similar]:
    """The tickets most like it, best first, SHOWN_AT_MOST. Raises BadInput for a unit out of reach."""
    unit = unit_by_code(session, sought.unit, actor=actor)
    place_id = session.scalar(select(Place.id).where(Place.code == sought.place)) if sought.place else None
    said = f"{sought.description} {sought.location}" if sought.description else ""
    words, numbers = _pairs(said), _numbers(said)
    scored: list[tuple[float, tuple[Likeness, ...], int | None, UUID]] = []
    for row in _candidates(session, sought, unit, place_id, actor=actor):
        if row.id == but:
            continue
        metres = _metres(sought, row)
        reasons = [
            *([Likeness.PLACE] if place_id is not None and row.place_id == place_id else []),
            *([Likeness.NEAR] if metres is not None and metres <= NEAR_METRES else []),
            *([Likeness.ITEM] if sought.checklist_item and row.code == sought.checklist_item else []),
        ]
        likeness = _likeness(words, _pairs(f"{row.description}{row.location}"))
        theirs = _numbers(f"{row.description} {row.location}")
        if numbers and theirs and not numbers & theirs:
            likeness *= OTHER_NUMBER
        score = likeness + sum(WEIGHT[reason] for reason in reasons)
        # While nothing is typed yet, what is known of the place itself is worth seeing.
        if score >= (ENOUGH if sought.description else WEIGHT[Likeness.PLACE]):
            named = ([Likeness.WORDS] if likeness >= ALIKE else []) + reasons
            scored.append((score, tuple(named), metres, row.id))
    best = sorted(scored, key=lambda each: (-each[0], each[3]))[:SHOWN_AT_MOST]
    return _whole(session, best)


def _candidates(
    session: Session, sought: Sought, unit: Unit, place_id: UUID | None, *, actor: Actor
) -> Iterable[Any]:
    """The newest of the station, and whatever was found at the same place or close by, however long ago."""
    around = select(Unit.id).where(
        Unit.path.startswith(unit.path, autoescape=True)
        | and_(literal(unit.path).like(Unit.path.concat("%")), Unit.kind != UnitKind.BUREAU)
    )
    here: ColumnElement[bool] = Ticket.unit_id.in_(around)
    narrow = [(here, CANDIDATES)]
    if place_id is not None:
        narrow.append((Ticket.place_id == place_id, 50))
    if sought.lat is not None and sought.lon is not None:
        up, right = NEAR_METRES / 111_000, NEAR_METRES / (111_000 * max(0.01, cos(radians(sought.lat))))
        box = and_(
            Ticket.lat.between(sought.lat - up, sought.lat + up),
            Ticket.lon.between(sought.lon - right, sought.lon + right),
        )
        narrow.append((and_(here, box), 50))
    found = {}
    for condition, most in narrow:
        query = (
            select(
                Ticket.id,
                Ticket.description,
                Ticket.location,
                Ticket.lat,
                Ticket.lon,
                Ticket.place_id,
                ChecklistItem.code,
            )
            .outerjoin(ChecklistItem, ChecklistItem.id == Ticket.checklist_item_id)
            .where(
                condition,
                tickets_visible_to(actor),
                # A duplicate's original is in the list itself.
                or_(Ticket.cancel_kind.is_(None), Ticket.cancel_kind != CancelKind.DUPLICATE),
            )
            .order_by(Ticket.recorded_at.desc())
            .limit(most)
        )
        found.update({row.id: row for row in session.execute(query)})
    return found.values()


def _whole(
    session: Session, best: Sequence[tuple[float, tuple[Likeness, ...], int | None, UUID]]
) -> list[Similar]:
    keys = [key for *_, key in best]
    tickets = {
        ticket.id: ticket
        for ticket in session.scalars(
            select(Ticket)
            .where(Ticket.id.in_(keys))
            .options(joinedload(Ticket.unit, innerjoin=True), joinedload(Ticket.campaign, innerjoin=True))
        )
    }
    load_named(session, list(tickets.values()))
    photos: dict[UUID, str] = {}
    listed = (
        select(FileListing.ticket_id, FileListing.sha256)
        .where(FileListing.ticket_id.in_(keys), FileListing.arrived_at.is_not(None))
        .order_by(FileListing.id)
    )
    for ticket_id, sha256 in session.execute(listed):
        photos.setdefault(ticket_id, sha256)
    return [
        Similar(tickets[key], round(score, 2), reasons, metres, photos.get(key))
        for score, reasons, metres, key in best
    ]


def _metres(sought: Sought, row: Any) -> int | None:
    if sought.lat is None or sought.lon is None or row.lat is None or row.lon is None:
        return None
    return metres_between((sought.lat, sought.lon), (row.lat, row.lon))


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(sign for sign in folded if sign.isalnum())


def _pairs(text: str) -> frozenset[str]:
    """Every two neighbouring characters, punctuation and spaces left out."""
    plain = _plain(text)
    return frozenset(plain[n : n + 2] for n in range(len(plain) - 1)) or frozenset({plain} - {""})


def _numbers(text: str) -> frozenset[str]:
    """The numbers in a text, without leading zeros. A voltage names a class, not a thing: it does not count."""
    plain = re.sub(r"\d+(\.\d+)?\s*[kK]?[vV](?![A-Za-z])", "", unicodedata.normalize("NFKC", text))
    return frozenset(number.lstrip("0") or "0" for number in re.findall(r"\d+", plain))


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """How much two texts have in common, 0 to 1 (Dice); one that lies within the other counts three quarters.

    A word or two lies within too many texts to mean anything.
    """
    shared, shorter = len(one & other), min(len(one), len(other))
    if not shared:
        return 0.0
    within = 0.75 * shared / shorter if shorter >= SHORTEST else 0.0
    return max(2 * shared / (len(one) + len(other)), within)
