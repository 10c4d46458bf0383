"""Files: the bytes of what a ticket lists, whole or in parts over a bad line."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from api.deps import Calls, Reads, files
from api.documented import answers
from domain.evidence import mark_for
from domain.file_store import CopySize, sha256_of
from domain.files import SHA256, FileTooLarge, RangeWrong, Receipt, Span, arrived, receive, stored_file

router = APIRouter(tags=["files"])

Sha256 = Annotated[str, Path(pattern=SHA256, description="SHA-256 of the bytes, as the ticket lists it.")]
_CONTENT_RANGE = re.compile(r"bytes (\d{1,12})-(\d{1,12})/(\d{1,12})")


_BINARY = {"type": "string", "format": "binary"}


class ByteRange(BaseModel):
    """Bytes `first` to `last`, both included, counted from 0."""

    first: int
    last: int


class FileReceipt(BaseModel):
    """How much of a file is there; send what is not in `arrived`."""

    sha256: str
    complete: bool
    arrived: list[ByteRange] = Field(description="Empty once complete.")


async def _body(request: Request) -> bytes:
    """The bytes sent, never more than a file may have: the rest of an endless body is not read."""
    most = files(request).max_bytes
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise FileTooLarge(most=most)
    return bytes(body)


async def _span(
    content_range: Annotated[
        str | None, Header(description="`bytes first-last/total`: a part of the file. Without it: all of it.")
    ] = None,
) -> Span | None:
    if content_range is None:
        return None
    found = _CONTENT_RANGE.fullmatch(content_range.strip())
    if found is None:
        raise RangeWrong
    first, last, total = (int(figure) for figure in found.groups())
    return Span(first, last + 1, total)


@router.put(
    "/files/{sha256}",
    operation_id="sendFile",
    response_model=FileReceipt,
    responses={
        200: {"description": "The file was there already."},
        201: {"model": FileReceipt, "description": "The file is complete."},
        202: {"model": FileReceipt, "description": "A part is kept; more is needed."},
        **answers(404, 413),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": _BINARY}},
        }
    },
)
def send_file(
    sha256: Sha256,
    call: Calls,
    body: Annotated[bytes, Depends(_body)],
    span: Annotated[Span | None, Depends(_span)],
) -> Response:
    """The bytes of a listed JPEG, PNG or WebP, whole or by Content-Range, in any order and as often as needed."""
    store = files(call.request)
    with call.transaction() as session:
        receipt = receive(session, store, sha256, body, span=span, actor=call.actor, now=call.now)
    if receipt.spent and call.actor.id:
        store.drop_parts(sha256, call.actor.id, receipt.spent)
    if receipt.refusal is not None:
        raise receipt.refusal
    return JSONResponse(_shape(receipt), 202 if not receipt.complete else 201 if receipt.new else 200)


@router.head(
    "/files/{sha256}",
    operation_id="askFile",
    status_code=204,
    responses={
        204: {
            "description": "How much is there.",
            "headers": {
                "Upload-Complete": {"schema": {"type": "string", "enum": ["?0", "?1"]}},
                "Upload-Offset": {
                    "schema": {"type": "integer"},
                    "description": "Bytes there from the start.",
                },
                "Range": {
                    "schema": {"type": "string"},
                    "description": "All parts there: `bytes=0-999,2000-2999`.",
                },
            },
        },
        **answers(404),
    },
)
def ask_file(sha256: Sha256, call: Calls) -> Response:
    """How much of a listed file has arrived from this caller, so that sending goes on where it broke off."""
    with call.reading() as session:
        receipt = arrived(session, sha256, actor=call.actor)
    headers = {"Upload-Complete": "?1" if receipt.complete else "?0", "Cache-Control": "no-store"}
    if receipt.arrived:
        headers["Range"] = "bytes=" + ",".join(f"{first}-{end - 1}" for first, end in receipt.arrived)
    if not receipt.complete:
        from_start = [end for first, end in receipt.arrived if first == 0]
        headers["Upload-Offset"] = str(from_start[0] if from_start else 0)
    return Response(status_code=204, headers=headers)


@router.get(
    "/files/{sha256}",
    operation_id="readFile",
    response_class=Response,
    responses={
        200: {
            "description": "The bytes.",
            "content": {kind: {"schema": _BINARY} for kind in ("image/jpeg", "image/png", "image/webp")},
        },
        **answers(304, 404),
    },
)
def read_file(
    sha256: Sha256,
    call: Reads,
    copy: Annotated[CopySize | None, Query(description="A JPEG for a page or a list, without EXIF.")] = None,
    ticket: Annotated[
        str | None,
        Query(max_length=64, description="Whose number, time and unit are marked on the page copy."),
    ] = None,
) -> Response:
    """A file that has arrived: as it was sent, or a smaller copy; the one for pages says number, time and unit."""
    mark = None
    with call.reading() as session:
        stored = stored_file(session, sha256, actor=call.actor)
        if copy == "page":
            mark = mark_for(session, sha256, actor=call.actor, number=ticket)
    store = files(call.request)
    data = store.get(sha256) if copy is None else store.derived(sha256, copy, mark=mark)
    media_type = stored.media_type if copy is None else "image/jpeg"
    marked = sha256_of(mark.encode())[:16] if mark else ""
    return call.document(data, media_type, tag=f'"{sha256}{copy or ""}{marked}"')


def _shape(receipt: Receipt) -> dict[str, object]:
    ranges = [ByteRange(first=first, last=end - 1) for first, end in receipt.arrived]
    return FileReceipt(sha256=receipt.sha256, complete=receipt.complete, arrived=ranges).model_dump()
