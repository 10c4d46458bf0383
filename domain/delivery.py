"""Sending what waits in the outbox: short loops around a claim, a channel and a mark, none inside a transaction."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from domain.database import Database
from domain.mail import Postman
from domain.outbox import (
    BATCH,
    LEASE,
    ChannelDown,
    Letter,
    NotDelivered,
    claim,
    mark_failed,
    mark_sent,
    put_back,
    waiting_count,
)
from domain.settings import Settings

log = logging.getLogger(__name__)

OUTAGE_PAUSE = timedelta(minutes=1)
"""How long letters wait when the channel takes none at all."""


class Sender(Protocol):
    """A channel."""

    def send(self, letter: Letter, *, now: datetime) -> str:
        """Take a letter and return what the other side answered. Raises NotDelivered, ChannelDown."""
        ...


class InBoxOnly:
    """The channel of an installation without a mail server: the notice is read on the pages, that is all."""

    def send(self, letter: Letter, *, now: datetime) -> str:
        """Take it; it lies in the person's in-box already."""
        return "in-box only: no mail server is named (CHUNCHA_SMTP_URL)"


@contextmanager
def channel(settings: Settings) -> Iterator[Sender]:
    """The channel the settings name, open for one delivery."""
    if settings.smtp_url is None:
        yield InBoxOnly()
        return
    with Postman(settings.smtp_url, mail_from=settings.mail_from, public_url=settings.public_url) as postman:
        yield postman


@dataclass(slots=True)
class Delivery:
    """What a delivery did; for a dry run `waiting` is what would be tried. `more`: there may be further rows."""

    waiting: int = 0
    sent: int = 0
    put_off: int = 0
    gave_up: int = 0
    down: str | None = None
    more: bool = False

    def said(self) -> dict[str, Any]:
        """As a heartbeat and a log line keep it."""
        return {name: value for name, value in asdict(self).items() if value and name != "more"}

    def __str__(self) -> str:
        return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in self.said().items()) or "none"


def deliver(
    database: Database, sender: Sender, *, as_of: datetime, limit: int = BATCH, done: Delivery | None = None
) -> Delivery:
    """Send one batch of waiting notices, adding to `done`. One bad row blocks no other.

    Times written are `as_of` plus the time spent, so that a replay stays in its own time.
    """
    done = done or Delivery()
    begun = time.monotonic()
    with database.transaction() as session:
        letters = claim(session, as_of=as_of, limit=limit)
    done.more = len(letters) == limit
    for position, letter in enumerate(letters):
        spent = timedelta(seconds=time.monotonic() - begun)
        # Near the end of the lease another deliverer may soon hold the rest: leave it.
        if spent > LEASE * 0.8:
            break
        try:
            _deliver_one(database, sender, letter, done, now=as_of + spent)
        except ChannelDown as error:
            log.warning("the channel is down: %s", error)
            with database.transaction() as session:
                put_back(session, letters[position:], str(error), not_before=as_of + OUTAGE_PAUSE)
            done.down, done.more = str(error), False
            break
    return done


def _deliver_one(
    database: Database, sender: Sender, letter: Letter, done: Delivery, *, now: datetime
) -> None:
    try:
        answer = sender.send(letter, now=now)
    except ChannelDown:
        raise
    except NotDelivered as error:
        _not_taken(database, letter, error, done, now=now)
        return
    except Exception as error:  # one item of a batch: recorded on the item, the rest goes on
        log.exception("the channel stumbled over notice %s", letter.notice_id)
        _not_taken(database, letter, NotDelivered(repr(error), permanent=False), done, now=now)
        return
    with database.transaction() as session:
        mark_sent(session, letter, answer, now=now)
    done.sent += 1


def _not_taken(
    database: Database, letter: Letter, error: NotDelivered, done: Delivery, *, now: datetime
) -> None:
    log.warning("notice %s was not delivered: %s", letter.notice_id, error)
    with database.transaction() as session:
        gave_up = mark_failed(session, letter, error, now=now)
    done.gave_up += gave_up
    done.put_off += not gave_up


def deliver_all(
    database: Database, settings: Settings, *, as_of: datetime, dry_run: bool = False
) -> Delivery:
    """Send everything that waits, batch by batch; `dry_run` only counts it."""
    if dry_run:
        with database.reading() as session:
            return Delivery(waiting=waiting_count(session, as_of=as_of))
    done = Delivery(more=True)
    with channel(settings) as sender:
        while done.more:
            deliver(database, sender, as_of=as_of, done=done)
    return done
