"""Drafts of a person's devices, for our own code in the browser."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response

from domain.drafts import SavedDraft, drafts_of, drop_draft, save_draft
from domain.records import DraftCopy
from forms.json_answers import JsonRoute, answer_json
from forms.session import database_of, now_of, signed_in
from statemachines.roles import Actor

router = APIRouter(route_class=JsonRoute)

Who = Annotated[Actor, Depends(signed_in)]
Key = Annotated[UUID, Path(alias="id")]


@router.get("/field/drafts")
def drafts(request: Request, actor: Who) -> Response:
    """Every copy of one's own drafts, the latest first."""
    with database_of(request).reading() as session:
        return answer_json(
            {"login": actor.login, "copies": [_shape(copy) for copy in drafts_of(session, actor)]}
        )


@router.put("/field/drafts/{id}")
def save(request: Request, actor: Who, key: Key, told: SavedDraft) -> Response:
    """Keep what this device has; `others` are the copies it did not know of, which are kept beside it."""
    with database_of(request).transaction() as session:
        own = save_draft(session, key, told, actor=actor, now=now_of(request))
        copies = [copy for copy in drafts_of(session, actor) if copy.id == key and copy.device != told.device]
        return answer_json({"version": own.version, "others": [_shape(copy) for copy in copies]})


@router.delete("/field/drafts/{id}")
def drop(request: Request, actor: Who, key: Key) -> Response:
    """Forget a draft on the server; a device that has it keeps its own."""
    with database_of(request).transaction() as session:
        drop_draft(session, key, actor=actor)
    return answer_json({})


def _shape(copy: DraftCopy) -> dict[str, object]:
    return {
        "id": str(copy.id),
        "device": str(copy.device),
        "device_name": copy.device_name,
        "version": copy.version,
        "base_version": copy.base_version,
        "values": copy.body["values"],
        "photos": copy.body["photos"],
        "saved_at": copy.saved_at.isoformat(),
    }
