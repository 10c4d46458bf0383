"""The outbox: what people must be told is a row in the command's own transaction, and is sent afterwards.

Exactly once to the record: `key` is unique. domain/dispatches.py puts the rows into messages, domain/delivery.py sends
these.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from domain.many_rows import insert_rows
from domain.records import Campaign, Channel, Inspection, Notice, Outlet, OutletKind, Person, Ticket, Unit
from domain.stand_ins import StandIns
from statemachines.labels import local_day

IN_ORDER = (Channel.INBOX, Channel.EMAIL, Channel.ROBOT)
"""Of several channels the in-box shows the row of the first; the others would only repeat it."""


@dataclass(frozen=True, slots=True)
class Telling:
    """Something one person must be told. The person and the channel are added to `key`, so it names the occasion alone.

    `responsible`: they are to act, and in a group are called by name. `instead_of`: the absent person they stand in
    for. `unit_path`: the unit it is about, whose nearest robots are used. `not_before` holds it back (quiet hours).
    Without `channels` it goes the person's own way: e-mail when they have an address, else the in-box alone.
    """

    key: str
    kind: str
    person: Person
    subject: str
    body: str
    responsible: bool = False
    instead_of: Person | None = None
    ticket_id: UUID | None = None
    campaign_id: UUID | None = None
    path: str | None = None
    inspection_id: UUID | None = None
    unit_path: str = "/"
    not_before: datetime | None = None
    channels: frozenset[Channel] = frozenset()


def own_channel(person: Person) -> Channel:
    """How a person is told when nothing else was asked for."""
    return Channel.EMAIL if person.email else Channel.INBOX


def tell_all(session: Session, tellings: Sequence[Telling], *, now: datetime) -> None:
    """Write everything to be told, once for each key, person and channel; what is there already is left as it is.

    Robots that no unit above has, and an address a person lacks, are replaced by the person's own way: nobody is left
    untold. Nothing is sent here: the rows travel with the transaction.
    """
    robots = _Robots(session) if any(Channel.ROBOT in each.channels for each in tellings) else None
    rows = [row for telling in tellings for row in _rows(telling, robots, now=now)]
    insert_rows(session, Notice, rows, once="key")


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
    path: str | None = None,
    inspection: Inspection | None = None,
    not_before: datetime | None = None,
    responsible: bool = False,
    personal: bool = False,
) -> None:
    """Tell one person something their own way, once for each `key`; the link is added to the plain `body` when sent.

    Who is away finds it in the in-box on return, and whoever stands in is told meanwhile, both names on the row; not
    so what is `personal`, about themselves alone.
    """
    # A ticket made in this transaction must stand in the database before a notice can name it.
    if ticket is not None and inspect(ticket).pending:
        session.flush()
    telling = Telling(
        key=key,
        kind=kind,
        person=person,
        subject=subject,
        body=body,
        responsible=responsible,
        ticket_id=ticket.id if ticket else None,
        campaign_id=campaign.id if campaign else None,
        path=path,
        inspection_id=inspection.id if inspection else None,
        not_before=not_before,
    )
    tell_all(session, [telling] if personal else _handed_over(session, telling, now=now), now=now)


def _handed_over(session: Session, telling: Telling, *, now: datetime) -> list[Telling]:
    """The telling itself, or when the person is away today a copy for the in-box and one for who stands in."""
    key = StandIns(session, local_day(now)).of(telling.person.id)
    substitute = session.get(Person, key) if key is not None else None
    if substitute is None or not substitute.active:
        return [telling]
    name = telling.person.name
    said = f"You stand in for {name}." if telling.person.language == "en" else f"您代理{name}。"
    handed = replace(telling, person=substitute, instead_of=telling.person, body=f"{said}\n{telling.body}")
    return [replace(telling, responsible=False, channels=frozenset({Channel.INBOX})), handed]


@dataclass(frozen=True, slots=True)
class _Way:
    """One way a telling really goes, with the address and, for a robot, which one."""

    channel: Channel
    address: str = ""
    outlet_id: UUID | None = None
    further: bool = False
    """A robot of a unit that has an older one."""

    @property
    def name(self) -> str:
        """What tells it apart from the other ways of one telling."""
        return f"{self.channel.value}:{self.outlet_id}" if self.further else self.channel.value


class _Robots:
    """The group robots in use, read once for everything told together."""

    def __init__(self, session: Session) -> None:
        rows = session.execute(
            select(Unit.path, Outlet.id, Outlet.name)
            .join(Unit, Unit.id == Outlet.unit_id)
            .where(Outlet.kind != OutletKind.WEBHOOK, Outlet.switched_off_at.is_(None))
            .order_by(Outlet.created_at, Outlet.id)
        )
        self._at: defaultdict[str, list[_Way]] = defaultdict(list)
        for path, outlet_id, name in rows:
            here = self._at[path]
            here.append(_Way(Channel.ROBOT, name, outlet_id, further=bool(here)))

    def nearest(self, unit_path: str) -> list[_Way]:
        """The robots of the nearest unit at or above this path that has any, the oldest first.

        All of them speak: who gives a unit a second group means that it hears what the first hears.
        """
        path = unit_path
        while path not in self._at:
            if path == "/":
                return []
            path = path[: path.rstrip("/").rfind("/") + 1]
        return self._at[path]


def _rows(telling: Telling, robots: _Robots | None, *, now: datetime) -> list[dict[str, Any]]:
    ways = _ways(telling, robots)
    shown = min(ways, key=lambda way: IN_ORDER.index(way.channel))
    return [
        {
            "id": uuid7(),
            "key": f"{telling.key}:{telling.person.id}:{way.name}",
            "kind": telling.kind,
            "person_id": telling.person.id,
            "instead_of_id": telling.instead_of.id if telling.instead_of else None,
            "responsible": telling.responsible,
            "shown": way is shown,
            "channel": way.channel,
            "address": way.address,
            "outlet_id": way.outlet_id,
            "ticket_id": telling.ticket_id,
            "campaign_id": telling.campaign_id,
            "path": telling.path,
            "inspection_id": telling.inspection_id,
            "subject": " ".join(telling.subject.split()),
            "body": telling.body,
            "created_at": now,
            "not_before": telling.not_before or now,
        }
        for way in ways
    ]


def _ways(telling: Telling, robots: _Robots | None) -> list[_Way]:
    """The ways that are really used, each once."""
    ways: list[_Way] = []
    for channel in telling.channels or (own_channel(telling.person),):
        if channel is Channel.ROBOT and robots and (found := robots.nearest(telling.unit_path)):
            ways += found
        elif channel is Channel.INBOX:
            ways.append(_Way(Channel.INBOX))
        else:
            ways.append(_Way(own_channel(telling.person), telling.person.email or ""))
    return list(dict.fromkeys(ways))
