from __future__ import annotations

import zlib
from datetime import datetime
from io import BytesIO
from struct import pack

import pytest
from PIL import Image

from domain.photos import FileTypeNotAllowed, TooManyPixels, Unreadable, look_at, redraw
from tests.photos import photo


@pytest.mark.parametrize(
    ("form", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")]
)
def test_the_type_is_told_by_content(form: str, media_type: str) -> None:
    seen = look_at(photo(form=form, size=(320, 200)))
    assert (seen.media_type, seen.width, seen.height) == (media_type, 320, 200)


def test_time_and_place_are_read_from_the_photo() -> None:
    seen = look_at(photo(taken="2026:04:01 09:14:00", place=(26.5701, 106.7123)))
    assert seen.taken_at == datetime.fromisoformat("2026-04-01T09:14:00+08:00")
    assert seen.lat == pytest.approx(26.5701, abs=1e-5)
    assert seen.lon == pytest.approx(106.7123, abs=1e-5)


def test_a_camera_that_knows_its_time_zone_is_believed() -> None:
    seen = look_at(photo(taken="2026:04:01 01:14:00", offset="+00:00"))
    assert seen.taken_at == datetime.fromisoformat("2026-04-01T09:14:00+08:00")


@pytest.mark.parametrize("taken", ["0000:00:00 00:00:00", "yesterday", "2026:13:45 99:99:99"])
def test_nonsense_in_the_camera_data_is_left_out(taken: str) -> None:
    assert look_at(photo(taken=taken)).taken_at is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"%PDF-1.7 not a photo",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"MZ\x90\x00",
        b"\xff\xd8\xff\xe0",
    ],
)
def test_what_is_no_photo_is_refused(data: bytes) -> None:
    with pytest.raises(FileTypeNotAllowed):
        look_at(data)


def test_a_gif_is_refused_though_pillow_could_read_it() -> None:
    out = BytesIO()
    Image.new("P", (10, 10)).save(out, "GIF")
    with pytest.raises(FileTypeNotAllowed):
        look_at(out.getvalue())


def _huge_png(side: int) -> bytes:
    """A PNG of a few hundred bytes that claims side × side pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    header = pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [7_000, 12_000, 60_000])
def test_a_bomb_is_refused_before_it_unfolds(side: int) -> None:
    with pytest.raises(TooManyPixels):
        look_at(_huge_png(side))


def test_a_copy_is_upright_smaller_and_says_nothing() -> None:
    sent = photo(size=(3000, 2000), taken="2026:04:01 09:14:00", place=(26.57, 106.71), turned=6)
    with Image.open(BytesIO(redraw(sent, longest=1600))) as copy:
        assert (copy.format, copy.size) == ("JPEG", (1067, 1600))
        assert not copy.getexif()


def test_a_small_photo_is_not_blown_up() -> None:
    with Image.open(BytesIO(redraw(photo(size=(200, 100)), longest=1600))) as copy:
        assert copy.size == (200, 100)


def test_a_transparent_picture_stands_on_white() -> None:
    out = BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(out, "PNG")
    with Image.open(BytesIO(redraw(out.getvalue(), longest=8))) as copy:
        assert copy.getpixel((4, 4)) == (255, 255, 255)


def test_a_damaged_photo_says_so() -> None:
    whole = photo(size=(800, 600))
    with pytest.raises(Unreadable):
        redraw(whole[: len(whole) // 2], longest=320)
