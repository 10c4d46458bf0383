"""The Excel templates people fill in to import findings, places or tools: headings, pick lists, an example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from domain.imported_rows import HEADINGS

ROWS_WITH_LISTS = 1000


@dataclass(frozen=True, slots=True)
class Explained:
    """A column of a template: width in characters, whether it must be filled in, what belongs there, an example."""

    width: int
    needed: bool
    meaning: str
    example: str = ""


FINDINGS: Mapping[str, Explained] = {
    "检查活动": Explained(24, True, "从下拉表选", ""),
    "单位": Explained(24, True, "从下拉表选；也可写单位全称", ""),
    "隐患描述": Explained(44, True, "是什么隐患", "27# 变台变压器渗漏油"),
    "等级": Explained(8, True, "一般、较大、重大", "一般"),
    "类别": Explained(26, True, "从下拉表选，也可自己写；填了检查条目的可不填", ""),
    "地点": Explained(26, False, "在哪里", "10kV 柳林线 27# 变台"),
    "数量": Explained(8, False, "有计量单位的填数字", "1"),
    "计量单位": Explained(10, False, "处、台、基、个……", "台"),
    "发现时间": Explained(
        18, False, "如 2026-04-01 或 2026-04-01 09:30；不填为导入的时间", "2026-04-01 09:30"
    ),
    "发现人": Explained(14, False, "姓名（无重名时）或登录名；不填为导入的人", ""),
    "序号": Explained(10, False, "纸质台账的编号；同一活动内相同的序号只登记一次", "1"),
    "检查条目": Explained(12, False, "检查表的条目代码", ""),
    "检查点": Explained(14, False, "二维码下面的代码", ""),
    "纬度": Explained(12, False, "十进制度，与经度一起填", ""),
    "经度": Explained(12, False, "十进制度", ""),
}
PLACES: Mapping[str, Explained] = {
    "代码": Explained(16, True, "字母、数字和连字符，印在二维码下面，以后不能改", "LL01-27"),
    "名称": Explained(36, True, "如线路和杆号、设备名称、房间", "10kV 柳林线 27# 变台"),
    "单位": Explained(24, True, "从下拉表选；也可写单位全称", ""),
    "纬度": Explained(14, False, "十进制度（WGS 84），与经度一起填", "26.5701"),
    "经度": Explained(14, False, "十进制度", "106.7123"),
    "备注": Explained(30, False, "", ""),
}
TOOLS: Mapping[str, Explained] = {
    "编号": Explained(18, True, "铭牌或标签上的编号，全局不重复，不含空格", "LL01-YDB-001"),
    "种类": Explained(16, True, "从下拉表选；自己写的须填计量单位和试验周期", "验电笔"),
    "单位": Explained(24, True, "从下拉表选；也可写单位全称", ""),
    "规格": Explained(14, False, "如电压等级", "10kV"),
    "存放地点": Explained(22, False, "哪间工器具室或谁保管", "柳林所工器具室"),
    "出厂日期": Explained(14, False, "如 2024-05-01；安全帽按它算使用期限", "2024-05-01"),
    "上次试验日期": Explained(16, False, "如 2025-10-15；不填的为待试验，试验合格前不能用", "2025-10-15"),
    "计量单位": Explained(10, False, "付、支、双……；下拉表里的种类可不填", ""),
    "试验周期（月）": Explained(16, False, "下拉表里的种类可不填", ""),
}
TEMPLATES: Mapping[str, Mapping[str, Explained]] = {"tickets": FINDINGS, "places": PLACES, "tools": TOOLS}

_HEAD = PatternFill("solid", fgColor="E3F1EF")
_NEEDED = Font(bold=True, color="B3261E")
_FREE = Font(bold=True, color="1B2421")


def import_template(kind: str, lists: Mapping[str, Sequence[str]]) -> bytes:
    """The workbook for one of TEMPLATES; `lists` are the choices of a column by its heading.

    The first sheet is what is imported; the second shows filled-in rows, the third what each column means.
    """
    columns = TEMPLATES[kind]
    assert columns.keys() <= HEADINGS[kind].keys()
    book = Workbook()
    sheet: Any = book.active
    sheet.title = "填写"
    _head(sheet, columns)
    example: Any = book.create_sheet("示例")
    _head(example, columns)
    first = {heading: choices[0] for heading, choices in lists.items() if choices}
    example.append([first.get(name, column.example) or column.example for name, column in columns.items()])
    meaning: Any = book.create_sheet("说明")
    meaning.append(["列", "是否必填", "填什么"])
    for name, column in columns.items():
        meaning.append([name, "必填" if column.needed else "可不填", column.meaning])
    meaning.column_dimensions["A"].width, meaning.column_dimensions["C"].width = 14, 60
    _choices(book, sheet, columns, lists)
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _head(sheet: Any, columns: Mapping[str, Explained]) -> None:
    sheet.append(list(columns))
    for place, column in enumerate(columns.values(), start=1):
        cell = sheet.cell(1, place)
        cell.fill, cell.font = _HEAD, _NEEDED if column.needed else _FREE
        cell.alignment = Alignment(vertical="center")
        sheet.column_dimensions[get_column_letter(place)].width = column.width
        if column.example.isascii() and column.example:
            # Numbers and days typed into Excel stay as they were typed.
            sheet.column_dimensions[get_column_letter(place)].number_format = "@"
    sheet.freeze_panes = "A2"


def _choices(
    book: Workbook, sheet: Any, columns: Mapping[str, Explained], lists: Mapping[str, Sequence[str]]
) -> None:
    """Pick lists: the choices stand on a hidden sheet of their own, for Excel takes 255 characters in place."""
    hidden: Any = book.create_sheet("选项")
    hidden.sheet_state = "hidden"
    names = list(columns)
    for at, (heading, choices) in enumerate((each for each in lists.items() if each[1]), start=1):
        letter = get_column_letter(at)
        for row, choice in enumerate(choices, start=1):
            hidden.cell(row, at, choice)
        rule = DataValidation(
            type="list",
            formula1=f"选项!${letter}$1:${letter}${len(choices)}",
            allow_blank=True,
            # A category or a kind of tool may be one's own.
            showErrorMessage=heading not in ("类别", "种类"),
        )
        place = get_column_letter(names.index(heading) + 1)
        rule.add(f"{place}2:{place}{ROWS_WITH_LISTS}")
        sheet.add_data_validation(rule)
