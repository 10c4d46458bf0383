"""A phone's camera that looks at our own printed sheets: the PDF drawn, held a little askew, as a film for Chromium."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pypdfium2
from PIL import Image, ImageFilter

FRAME = (1280, 720)
GLANCE = 15
"""Frames the camera stays on one sheet; Chromium shows a film of this kind at thirty a second and begins it anew."""


def printed(pdf: bytes) -> Image.Image:
    """The upper half of a sheet's first page at 150 dots per inch, as the printer lays it on the paper."""
    page = pypdfium2.PdfDocument(pdf)[0].render(scale=150 / 72).to_pil().convert("RGB")
    return page.crop((0, 0, page.width, page.height // 2))


def held(paper: Image.Image, *, turned: float = 7) -> Image.Image:
    """The sheet before a grey wall, not quite straight, a little out of focus and dull."""
    frame = Image.new("RGB", FRAME, "#6b6b64")
    scale = FRAME[1] * 0.94 / paper.height
    small = paper.resize((round(paper.width * scale), round(paper.height * scale)))
    dull = small.point(lambda value: 30 + value * 0.75)
    sheet = dull.rotate(turned, expand=True, resample=Image.Resampling.BICUBIC, fillcolor="#6b6b64")
    frame.paste(sheet, ((FRAME[0] - sheet.width) // 2, (FRAME[1] - sheet.height) // 2))
    return frame.filter(ImageFilter.GaussianBlur(0.8))


def film(path: Path, pictures: Sequence[Image.Image]) -> Path:
    """Each picture for a glance, in the form `--use-file-for-fake-video-capture` takes: JPEGs one after another."""
    with path.open("wb") as out:
        for picture in pictures:
            data = BytesIO()
            picture.save(data, "JPEG", quality=80)
            out.write(data.getvalue() * GLANCE)
    return path


def looking_at(path: Path) -> tuple[str, ...]:
    """Chromium's arguments for a phone whose camera shows this film and whose owner lets pages use it."""
    return (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={path}",
    )
