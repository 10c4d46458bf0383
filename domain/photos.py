"""Photos: what kind they are by content, the time and place they carry, and copies without that data."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import manimgx_fonts_cjk  # type: ignore[import-untyped]
from PIL import ExifTags, Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

from statemachines.labels import LOCAL
from statemachines.refusals import Refusal

#: What a phone or camera makes; told by content, never by name.
FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}

#: Pixels accepted per format. A JPEG is decoded at a fraction of its size, the others only in full.
MAX_PIXELS = {"JPEG": 120_000_000, "PNG": 40_000_000, "WEBP": 40_000_000}

# What Pillow itself guards is guarded here per format; its own limit would refuse a 108-megapixel phone photo.
Image.MAX_IMAGE_PIXELS = max(MAX_PIXELS.values())


class FileTypeNotAllowed(Refusal):
    """Only photos are accepted as evidence, and only in the formats browsers show."""

    code, status = "file-type-not-allowed", 422
    title_zh, title_en = "文件类型不允许", "File type not allowed"
    zh = "只接受 JPEG、PNG、WebP 照片，这个文件的内容不是。"
    en = "Only JPEG, PNG and WebP photos are accepted; the content of this file is something else."


class TooManyPixels(Refusal):
    """A small file can unfold into an image that exhausts the machine."""

    code, status = "too-many-pixels", 422
    title_zh, title_en = "照片像素过多", "Too many pixels"
    zh = "照片为{pixels}万像素，最多{most}万像素。"
    en = "The photo has {pixels} × 10,000 pixels; {most} × 10,000 is the most."


class Unreadable(Refusal):
    """The file is a photo by its first bytes, and damaged further on."""

    code, status = "photo-unreadable", 422
    title_zh, title_en = "照片已损坏", "Photo damaged"
    zh = "照片已损坏，无法显示。"
    en = "The photo is damaged and cannot be shown."


@dataclass(frozen=True, slots=True)
class Photo:
    """What a photo says about itself: pixels as stored, time aware, place in degrees (WGS 84)."""

    media_type: str
    width: int
    height: int
    taken_at: datetime | None
    lat: float | None
    lon: float | None


def look_at(data: bytes) -> Photo:
    """What the photo is and when and where it was taken.

    Raises FileTypeNotAllowed or TooManyPixels. A camera that wrote no time zone is taken to be in Asia/Shanghai.
    """
    with _open(data) as image:
        lat, lon = _place(image)
        width, height = image.size
        return Photo(FORMATS[str(image.format)], width, height, _taken_at(image), lat, lon)


def redraw(data: bytes, *, longest: int, mark: str | None = None) -> bytes:
    """A JPEG of the photo, upright, its longest side at most `longest` pixels, without any data but its colours.

    `mark` is written along its lower edge. Raises Unreadable when the photo is damaged, and what `look_at` raises.
    """
    with _open(data) as image:
        try:
            # A camera's JPEG is decoded at a half, a quarter or an eighth when that is enough: less memory and time.
            image.draft("RGB", (longest, longest))
            upright = ImageOps.exif_transpose(image)
            upright.thumbnail((longest, longest))
            paper = Image.new("RGB", upright.size, "white")
            colours = upright.convert("RGBA")
            paper.paste(colours, mask=colours.getchannel("A"))
        except (OSError, ValueError, SyntaxError) as error:
            raise Unreadable from error
        if mark:
            _write(paper, mark)
        out = BytesIO()
        paper.save(out, "JPEG", quality=82, optimize=True, progressive=True)
        return out.getvalue()


def _write(paper: Image.Image, mark: str) -> None:
    """Write the mark on a dark strip along the lower edge, in letters as large as the photo is wide enough for."""
    size = max(10, min(paper.width // 38, 40))
    while size > 8 and _font(size).getlength(mark) > paper.width - size:
        size -= 1
    edge = size // 2
    strip = Image.new("RGBA", (paper.width, size + 2 * edge), (0, 0, 0, 150))
    ImageDraw.Draw(strip).text((edge, strip.height // 2), mark, font=_font(size), fill="white", anchor="lm")
    paper.paste(strip, (0, max(0, paper.height - strip.height)), strip)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """Noto Sans CJK SC, medium weight; the file holds one face for each region."""
    font = ImageFont.truetype(
        Path(manimgx_fonts_cjk.__file__).parent / "NotoSansCJK-VF.otf.ttc", size, index=2
    )
    font.set_variation_by_axes([500])
    return font


def _open(data: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(BytesIO(data), formats=tuple(FORMATS))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixels(pixels="?", most=MAX_PIXELS["JPEG"] // 10_000) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise FileTypeNotAllowed from error
    pixels, most = image.width * image.height, MAX_PIXELS[str(image.format)]
    if pixels > most:
        raise TooManyPixels(pixels=pixels // 10_000, most=most // 10_000)
    return image


# Cameras write nonsense into these fields; a photo is evidence all the same, so what cannot be read is left out.
_NONSENSE = (
    KeyError,
    IndexError,
    TypeError,
    ValueError,
    ZeroDivisionError,
    OverflowError,
    SyntaxError,
    OSError,
)


def _taken_at(image: Image.Image) -> datetime | None:
    try:
        camera = image.getexif().get_ifd(ExifTags.IFD.Exif)
        written = str(camera[ExifTags.Base.DateTimeOriginal]).strip("\0 ")
        offset = str(camera.get(ExifTags.Base.OffsetTimeOriginal, "")).strip("\0 ")
        if offset:
            return datetime.strptime(written + offset, "%Y:%m:%d %H:%M:%S%z")
        return datetime.strptime(written, "%Y:%m:%d %H:%M:%S").replace(tzinfo=LOCAL)
    except _NONSENSE:
        return None


def _place(image: Image.Image) -> tuple[float | None, float | None]:
    try:
        gps = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
        lat = _degrees(gps[ExifTags.GPS.GPSLatitude], gps[ExifTags.GPS.GPSLatitudeRef], "S")
        lon = _degrees(gps[ExifTags.GPS.GPSLongitude], gps[ExifTags.GPS.GPSLongitudeRef], "W")
    except _NONSENSE:
        return None, None
    on_earth = -90 <= lat <= 90 and -180 <= lon <= 180
    return (lat, lon) if on_earth else (None, None)


def _degrees(parts: Any, side: str, negative: str) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    whole = round(degrees + minutes / 60 + seconds / 3600, 7)
    return -whole if str(side).strip("\0 ").upper() == negative else whole
