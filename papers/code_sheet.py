"""Signs with QR codes on A4 sheets: eight small ones to cut out, or one large one to hang up."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Literal

import segno
import typst

from domain.records import Place
from papers.pdf import fonts, quoted

SignSize = Literal["small", "large"]

_FORM = """
#set document(title: "检查点二维码")
#set page(paper: "a4", margin: 10mm)
#set text(font: ("Noto Sans CJK SC",), lang: "zh", region: "cn")
#let sign(code, name, unit, where, picture, width, size) = block(
  width: 100%, height: 100%, stroke: (paint: luma(160), thickness: 0.4pt, dash: "dashed"), inset: 5mm,
  { set align(center + horizon)
    text(size: size, weight: "bold", fill: rgb("#0b6e69"), "发现隐患  扫码报告")
    v(-0.2em)
    text(size: 0.7 * size, "不用登录，可以不留姓名")
    v(0.1em)
    image(bytes(picture), format: "svg", width: width)
    v(-0.3em)
    text(size: 1.05 * size, weight: "bold", name)
    linebreak()
    text(size: 0.75 * size, unit + "  " + code)
    linebreak()
    text(size: 0.5 * size, fill: luma(90), where) })
"""
_GRID = "#grid(columns: (1fr, 1fr), rows: (67mm,) * 4, gutter: 3mm,\n{signs})"


def code_sheet(places: Sequence[Place], *, public_url: str, size: SignSize = "small") -> bytes:
    """The PDF with one sign for each place; the code leads to `public_url`/p/CODE. Units must be loaded."""
    signs = [
        f"sign({quoted(place.code)}, {quoted(place.name)}, {quoted(place.unit.name)},"
        f" {quoted(f'{public_url}/p/{place.code}')}, {quoted(_picture(f'{public_url}/p/{place.code}'))}, {width})"
        for place in places
        for width in ["30mm, 11pt" if size == "small" else "120mm, 30pt"]
    ]
    if size == "large":
        body = "\n#pagebreak()\n".join(f"#{sign}" for sign in signs)
    else:
        pages = [signs[at : at + 8] for at in range(0, len(signs), 8)]
        body = "\n#pagebreak()\n".join(_GRID.format(signs=",\n".join(page)) for page in pages)
    return bytes(typst.compile(f"{_FORM}\n{body}\n".encode(), format="pdf", font_paths=fonts()))


def _picture(text: str) -> str:
    """An SVG of the code; error correction Q, for a quarter of a sign outdoors may wear off."""
    drawn = BytesIO()
    segno.make_qr(text, error="q").save(drawn, kind="svg", border=2, xmldecl=False)
    return drawn.getvalue().decode()
