"""What a phone sends after hours without signal: a finding, perhaps fixed on the spot, under the receipt it gave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from domain.findings import NewFinding, submit_finding
from domain.records import Ticket
from domain.remediation import Fix, fix_on_spot
from statemachines.refusals import Refusal
from statemachines.roles import Actor

#: Crockford's letters: none that a person mistakes for another, whether read out or written by hand.
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

SOURCE = "phone"
"""The source of findings that went through a phone's queue."""


class OthersItem(Refusal):
    """A phone is lent, a login changes: what one person saved is never sent under another's name."""

    code, status = "others-item", 403
    title_zh, title_en = "不是本人的记录", "Not your own record"
    zh = "这一条由{author}在手机上存下，须由本人登录后发送。"
    en = "{author} saved this one on the phone; it is sent when they are signed in."


class PhoneFinding(BaseModel):
    """A finding as the phone kept it; `fix` when it was fixed on the spot."""

    model_config = ConfigDict(extra="forbid")

    finding: NewFinding
    fix: Fix | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """The ticket, and whether this call made it."""

    ticket: Ticket
    created: bool


def receipt_of(key: UUID) -> str:
    """The receipt a phone shows at once for an item it has made: eight letters from the last 40 bits of its id."""
    bits = key.int & (2**40 - 1)
    letters = "".join(_LETTERS[bits >> shift & 31] for shift in range(35, -1, -5))
    return f"{letters[:4]}-{letters[4:]}"


def must_be_own(author: str, actor: Actor) -> None:
    """Raise OthersItem unless the actor is who made the item."""
    if author != actor.login:
        raise OthersItem(author=author)


def take_finding(session: Session, sent: PhoneFinding, *, actor: Actor, now: datetime) -> Taken:
    """Make a ticket of a finding from a phone, fixed on the spot in the same transaction when it was.

    Sent again it changes nothing and answers with the first ticket. Raises what `submit_finding` and `fix_on_spot` do.
    """
    submitted = submit_finding(session, sent.finding, actor=actor, now=now)
    ticket = submitted.ticket
    if submitted.created and sent.fix is not None:
        session.flush()
        ticket = fix_on_spot(session, ticket, sent.fix, actor=actor, now=now)
    return Taken(ticket, submitted.created)
