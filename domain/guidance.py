"""Guidance photos: what right or wrong looks like, shown under an item of a checklist and with a standard hazard."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.errors import NotFound
from domain.file_store import FileStore
from domain.files import FileTooLarge
from domain.history import record
from domain.photos import look_at
from domain.records import Base, Checklist, ChecklistItem, StandardHazard, StoredFile
from domain.rights import Deed, must_be_allowed
from statemachines.roles import Actor


def set_guidance(
    session: Session,
    store: FileStore,
    subject: ChecklistItem | StandardHazard,
    data: bytes | None,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Show this photo with the item or hazard from now on; None takes away the one it has.

    Raises RoleMissing, FileTooLarge, FileTypeNotAllowed, TooManyPixels.
    """
    must_be_allowed(actor, Deed.SET_GUIDANCE, at=actor.unit_path)
    before = subject.guidance_photo
    subject.guidance_photo = None if data is None else _kept(session, store, data, now=now)
    if subject.guidance_photo == before:
        return
    owner: Base = subject
    if isinstance(subject, ChecklistItem):
        owner = session.get_one(Checklist, subject.checklist_id)
    record(
        session,
        owner,
        "guidance",
        actor=actor,
        now=now,
        code=subject.code,
        photo=subject.guidance_photo or "",
        previous=before,
    )
    session.flush()


def _kept(session: Session, store: FileStore, data: bytes, *, now: datetime) -> str:
    if len(data) > store.max_bytes:
        raise FileTooLarge(most=store.max_bytes)
    photo = look_at(data)
    sha256 = store.put(data)
    row = insert(StoredFile).values(
        sha256=sha256,
        size=len(data),
        media_type=photo.media_type,
        width=photo.width,
        height=photo.height,
        taken_at=photo.taken_at,
        lat=photo.lat,
        lon=photo.lon,
        stored_at=now,
    )
    session.execute(row.on_conflict_do_nothing())
    return sha256


def must_guide(session: Session, sha256: str) -> None:
    """Raise NotFound unless an item of a checklist or a standard hazard shows the photo; everybody may see those."""
    items = exists().where(ChecklistItem.guidance_photo == sha256)
    hazards = exists().where(StandardHazard.guidance_photo == sha256)
    if not session.scalar(select(or_(items, hazards))):
        raise NotFound(what=sha256)
