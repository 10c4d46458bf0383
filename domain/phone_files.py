"""A file somebody's phone exported: read with suspicion, shown first, taken in item by item by their supervisor.

It is a ZIP with `items.json` and the photos by hash (forms/browser/export.js). Each item becomes what it would have
become had the phone sent it: the finder is who saved it, the history says who took it in. Taken in twice, or sent by
the phone later after all, it is the same ticket.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any, Literal
from urllib.parse import quote
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.access import actor_by_login
from domain.database import LARGEST_FILE
from domain.errors import NotFound, explain
from domain.file_store import FileStore
from domain.files import FILE_MAX_BYTES, receive
from domain.history import record
from domain.phone import (
    PhoneFinding,
    PhoneQuantity,
    PhoneToolTest,
    receipt_of,
    take_finding,
    take_quantity,
    take_tool_test,
)
from domain.phone_acts import ACTS, PhoneAct, take_act
from domain.photo_listings import arrived_photos
from domain.records import FileListing, Ticket
from domain.zip_files import UNREADABLE
from statemachines.labels import Language
from statemachines.refusals import Refusal
from statemachines.roles import Actor, Role

LARGEST_EXPORT = 120 * 1024 * 1024
"""A whole day of photos, bytes."""
LARGEST_LIST = 8 * 1024 * 1024
MOST_ITEMS = 500


class NotAPhoneFile(Refusal):
    """Something else was chosen, or the file is damaged."""

    code, status = "not-a-phone-file", 422
    title_zh, title_en = "不是手机导出的文件", "Not a file from a phone"
    zh = "这不是从手机“本机内容”导出的文件，或文件已损坏。请在手机上重新导出。"
    en = "This is not a file exported on a phone’s “On this phone” page, or it is damaged. Export it again."


class NotTheirSupervisor(Refusal):
    """What a person saved is taken in by a supervisor of their unit."""

    code, status = "not-their-supervisor", 403
    title_zh, title_en = "不是其主管", "Not their supervisor"
    zh = "这一条由{author}存下，须由其所在单位的安监主管导入。"
    en = "{author} saved this one; a supervisor of their unit takes it in."


class OnlyFromThePhone(Refusal):
    """An answer goes on from what the phone knew of the visit; a file cannot say whether that still holds."""

    code, status = "only-from-the-phone", 422
    title_zh, title_en = "须由本人发送", "Only from the phone"
    zh = "这一类记录须由本人在手机上登录后发送。"
    en = "Records of this kind are sent from the phone by the person who made them."


class PhoneItem(BaseModel):
    """An item as the phone wrote it; what else stands in it is of no concern here."""

    model_config = ConfigDict(extra="ignore")

    id: UUID
    kind: str = Field(max_length=32)
    author: str = Field(max_length=64)
    author_name: str = Field(default="", max_length=100)
    made_at: AwareDatetime
    title: str = Field(default="", max_length=4000)
    body: dict[str, Any]

    @property
    def receipt(self) -> str:
        """What the phone showed for it."""
        return receipt_of(self.id)


@dataclass(frozen=True, slots=True)
class PhoneFile:
    """What a phone exported, and its photos, read when they are needed."""

    items: tuple[PhoneItem, ...]
    _zip: zipfile.ZipFile

    def photo(self, sha256: str, *, most: int) -> bytes | None:
        """The bytes named by a hash, None when the file has none or more than `most` of them."""
        try:
            entry = self._zip.getinfo(f"photos/{sha256}")
        except KeyError:
            return None
        return _read(self._zip, entry, most)


Fate = Literal["new", "known", "refused"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an item, or would: `missing` photos are listed on the ticket and not in the file. `path` is where
    the record stands, `number` what it is called there.
    """

    item: PhoneItem
    fate: Fate
    number: str | None = None
    path: str | None = None
    photos: int = 0
    missing: int = 0
    refusal: Refusal | None = None
    fault: ValidationError | None = None

    def why(self, language: Language) -> str:
        """Why it was refused, in one line."""
        if self.fault is not None:
            return " ".join(
                f"{each.pointer} {each.sentence}" for each in explain(self.fault.errors(), language)
            )
        return self.refusal.sentence(language) if self.refusal else ""


def read_phone_file(data: bytes) -> PhoneFile:
    """The items of an exported file. Raises NotAPhoneFile."""
    try:
        packed = zipfile.ZipFile(BytesIO(data))
        told = json.loads(_read(packed, packed.getinfo("items.json"), LARGEST_LIST) or b"")
        if told["format"] != "chuncha-phone" or told["version"] != 1 or len(told["items"]) > MOST_ITEMS:
            raise NotAPhoneFile
        items = tuple(PhoneItem.model_validate(item) for item in told["items"])
    except (*UNREADABLE, KeyError, TypeError) as error:
        raise NotAPhoneFile from error
    return PhoneFile(items, packed)


