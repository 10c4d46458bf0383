"""Programs told of every change of a ticket, after the Standard Webhooks specification.

Events are read from the history in the order of commits: an entry is told once every transaction older than its own
has ended, so none is passed over. One event is one message; its id stays the same at every try.
github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Text, cast, func, insert, literal, select, tuple_
from sqlalchemy.orm import Session
from standardwebhooks import Webhook
from uuid_utils.compat import uuid7

from domain.dispatches import ChannelDown, Letter, NotDelivered
from domain.ladder_settings import Act
from domain.records import Campaign, Channel, Dispatch, History, Matter, Outlet, OutletKind, Ticket, Unit
from domain.wire import Heard, post
from statemachines.ticket import TicketEvent

PAGE = 500
"""Entries of the history read at a time."""

#: What happened, as a type says it: `ticket.assigned`.
TYPES: Mapping[str, str] = {
    TicketEvent.ASSIGN: "ticket.assigned",
    TicketEvent.ACKNOWLEDGE: "ticket.acknowledged",
    TicketEvent.PROGRESS: "ticket.progressed",
    TicketEvent.FIX: "ticket.fixed",
    TicketEvent.FIX_ON_SPOT: "ticket.fixed_on_spot",
    TicketEvent.VERIFY: "ticket.verified",
    TicketEvent.RETURN: "ticket.returned",
    TicketEvent.CANCEL: "ticket.cancelled",
    TicketEvent.REASSIGN: "ticket.reassigned",
    TicketEvent.REGRADE: "ticket.regraded",
    TicketEvent.TRANSFER: "ticket.transferred",
    TicketEvent.CORRECT: "ticket.corrected",
    TicketEvent.SUPERVISE: "ticket.supervised",
    TicketEvent.EXTEND: "ticket.extended",
    TicketEvent.ESCALATE: "ticket.escalated",
    TicketEvent.CARRY_OVER: "ticket.carried_over",
}

DUE_SOON = "ticket.due_soon"
"""A step of the ladder before the deadline."""


class Gone(NotDelivered):
    """The receiver answered 410: it wants no more, ever."""

    def __init__(self, said: str) -> None:
        super().__init__(said, permanent=True)


_OLDEST_RUNNING = cast(cast(func.pg_snapshot_xmin(func.pg_current_snapshot()), Text), BigInteger)


def start_here(session: Session) -> int:
    """The place in the order of commits from which a new outlet is told."""
    return session.scalar(select(_OLDEST_RUNNING)) or 0


def feeding(session: Session) -> list[UUID]:
    """The webhooks in use."""
    query = select(Outlet.id).where(Outlet.kind == OutletKind.WEBHOOK, Outlet.switched_off_at.is_(None))
    return list(session.scalars(query))


def feed(session: Session, outlet_id: UUID, *, now: datetime) -> bool:
    """Turn up to PAGE further entries of the history into messages of this webhook. Returns whether there may be more.

    Another deliverer that feeds the same webhook at this moment is left to it.
    """
    outlet = session.scalars(
        select(Outlet)
        .where(Outlet.id == outlet_id, Outlet.switched_off_at.is_(None))
        .with_for_update(skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if outlet is None:
        return False
    place = tuple_(History.xid, History.id)
    entries = session.execute(
        select(History, Ticket, Unit, Campaign.code)
        .outerjoin(Ticket, (Ticket.id == History.subject_id) & (History.subject == "ticket"))
        .outerjoin(Unit, Unit.id == Ticket.unit_id)
        .outerjoin(Campaign, Campaign.id == Ticket.campaign_id)
        .where(
            place
            > tuple_(literal(outlet.read_up_to_xid, BigInteger), literal(outlet.read_up_to_id, BigInteger)),
            History.xid < _OLDEST_RUNNING,
        )
        .order_by(History.xid, History.id)
        .limit(PAGE)
    ).all()
    if not entries:
        return False
    top = session.scalars(select(Unit.path).where(Unit.id == outlet.unit_id)).one()
    rows = [
        {
            "id": uuid7(),
            "channel": Channel.WEBHOOK,
            "outlet_id": outlet.id,
            "address": outlet.name,
            "event": event_of(entry, ticket, unit, campaign),
            "created_at": now,
            "not_before": now,
            "attempts": 0,
        }
        for entry, ticket, unit, campaign in entries
        if ticket is not None and unit.path.startswith(top)
    ]
    if rows:
        session.execute(insert(Dispatch), rows)
    last = entries[-1][0]
    outlet.read_up_to_xid, outlet.read_up_to_id = last.xid, last.id
    return len(entries) == PAGE


def event_of(entry: History, ticket: Ticket, unit: Unit, campaign: str | None) -> dict[str, Any]:
    """What is told of one entry: the state is that of the moment, the rest what the ticket says when it is read."""
    return {
        "type": _type_of(entry),
        "timestamp": entry.at.isoformat().replace("+00:00", "Z"),
        "data": {
            "id": str(ticket.id),
            "number": ticket.number,
            "state": entry.to_state or ticket.state.value,
            "from_state": entry.from_state,
            "level": ticket.level.value,
            "unit": unit.code,
            "campaign": campaign,
            "description": ticket.description,
            "location": ticket.location,
            "due_at": ticket.due_at.isoformat().replace("+00:00", "Z") if ticket.due_at else None,
            "by": entry.actor_name,
        },
    }


def _type_of(entry: History) -> str:
    """A step that only warns of a deadline ahead is told apart from one that reports it passed."""
    if entry.event == TicketEvent.ESCALATE and entry.facts.get("matter") == Matter.DEADLINE:
        why = entry.facts.get("why", {}).get(entry.facts.get("step"), {})
        if why.get("act") == Act.REMIND:
            return DUE_SOON
    return TYPES.get(entry.event, f"ticket.{entry.event}")


def signatures(outlet: Outlet, dispatch_id: UUID, body: str, *, now: datetime) -> str:
    """The header `webhook-signature`: one signature for each secret in force, the newest first."""
    # The library takes the hands of the clock as UTC, whatever zone the moment is in.
    at = now.astimezone(UTC)
    return " ".join(
        Webhook(secret).sign(str(dispatch_id), at, body) for secret in secrets_of(outlet, now=now)
    )


def secrets_of(outlet: Outlet, *, now: datetime) -> list[str]:
    """The secrets in force: the newest, and those before it until their overlap ends."""
    return [
        each["secret"]
        for each in outlet.secrets
        if each["until"] is None or datetime.fromisoformat(each["until"]) > now
    ]


def send(letter: Letter, outlet: Outlet, *, now: datetime) -> str:
    """POST one event. Raises NotDelivered, ChannelDown, Gone."""
    body = json.dumps(letter.event, ensure_ascii=False, separators=(",", ":"))
    headers = {
        "content-type": "application/json",
        "user-agent": "chuncha",
        "webhook-id": str(letter.dispatch_id),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signatures(outlet, letter.dispatch_id, body, now=now),
    }
    return judge(post(outlet.url, body.encode(), headers=headers, private_allowed=outlet.private_allowed))


def judge(heard: Heard) -> str:
    """2xx is taken, 410 refused for ever; 429 and 503 ask for a pause; other 3xx and 4xx will not heal."""
    if 200 <= heard.status < 300:
        return str(heard)
    if heard.status == 410:
        raise Gone(str(heard))
    if heard.status in {429, 503}:
        asked = heard.headers.get("retry-after", "")
        seconds = min(int(asked), 3600) if asked.isdecimal() else 60
        raise ChannelDown(str(heard), pause=timedelta(seconds=max(1, seconds)))
    raise NotDelivered(
        str(heard), permanent=300 <= heard.status < 500 and heard.status not in {408, 409, 425}
    )
