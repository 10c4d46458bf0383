"""Photos drawn for the demo: small JPEGs with the time and place a phone writes into them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from io import BytesIO
from random import Random

from PIL import ExifTags, Image, ImageDraw

from statemachines.labels import LOCAL

WIDTH, HEIGHT = 480, 360
_SKIES = ((196, 214, 230), (214, 222, 226), (180, 203, 224), (226, 226, 218))
_GROUNDS = ((122, 132, 88), (140, 124, 92), (108, 122, 92), (150, 138, 110))


@dataclass(frozen=True, eq=False)
class Shot:
    """One photo to take: what it shows, before the fix or after it, when and where; `seed` makes it this one."""

    scene: str
    mended: bool
    taken_at: datetime
    lat: float
    lon: float
    seed: int

    @cached_property
    def data(self) -> bytes:
        """The bytes of the JPEG, always the same."""
        return _draw(self)

    @cached_property
    def sha256(self) -> str:
        """What it is listed under."""
        return hashlib.sha256(self.data).hexdigest()

    def listed(self) -> dict[str, object]:
        """As a call lists it."""
        name = f"{'after' if self.mended else 'before'}-{self.taken_at:%m%d-%H%M}-{self.seed % 1000:03}.jpg"
        return {"name": name, "sha256": self.sha256, "size": len(self.data)}


def scene_of(category: str) -> str:
    """What a photo of a hazard of this category shows."""
    for word, scene in _SCENES.items():
        if word in category:
            return scene
    return "record"


_SCENES = {
    "变压器": "transformer",
    "通道": "trees",
    "生产设备/低压": "box",
    "生产设备": "pole",
    "安全工器具": "tool",
    "作业环境": "box",
    "交通": "box",
}


def _draw(shot: Shot) -> bytes:
    chance = Random(shot.seed)
    picture = Image.new("RGB", (WIDTH, HEIGHT), chance.choice(_SKIES))
    pen = ImageDraw.Draw(picture)
    _PAINTERS[shot.scene](pen, chance, shot.mended)
    stamp = shot.taken_at.astimezone(LOCAL)
    pen.rectangle((0, HEIGHT - 22, WIDTH, HEIGHT), fill=(28, 32, 36))
    pen.text(
        (8, HEIGHT - 18), f"{stamp:%Y-%m-%d %H:%M}  {shot.lat:.5f} N  {shot.lon:.5f} E", fill=(240, 240, 236)
    )
    out = BytesIO()
    picture.save(out, "JPEG", quality=72, exif=_exif(shot))
    return out.getvalue()


def _exif(shot: Shot) -> Image.Exif:
    exif = Image.Exif()
    local = shot.taken_at.astimezone(LOCAL)
    camera = exif.get_ifd(ExifTags.IFD.Exif)
    camera[ExifTags.Base.DateTimeOriginal] = f"{local:%Y:%m:%d %H:%M:%S}"
    camera[ExifTags.Base.OffsetTimeOriginal] = "+08:00"
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLongitudeRef] = "N", "E"
    gps[ExifTags.GPS.GPSLatitude], gps[ExifTags.GPS.GPSLongitude] = _parts(shot.lat), _parts(shot.lon)
    return exif


def _parts(degrees: float) -> tuple[float, float, float]:
    minutes = (degrees % 1) * 60
    return float(int(degrees)), float(int(minutes)), round((minutes % 1) * 60, 2)


def _land(pen: ImageDraw.ImageDraw, chance: Random) -> int:
    """The ground, a far hill, and where the horizon is."""
    horizon = chance.randint(235, 265)
    hill = chance.randint(60, 360)
    pen.polygon([(hill - 220, horizon), (hill, horizon - 60), (hill + 240, horizon)], fill=(150, 166, 160))
    pen.rectangle((0, horizon, WIDTH, HEIGHT), fill=chance.choice(_GROUNDS))
    return horizon


def _one_pole(pen: ImageDraw.ImageDraw, x: int, foot: int, lean: int, *, width: int = 13) -> tuple[int, int]:
    top = (x + lean, 34)
    pen.line([(x, foot), top], fill=(176, 174, 168), width=width)
    arm = top[1] + 26
    pen.line([(top[0] - 70, arm), (top[0] + 70, arm + lean // 6)], fill=(96, 98, 100), width=7)
    for offset in (-62, 0, 62):
        pen.ellipse((top[0] + offset - 7, arm - 22, top[0] + offset + 7, arm - 4), fill=(120, 62, 44))
    return top[0], arm


def _wires(pen: ImageDraw.ImageDraw, x: int, arm: int, sag: int) -> None:
    for offset in (-62, 0, 62):
        points = [(step, arm - 14 + sag * abs(step - x - offset) // 260) for step in range(0, WIDTH + 1, 24)]
        pen.line(points, fill=(60, 62, 66), width=2)


def _pole(pen: ImageDraw.ImageDraw, chance: Random, mended: bool) -> None:
    horizon = _land(pen, chance)
    x = chance.randint(180, 300)
    lean = chance.randint(-3, 3) if mended else chance.choice((-1, 1)) * chance.randint(26, 46)
    top, arm = _one_pole(pen, x, horizon + 40, lean)
    _wires(pen, top, arm, 14 if mended else 40)
    pen.line([(x, 90), (x + 120, horizon + 36)], fill=(90, 92, 94), width=3)
    if mended:
        pen.rectangle((x + 92, horizon - 34, x + 104, horizon + 22), fill=(238, 190, 40))
        pen.rectangle((x + 92, horizon - 20, x + 104, horizon - 6), fill=(30, 30, 30))
    else:
        pen.line([(x - 4, 180), (x + 5, 192), (x - 3, 206)], fill=(60, 50, 46), width=3)


def _transformer(pen: ImageDraw.ImageDraw, chance: Random, mended: bool) -> None:
    horizon = _land(pen, chance)
    for x in (130, 350):
        _one_pole(pen, x, horizon + 40, 0, width=15)
    pen.rectangle((110, 214, 370, 226), fill=(104, 106, 108))
    pen.rectangle((178, 128, 302, 214), fill=(142, 150, 152))
    for fin in range(184, 300, 14):
        pen.rectangle((fin, 138, fin + 6, 208), fill=(118, 126, 128))
    for x in (200, 240, 280):
        pen.rectangle((x - 5, 100, x + 5, 130), fill=(120, 62, 44))
        if mended:
            pen.ellipse((x - 9, 90, x + 9, 106), fill=(196, 58, 42))
    if not mended:
        x = chance.randint(190, 280)
        pen.polygon([(x, 150), (x - 9, 214), (x - 16, 300), (x + 14, 300), (x + 8, 214)], fill=(46, 40, 34))
        pen.ellipse((x - 44, 286, x + 40, 312), fill=(52, 46, 38))


def _trees(pen: ImageDraw.ImageDraw, chance: Random, mended: bool) -> None:
    horizon = _land(pen, chance)
    top, arm = _one_pole(pen, 90, horizon + 30, 0)
    _wires(pen, top, arm, 26)
    for _ in range(4):
        x, high = chance.randint(200, 440), chance.randint(150, 180) if mended else chance.randint(52, 84)
        pen.line([(x, horizon + 26), (x, high + 40)], fill=(96, 74, 54), width=9)
        for _ in range(5):
            dx, dy, size = chance.randint(-34, 34), chance.randint(-16, 46), chance.randint(24, 40)
            leaf = (chance.randint(70, 96), chance.randint(118, 140), chance.randint(60, 80))
            pen.ellipse((x + dx - size, high + dy, x + dx + size, high + dy + 2 * size - 12), fill=leaf)


def _box(pen: ImageDraw.ImageDraw, chance: Random, mended: bool) -> None:
    pen.rectangle((0, 0, WIDTH, HEIGHT), fill=(206, 204, 196))
    for y in range(0, HEIGHT, 30):
        pen.line([(0, y), (WIDTH, y)], fill=(190, 188, 180))
    pen.rectangle((150, 56, 330, 300), fill=(150, 158, 160), outline=(96, 102, 104), width=5)
    if mended:
        pen.line([(240, 60), (240, 296)], fill=(110, 116, 118), width=3)
        pen.polygon([(240, 110), (214, 156), (266, 156)], fill=(240, 196, 44))
        pen.ellipse((248, 190, 262, 204), fill=(70, 74, 76))
    else:
        pen.rectangle((158, 64, 322, 292), fill=(58, 60, 62))
        pen.polygon([(330, 56), (402, 84), (402, 320), (330, 300)], fill=(134, 142, 144))
        for _ in range(9):
            start, end = (chance.randint(168, 312), 80), (chance.randint(168, 312), chance.randint(180, 284))
            pen.line(
                [start, end], fill=chance.choice(((190, 60, 44), (62, 110, 66), (200, 168, 60))), width=4
            )


def _tool(pen: ImageDraw.ImageDraw, chance: Random, mended: bool) -> None:
    pen.rectangle((0, 0, WIDTH, HEIGHT), fill=(116, 126, 134))
    pen.rectangle((30, 40, 450, 320), fill=(226, 222, 212), outline=(150, 146, 138), width=4)
    pen.line([(80, 280), (400, 90)], fill=(210, 120, 40), width=16)
    pen.line([(360, 114), (400, 90)], fill=(60, 62, 66), width=18)
    if mended:
        pen.rectangle((80, 70, 196, 136), fill=(250, 250, 246), outline=(60, 120, 70), width=3)
        pen.line([(112, 102), (132, 122), (166, 84)], fill=(46, 120, 64), width=6)
    else:
        x = chance.randint(200, 280)
        y = 280 - (x - 80) * 190 // 320
        pen.line([(x - 12, y - 14), (x + 2, y), (x - 6, y + 8), (x + 12, y + 18)], fill=(40, 30, 24), width=3)


def _record(pen: ImageDraw.ImageDraw, chance: Random, mended: bool) -> None:
    pen.rectangle((0, 0, WIDTH, HEIGHT), fill=(124, 96, 70))
    pen.polygon([(70, 30), (420, 46), (404, 330), (52, 316)], fill=(248, 246, 238))
    for line in range(9):
        y = 84 + line * 26
        filled = mended or line not in (4, 5, 6)
        pen.line([(86, y + 14), (390, y + 22)], fill=(190, 186, 176))
        if filled:
            pen.line([(92, y + 8), (chance.randint(240, 380), y + 14)], fill=(52, 60, 96), width=4)
    if mended:
        pen.ellipse((310, 250, 372, 308), outline=(190, 46, 40), width=4)


_PAINTERS: dict[str, Callable[[ImageDraw.ImageDraw, Random, bool], None]] = {
    "pole": _pole,
    "transformer": _transformer,
    "trees": _trees,
    "box": _box,
    "tool": _tool,
    "record": _record,
}
