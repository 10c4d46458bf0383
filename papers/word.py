"""A paper as .docx in the form of GB/T 9704-2012 (domain rules 5): page, fonts, line grid, headings, page numbers.

The fonts are named, never embedded; the font table names a substitute for each, which Word takes when one is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from itertools import zip_longest
from typing import Any

from docx import Document
from docx.document import Document as WordDocument
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.opc.oxml import serialize_part_xml
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.section import Section
from docx.shared import Length, Mm, Pt
from docx.table import _Cell
from docx.text.paragraph import Paragraph
from docx.text.run import Run

from domain.figure_checks import Printed
from papers.blocks import Block, Table, Text

TITLE, BODY, BLACK, KAI, NUMBER = "方正小标宋简体", "仿宋_GB2312", "黑体", "楷体_GB2312", "宋体"

#: What Word takes when a font is missing.
SUBSTITUTES = {TITLE: "华文中宋", BODY: "仿宋", BLACK: "SimHei", KAI: "楷体", NUMBER: "SimSun"}

TITLE_SIZE, BODY_SIZE, TABLE_SIZE, NUMBER_SIZE = Pt(22), Pt(16), Pt(10.5), Pt(14)
PITCH = Pt(29)  # 225 mm / 22 lines
TABLE_PITCH = Pt(16)
CLOSER = "-5"
"""Twentieths of a point: 28 characters of 16 pt less 0.25 pt each fill the 156 mm of a line."""
LINE = 442.0
"""Points: 156 mm."""
INDENT = Pt(32)  # two characters of 16 pt

PORTRAIT = {"top_margin": Mm(37), "bottom_margin": Mm(35), "left_margin": Mm(28), "right_margin": Mm(26)}
#: The same sheet turned: its bound edge is now the upper one.
LANDSCAPE = {"top_margin": Mm(28), "bottom_margin": Mm(26), "left_margin": Mm(35), "right_margin": Mm(37)}
SHORT, LONG = Mm(210), Mm(297)


def as_word(blocks: Sequence[Block]) -> bytes:
    """The bytes of the .docx."""
    document = Document()
    _prepare(document)
    texts = [block for block in blocks if isinstance(block, Text)]
    tables = [block for block in blocks if isinstance(block, Table)]
    annexes = [text for text in texts if text.kind == "annex"]
    for text, after in zip_longest(texts, texts[1:]):
        _WRITERS[text.kind](document, text, annexes, texts)
        if text.kind == "p" and after is not None and after.kind in ("annex", "sign"):
            # No signature stands on a page without text.
            document.paragraphs[-1].paragraph_format.keep_with_next = True
    for table in tables:
        _annex(document, table)
    document.core_properties.title = next((text.plain for text in texts if text.kind == "title"), "")
    document.core_properties.author = next((text.plain for text in texts if text.kind == "sign"), "")
    out = BytesIO()
    document.save(out)
    return out.getvalue()


# The document.


def _prepare(document: WordDocument) -> None:
    normal = document.styles["Normal"]
    normal.font.size = BODY_SIZE
    _fonts(normal.element.get_or_add_rPr(), BODY)
    section = document.sections[0]
    _page(section, landscape=False)
    document.settings.odd_and_even_pages_header_footer = True
    _page_number(section.footer.paragraphs[0], WD_ALIGN_PARAGRAPH.RIGHT)
    _page_number(section.even_page_footer.paragraphs[0], WD_ALIGN_PARAGRAPH.LEFT)
    _substitutes(document)


def _page(section: Section, *, landscape: bool) -> None:
    section.orientation = WD_ORIENT.LANDSCAPE if landscape else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = (LONG, SHORT) if landscape else (SHORT, LONG)
    for name, margin in (LANDSCAPE if landscape else PORTRAIT).items():
        setattr(section, name, margin)
    section.footer_distance = Mm(25)
    properties: Any = section._sectPr  # python-docx has no call for the grid
    for old in properties.findall(qn("w:docGrid")):
        properties.remove(old)
    # 22 lines a page, 580/20 pt each. The 28 characters of a line come from CLOSER, not from the grid: where a cell is
    # narrower than its character, LibreOffice gives the character two cells.
    properties.append(parse_xml(f'<w:docGrid {nsdecls("w")} w:type="lines" w:linePitch="580"/>'))


def _fonts(properties: Any, name: str) -> None:
    """Set the font for Chinese and Latin alike: Word keeps them apart."""
    fonts = properties.get_or_add_rFonts()
    for script in ("w:ascii", "w:hAnsi", "w:eastAsia", "w:cs"):
        fonts.set(qn(script), name)
    for theme in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
        if fonts.get(qn(theme)) is not None:
            del fonts.attrib[qn(theme)]


def _page_number(paragraph: Paragraph, alignment: WD_ALIGN_PARAGRAPH) -> None:
    """— 1 —, outside: on odd pages right, on even pages left, one character in."""
    paragraph.alignment = alignment
    if alignment == WD_ALIGN_PARAGRAPH.RIGHT:
        paragraph.paragraph_format.right_indent = NUMBER_SIZE
    else:
        paragraph.paragraph_format.left_indent = NUMBER_SIZE
    _run(paragraph, "— ", NUMBER, NUMBER_SIZE)
    number = _run(paragraph, "", NUMBER, NUMBER_SIZE)
    for kind, instruction in (
        ("begin", None),
        (None, "PAGE"),
        ("separate", None),
        (None, None),
        ("end", None),
    ):
        if kind is not None:
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
        elif instruction is not None:
            mark = OxmlElement("w:instrText")
            mark.text = instruction
        else:
            mark = OxmlElement("w:t")
            mark.text = "1"
        number._r.append(mark)
    _run(paragraph, " —", NUMBER, NUMBER_SIZE)


def _substitutes(document: WordDocument) -> None:
    for part in document.part.package.iter_parts():
        if str(part.partname) != "/word/fontTable.xml":
            continue
        table: Any = parse_xml(part.blob)
        for name, substitute in SUBSTITUTES.items():
            font = OxmlElement("w:font", {qn("w:name"): name})
            font.append(OxmlElement("w:altName", {qn("w:val"): substitute}))
            font.append(OxmlElement("w:charset", {qn("w:val"): "86"}))
            table.append(font)
        part._blob = serialize_part_xml(table)


def _run(paragraph: Paragraph, text: str, font: str, size: Any) -> Run:
    run = paragraph.add_run(text)
    run.font.name = font
    run.font.size = size
    properties = run._r.get_or_add_rPr()
    _fonts(properties, font)
    if size == BODY_SIZE:
        spacing = OxmlElement("w:spacing")
        spacing.set(qn("w:val"), CLOSER)
        # The schema wants it before the size.
        properties.find(qn("w:sz")).addprevious(spacing)
    return run


def _paragraph(
    document: WordDocument, pieces: Iterable[Printed], font: str = BODY, size: Any = BODY_SIZE
) -> Paragraph:
    paragraph = document.add_paragraph()
    _exact(paragraph, PITCH)
    _run(paragraph, "".join(piece.text for piece in pieces), font, size)
    return paragraph


def _exact(paragraph: Paragraph, pitch: Any) -> None:
    layout = paragraph.paragraph_format
    layout.line_spacing_rule, layout.line_spacing = WD_LINE_SPACING.EXACTLY, pitch
    layout.space_before = layout.space_after = Pt(0)


# The kinds of text.


def _title(document: WordDocument, text: Text, _annexes: list[Text], _all: list[Text]) -> None:
    paragraph = _paragraph(document, text.pieces, TITLE, TITLE_SIZE)
    _exact(paragraph, Pt(34))
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    paragraph.paragraph_format.space_after = PITCH


def _recipient(document: WordDocument, text: Text, _annexes: list[Text], _all: list[Text]) -> None:
    _paragraph(document, text.pieces)


def _chapter(document: WordDocument, text: Text, _annexes: list[Text], _all: list[Text]) -> None:
    _heading(document, text, BLACK)


def _section(document: WordDocument, text: Text, _annexes: list[Text], _all: list[Text]) -> None:
    _heading(document, text, KAI)


def _heading(document: WordDocument, text: Text, font: str) -> None:
    paragraph = _paragraph(document, text.pieces, font)
    paragraph.paragraph_format.first_line_indent = INDENT
    paragraph.paragraph_format.keep_with_next = True
    # Word's outline, so that the navigation pane shows the chapters.
    outline = OxmlElement("w:outlineLvl")
    outline.set(qn("w:val"), "0" if text.kind == "h1" else "1")
    paragraph._p.get_or_add_pPr().append(outline)


def _body(document: WordDocument, text: Text, _annexes: list[Text], _all: list[Text]) -> None:
    paragraph = _paragraph(document, text.pieces)
    paragraph.paragraph_format.first_line_indent = INDENT
    paragraph.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY


def _annex_note(document: WordDocument, text: Text, annexes: list[Text], _all: list[Text]) -> None:
    """附件：1. … after one blank line; the names of the others stand under the first one's."""
    first = text is annexes[0]
    lead = (Printed("附件："),) if first else ()
    paragraph = _paragraph(document, (*lead, *text.pieces))
    paragraph.paragraph_format.left_indent = INDENT if first else INDENT + Pt(48)
    paragraph.paragraph_format.keep_with_next = True
    if first:
        paragraph.paragraph_format.space_before = PITCH


