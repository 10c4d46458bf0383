"""Bytes by content: one small interface over a local folder or an S3-compatible store."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from uuid import UUID

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, S3Store

from domain.photos import redraw
from domain.settings import Settings
from statemachines.refusals import Refusal

if TYPE_CHECKING:
    from obstore.store import S3Config

CopySize = Literal["page", "thumb"]

#: The longest side of a derived copy in pixels: a page on a desktop screen, a thumbnail in a list.
COPY_PIXELS: dict[CopySize, int] = {"page": 1600, "thumb": 320}


class StoreUnreachable(Refusal):
    """The file store does not answer, or lets nobody in."""

    code, status = "files-unreachable", 503
    title_zh, title_en = "文件库无法访问", "The file store cannot be reached"
    zh = "照片和文件所在的文件库暂时无法访问，请稍后重试；若仍不行，请告诉管理员。"
    en = "The store of photos and papers cannot be reached. Try again later; if that fails, tell the administrator."


def sha256_of(data: bytes) -> str:
    """The SHA-256 of the bytes, 64 lower-case hexadecimal digits: the name of a file everywhere."""
    return hashlib.sha256(data).hexdigest()


class FileStore:
    """Whole files under their SHA-256, parts of files still arriving, and re-encoded copies of photos.

    Nothing in it changes once written, so writing twice is harmless and any number of processes may share it. What
    reaches into it raises StoreUnreachable when the store does not answer.
    """

    def __init__(self, store: ObjectStore, *, max_bytes: int) -> None:
        self._store = store
        self.max_bytes = max_bytes
        """The largest file accepted, bytes."""

    @classmethod
    def open(cls, settings: Settings) -> FileStore:
        """The store the settings name: `files_url` (s3://bucket/prefix), else the folder `files` in the data folder."""
        if settings.files_url:
            return cls(_s3(settings, settings.files_url), max_bytes=settings.file_max_bytes)
        return cls.in_folder(settings.files_folder, max_bytes=settings.file_max_bytes)

    @classmethod
    def in_folder(cls, folder: Path, *, max_bytes: int) -> FileStore:
        """A store in a local folder, made when absent."""
        return cls(LocalStore(folder.absolute(), mkdir=True), max_bytes=max_bytes)

    def put(self, data: bytes) -> str:
        """Keep a whole file as it is; return its SHA-256."""
        sha256 = sha256_of(data)
        if not self.exists(sha256):
            self._write(_whole(sha256), data)
        return sha256

    def get(self, sha256: str) -> bytes:
        """A whole file. Raises FileNotFoundError."""
        return self._read(_whole(sha256))

    def exists(self, sha256: str) -> bool:
        """Whether the whole file is there."""
        try:
            with _reached():
                obstore.head(self._store, _whole(sha256))
        except FileNotFoundError:
            return False
        return True

    def put_part(self, sha256: str, sender: UUID, start: int, data: bytes) -> None:
        """Keep bytes `start` … `start + len(data)` of a file that `sender` is sending."""
        self._write(_part(sha256, sender, start, start + len(data)), data)

    def join(self, sha256: str, sender: UUID, spans: Iterable[tuple[int, int]]) -> bytes:
        """The parts of one sender put together; `spans` (start, end) cover the file and may overlap.

        Raises FileNotFoundError when a part's bytes have gone.
        """
        whole = bytearray()
        for start, end in sorted(spans):
            if end > len(whole):
                whole += self._read(_part(sha256, sender, start, end))[len(whole) - start :]
        return bytes(whole)

    def drop_parts(self, sha256: str, sender: UUID, spans: Iterable[tuple[int, int]]) -> None:
        """Forget parts; call it after the transaction that forgot their rows. A part already gone is no error."""
        for start, end in spans:
            try:
                with _reached():
                    obstore.delete(self._store, _part(sha256, sender, start, end))
            except FileNotFoundError:
                continue

    def derived(self, sha256: str, size: CopySize = "page", *, mark: str | None = None) -> bytes:
        """A JPEG copy of a photo for pages and papers: upright, at most `COPY_PIXELS[size]` long, without EXIF.

        `mark` is written on it (number, time, unit), but not on a thumbnail, where nobody could read it. Made on first
        use and kept. Raises FileNotFoundError when the file is not there, `photos.Unreadable` when it is damaged.
        """
        mark = None if size == "thumb" else mark
        marked = f"-{sha256_of(mark.encode())[:16]}" if mark else ""
        place = f"derived/{size}/{sha256[:2]}/{sha256}{marked}.jpg"
        try:
            return self._read(place)
        except FileNotFoundError:
            copy = redraw(self.get(sha256), longest=COPY_PIXELS[size], mark=mark)
            self._write(place, copy)
            return copy

    def everything(self) -> Iterator[tuple[str, int]]:
        """The SHA-256 and size in bytes of every whole file, in no order."""
        try:
            with _reached():
                for some in obstore.list(self._store, _WHOLE):
                    for each in some:
                        name = each["path"].rpartition("/")[2]
                        # A folder also holds what a killed process had half written.
                        if _NAME.fullmatch(name):
                            yield name, each["size"]
        except FileNotFoundError:
            # The bucket is made with its first file.
            return

    def _read(self, place: str) -> bytes:
        with _reached():
            return bytes(obstore.get(self._store, place).bytes())

    def _write(self, place: str, data: bytes) -> None:
        with _reached():
            obstore.put(self._store, place, data)


@contextmanager
def _reached() -> Iterator[None]:
    """Say in our words that the store does not answer. FileNotFoundError goes through: the store did answer."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (BaseError, PermissionError) as error:
        raise StoreUnreachable from error


def _s3(settings: Settings, url: str) -> ObjectStore:
    """The bucket of the address with everything settings say about it; what they do not say, the machine's AWS_* do."""
    said: S3Config = {"region": settings.files_region} if settings.files_region else {}
    if settings.files_endpoint:
        # Stores of one's own have no host name for each bucket.
        said |= {"endpoint": settings.files_endpoint, "virtual_hosted_style_request": False}
    if settings.files_key_id and settings.files_secret:
        said |= {"access_key_id": settings.files_key_id, "secret_access_key": settings.files_secret}
    return S3Store.from_url(
        url,
        config=said,
        client_options={
            "allow_http": True,
            "connect_timeout": timedelta(seconds=5),
            "timeout": timedelta(seconds=60),
        },
        # Somebody waits with a phone in hand; what fails for longer is better said.
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
    )


_WHOLE = "whole/"
_NAME = re.compile("[0-9a-f]{64}")


def _whole(sha256: str) -> str:
    return f"{_WHOLE}{sha256[:2]}/{sha256}"


def _part(sha256: str, sender: UUID, start: int, end: int) -> str:
    return f"parts/{sha256}/{sender}/{start}-{end}"