def _read(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes | None:
    """An entry, never more than `most` bytes of it: what it says of its size need not be true."""
    try:
        with packed.open(entry) as file:
            data = file.read(most + 1)
    except UNREADABLE:
        return None
    return data if len(data) <= most else None


def take_in(
    session: Session,
    file: PhoneFile,
    item: PhoneItem,
    store: FileStore | None,
    *,
    actor: Actor,
    now: datetime,
) -> Outcome:
    """Take one item in, in a transaction of its own. What is refused comes as the outcome; then roll back.

    Without a `store` photos are only looked for: a preview, to be rolled back too. The actor holds the role of
    supervisor at the unit of who saved it.
    """
    try:
        if item.kind not in {"finding", "tool-test", "quantity", *ACTS}:
            raise OnlyFromThePhone
        author = _author(session, item, actor)
        if item.kind in {"tool-test", "quantity"}:
            return _record_in(session, file, item, store, author, actor=actor, now=now)
        ticket, created = _ticket_of(session, item, author, now=now)
    except ValidationError as fault:
        return Outcome(item, "refused", fault=fault)
    except Refusal as refusal:
        return Outcome(item, "refused", refusal=refusal)
    if created:
        record(session, ticket, "taken_in", actor=actor, now=now, receipt=item.receipt, author=author.login)
    session.flush()
    listed = _waiting(session, ticket)
    came = _photos_came(session, file, listed, store, actor=author, now=now)
    return Outcome(
        item,
        "new" if created else "known",
        number=ticket.number,
        path=f"/tickets/{ticket.number}",
        photos=came,
        missing=len(listed) - came,
    )


def _ticket_of(session: Session, item: PhoneItem, author: Actor, *, now: datetime) -> tuple[Ticket, bool]:
    """The ticket a finding becomes or an act was done to, and whether it was only now."""
    if item.kind in ACTS:
        act = PhoneAct.model_validate(item.body)
        return take_act(session, item.id, item.kind, act, made_at=item.made_at, actor=author, now=now)
    sent = PhoneFinding.model_validate(item.body)
    sent.finding.id = item.id
    taken = take_finding(session, sent, actor=author, now=now)
    return taken.ticket, taken.created


def _record_in(
    session: Session,
    file: PhoneFile,
    item: PhoneItem,
    store: FileStore | None,
    author: Actor,
    *,
    actor: Actor,
    now: datetime,
) -> Outcome:
    """The test of a tool, or work done in bulk: done by who saved it, and the history says who took it in."""
    facts = {"receipt": item.receipt, "author": author.login}
    listed: list[str] = []
    if item.kind == "tool-test":
        told = PhoneToolTest.model_validate(item.body)
        test, created = take_tool_test(session, item.id, told, actor=author, now=now)
        number, path = test.tool.number, f"/tools/{quote(test.tool.number, safe='')}"
        if created:
            record(session, test.tool, "taken_in", actor=actor, now=now, **facts)
        session.flush()
        there = arrived_photos(session, [test])
        listed = [photo.sha256 for photo in test.photos if photo.sha256 not in there]
    else:
        work = PhoneQuantity.model_validate(item.body)
        made, created = take_quantity(session, item.id, work, actor=author, now=now)
        number, path = made.item, f"/campaigns/{work.campaign}/quantities"
    came = _photos_came(session, file, listed, store, actor=author, now=now)
    return Outcome(
        item,
        "new" if created else "known",
        number=number,
        path=path,
        photos=came,
        missing=len(listed) - came,
    )


def _author(session: Session, item: PhoneItem, actor: Actor) -> Actor:
    try:
        author = actor_by_login(session, item.author)
    except NotFound:
        author = None
    # Whether there is such a person is not told to whoever is not their supervisor.
    if author is None or not actor.holds(Role.SUPERVISOR, at=author.unit_path):
        raise NotTheirSupervisor(author=item.author_name or item.author)
    return author


def _waiting(session: Session, ticket: Ticket) -> list[str]:
    query = select(FileListing.sha256).where(
        FileListing.ticket_id == ticket.id, FileListing.arrived_at.is_(None)
    )
    return list(dict.fromkeys(session.scalars(query)))


def _photos_came(
    session: Session,
    file: PhoneFile,
    listed: list[str],
    store: FileStore | None,
    *,
    actor: Actor,
    now: datetime,
) -> int:
    """How many of the listed photos the file has; with a `store` they are kept there."""
    return sum(_photo_came(session, file, sha256, store, actor=actor, now=now) for sha256 in listed)


def _photo_came(
    session: Session, file: PhoneFile, sha256: str, store: FileStore | None, *, actor: Actor, now: datetime
) -> bool:
    most: int = store.max_bytes if store else session.info.get(LARGEST_FILE, FILE_MAX_BYTES)
    data = file.photo(sha256, most=most)
    if data is None or store is None:
        return data is not None
    return receive(session, store, sha256, data, actor=actor, now=now).complete
