"""Calendar feeds: addresses a calendar program reads without a login, made, listed and revoked by their owner."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, joinedload, selectinload

from domain.access import actor_of
from domain.errors import NotFound
from domain.history import record
from domain.people import unit_by_code
from domain.records import CalendarFeed, Person, RoleGrant, Unit
from domain.visibility import units_visible_to
from statemachines.refusals import Refusal
from statemachines.roles import Actor

AT_MOST = 20
"""Feeds one person may have at once."""

SEEN_EVERY = timedelta(hours=1)
"""How often it is written down that a feed was read; programs ask every few minutes."""


class TooManyFeeds(Refusal):
    """Nobody needs so many addresses; unused ones are a risk."""

    code, status = "too-many-feeds", 409
    title_zh, title_en = "日历订阅过多", "Too many feeds"
    zh = "每人最多{most}个日历订阅，请先停用不用的。"
    en = "A person has at most {most} calendar feeds; revoke those not in use first."


class NewFeed(BaseModel):
    """A feed to make: one's own dates, or with `unit` (code) those of a unit in sight and all below it."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    unit: Annotated[str, Field(min_length=1, max_length=24)] | None = None


@dataclass(frozen=True, slots=True)
class MadeFeed:
    """A new feed and its secret, which is told this once; only its SHA-256 is kept."""

    feed: CalendarFeed
    secret: str


@dataclass(frozen=True, slots=True)
class OpenFeed:
    """A feed somebody reads: what its owner may see now, and the unit it is of (None: the owner's own dates)."""

    feed: CalendarFeed
    owner: Actor
    unit: Unit | None


def make_feed(session: Session, new: NewFeed, *, actor: Actor, now: datetime) -> MadeFeed:
    """Make an address for the actor. Raises BadInput for a unit out of sight, TooManyFeeds."""
    unit = unit_by_code(session, new.unit, actor=actor) if new.unit else None
    # Their own row, so that two requests at once do not both find room for the last one.
    session.scalars(select(Person.id).where(Person.id == actor.id).with_for_update()).one()
    count = select(func.count()).where(CalendarFeed.person_id == actor.id, CalendarFeed.revoked_at.is_(None))
    if (session.scalar(count) or 0) >= AT_MOST:
        raise TooManyFeeds(most=AT_MOST)
    secret = secrets.token_urlsafe(32)
    feed = CalendarFeed(person_id=actor.id, unit=unit, secret_hash=_sealed(secret), created_at=now)
    session.add(feed)
    session.flush()
    record(session, feed, "made", actor=actor, now=now, unit=unit)
    return MadeFeed(feed, secret)


def feeds_of(session: Session, actor: Actor) -> list[CalendarFeed]:
    """The actor's feeds that were not revoked, oldest first, with their units."""
    query = (
        select(CalendarFeed)
        .where(CalendarFeed.person_id == actor.id, CalendarFeed.revoked_at.is_(None))
        .options(joinedload(CalendarFeed.unit))
        .order_by(CalendarFeed.id)
    )
    return list(session.scalars(query))


def revoke_feed(session: Session, key: UUID, *, actor: Actor, now: datetime) -> None:
    """Close one of the actor's own feeds at once; closing it again changes nothing. Raises NotFound."""
    feed = session.scalars(
        select(CalendarFeed)
        .where(CalendarFeed.id == key, CalendarFeed.person_id == actor.id)
        .with_for_update()
    ).one_or_none()
    if feed is None:
        raise NotFound(what=str(key))
    if feed.revoked_at is None:
        feed.revoked_at = now
        record(session, feed, "revoked", actor=actor, now=now)


def open_feed(session: Session, secret: str) -> OpenFeed | None:
    """The feed behind a secret, found by the secret's hash, with its owner's present roles.

    None when there is none, it was revoked, its owner is no longer active or no longer sees its unit.
    """
    feed = session.scalars(
        select(CalendarFeed)
        .where(CalendarFeed.secret_hash == _sealed(secret), CalendarFeed.revoked_at.is_(None))
        .options(joinedload(CalendarFeed.unit))
    ).one_or_none()
    if feed is None:
        return None
    person = session.scalars(
        select(Person)
        .where(Person.id == feed.person_id, Person.active)
        .options(joinedload(Person.unit), selectinload(Person.grants).joinedload(RoleGrant.unit))
    ).one_or_none()
    if person is None:
        return None
    owner = actor_of(person)
    if feed.unit is not None and not session.scalar(
        select(Unit.id).where(Unit.id == feed.unit_id, units_visible_to(owner))
    ):
        return None
    return OpenFeed(feed, owner, feed.unit)


def feed_read(session: Session, feed: CalendarFeed, *, now: datetime) -> None:
    """Write down that it was read, so that its owner can see which are in use."""
    session.execute(update(CalendarFeed).where(CalendarFeed.id == feed.id).values(last_read_at=now))


def seen_lately(feed: CalendarFeed, *, now: datetime) -> bool:
    """Whether it was written down within SEEN_EVERY that the feed was read."""
    return feed.last_read_at is not None and now - feed.last_read_at < SEEN_EVERY


def _sealed(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
