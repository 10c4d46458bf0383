"""A paper as blocks: what the one Jinja2 source says, parsed once, before it becomes Word, web page or PDF.

The source is a text of lines, each `kind: text` (see papers/templates/summary.jinja). What a template prints with
`{{ … }}` keeps its origin: a figure keeps its pointer into the snapshot, anything else is the words of a record, and
only the rest is the paper's own wording.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from unicodedata import category

from domain.figure_checks import Printed
from domain.figure_text import Said

# Private-use characters: no record may hold them (they are removed), so they can neither be forged nor typed.
OPEN, MIDDLE, CLOSE = "\ue000", "\ue001", "\ue002"
_UNPRINTABLE = {"Cc", "Co", "Cs"}
_NUMERALS = "零一二三四五六七八九"


class BadPaper(Exception):
    """The template made a line that is no block: a fault of the template, never of the records."""


@dataclass(frozen=True, slots=True)
class Text:
    """One of `title`, `to` (main recipient), `h1`, `h2`, `p`, `annex` (annex note), `sign`, `date`.

    A title of several lines is broken where the source breaks it: a line break never parts a word.
    """

    kind: str
    pieces: tuple[Printed, ...]

    @property
    def plain(self) -> str:
        """The text without its origins, in one line."""
        return "".join(piece.text for piece in self.pieces if piece.text != "\n")


@dataclass(frozen=True, slots=True)
class Column:
    """A table column: heading, share of the width, whether numbers stand right."""

    heading: str
    width: int
    right: bool


@dataclass(slots=True)
class Table:
    """An annex: `name` (附件1), caption, columns and rows; `landscape` when it is wide."""

    name: Text
    caption: Text
    landscape: bool = False
    columns: list[Column] = field(default_factory=list)
    rows: list[list[tuple[Printed, ...]]] = field(default_factory=list)


Block = Text | Table


class Marked(str):
    """Text that carries its origins already."""

    __slots__ = ()


def marked(value: object) -> str:
    """What a template prints, with its origin; line breaks and marks inside are removed. For Jinja2's `finalize`."""
    if isinstance(value, Marked):
        return value
    said = value if isinstance(value, Said) else Said(str(value))
    words = " ".join(said.text.split()).replace("|", "｜")
    text = "".join(character for character in words if category(character) not in _UNPRINTABLE)
    return f"{OPEN}{said.figure or ''}{MIDDLE}{text}{CLOSE}"


def pieces_of(line: str) -> tuple[Printed, ...]:
    """A line back into its pieces."""
    pieces: list[Printed] = []
    while line:
        own, opened, rest = line.partition(OPEN)
        if own:
            pieces.append(Printed(own))
        if not opened:
            break
        said, _closed, line = rest.partition(CLOSE)
        pointer, _middle, text = said.partition(MIDDLE)
        if text:
            pieces.append(Printed(text, figure=pointer or None, given=not pointer))
    return tuple(pieces)


def chinese_number(number: int) -> str:
    """1 to 99 as Chinese numerals: headings are 一、 and （一）."""
    tens, ones = divmod(number, 10)
    head = "" if tens == 0 else ("十" if tens == 1 else f"{_NUMERALS[tens]}十")
    return head + (_NUMERALS[ones] if ones else "")


_TEXTS = {"title", "to", "h1", "h2", "p", "annex", "sign", "date"}


def parse(source: str) -> list[Block]:
    """The blocks of a rendered source; headings are numbered here. Raises BadPaper."""
    blocks: list[Block] = []
    chapters = sections = 0
    for raw in source.splitlines():
        line = raw.strip()
        if not line:
            continue
        kind, colon, text = line.partition(":")
        if not colon:
            raise BadPaper(f"no kind: {line!r}")
        kind, pieces = kind.strip(), pieces_of(text.strip())
        if kind == "h1":
            chapters, sections = chapters + 1, 0
            pieces = (Printed(f"{chinese_number(chapters)}、"), *pieces)
        elif kind == "h2":
            sections += 1
            pieces = (Printed(f"（{chinese_number(sections)}）"), *pieces)
        elif kind == "title" and blocks and isinstance(above := blocks[-1], Text) and above.kind == "title":
            pieces = (*above.pieces, Printed("\n"), *pieces)
            blocks.pop()
        if kind in _TEXTS:
            blocks.append(Text(kind, pieces))
        else:
            _table_line(blocks, kind, text, pieces)
    return blocks


def _table_line(blocks: list[Block], kind: str, text: str, pieces: tuple[Printed, ...]) -> None:
    if kind in ("table", "wide-table"):
        name, _, caption = text.partition("|")
        table = Table(Text("name", pieces_of(name.strip())), Text("caption", pieces_of(caption.strip())))
        table.landscape = kind == "wide-table"
        blocks.append(table)
        return
    table_now = blocks[-1] if blocks else None
    if not isinstance(table_now, Table):
        raise BadPaper(f"{kind!r} outside a table")
    if kind == "columns":
        for column in text.split("|"):
            heading, _, width = column.strip().rpartition(" ")
            table_now.columns.append(Column(heading.strip(), int(width.strip("r")), width.endswith("r")))
    elif kind == "row":
        cells = [pieces_of(cell.strip()) for cell in text.split("|")]
        if len(cells) != len(table_now.columns):
            raise BadPaper(f"{len(cells)} cells for {len(table_now.columns)} columns")
        table_now.rows.append(cells)
    else:
        raise BadPaper(f"unknown kind: {kind!r}")


def printed_pieces(blocks: list[Block]) -> Iterator[Printed]:
    """Every piece of the paper, for the checker. Headings' own numbers and column widths are no figures."""
    for block in blocks:
        if isinstance(block, Text):
            yield from block.pieces
            continue
        yield from block.name.pieces
        yield from block.caption.pieces
        for column in block.columns:
            yield Printed(column.heading)
        for row in block.rows:
            for cell in row:
                yield from cell
