"""整改台账 as .xlsx: one row per hazard with every column of domain rules 2.9, a second sheet with every transition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from math import ceil
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet
from sqlalchemy.orm import Session

from domain.history_words import BRIEF, LINES, MOMENTS, PEOPLE, REMINDED
from domain.ledger import ledger_entries, ledger_history
from domain.records import Campaign
from statemachines.labels import LOCAL, Labelled, Level, local_day
from statemachines.roles import Actor
from statemachines.spot_check import SpotCheckEvent
from statemachines.supervision import SupervisionLevel
from statemachines.ticket import TicketEvent, TicketState

Entry = Mapping[Any, Any]

Sheet = Any
"""A write-only worksheet, whose stubs leave out most of what it can."""


@dataclass(frozen=True, slots=True)
class LedgerColumn:
    """A column: heading, width in characters, and what it shows of a row (None: left empty)."""

    heading: str
    width: int
    shown: Callable[[Entry], object]


def _field(name: str) -> Callable[[Entry], object]:
    return lambda row: row[name]


def _day(name: str) -> Callable[[Entry], object]:
    return lambda row: None if row[name] is None else local_day(row[name])


def _joined(*names: str, by: str = "；") -> Callable[[Entry], object]:
    return lambda row: by.join(str(row[name]) for name in names if row[name]) or None


def _not_recorded(_row: Entry) -> None:
    """A column of the rules that no record fills yet: it is there, for people to fill in."""


def _late_days(row: Entry) -> object:
    if row["late_by"] is None or row["state"] == TicketState.CANCELLED:
        return None
    return ceil(row["late_by"].total_seconds() / 86400)


def _acknowledged(row: Entry) -> object:
    if row["acknowledged_at"] is None:
        return None
    return f"{row['assignee']} {local_day(row['acknowledged_at'])}"


def _extended(row: Entry) -> object:
    return f"{row['extensions']}次，批准至{local_day(row['due_at'])}" if row["extensions"] else None


def _conclusion(row: Entry) -> object:
    if row["state"] == TicketState.VERIFIED:
        return "合格" if not row["return_count"] else f"合格（退回{row['return_count']}次后）"
    return f"退回{row['return_count']}次" if row["return_count"] else None


def _whether_late(row: Entry) -> object:
    days = _late_days(row)
    return "否" if days is None else f"是，{days}天"


def _remark(row: Entry) -> object:
    said = [f"作废：{row['cancel_reason']}"] if row["cancel_reason"] else []
    if row["on_the_spot"]:
        said.append("立查立改")
    return "；".join(said) or None


def _supervised(row: Entry) -> str | None:
    """挂牌督办 安监督〔2026〕3号：理由, of the newest order."""
    if row["order_level"] is None:
        return None
    return f"{SupervisionLevel(row['order_level']).zh} {row['order_number']}：{row['supervision_reason']}"


COLUMNS: Sequence[LedgerColumn] = (
    LedgerColumn("序号", 6, _field("place")),
    LedgerColumn("隐患编号", 20, _field("number")),
    LedgerColumn("所属活动", 16, _field("campaign")),
    LedgerColumn("检查日期", 12, _day("found_at")),
    LedgerColumn("被检单位(站所)", 16, _field("unit")),
    LedgerColumn("检查部位/设备", 24, _field("location")),
    LedgerColumn("隐患描述", 44, _field("description")),
    LedgerColumn("类别(生产设备/安全管理/劳动安全和作业环境)", 24, _field("category")),
    LedgerColumn("性质(物/人/管理)", 10, _not_recorded),
    LedgerColumn("隐患等级", 10, _field("level")),
    LedgerColumn("缺陷等级", 10, _not_recorded),
    LedgerColumn("风险值D与颜色", 12, _not_recorded),
    LedgerColumn("发现人", 10, _field("finder")),
    LedgerColumn("检查表条目", 20, _joined("item_code", "item", by=" ")),
    LedgerColumn("整改措施", 32, _field("measure")),
    LedgerColumn("责任单位", 16, _field("assignee_unit")),
    LedgerColumn("责任人(定人)", 12, _field("assignee")),
    LedgerColumn("责任内容(定责)", 26, _field("duty")),
    LedgerColumn("整改期限(定期)", 14, _day("first_due_at")),
    LedgerColumn("整改资金(元)", 12, lambda row: row["cost"] if row["cost"] is not None else row["budget"]),
    LedgerColumn("临时防控措施", 26, _field("interim_measures")),
    LedgerColumn("应急预案", 24, _field("emergency_plan")),
    LedgerColumn("通知书编号", 14, _not_recorded),
    LedgerColumn("签收人/时间", 18, _acknowledged),
    LedgerColumn("整改完成时间", 14, _day("fixed_at")),
    LedgerColumn("整改情况", 32, _field("fix_note")),
    LedgerColumn("完成数量/单位", 24, _field("quantities")),
    LedgerColumn("整改前照片", 20, _field("photos_before")),
    LedgerColumn("整改后照片", 20, _field("photos_after")),
    LedgerColumn("延期次数/批准期限", 22, _extended),
    LedgerColumn("复查人", 14, _joined("first_verifier", "verifier", by="、")),
    LedgerColumn("复查日期", 12, _day("verified_at")),
    LedgerColumn("复查结论", 18, _conclusion),
    LedgerColumn("销号日期", 12, _day("verified_at")),
    LedgerColumn("状态", 10, _field("state")),
    LedgerColumn("是否超期/超期天数", 16, _whether_late),
    LedgerColumn("督办级别", 18, _supervised),
    LedgerColumn("备注", 24, _remark),
)


def _content(row: Entry) -> str:
    """The facts of an event in the words the pages use; what only the program needs of them is left out."""
    facts: Mapping[str, Any] = row["facts"]
    said = [
        f"{zh}：{_fact(name, facts[name], row['names'])}"
        for name, (zh, _) in {**BRIEF, **LINES}.items()
        if facts.get(name) not in (None, "", [], 0) and isinstance(facts[name], str | int | float)
    ]
    if told := facts.get("told"):
        said.append(f"{REMINDED['told'][0]}：{'、'.join(told)}")
    said += [why["zh"] for why in (facts.get("why") or {}).values()]
    return "；".join(said)


def _fact(name: str, value: str | int | float, names: Mapping[str, str]) -> str:
    if name in PEOPLE and value in names:
        return names[str(value)]
    if name in {"level", "previous"}:
        return _label(Level, str(value)) or ""
    if name == "order_level":
        return _label(SupervisionLevel, str(value)) or ""
    if name in MOMENTS:
        moment = datetime.fromisoformat(str(value))
        return f"{moment.astimezone(LOCAL):%Y-%m-%d %H:%M}" if moment.tzinfo else str(value)
    return str(value)


HISTORY_COLUMNS: Sequence[LedgerColumn] = (
    LedgerColumn("隐患编号", 20, _field("number")),
    LedgerColumn("时间", 18, lambda row: row["at"].astimezone(LOCAL).replace(tzinfo=None)),
    LedgerColumn("办理事项", 16, lambda row: ALSO.get(row["event"]) or _label(TicketEvent, row["event"])),
    LedgerColumn("原状态", 10, lambda row: _label(TicketState, row["from_state"])),
    LedgerColumn("新状态", 10, lambda row: _label(TicketState, row["to_state"])),
    LedgerColumn("办理人", 12, _field("actor_name")),
    LedgerColumn("内容", 80, lambda row: _content(row) or None),
)


#: What happens to a ticket besides the events of its chart.
ALSO: Mapping[str, str] = {
    "found": "登记",
    "taken_in": "从手机导入",
    "extension_requested": "申请延期",
    "extension_refused": "未批准延期",
    "comment": "留言",
    "recalendar": "期限随放假安排调整",
    "reported_again": "群众又报告",
    "supervision_report": "报告督办进展",
    "delist": "摘牌",
    "plan_drafted": "编制治理方案",
    "plan_approved": "批准治理方案",
    "plan_refused": "未批准治理方案",
    SpotCheckEvent.CHECK.value: SpotCheckEvent.CHECK.zh,
}


def _label(words: type[Labelled], code: str | None) -> str | None:
    known = {member.value: member.zh for member in words}
    return None if code is None else known.get(code, code)


def campaign_ledger(session: Session, campaign: Campaign, *, actor: Actor, now: datetime) -> bytes:
    """The ledger of a campaign as the actor may see it, at `now`."""
    return write_ledger(
        ledger_entries(session, campaign, actor=actor, now=now),
        ledger_history(session, campaign, actor=actor),
    )


def write_ledger(entries: Iterable[Entry], transitions: Iterable[Entry] = ()) -> bytes:
    """The bytes of the .xlsx from rows as `domain.ledger` reads them; dates are real dates shown as yyyy-mm-dd."""
    book = Workbook(write_only=True)
    numbered = ({**row, "place": place} for place, row in enumerate(entries, start=1))
    _sheet(book.create_sheet("整改台账"), COLUMNS, numbered)
    _sheet(book.create_sheet("办理记录"), HISTORY_COLUMNS, transitions)
    out = BytesIO()
    book.save(out)
    return out.getvalue()


_HEADING = Font(name="黑体", bold=True)
_SHADE = PatternFill("solid", fgColor="E3F1EF")
_MIDDLE = Alignment(horizontal="center", vertical="center", wrap_text=True)


def _sheet(sheet: Sheet, columns: Sequence[LedgerColumn], rows: Iterable[Entry]) -> None:
    sheet.freeze_panes = "C2" if columns is COLUMNS else "A2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}1"
    sheet.print_title_rows = "1:1"
    sheet.page_setup.paperSize = Worksheet.PAPERSIZE_A3 if columns is COLUMNS else Worksheet.PAPERSIZE_A4
    sheet.page_setup.orientation = "landscape"
    if columns is COLUMNS:
        # One page across would be too small to read: three, each beginning with place and number.
        sheet.page_setup.fitToWidth = 3
        sheet.print_title_cols = "A:B"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    for place, column in enumerate(columns, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = column.width
    headings = []
    for column in columns:
        cell = WriteOnlyCell(sheet, column.heading)
        cell.font, cell.fill, cell.alignment = _HEADING, _SHADE, _MIDDLE
        headings.append(cell)
    sheet.append(headings)
    for row in rows:
        sheet.append([_cell(sheet, column.shown(row)) for column in columns])


def _cell(sheet: Sheet, value: object) -> object:
    """A value as a cell: only what is not plain text or a number needs a cell of its own."""
    match value:
        case Labelled():
            return value.zh
        case datetime():
            return _formatted(sheet, value, "yyyy-mm-dd hh:mm")
        case date():
            return _formatted(sheet, value, "yyyy-mm-dd")
        case Decimal():
            return float(value)
        case str():
            text = ILLEGAL_CHARACTERS_RE.sub("", str(value))
            if not text.startswith("="):
                return text or None
            # What somebody typed is text: it never becomes a formula in the reader's Excel.
            cell = WriteOnlyCell(sheet, text)
            cell.data_type = "s"
            return cell
    return value


def _formatted(sheet: Sheet, value: date, form: str) -> object:
    cell = WriteOnlyCell(sheet, value)  # type: ignore[arg-type]  # dates are dates to openpyxl too
    cell.number_format = form
    return cell