def _signature(document: WordDocument, text: Text, _annexes: list[Text], texts: list[Text]) -> None:
    """No seal: the longer line ends two characters in, the date begins two characters right of the signature."""
    day = next(other for other in texts if other.kind == "date")
    paragraph = _paragraph(document, text.pieces)
    paragraph.paragraph_format.left_indent = Pt(_signed_at(text.plain, day.plain))
    paragraph.paragraph_format.space_before = PITCH * 2
    paragraph.paragraph_format.keep_with_next = True


def _date(document: WordDocument, text: Text, _annexes: list[Text], texts: list[Text]) -> None:
    signature = next(other for other in texts if other.kind == "sign")
    paragraph = _paragraph(document, text.pieces)
    paragraph.paragraph_format.left_indent = Pt(_signed_at(signature.plain, text.plain)) + INDENT


def _signed_at(signature: str, day: str) -> float:
    """Where the signature begins, points from the left margin; a Latin digit is half as wide as a Chinese character."""

    def width(text: str) -> int:
        return sum(8 if character.isascii() else 16 for character in text)

    return max(0.0, LINE - 2 * 16 - max(width(signature), 2 * 16 + width(day)))


_WRITERS = {
    "title": _title,
    "to": _recipient,
    "h1": _chapter,
    "h2": _section,
    "p": _body,
    "annex": _annex_note,
    "sign": _signature,
    "date": _date,
}


