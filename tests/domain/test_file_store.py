from __future__ import annotations

from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image

from domain.file_store import FileStore, sha256_of
from domain.settings import Settings
from tests.photos import photo


def test_what_is_put_is_got_back_as_sent(store: FileStore) -> None:
    data = photo()
    sha256 = store.put(data)
    assert sha256 == sha256_of(data)
    assert store.exists(sha256)
    assert store.get(sha256) == data


def test_putting_twice_is_harmless(store: FileStore) -> None:
    assert store.put(b"same") == store.put(b"same")


def test_what_is_not_there_is_said_plainly(store: FileStore) -> None:
    assert not store.exists("0" * 64)
    with pytest.raises(FileNotFoundError):
        store.get("0" * 64)
    with pytest.raises(FileNotFoundError):
        store.derived("0" * 64, "thumb")


def test_parts_are_joined_in_order_even_when_they_overlap(store: FileStore) -> None:
    sender = uuid4()
    store.put_part("a" * 64, sender, 6, b"world!")
    store.put_part("a" * 64, sender, 0, b"hello, w")
    assert store.join("a" * 64, sender, [(6, 12), (0, 8)]) == b"hello, wrld!"
    store.drop_parts("a" * 64, sender, [(6, 12), (0, 8), (0, 8)])
    with pytest.raises(FileNotFoundError):
        store.join("a" * 64, sender, [(0, 8)])


def test_copies_are_made_once_and_kept(store: FileStore) -> None:
    sha256 = store.put(photo(size=(2400, 1200)))
    first = store.derived(sha256, "thumb")
    with Image.open(BytesIO(first)) as thumb:
        assert thumb.size == (320, 160)
    with Image.open(BytesIO(store.derived(sha256))) as page:
        assert page.size == (1600, 800)
    assert store.derived(sha256, "thumb") == first


def test_the_settings_name_the_folder(tmp_path: Path) -> None:
    store = FileStore.open(Settings(data=tmp_path, file_max_bytes=2048))
    sha256 = store.put(b"here")
    assert (tmp_path / "files" / "whole" / sha256[:2] / sha256).read_bytes() == b"here"
    assert store.max_bytes == 2048
