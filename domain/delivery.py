"""Sending what waits in the outbox: digests, then short loops of claim, channel and mark, none inside a transaction."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from domain import outlets, webhooks
from domain.bundling import bundle
from domain.database import Database
from domain.dispatches import (
    BATCH,
    LEASE,
    ChannelDown,
    Letter,
    NotDelivered,
    claim,
    mark_failed,
    mark_sent,
    put_back,
    take_up,
    what_waits,
)
from domain.holding import holder, take_back
from domain.mail import Postman
from domain.records import Channel, OutletKind
from domain.robots import MESSENGERS
from domain.robots.lines import lines_of, test_line
from domain.settings import Settings
from domain.wire import post
from statemachines.roles import Actor

log = logging.getLogger(__name__)


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


class Outlets:
    """The robots and webhooks."""

    def __init__(
        self,
        public_url: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """`clock` tells seconds and `sleep` lets some pass, between two messages of one robot."""
        self._public_url = public_url
        self._clock, self._sleep = clock, sleep
        self._last: dict[UUID, float] = {}

    def send(self, letter: Letter, *, now: datetime) -> str:
        """Post it, at the robot's own pace."""
        outlet = letter.outlet
        if outlet is None:
            raise NotDelivered("the outlet is gone", permanent=True)
        if outlet.kind is OutletKind.WEBHOOK:
            return webhooks.send(letter, outlet, now=now)
        messenger = MESSENGERS[outlet.kind]
        since = self._clock() - self._last.get(outlet.id, -math.inf)
        if since < messenger.pause:
            self._sleep(messenger.pause - since)
        self._last[outlet.id] = self._clock()
        lines = lines_of(letter.items, self._public_url) or [test_line(self._public_url)]
        secret = next(iter(webhooks.secrets_of(outlet, now=now)), None)
        posted = messenger.message(lines, outlet, secret=secret, now=now)
        body = json.dumps(posted.body, ensure_ascii=False).encode()
        headers = {"content-type": "application/json; charset=utf-8", "user-agent": "chuncha"}
        return messenger.judge(
            post(posted.url, body, headers=headers, private_allowed=outlet.private_allowed)
        )


@dataclass(frozen=True, slots=True)
class Ways:
    """Every channel of this installation; a letter is handed to its own."""

    mail: Sender
    outlets: Sender

    def send(self, letter: Letter, *, now: datetime) -> str:
        """Hand it over."""
        way = self.mail if letter.channel is Channel.EMAIL else self.outlets
        return way.send(letter, now=now)


@contextmanager
def channels(settings: Settings) -> Iterator[Sender]:
    """The channels the settings name, open for one delivery."""
    with ExitStack() as stack:
        mail: Sender = InBoxOnly()
        if settings.smtp_url is not None:
            mail = stack.enter_context(
                Postman(settings.smtp_url, mail_from=settings.mail_from, public_url=settings.public_url)
            )
        yield Ways(mail, Outlets(settings.public_url))


@dataclass(slots=True)
class Delivery:
    """What a delivery did; for a dry run `waiting` is what would be tried. `more`: there may be further messages.

    `down` says of each way found broken what was heard; nothing more is tried that way.
    """

    waiting: int = 0
    sent: int = 0
    put_off: int = 0
    gave_up: int = 0
    down: dict[UUID | Channel, str] = field(default_factory=dict)
    more: bool = False

    def said(self) -> dict[str, Any]:
        """As a heartbeat and a log line keep it."""
        counts = {name: getattr(self, name) for name in ("waiting", "sent", "put_off", "gave_up")}
        said: dict[str, Any] = {name: count for name, count in counts.items() if count}
        if self.down:
            said["down"] = "; ".join(self.down.values())
        return said

    def __str__(self) -> str:
        return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in self.said().items()) or "none"


