"""What a phone sends after hours without signal, under the receipt it gave: a finding, perhaps fixed on the spot, the
test of a tool, work done in bulk.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from domain.campaigns import campaign_by_code
from domain.findings import NewFinding, submit_finding
from domain.quantities import NewQuantity, record_quantity
from domain.records import QuantityRecord, Ticket, Tool, ToolTest
from domain.remediation import Fix, fix_on_spot
from domain.tool_tests import NewToolTest, record_test
from domain.tools import tool_by_number
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


class OthersId(Refusal):
    """The id a phone made is taken by another record: neither is lost, nothing is merged."""

    code, status = "id-taken", 409
    title_zh, title_en = "编号已被占用", "The id is taken"
    zh = "这个 id 已登记为另一条记录。请重新填写后再提交。"
    en = "This id already belongs to another record. Fill the form in anew and submit it again."


class PhoneToolTest(BaseModel):
    """The test of the tool with this number."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    tool: str = Field(min_length=1, max_length=40)
    test: NewToolTest


class PhoneQuantity(BaseModel):
    """Work done in bulk, for a campaign."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    campaign: str = Field(min_length=1, max_length=24)
    quantity: NewQuantity


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


def take_tool_test(
    session: Session, key: UUID, sent: PhoneToolTest, *, actor: Actor, now: datetime
) -> tuple[ToolTest, bool]:
    """Record the test a phone kept under `key`; sent again it is the same one. The tool's unit and the
    test's photos are loaded.

    Returns the test and whether this call made it. Raises OthersId, NotFound and what `record_test` does.
    """
    _one_at_a_time(session, key)
    query = select(ToolTest).where(ToolTest.id == key)
    loaded = (joinedload(ToolTest.tool).joinedload(Tool.unit), selectinload(ToolTest.photos))
    known = session.scalars(query.options(*loaded)).one_or_none()
    if known is not None:
        same = (known.tool.number, known.passed) == (sent.tool, sent.test.passed)
        if known.tester_id != actor.id or not same:
            raise OthersId
        return known, False
    tool = tool_by_number(session, sent.tool, actor=actor, lock=True)
    return record_test(session, tool, sent.test, actor=actor, now=now, key=key), True


def take_quantity(
    session: Session, key: UUID, sent: PhoneQuantity, *, actor: Actor, now: datetime
) -> tuple[QuantityRecord, bool]:
    """Record the work a phone kept under `key`; sent again it is the same record.

    Returns the record and whether this call made it. Raises OthersId and what `record_quantity` does.
    """
    _one_at_a_time(session, key)
    known = session.get(QuantityRecord, key)
    if known is not None:
        told = sent.quantity
        same = (known.action, known.item, known.quantity) == (told.action, told.item, told.quantity)
        if known.recorded_by_id != actor.id or not same:
            raise OthersId
        return known, False
    campaign = campaign_by_code(session, sent.campaign, actor=actor, pointer="/campaign")
    return record_quantity(
        session, campaign, sent.quantity, actor=actor, now=now, pointer="/quantity", key=key
    ), True


def _one_at_a_time(session: Session, key: UUID) -> None:
    """Two deliveries of one item at the same moment: the second waits here and then meets the first's record."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(str(key), 0))))