# Annexes.


def _annex(document: WordDocument, table: Table) -> None:
    section = document.add_section(WD_SECTION.NEW_PAGE)
    _page(section, landscape=table.landscape)
    _paragraph(document, table.name.pieces, BLACK)
    caption = _paragraph(document, table.caption.pieces, TITLE, TITLE_SIZE)
    _exact(caption, Pt(34))
    caption.alignment = WD_ALIGN_PARAGRAPH.CENTER
    caption.paragraph_format.space_after = Pt(12)
    grid = document.add_table(rows=1 + len(table.rows), cols=len(table.columns))
    grid.style = document.styles["Table Grid"]
    grid.alignment = WD_TABLE_ALIGNMENT.CENTER
    grid.autofit = False
    assert (
        section.page_width is not None
        and section.left_margin is not None
        and section.right_margin is not None
    )
    room = section.page_width - section.left_margin - section.right_margin
    share = room / sum(column.width for column in table.columns)
    widths = [int(column.width * share) for column in table.columns]
    for column, width in zip(grid.columns, widths, strict=True):
        column.width = Length(width)
    rows: list[list[tuple[Printed, ...]]] = [[(Printed(c.heading),) for c in table.columns], *table.rows]
    for place, (row, cells) in enumerate(zip(grid.rows, rows, strict=True)):
        # `row.cells` walks the whole table each time; the row's own elements do not.
        for column, width, element, pieces in zip(table.columns, widths, row._tr.tc_lst, cells, strict=True):
            cell = _Cell(element, grid)
            cell.width = Length(width)
            _fill(cell, pieces, heading=place == 0, right=column.right)
        _keep_whole(row._tr.get_or_add_trPr(), heading=place == 0)


def _fill(cell: _Cell, pieces: tuple[Printed, ...], *, heading: bool, right: bool) -> None:
    cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
    paragraph = cell.paragraphs[0]
    _exact(paragraph, TABLE_PITCH)
    off_the_grid = OxmlElement("w:snapToGrid")
    off_the_grid.set(qn("w:val"), "0")
    paragraph._p.get_or_add_pPr().get_or_add_spacing().addprevious(off_the_grid)
    if heading:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    elif right:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    _run(paragraph, "".join(piece.text for piece in pieces), BLACK if heading else BODY, TABLE_SIZE)


def _keep_whole(properties: Any, *, heading: bool) -> None:
    """A row never breaks over a page; the heading row returns on each."""
    properties.append(OxmlElement("w:cantSplit"))
    if heading:
        properties.append(OxmlElement("w:tblHeader"))
