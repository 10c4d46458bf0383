"""Bytes by content: one small interface over a local folder or an S3-compatible store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal
from uuid import UUID

import obstore
from obstore.store import LocalStore, ObjectStore, from_url

from domain.photos import redraw
from domain.settings import Settings

CopySize = Literal["page", "thumb"]

#: The longest side of a derived copy in pixels: a page on a desktop screen, a thumbnail in a list.
COPY_PIXELS: dict[CopySize, int] = {"page": 1600, "thumb": 320}


def sha256_of(data: bytes) -> str:
    """The SHA-256 of the bytes, 64 lower-case hexadecimal digits: the name of a file everywhere."""
    return hashlib.sha256(data).hexdigest()


class FileStore:
    """Whole files under their SHA-256, parts of files still arriving, and re-encoded copies of photos.

    Nothing in it changes once written, so writing twice is harmless and any number of processes may share it.
    """

    def __init__(self, store: ObjectStore, *, max_bytes: int) -> None:
        self._store = store
        self.max_bytes = max_bytes
        """The largest file accepted, bytes."""

    @classmethod
    def open(cls, settings: Settings) -> FileStore:
        """The store the settings name: `files_url` (s3://bucket/prefix), else the folder `files` in the data folder."""
        if settings.files_url:
            return cls(from_url(settings.files_url), max_bytes=settings.file_max_bytes)
        return cls.in_folder(settings.files_folder, max_bytes=settings.file_max_bytes)

    @classmethod
    def in_folder(cls, folder: Path, *, max_bytes: int) -> FileStore:
        """A store in a local folder, made when absent."""
        return cls(LocalStore(folder.absolute(), mkdir=True), max_bytes=max_bytes)

    def put(self, data: bytes) -> str:
        """Keep a whole file as it is; return its SHA-256."""
        sha256 = sha256_of(data)
        if not self.exists(sha256):
            obstore.put(self._store, _whole(sha256), data)
        return sha256

    def get(self, sha256: str) -> bytes:
        """A whole file. Raises FileNotFoundError."""
        return self._read(_whole(sha256))

    def exists(self, sha256: str) -> bool:
        """Whether the whole file is there."""
        try:
            obstore.head(self._store, _whole(sha256))
        except FileNotFoundError:
            return False
        return True

    def put_part(self, sha256: str, sender: UUID, start: int, data: bytes) -> None:
        """Keep bytes `start` … `start + len(data)` of a file that `sender` is sending."""
        obstore.put(self._store, _part(sha256, sender, start, start + len(data)), data)

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
            obstore.put(self._store, place, copy)
            return copy

    def _read(self, place: str) -> bytes:
        return bytes(obstore.get(self._store, place).bytes())


def _whole(sha256: str) -> str:
    return f"whole/{sha256[:2]}/{sha256}"


def _part(sha256: str, sender: UUID, start: int, end: int) -> str:
    return f"parts/{sha256}/{sender}/{start}-{end}"
