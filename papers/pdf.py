"""A paper as PDF by Typst, in the same form as the .docx.

No free 仿宋 can be shipped: the official fonts are named first and taken when the machine has them, else Noto Sans CJK.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import manimgx_fonts_cjk  # type: ignore[import-untyped]
import typst

from domain.figure_checks import Printed
from papers.blocks import Block, Table, Text

FORM = Path(__file__).parent / "templates" / "form.typ"

_LANDSCAPE = "flipped: true, margin: (top: 28mm, bottom: 26mm, left: 35mm, right: 37mm)"


def as_pdf(blocks: Sequence[Block]) -> bytes:
    """The bytes of the PDF. Takes a fraction of a second."""
    texts = [block for block in blocks if isinstance(block, Text)]
    known = {text.kind: text for text in texts}
    first_annex = next((text for text in texts if text.kind == "annex"), None)
    lines = [
        FORM.read_text(encoding="utf-8"),
        f"#set document(title: {quoted(known['title'].plain)}, author: {quoted(known['sign'].plain)})",
        *(
            _text(text, first=text is first_annex, day=known["date"], last=after.kind in ("annex", "sign"))
            for text, after in zip(texts, [*texts[1:], texts[-1]], strict=True)
        ),
        *(_table(block) for block in blocks if isinstance(block, Table)),
    ]
    return bytes(typst.compile("\n".join(lines).encode(), format="pdf", font_paths=fonts()))


@cache
def fonts() -> typst.Fonts:
    """The machine's own fonts and the shipped one; looking through them takes longer than writing a paper."""
    return typst.Fonts(font_paths=[Path(manimgx_fonts_cjk.__file__).parent])


def quoted(text: str) -> str:
    """A Typst string; JSON escapes the same characters the same way, but for those beyond ASCII, kept as they are."""
    return json.dumps(text, ensure_ascii=False)


def _content(pieces: Iterable[Printed]) -> str:
    return f"text({quoted(''.join(piece.text for piece in pieces))})"


def _text(text: Text, *, first: bool, last: bool, day: Text) -> str:
    content = _content(text.pieces)
    match text.kind:
        case "title":
            return f"#title({content})"
        case "to":
            return f"#flush({content})"
        case "h1":
            return f"#chapter({content})"
        case "h2":
            return f"#section({content})"
        case "annex":
            lead = (Printed("附件："),) if first else ()
            return f"#annex-note({'true' if first else 'false'}, {_content((*lead, *text.pieces))})"
        case "sign":
            return f"#signed({content}, {_content(day.pieces)})"
        case "date":
            return ""
        case _:
            return f"#block(sticky: true, par({content}))" if last else f"#par({content})"


def _table(table: Table) -> str:
    widths = ", ".join(f"{column.width}fr" for column in table.columns)
    aligned = ", ".join("right + horizon" if column.right else "left + horizon" for column in table.columns)
    heading = ", ".join(
        f"align(center, cell(text(font: black-font, {quoted(column.heading)})))" for column in table.columns
    )
    cells = ",\n".join(f"cell({_content(pieces)})" for row in table.rows for pieces in row)
    page = f"#set page({_LANDSCAPE})\n" if table.landscape else ""
    return (
        f"#pagebreak(weak: true)\n#[{page}"
        f"#flush(text(font: black-font, {quoted(table.name.plain)}))\n#title({_content(table.caption.pieces)})\n"
        f"#table(columns: ({widths}), align: ({aligned}), stroke: 0.5pt, inset: (x: 4pt, y: 4pt),\n"
        f"table.header({heading}),\n{cells})\n]"
    )
