"""Photos for tests: real JPEG, PNG and WebP bytes, each different by its colour and size."""

from __future__ import annotations

import hashlib
from io import BytesIO
from typing import Any

from PIL import ExifTags, Image


def photo(
    *,
    size: tuple[int, int] = (640, 480),
    colour: str = "orange",
    form: str = "JPEG",
    taken: str | None = None,
    offset: str | None = None,
    place: tuple[float, float] | None = None,
    turned: int | None = None,
) -> bytes:
    """A photo; `taken` as cameras write it ("2026:04:01 09:14:00"), `place` in degrees, `turned` an EXIF orientation."""
    exif = Image.Exif()
    camera: dict[int, Any] = {}
    if taken:
        camera[ExifTags.Base.DateTimeOriginal] = taken
    if offset:
        camera[ExifTags.Base.OffsetTimeOriginal] = offset
    if camera:
        exif._ifds[ExifTags.IFD.Exif] = camera
    if place:
        lat, lon = place
        exif._ifds[ExifTags.IFD.GPSInfo] = {
            ExifTags.GPS.GPSLatitudeRef: "N" if lat >= 0 else "S",
            ExifTags.GPS.GPSLatitude: _sexagesimal(lat),
            ExifTags.GPS.GPSLongitudeRef: "E" if lon >= 0 else "W",
            ExifTags.GPS.GPSLongitude: _sexagesimal(lon),
        }
    if turned:
        exif[ExifTags.Base.Orientation] = turned
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, form, exif=exif)
    return out.getvalue()


def _sexagesimal(degrees: float) -> tuple[float, float, float]:
    whole = abs(degrees)
    minutes = (whole - int(whole)) * 60
    return float(int(whole)), float(int(minutes)), (minutes - int(minutes)) * 60


def listed(data: bytes, name: str = "现场.jpg", **said: Any) -> dict[str, Any]:
    """How a finding lists these bytes."""
    return {"name": name, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data), **said}