def deliver(
    database: Database,
    sender: Sender,
    *,
    holder: int,
    as_of: datetime,
    limit: int = BATCH,
    done: Delivery | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Delivery:
    """Send one batch of messages, adding to `done`. One bad message blocks no other, one broken way no other.

    `holder` is the number of domain/holding.py. Times written are `as_of` plus the time spent by `clock` (seconds), so
    that a replay stays in its own time. What came of one letter is written together with which is tried next.
    """
    done = done or Delivery()
    begun = clock()
    with database.transaction() as session:
        letters = claim(session, holder=holder, as_of=as_of, limit=limit, without=done.down)
        if letters:
            take_up(session, letters[0])
    done.more = bool(letters)
    while letters:
        letter, *rest = letters
        came = _hand_over(sender, letter, now=as_of + timedelta(seconds=clock() - begun))
        spent = timedelta(seconds=clock() - begun)
        if isinstance(came, ChannelDown):
            done.down[letter.way] = str(came)
        # Near the end of the lease another deliverer may soon hold the rest: leave it.
        letters = [each for each in rest if each.way not in done.down and spent <= LEASE * 0.8]
        with database.transaction() as session:
            _settle(session, letter, came, rest, done, now=as_of + spent)
            if letters:
                take_up(session, letters[0])
    return done


def _hand_over(sender: Sender, letter: Letter, *, now: datetime) -> str | NotDelivered | ChannelDown:
    """What the channel answered."""
    try:
        return sender.send(letter, now=now)
    except ChannelDown as error:
        log.warning("%s is down: %s", letter.way, error)
        return error
    except NotDelivered as error:
        log.warning("message %s was not delivered: %s", letter.dispatch_id, error)
        return error
    except Exception as error:  # one item of a batch: recorded on the item, the rest goes on
        log.exception("the channel stumbled over message %s", letter.dispatch_id)
        return NotDelivered(repr(error), permanent=False)


def _settle(
    session: Session,
    letter: Letter,
    came: str | NotDelivered | ChannelDown,
    rest: Sequence[Letter],
    done: Delivery,
    *,
    now: datetime,
) -> None:
    """Write down what came of a letter; when its way is down, the `rest` of that way is given back with it."""
    if isinstance(came, str):
        mark_sent(session, letter, came, now=now)
        if letter.outlet is not None:
            outlets.worked(session, letter.outlet.id)
        done.sent += 1
        return
    if isinstance(came, ChannelDown):
        put_back(session, [letter, *(each for each in rest if each.way == letter.way)], came, now=now)
    else:
        gave_up = mark_failed(session, letter, came, now=now)
        done.gave_up += gave_up
        done.put_off += not gave_up
    if letter.outlet is not None:
        outlets.failed(session, letter.outlet.id, came, now=now)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a test message: whether it was taken, and the other side's words."""

    taken: bool
    answer: str


def send_test(
    database: Database, settings: Settings, outlet_id: UUID, *, actor: Actor, now: datetime
) -> Tried:
    """Send a test message through an outlet, off or on, and wait for the answer; it is logged like any other.

    It is tried once. Raises NotFound, RoleMissing.
    """
    with database.transaction() as session:
        letter = outlets.test_letter(session, outlet_id, actor=actor, now=now)
    try:
        answer = Outlets(settings.public_url).send(letter, now=now)
    except (NotDelivered, ChannelDown) as error:
        with database.transaction() as session:
            mark_failed(session, letter, NotDelivered(str(error), permanent=True), now=now)
        return Tried(taken=False, answer=str(error))
    with database.transaction() as session:
        mark_sent(session, letter, answer, now=now)
        outlets.worked(session, outlet_id)
    return Tried(taken=True, answer=answer)


def prepare(database: Database, *, as_of: datetime, public_url: str, now: datetime | None = None) -> None:
    """Make messages of all that waits: digests of notices, and events for the webhooks; free what the dead hold."""
    with database.transaction() as session:
        take_back(session, as_of=as_of)
        bundle(session, as_of=as_of, public_url=public_url, now=now)
    with database.reading() as session:
        feeding = webhooks.feeding(session)
    for outlet_id in feeding:
        more = True
        while more:
            with database.transaction() as session:
                more = webhooks.feed(session, outlet_id, now=as_of)


def deliver_all(
    database: Database,
    settings: Settings,
    *,
    as_of: datetime,
    now: datetime | None = None,
    limit: int = BATCH,
    dry_run: bool = False,
) -> Delivery:
    """Send everything that waits, batch by batch; `dry_run` only counts the notices.

    `now` is the present when `as_of` lies before it, in a replay: what was written in between waits for its own time.
    """
    if dry_run:
        with database.reading() as session:
            return Delivery(waiting=what_waits(session, as_of=as_of, now=now).count)
    begun = time.monotonic()
    prepare(database, as_of=as_of, public_url=settings.public_url, now=now)
    done = Delivery(more=True)
    with holder(database) as me, channels(settings) as sender:
        while done.more:
            # A lease counts from when it is taken, and a long run goes on for longer than one.
            moment = as_of + timedelta(seconds=time.monotonic() - begun)
            deliver(database, sender, holder=me, as_of=moment, limit=limit, done=done)
    return done
