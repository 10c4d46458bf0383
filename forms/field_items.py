"""What the queue of a phone sends: items one by one, then the bytes of their photos."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from domain.drafts import drop_draft
from domain.files import SHA256, FileTooLarge, RangeWrong, Receipt, Span, arrived, receive
from domain.phone import PhoneFinding, must_be_own, receipt_of, take_finding
from forms.json_answers import JsonRoute, answer_json
from forms.session import database_of, files_of, now_of, signed_in
from statemachines.roles import Actor

router = APIRouter(route_class=JsonRoute)

Who = Annotated[Actor, Depends(signed_in)]
Sha256 = Annotated[str, Path(pattern=SHA256)]
M = TypeVar("M", bound=BaseModel)

LARGEST_ITEM = 1024 * 1024
"""An item without its photos, bytes."""
_CONTENT_RANGE = re.compile(r"bytes (\d{1,12})-(\d{1,12})/(\d{1,12})")


class Item(BaseModel):
    """The envelope every item travels in, whatever its kind; `body` is what the kind's own command takes.

    `author` is the login of who made it, `device` the phone, `base_version` what the phone knew of the record it
    changes (None for something new).
    """

    model_config = ConfigDict(extra="forbid")

    id: UUID
    kind: str = Field(max_length=32)
    author: str = Field(max_length=64)
    made_at: AwareDatetime
    device: UUID | None = None
    base_version: int | None = None
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SentItem:
    """An item whose author is who is signed in."""

    envelope: Item

    def read(self, model: type[M]) -> M:
        """The body as the command's input model. Raises pydantic's ValidationError."""
        return model.model_validate(self.envelope.body)


async def _sent_item(request: Request, actor: Who) -> SentItem:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_ITEM:
            raise HTTPException(413)
    try:
        told = json.loads(body)
    except ValueError as error:
        raise HTTPException(400) from error
    envelope = Item.model_validate(told)
    must_be_own(envelope.author, actor)
    return SentItem(envelope)


Sent = Annotated[SentItem, Depends(_sent_item)]
"""For the routes of every kind: read, of the right size, and the author's own."""


@router.post("/field/findings")
def take(request: Request, actor: Who, sent: Sent) -> Response:
    """A finding from a phone becomes a ticket; sent again it is the same one."""
    told = sent.read(PhoneFinding)
    # The id of the item is the id of the ticket: one finding cannot come in under two.
    told.finding.id = sent.envelope.id
    with database_of(request).transaction() as session:
        taken = take_finding(session, told, actor=actor, now=now_of(request))
        drop_draft(session, sent.envelope.id, actor=actor)
        answer = {
            "number": taken.ticket.number,
            "href": f"/tickets/{taken.ticket.number}",
            "receipt": receipt_of(taken.ticket.id),
        }
    return answer_json(answer, 201 if taken.created else 200)


async def _bytes(request: Request) -> bytes:
    most = files_of(request).max_bytes
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise FileTooLarge(most=most)
    return bytes(body)


def _span(content_range: Annotated[str | None, Header()] = None) -> Span | None:
    if content_range is None:
        return None
    found = _CONTENT_RANGE.fullmatch(content_range.strip())
    if found is None:
        raise RangeWrong
    first, last, total = (int(figure) for figure in found.groups())
    return Span(first, last + 1, total)


@router.get("/field/files/{sha256}")
def ask(request: Request, actor: Who, sha256: Sha256) -> Response:
    """How much of a listed photo has arrived from this person, so that sending goes on where it broke off."""
    with database_of(request).reading() as session:
        return answer_json(_shape(arrived(session, sha256, actor=actor)))


@router.put("/field/files/{sha256}")
def send(
    request: Request,
    actor: Who,
    sha256: Sha256,
    body: Annotated[bytes, Depends(_bytes)],
    span: Annotated[Span | None, Depends(_span)],
) -> Response:
    """The bytes of a listed photo, whole or a part by Content-Range."""
    store = files_of(request)
    with database_of(request).transaction() as session:
        receipt = receive(session, store, sha256, body, span=span, actor=actor, now=now_of(request))
    if receipt.spent and actor.id:
        store.drop_parts(sha256, actor.id, receipt.spent)
    if receipt.refusal is not None:
        raise receipt.refusal
    return answer_json(_shape(receipt), 200 if receipt.complete else 202)


def _shape(receipt: Receipt) -> dict[str, object]:
    from_start = next((end for start, end in receipt.arrived if start == 0), 0)
    return {"complete": receipt.complete, "offset": from_start}
