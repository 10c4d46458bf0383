"""Importing findings, places or tools from Excel: a template, a preview with what is wrong in each row, all or nothing.

The rows travel with the preview's form, so nothing of a half-made import is kept on the server; a wrong cell can be put
right on the page.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session
from starlette.datastructures import UploadFile

from domain.errors import BadInput, NotFound
from domain.imported_rows import HEADINGS
from domain.imports import Report, RowError, import_rows
from domain.people import units_in_sight
from domain.records import Unit
from domain.rights import Deed, may
from domain.tables import Table, TableRow, read_table
from domain.tool_kinds import KINDS as TOOL_KINDS
from forms.errors import PageRoute
from forms.fields import Form, Problem, Sent, SentForm
from forms.findings import running_campaigns, usual_categories
from forms.pages import page, see_other
from forms.session import database_of, now_of, signed_in
from forms.words import _, language_of, say
from papers.import_template import import_template
from statemachines.labels import Language, Level
from statemachines.refusals import RoleMissing
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]

ROWS_AT_MOST = 1000
FILE_MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be imported on a page: who may, what it is called, where its list is."""

    deed: Deed
    heading: str
    advice: str
    back: str
    done: str


KINDS: Mapping[str, Kind] = {
    "tickets": Kind(
        Deed.IMPORT_FINDINGS,
        _("从 Excel 导入隐患"),
        _("适合把纸质台账、其他单位发来的清单一次登记进来。每行成为一张隐患单；同一行导入两次只登记一次。"),
        "/tickets",
        "imported_tickets",
    ),
    "places": Kind(
        Deed.MANAGE_PLACES,
        _("从 Excel 导入检查点"),
        _("每行是一个检查点；代码已有的，名称、单位、位置按表更新。"),
        "/places",
        "imported_places",
    ),
    "tools": Kind(
        Deed.REGISTER_TOOL,
        _("从 Excel 导入安全工器具"),
        _("每行是一件工器具；编号已登记的，只更新规格和存放地点，试验记录不变。"),
        "/tools",
        "imported_tools",
    ),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the preview: its cells by heading, what is wrong with which, and the row as the form carries it."""

    line: int
    cells: Mapping[str, str]
    wrong: Mapping[str, str]
    carried: str


def _kind(kind: str, actor: Actor) -> Kind:
    known = KINDS.get(kind)
    if known is None:
        raise NotFound(what=kind)
    return known


def _units(session: Session, kind: Kind, actor: Actor) -> list[Unit]:
    units = [unit for unit in units_in_sight(session, actor) if may(actor, kind.deed, at=unit.path)]
    if not units:
        raise RoleMissing(event=kind.deed, roles=())
    return units


def _import_page(
    request: Request,
    actor: Actor,
    name: str,
    *,
    problems: Sequence[Problem] = (),
    headings: Sequence[str] = (),
    lines: Sequence[Line] = (),
    report: Report | None = None,
    status: int = 200,
) -> Response:
    kind = _kind(name, actor)
    with database_of(request).reading() as session:
        _units(session, kind, actor)
    return page(
        request,
        "import_rows.html",
        status=status,
        form=Form(problems=tuple(problems)),
        kind=kind,
        name=name,
        headings=headings,
        lines=lines,
        report=report,
        bad=sum(bool(line.wrong) for line in lines),
        rows_at_most=ROWS_AT_MOST,
    )


@router.get("/import/{kind}")
def form(request: Request, actor: Who, kind: str) -> Response:
    """Where a filled-in template is chosen."""
    return _import_page(request, actor, kind)


@router.get("/import/{kind}/template.xlsx")
def template(request: Request, actor: Who, kind: str) -> Response:
    """The template, its pick lists filled with this person's units and campaigns."""
    known = _kind(kind, actor)
    with database_of(request).reading() as session:
        lists: dict[str, list[str]] = {
            "单位": [f"{unit.code} {unit.name}" for unit in _units(session, known, actor)]
        }
        if kind == "tickets":
            campaigns = running_campaigns(session, actor)
            lists["检查活动"] = [f"{each.code} {each.name}" for each in campaigns]
            lists["等级"] = [level.zh for level in Level]
            lists["类别"] = usual_categories(session, campaigns[0]) if campaigns else []
        if kind == "tools":
            lists["种类"] = list(TOOL_KINDS)
    headers = {
        "Content-Disposition": f'attachment; filename="{kind}.xlsx"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return Response(import_template(kind, lists), media_type=media_type, headers=headers)


@router.post("/import/{kind}")
def upload(request: Request, actor: Who, kind: str, sent: SentForm) -> Response:
    """Look at every row and say what is wrong; with `commit` and nothing wrong, import all of them."""
    known = _kind(kind, actor)
    lang = language_of(request)
    try:
        table = _table(sent)
    except BadInput as error:
        problem = Problem("file", error.sentence(lang))
        return _import_page(request, actor, kind, problems=[problem], status=422)
    commit = bool(sent.text("commit"))
    with database_of(request).transaction() as session:
        _units(session, known, actor)
        report = import_rows(session, kind, table, actor=actor, now=now_of(request), dry_run=not commit)
    if commit and report.good:
        return see_other(known.back, done=known.done)
    headings, lines, others = _preview(kind, table, report, lang)
    return _import_page(
        request,
        actor,
        kind,
        problems=[Problem(None, each) for each in others],
        headings=headings,
        lines=lines,
        report=report,
        status=200 if report.good else 422,
    )


def _table(sent: Sent) -> Table:
    """The rows of a chosen file, else those the preview carried, with the cells put right on it."""
    chosen = sent.data.get("file")
    if isinstance(chosen, UploadFile) and chosen.filename:
        if (chosen.size or 0) > FILE_MAX_BYTES:
            raise _unusable(
                f"文件超过{FILE_MAX_BYTES // 2**20} MB，请删去图片或分批导入。",
                f"The file is larger than {FILE_MAX_BYTES // 2**20} MB; remove pictures or import it in parts.",
            )
        table = read_table(chosen.file.read())
    else:
        table = _carried(sent)
    if not table.rows:
        raise _unusable("表中没有填写任何内容，请从第2行起填写。", "Nothing is filled in; begin in line 2.")
    if len(table.rows) > ROWS_AT_MOST:
        raise _unusable(
            f"一次最多导入{ROWS_AT_MOST}行，请分批导入。", f"Import at most {ROWS_AT_MOST} rows at a time."
        )
    return table


def _unusable(zh: str, en: str) -> BadInput:
    return BadInput("/file", "unusable-file", zh=zh, en=en)


def _carried(sent: Sent) -> Table:
    rows: list[TableRow] = []
    columns: dict[str, None] = {}
    try:
        columns |= dict.fromkeys(json.loads(sent.text("columns") or "[]"))
        for text in sent.data.getlist("row"):
            told: dict[str, Any] = json.loads(str(text))
            line, cells = int(told["line"]), {str(name): str(cell) for name, cell in told["cells"].items()}
            for name in list(columns):
                if (put_right := sent.data.get(f"cell-{line}-{name}")) is not None:
                    cells[name] = str(put_right).strip()
            rows.append(TableRow(line, {name: cell for name, cell in cells.items() if cell}))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _unusable("请重新选择文件。", "Choose the file again.") from error
    if not rows:
        raise _unusable("请选择填好的 Excel 或 CSV 文件。", "Choose the filled-in Excel or CSV file.")
    return Table(tuple(str(name) for name in columns), tuple(rows))


def _preview(
    kind: str, table: Table, report: Report, lang: Language
) -> tuple[list[str], list[Line], list[str]]:
    """The columns, the rows with what is wrong in them, and what is wrong with the table as a whole."""
    meant = HEADINGS[kind]
    written = {column: heading for heading, column in meant.items()}
    faults: dict[int, dict[str, str]] = {}
    others: list[str] = []
    lines_there = {row.line for row in table.rows}
    for error in sorted(report.errors, key=lambda each: each.line):
        sentence = error.zh if lang == "zh" else error.en
        heading = _heading_of(error, table, written)
        if error.line in lines_there:
            faults.setdefault(error.line, {}).setdefault(heading, sentence)
        else:
            others.append(f"{heading}{say(lang, _('：'))}{sentence}" if heading else sentence)
    headings = list(table.columns)
    headings += sorted(
        {name for wrong in faults.values() for name in wrong if name and name not in table.columns}
    )
    lines = [
        Line(
            row.line,
            row.cells,
            faults.get(row.line, {}),
            json.dumps({"line": row.line, "cells": row.cells}, ensure_ascii=False),
        )
        for row in table.rows
    ]
    # What is wrong comes first; a thousand good rows need no reading.
    return headings, sorted(lines, key=lambda line: not line.wrong), others


def _heading_of(error: RowError, table: Table, written: Mapping[str, str]) -> str:
    """The heading a fault belongs to, as this table writes it; a rule over several fields names the one to fill in."""
    column = error.field or (
        error.rule.removesuffix("-missing").replace("-", "_") if error.rule.endswith("-missing") else ""
    )
    return column if column in table.columns else written.get(column, column)
