"""Tables people send: CSV (UTF-8 with or without BOM, GB18030) and the first sheet of an Excel workbook."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from domain.errors import BadInput
from domain.zip_files import UNREADABLE

MOST_ROWS = 100_000

ZIP_BEGINS = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: its line in the file (the header is line 1) and its cells by column, empty ones left out."""

    line: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of the header, in lower case, and the rows that are not blank."""

    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]


def read_table(data: bytes) -> Table:
    """Read a CSV or XLSX file, told apart by its first bytes. Raises BadInput when it is neither."""
    lines = _from_workbook(data) if data.startswith(ZIP_BEGINS) else _from_csv(data)
    header: tuple[str, ...] = ()
    rows: list[TableRow] = []
    for line, cells in lines:
        texts = [cell.strip() for cell in cells]
        if not any(texts):
            continue
        if not header:
            header = tuple(text.lower() for text in texts)
            continue
        if len(rows) == MOST_ROWS:
            raise _unreadable(
                f"超过{MOST_ROWS}行，请分批导入", f"more than {MOST_ROWS} rows; import it in parts"
            )
        rows.append(TableRow(line, _by_column(line, header, texts)))
    if not header:
        raise _unreadable("没有表头", "it has no header")
    return Table(header, tuple(rows))


def _by_column(line: int, header: Sequence[str], texts: Sequence[str]) -> dict[str, str]:
    if any(texts[len(header) :]):
        raise _unreadable(
            f"第{line}行的单元格多于表头，内容含逗号的须加双引号",
            f"line {line} has more cells than the header; put text with commas into double quotes",
        )
    return {column: text for column, text in zip(header, texts, strict=False) if text}


def _unreadable(zh: str, en: str) -> BadInput:
    return BadInput(
        "", "unreadable-table", zh=f"文件无法导入：{zh}。", en=f"The file cannot be imported: {en}."
    )


def _from_csv(data: bytes) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(_text(data), newline=""))
    begins = 1
    try:
        for cells in reader:
            yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise _unreadable(f"第{begins}行不是合格的 CSV", f"line {begins} is not valid CSV") from error


def _text(data: bytes) -> str:
    """UTF-8, else GB18030, which is what Chinese Excel writes."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise _unreadable("编码既非 UTF-8 也非 GB18030", "its text is neither UTF-8 nor GB18030")


def _from_workbook(data: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        for line, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
            yield line, [_cell(value) for value in cells]
        book.close()
    # A part that is no XML any more raises a kind of SyntaxError.
    except (*UNREADABLE, InvalidFileException, KeyError, IndexError, TypeError, SyntaxError) as error:
        raise _unreadable("不是合格的 Excel 工作簿", "it is not a valid Excel workbook") from error


def _cell(value: object) -> str:
    """A cell as somebody would type it: whole numbers without a point, days and times as ISO."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case datetime() if value.time() == datetime.min.time():
            return value.date().isoformat()
        case datetime() | date():
            return value.isoformat()
    return str(value)
