"""Photos as pages show them: upright copies without the camera's data, only of tickets in sight."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from sqlalchemy.orm import Session

from domain.errors import NotFound
from domain.evidence import mark_for
from domain.file_store import sha256_of
from domain.files import SHA256, must_be_listed, receive
from forms.errors import PageRoute
from forms.fields import Photo
from forms.session import database_of, files_of, now_of, signed_in
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]

#: Seen by one person only; the name is the content's, so what is kept never goes stale.
KEPT = {
    "Cache-Control": "private, max-age=31536000, immutable",
    "Content-Type": "image/jpeg",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


@router.get("/photos/{sha256}")
def photo(
    request: Request,
    actor: Who,
    sha256: Annotated[str, Path(pattern=SHA256)],
    size: Annotated[Literal["page", "thumb"], Query()] = "page",
    ticket: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """The copy of a photo a ticket in sight lists, marked with number, time and unit; 404 for every other."""
    mark = None
    with database_of(request).reading() as session:
        must_be_listed(session, sha256, actor=actor)
        if size == "page":
            mark = mark_for(session, sha256, actor=actor, number=ticket)
    marked = f"-{sha256_of(mark.encode())[:16]}" if mark else ""
    tag = f'"{sha256[:32]}-{size}{marked}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={**KEPT, "ETag": tag})
    try:
        copy = files_of(request).derived(sha256, size, mark=mark)
    except FileNotFoundError as error:
        raise NotFound(what=sha256[:12]) from error
    return Response(copy, headers={**KEPT, "ETag": tag})


def take(request: Request, session: Session, photos: list[Photo], *, actor: Actor) -> None:
    """Store photos a command has just listed. Raises the refusal of the first that is no photo.

    Called in the command's own transaction: if one is refused nothing is written, and bytes left in the store have
    no row that names them.
    """
    for each in photos:
        receipt = receive(
            session, files_of(request), each.listed.sha256, each.data, actor=actor, now=now_of(request)
        )
        if receipt.refusal is not None:
            raise receipt.refusal
