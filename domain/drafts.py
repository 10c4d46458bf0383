"""Drafts on several devices: none is lost, and where two went their own way both are shown.

A device says which version it began from (`base_version`). It replaces the copies it knew; copies it did not know stay
beside its own until the person has chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from domain.errors import BadInput
from domain.records import DraftCopy
from statemachines.refusals import Refusal
from statemachines.roles import Actor

MOST_DRAFTS = 50
"""Drafts a person may have; more are forgotten findings, not drafts."""
LONGEST_TEXT = 4000


class TooManyDrafts(Refusal):
    """Somebody keeps beginning and never sends."""

    code, status = "too-many-drafts", 409
    title_zh, title_en = "草稿过多", "Too many drafts"
    zh = "草稿已有{most}份，请先上报或丢弃一些。这一份仍在本机。"
    en = "There are {most} drafts already; send or discard some. This one is still on the phone."


class DraftPhoto(BaseModel):
    """A photo that lies on the device: its name, so that the person knows what is missing elsewhere."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=255)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class SavedDraft(BaseModel):
    """What a device has of a draft: the fields of the form by name, the names of its photos."""

    model_config = ConfigDict(extra="forbid")

    device: UUID
    device_name: str = Field(default="", max_length=80)
    base_version: int = Field(ge=0, le=2**31 - 2)
    values: dict[str, str] = Field(max_length=40)
    photos: list[DraftPhoto] = Field(default_factory=list, max_length=40)


def save_draft(session: Session, key: UUID, told: SavedDraft, *, actor: Actor, now: datetime) -> DraftCopy:
    """Keep what this device has. Copies of other devices that it knew are replaced, others stay (`copies_of`).

    Raises BadInput for a text beyond every field's length or an id that is another person's, and TooManyDrafts.
    """
    if any(len(name) > 64 or len(text) > LONGEST_TEXT for name, text in told.values.items()):
        raise BadInput(
            "/values", "too-long", zh=f"最多{LONGEST_TEXT}个字。", en=f"At most {LONGEST_TEXT} characters."
        )
    # Two devices at the same moment: the second waits here, and then sees the first.
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"draft {key}", 0))))
    there = session.scalars(select(DraftCopy).where(DraftCopy.id == key)).all()
    if any(copy.person_id != actor.id for copy in there):
        raise BadInput("/id", "taken", zh="这个编号已被占用。", en="This id is taken.")
    if not there and _how_many(session, actor) >= MOST_DRAFTS:
        raise TooManyDrafts(most=MOST_DRAFTS)
    version = 1 + max((copy.version for copy in there), default=0)
    own = next((copy for copy in there if copy.device == told.device), None)
    for copy in there:
        if copy is not own and copy.version <= told.base_version:
            session.delete(copy)
    if own is None:
        own = DraftCopy(id=key, device=told.device, person_id=actor.id)
        session.add(own)
    own.device_name, own.version, own.saved_at = told.device_name, version, now
    own.base_version = min(told.base_version, version - 1)
    own.body = {"values": told.values, "photos": [photo.model_dump() for photo in told.photos]}
    session.flush()
    return own


def drafts_of(session: Session, actor: Actor) -> Sequence[DraftCopy]:
    """Every copy of a person's drafts, the latest first; two of one id are two devices that went their own way."""
    query = select(DraftCopy).where(DraftCopy.person_id == actor.id).order_by(DraftCopy.saved_at.desc())
    return session.scalars(query).all()


def drop_draft(session: Session, key: UUID, *, actor: Actor) -> None:
    """Forget a draft with all its copies; nothing happens when there is none of this person's."""
    session.execute(delete(DraftCopy).where(DraftCopy.id == key, DraftCopy.person_id == actor.id))


def _how_many(session: Session, actor: Actor) -> int:
    query = select(func.count(DraftCopy.id.distinct())).where(DraftCopy.person_id == actor.id)
    return session.scalar(query) or 0
