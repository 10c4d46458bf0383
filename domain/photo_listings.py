"""Photos of what is no ticket yet: failed answers of a visit under way, tests of tools."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.database import LARGEST_FILE
from domain.errors import BadInput
from domain.files import FILE_MAX_BYTES, FILES_PER_CALL, ListedFile
from domain.records import Answer, PhotoListing, StoredFile, ToolTest
from statemachines.roles import Actor


def list_photos(
    session: Session,
    row: Answer | ToolTest,
    listed: Sequence[ListedFile],
    *,
    pointer: str,
    actor: Actor,
    now: datetime,
) -> None:
    """List photos with an answer or a test whose photos are loaded; one listed before stays as it is.

    Raises BadInput for one larger than this installation takes, or more than 20 in all.
    """
    assert actor.id is not None
    largest: int = session.info.get(LARGEST_FILE, FILE_MAX_BYTES)
    known = {photo.sha256 for photo in row.photos}
    fresh = {file.sha256: file for file in listed if file.sha256 not in known}
    for position, file in enumerate(listed):
        if file.size > largest:
            raise BadInput(
                f"{pointer}/{position}/size",
                "too-large",
                zh=f"文件“{file.name}”超过{largest}字节，请压缩后再传。",
                en=f"The file “{file.name}” has more than {largest} bytes; make it smaller.",
            )
    if len(known) + len(fresh) > FILES_PER_CALL:
        raise BadInput(
            pointer,
            "too-many",
            zh=f"最多{FILES_PER_CALL}张照片。",
            en=f"At most {FILES_PER_CALL} photos.",
        )
    for file in fresh.values():
        row.photos.append(
            PhotoListing(
                sha256=file.sha256,
                name=file.name,
                size=file.size,
                said=file.model_dump(mode="json", exclude={"name", "sha256", "size", "kind"}),
                listed_by_id=actor.id,
                listed_at=now,
            )
        )


def as_listed(row: Answer) -> list[ListedFile]:
    """An answer's photos as its ticket lists them."""
    return [
        ListedFile(name=photo.name, sha256=photo.sha256, size=photo.size, **photo.said)
        for photo in row.photos
    ]


def arrived_photos(session: Session, rows: Sequence[Answer | ToolTest]) -> set[str]:
    """Which photos of these records have arrived, by hash. Their photos are loaded."""
    listed = {photo.sha256 for row in rows for photo in row.photos}
    return set(session.scalars(select(StoredFile.sha256).where(StoredFile.sha256.in_(listed))))
