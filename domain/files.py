"""Files of a ticket: listed with their hashes, visible at once, arrived when the bytes are there (design, law 10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)
from sqlalchemy import Table, delete, exists, func, inspect, null, or_, select, union_all, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload
from uuid_utils.compat import uuid7

from domain.database import LARGEST_FILE
from domain.errors import BadInput, NotFound, wrong
from domain.file_store import FileStore, sha256_of
from domain.photos import look_at
from domain.records import (
    FileKind,
    FileListing,
    FilePart,
    PhotoListing,
    Report,
    ReportFile,
    StoredFile,
    Ticket,
)
from domain.settings import Settings
from domain.visibility import photo_listings_visible_to, reports_visible_to, tickets_visible_to
from statemachines.refusals import Refusal
from statemachines.roles import Actor

FILES_PER_CALL = 20

#: The limit where no setting says otherwise, bytes.
FILE_MAX_BYTES: int = Settings.model_fields["file_max_bytes"].default

SHA256 = r"^[0-9a-f]{64}$"

Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
"""Degrees, WGS 84."""


_EPOCH, _FAR = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class ListedFile(BaseModel):
    """A file a record says it has: name as people know it, SHA-256 of its bytes, size in bytes.

    `kind` may be left out; the command knows whether it is a photo before the fix, after it, or at the re-check.
    `captured_at`, `captured_lat` and `captured_lon` say when and where the form took it; `exif_at`, `exif_lat` and
    `exif_lon` what the file said of itself before the phone made it smaller. What disagrees is shown with the ticket
    (domain/evidence.py).
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^/\\\x00-\x1f]+$")]
    sha256: Annotated[str, Field(pattern=SHA256)]
    size: Annotated[int, Field(gt=0, le=2**31 - 1)]
    kind: FileKind | None = None
    captured_at: Annotated[AwareDatetime, Field(ge=_EPOCH, lt=_FAR)] | None = None
    captured_lat: Latitude | None = None
    captured_lon: Longitude | None = None
    exif_at: AwareDatetime | None = None
    exif_lat: Latitude | None = None
    exif_lon: Longitude | None = None

    @field_validator("exif_at")
    @classmethod
    def _no_nonsense(cls, moment: datetime | None) -> datetime | None:
        """Cameras write nonsense; a photo is evidence all the same."""
        return moment if moment is not None and _EPOCH <= moment < _FAR else None

    @model_validator(mode="after")
    def _belong_together(self) -> ListedFile:
        for lat, lon in ((self.captured_lat, self.captured_lon), (self.exif_lat, self.exif_lon)):
            if (lat is None) != (lon is None):
                raise wrong("position-incomplete", zh="经纬度须同时填写。", en="Give lat and lon together.")
        return self

    @model_serializer(mode="wrap")
    def _as_before(self, rest: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What is not said does not count: a finding sent again after an upgrade has the fingerprint it had."""
        said: dict[str, Any] = rest(self)
        return {name: value for name, value in said.items() if value is not None or name not in _SAID_LATER}


_SAID_LATER = ("captured_at", "captured_lat", "captured_lon", "exif_at", "exif_lat", "exif_lon")


ListedFiles = Annotated[list[ListedFile], Field(max_length=FILES_PER_CALL)]
"""The `files` of an input model."""


class FileHashMismatch(Refusal):
    """What arrived is not what was listed: damaged on the way, or another file."""

    code, status = "file-hash-mismatch", 422
    title_zh, title_en = "文件校验不符", "Hash does not match"
    zh = "收到的内容与所列文件不一致（应为{expected}，实为{actual}），请重新上传整个文件。"
    en = "What arrived is not the listed file (expected {expected}, got {actual}). Send the whole file again."


class FileTooLarge(Refusal):
    """A file is larger than this installation accepts."""

    code, status = "file-too-large", 413
    title_zh, title_en = "文件过大", "File too large"
    zh = "文件不得超过{most}字节，请压缩后再传。"
    en = "A file has at most {most} bytes; make it smaller."


class RangeWrong(Refusal):
    """The Content-Range does not describe the bytes sent."""

    code, status = "content-range-wrong", 422
    title_zh, title_en = "分段范围有误", "Content-Range wrong"
    zh = "Content-Range 须为“bytes 起-止/总数”，且与所传字节数一致。"
    en = "Content-Range must be “bytes first-last/total” and match the bytes sent."


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` … `end` (not included) of a file of `total` bytes."""

    start: int
    end: int
    total: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """How much of a file is there. `refusal` is to be raised by the edge *after* the commit that forgets bad parts."""

    sha256: str
    complete: bool
    arrived: tuple[tuple[int, int], ...]
    """What the sender need not send again: (start, end) with the end not included; empty once complete."""
    new: bool = False
    spent: tuple[tuple[int, int], ...] = ()
    """Parts whose rows are gone; their bytes are dropped after the commit."""
    refusal: Refusal | None = None


def list_files(
    session: Session,
    ticket: Ticket,
    listed: Sequence[ListedFile],
    *,
    kind: FileKind,
    actor: Actor,
    now: datetime,
) -> int:
    """List files with a ticket (new, or loaded for writing) and count them; return how many were new to it.

    A file whose bytes are already stored has arrived at once. Raises BadInput for one larger than this
    installation takes, or more than 20 in one call. A file arriving in the same instant may be counted as missing;
    sending it again, as a sender who sees `arrived: false` does, sets that right (`receive`).
    """
    largest: int = session.info.get(LARGEST_FILE, FILE_MAX_BYTES)
    for position, file in enumerate(listed):
        if file.size > largest:
            raise BadInput(
                f"/files/{position}/size",
                "file-too-large",
                zh=f"单个文件不得超过{largest}字节。",
                en=f"A file has at most {largest} bytes.",
            )
    if len(listed) > FILES_PER_CALL:
        raise BadInput(
            "/files",
            "too-many",
            zh=f"一次最多{FILES_PER_CALL}个文件。",
            en=f"List at most {FILES_PER_CALL} files at a time.",
        )
    if not listed:
        return 0
    wanted = {(file.sha256, file.kind or kind): file for file in reversed(listed)}
    hashes = sorted({sha256 for sha256, _ in wanted})
    # A new ticket is inserted once, with its counts: the queries below must not send it ahead.
    with session.no_autoflush:
        known = (
            _listed_before(session, ticket) if ticket.files_expected and inspect(ticket).persistent else set()
        )
        stored, elsewhere = _known_elsewhere(session, hashes, ticket)
    new = {key: file for key, file in wanted.items() if key not in known}
    if not new:
        return 0
    ticket.files_expected = (ticket.files_expected or 0) + len(new)
    ticket.files_arrived = (ticket.files_arrived or 0) + sum(sha256 in stored for sha256, _ in new)
    session.add(ticket)
    session.flush()
    session.execute(
        insert(FileListing),
        [
            {
                "id": uuid7(),
                "ticket_id": ticket.id,
                "sha256": sha256,
                "name": file.name,
                "size": file.size,
                "kind": of_kind,
                "listed_by_id": actor.id,
                "listed_at": now,
                "arrived_at": now if sha256 in stored else None,
                "reused_from_id": elsewhere.get(sha256),
                **{name: getattr(file, name) for name in _SAID_LATER},
            }
            for (sha256, of_kind), file in reversed(new.items())
        ],
    )
    return len(new)


def _listed_before(session: Session, ticket: Ticket) -> set[tuple[str, FileKind]]:
    query = select(FileListing.sha256, FileListing.kind).where(FileListing.ticket_id == ticket.id)
    return {(sha256, kind) for sha256, kind in session.execute(query)}


def _known_elsewhere(session: Session, hashes: list[str], ticket: Ticket) -> tuple[set[str], dict[str, UUID]]:
    """Which of the files are stored already, and which another ticket listed first, in one query."""
    there = select(StoredFile.sha256, null().label("ticket_id")).where(StoredFile.sha256.in_(hashes))
    listed = select(FileListing.sha256, FileListing.ticket_id).where(
        FileListing.sha256.in_(hashes), FileListing.ticket_id != ticket.id
    )
    stored, elsewhere = set(), dict[str, UUID]()
    for sha256, other in session.execute(union_all(there, listed)):
        if other is None:
            stored.add(sha256)
        else:
            # Keys grow with time: the smallest is the ticket that had the photo first.
            elsewhere[sha256] = min(other, elsewhere.get(sha256, other))
    return stored, elsewhere


def files_of(session: Session, ticket: Ticket) -> list[FileListing]:
    """The files of one ticket in the order they were listed."""
    return files_of_all(session, [ticket]).get(ticket.id, [])


def files_of_all(session: Session, tickets: Sequence[Ticket]) -> dict[Any, list[FileListing]]:
    """The files of many tickets by ticket id, in one query."""
    query = (
        select(FileListing)
        .where(FileListing.ticket_id.in_([ticket.id for ticket in tickets]))
        .options(joinedload(FileListing.stored))
        .order_by(FileListing.id)
    )
    found: dict[Any, list[FileListing]] = {}
    for listing in session.scalars(query):
        found.setdefault(listing.ticket_id, []).append(listing)
    return found


def counted(session: Session, ticket: Ticket, kind: FileKind) -> int:
    """How many files of a kind a ticket lists (a fix on the spot needs one before and one after)."""
    if not ticket.files_expected:
        return 0
    query = select(func.count()).where(FileListing.ticket_id == ticket.id, FileListing.kind == kind)
    return session.scalar(query) or 0


def must_be_listed(session: Session, sha256: str, *, actor: Actor) -> None:
    """Raise NotFound unless a ticket, a report, a visit or a tool the actor may see lists the file."""
    listed = exists().where(
        FileListing.sha256 == sha256, FileListing.ticket_id == Ticket.id, tickets_visible_to(actor)
    )
    reported = exists().where(
        ReportFile.sha256 == sha256, ReportFile.report_id == Report.id, reports_visible_to(actor)
    )
    elsewhere = exists().where(PhotoListing.sha256 == sha256, photo_listings_visible_to(actor))
    if not (session.scalar(select(or_(listed, reported))) or session.scalar(select(elsewhere))):
        raise NotFound(what=sha256)


def stored_file(session: Session, sha256: str, *, actor: Actor) -> StoredFile:
    """A file that has arrived and is listed with a ticket the actor may see. Raises NotFound."""
    must_be_listed(session, sha256, actor=actor)
    stored = session.get(StoredFile, sha256)
    if stored is None:
        raise NotFound(what=sha256)
    return stored


def arrived(session: Session, sha256: str, *, actor: Actor) -> Receipt:
    """How much of a listed file is there. Raises NotFound unless a ticket in sight lists it."""
    must_be_listed(session, sha256, actor=actor)
    if session.get(StoredFile, sha256) is not None:
        return Receipt(sha256, complete=True, arrived=())
    return Receipt(sha256, complete=False, arrived=_joined(_parts(session, sha256, actor)))


def receive(
    session: Session,
    store: FileStore,
    sha256: str,
    body: bytes,
    *,
    span: Span | None = None,
    actor: Actor,
    now: datetime,
) -> Receipt:
    """Take a listed file, whole or in parts.

    1. Only what a ticket in sight lists is taken (else NotFound). 2. Bytes go to the store before their row, so a row
    never names bytes that are not there. 3. Once the parts of this sender cover the file, hash and type are checked.
    4. All listings of the hash have arrived. The same file again changes nothing and is complete.

    Raises FileTooLarge, RangeWrong. FileHashMismatch, FileTypeNotAllowed and TooManyPixels come as
    `receipt.refusal` when parts must be forgotten with it.
    """
    must_be_listed(session, sha256, actor=actor)
    if (span.total if span else len(body)) > store.max_bytes:
        raise FileTooLarge(most=store.max_bytes)
    if session.get(StoredFile, sha256) is not None:
        _mark_arrived(session, sha256, now=now)
        return Receipt(sha256, complete=True, arrived=())
    if span is None or (span.start == 0 and span.end == span.total == len(body)):
        return _finish(session, store, sha256, body, actor=actor, now=now)
    _keep_part(session, store, sha256, body, span, actor=actor, now=now)
    parts = _parts(session, sha256, actor)
    if (there := _joined(parts)) != ((0, span.total),):
        return Receipt(sha256, complete=False, arrived=there)
    return _finish(session, store, sha256, _whole(store, sha256, actor, parts), parts, actor=actor, now=now)


def _keep_part(
    session: Session, store: FileStore, sha256: str, body: bytes, span: Span, *, actor: Actor, now: datetime
) -> None:
    if not 0 <= span.start < span.end <= span.total or len(body) != span.end - span.start:
        raise RangeWrong
    assert actor.id is not None
    store.put_part(sha256, actor.id, span.start, body)
    row = insert(FilePart).values(
        sha256=sha256, starts_at=span.start, ends_at=span.end, uploaded_by_id=actor.id, uploaded_at=now
    )
    longer = FilePart.ends_at < row.excluded.ends_at
    session.execute(
        row.on_conflict_do_update(
            index_elements=["sha256", "starts_at", "uploaded_by_id"],
            set_={"ends_at": row.excluded.ends_at, "uploaded_at": now},
            where=longer,
        )
    )


def _parts(session: Session, sha256: str, actor: Actor) -> list[tuple[int, int]]:
    query = select(FilePart.starts_at, FilePart.ends_at).where(
        FilePart.sha256 == sha256, FilePart.uploaded_by_id == actor.id
    )
    return sorted((start, end) for start, end in session.execute(query))


def _joined(parts: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Sorted parts as the stretches they cover together."""
    there: list[tuple[int, int]] = []
    for start, end in parts:
        if there and start <= there[-1][1]:
            there[-1] = (there[-1][0], max(end, there[-1][1]))
        else:
            there.append((start, end))
    return tuple(there)


def _whole(store: FileStore, sha256: str, actor: Actor, parts: Sequence[tuple[int, int]]) -> bytes:
    assert actor.id is not None
    try:
        return store.join(sha256, actor.id, parts)
    except FileNotFoundError:
        # A part's bytes were lost: what is left cannot have the listed hash, and is forgotten with its rows.
        return b""


def _finish(
    session: Session,
    store: FileStore,
    sha256: str,
    body: bytes,
    parts: Sequence[tuple[int, int]] = (),
    *,
    actor: Actor,
    now: datetime,
) -> Receipt:
    """Check a whole file and enter it; its parts are forgotten either way."""
    spent = tuple(parts or _parts(session, sha256, actor))
    session.execute(delete(FilePart).where(FilePart.sha256 == sha256, FilePart.uploaded_by_id == actor.id))
    try:
        if (actual := sha256_of(body)) != sha256:
            raise FileHashMismatch(expected=sha256, actual=actual)
        keep(session, store, body, now=now)
    except Refusal as refusal:
        return Receipt(sha256, complete=False, arrived=(), spent=spent, refusal=refusal)
    _mark_arrived(session, sha256, now=now)
    return Receipt(sha256, complete=True, arrived=(), new=True, spent=spent)


def keep(session: Session, store: FileStore, body: bytes, *, now: datetime) -> str:
    """Store a photo, whoever lists it; return its SHA-256. Raises FileTypeNotAllowed, TooManyPixels."""
    photo = look_at(body)
    sha256 = store.put(body)
    row = insert(StoredFile).values(
        sha256=sha256,
        size=len(body),
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


def _mark_arrived(session: Session, sha256: str, *, now: datetime) -> None:
    """All listings of the hash have arrived; their tickets' counts follow, `version` stays.

    The tickets are locked first: two files of one ticket arriving together would each count without the other.
    """
    tickets: Table = Ticket.__table__  # type: ignore[assignment]
    waiting = select(FileListing.ticket_id).where(
        FileListing.sha256 == sha256, FileListing.arrived_at.is_(None)
    )
    ids = list(
        session.scalars(
            select(tickets.c.id)
            .where(tickets.c.id.in_(waiting))
            .order_by(tickets.c.id)
            .with_for_update(key_share=True)
        )
    )
    if not ids:
        return
    session.execute(
        update(FileListing)
        .where(FileListing.sha256 == sha256, FileListing.ticket_id.in_(ids), FileListing.arrived_at.is_(None))
        .values(arrived_at=now)
        .execution_options(synchronize_session=False)
    )
    there = (
        select(func.count())
        .where(FileListing.ticket_id == tickets.c.id, FileListing.arrived_at.is_not(None))
        .scalar_subquery()
    )
    # Through the table, not the class: a file arriving is no change a person's If-Match should stumble over.
    session.execute(update(tickets).where(tickets.c.id.in_(ids)).values(files_arrived=there))
