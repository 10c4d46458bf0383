"""Signs with QR codes on A4 sheets: eight small ones to cut out, or one large one to hang up; labels for tools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Literal
from urllib.parse import quote

import segno
import typst

from domain.records import Place, Tool
from papers.pdf import fonts, quoted

SignSize = Literal["small", "large"]

_FORM = """
#set document(title: {title})
#set page(paper: "a4", margin: 10mm)
#set text(font: ("Noto Sans CJK SC",), lang: "zh", region: "cn")
#let sign(head, below, name, line, where, picture, width, size) = block(
  width: 100%, height: 100%, stroke: (paint: luma(160), thickness: 0.4pt, dash: "dashed"), inset: 5mm,
  {{ set align(center + horizon)
    text(size: size, weight: "bold", fill: rgb("#0b6e69"), head)
    v(-0.2em)
    text(size: 0.7 * size, below)
    v(0.1em)
    image(bytes(picture), format: "svg", width: width)
    v(-0.3em)
    text(size: 1.05 * size, weight: "bold", name)
    linebreak()
    text(size: 0.75 * size, line)
    linebreak()
    text(size: 0.5 * size, fill: luma(90), where) }})
"""
_GRID = "#grid(columns: (1fr, 1fr), rows: (67mm,) * 4, gutter: 3mm,\n{signs})"


@dataclass(frozen=True, slots=True)
class _Sign:
    """What stands around a code: two lines above, the name and a line below, and the address it leads to."""

    head: str
    below: str
    name: str
    line: str
    address: str


def code_sheet(places: Sequence[Place], *, public_url: str, size: SignSize = "small") -> bytes:
    """The PDF with one sign for each place; the code leads to `public_url`/p/CODE. Units must be loaded."""
    signs = [
        _Sign(
            "发现隐患  扫码报告",
            "不用登录，可以不留姓名",
            place.name,
            f"{place.unit.name}  {place.code}",
            f"{public_url}/p/{place.code}",
        )
        for place in places
    ]
    return _sheet("检查点二维码", signs, size)


def tool_sheet(tools: Sequence[Tool], *, public_url: str, size: SignSize = "small") -> bytes:
    """The PDF with one label for each tool; the code leads to `public_url`/tools/NUMBER. Units must be loaded."""
    signs = [
        _Sign(
            "安全工器具",
            "扫码查看试验日期  超期或不合格的禁止使用",
            f"{tool.kind}  {tool.number}",
            "  ".join(filter(None, (tool.unit.name, tool.spec))),
            f"{public_url}/tools/{quote(tool.number, safe='')}",
        )
        for tool in tools
    ]
    return _sheet("工器具标签", signs, size)


def _sheet(title: str, signs: Sequence[_Sign], size: SignSize) -> bytes:
    width = "30mm, 11pt" if size == "small" else "120mm, 30pt"
    drawn = [
        f"sign({quoted(each.head)}, {quoted(each.below)}, {quoted(each.name)}, {quoted(each.line)},"
        f" {quoted(each.address)}, {quoted(_picture(each.address))}, {width})"
        for each in signs
    ]
    if size == "large":
        body = "\n#pagebreak()\n".join(f"#{sign}" for sign in drawn)
    else:
        pages = [drawn[at : at + 8] for at in range(0, len(drawn), 8)]
        body = "\n#pagebreak()\n".join(_GRID.format(signs=",\n".join(page)) for page in pages)
    form = _FORM.format(title=quoted(title))
    return bytes(typst.compile(f"{form}\n{body}\n".encode(), format="pdf", font_paths=fonts()))


def _picture(text: str) -> str:
    """An SVG of the code; error correction Q, for a quarter of a sign outdoors may wear off."""
    drawn = BytesIO()
    segno.make_qr(text, error="q").save(drawn, kind="svg", border=2, xmldecl=False)
    return drawn.getvalue().decode()
