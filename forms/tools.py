"""Safety tools (安全工器具): the list, one tool with its tests, labels to print, the forms of a new tool and a test.

The form of a test stands on the tool's page and, for where there is no signal, on a page of its own that a phone keeps
(/field/tool): there the code in the browser shows what the phone knows of the tool.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import ValidationError
from sqlalchemy.orm import Session

from domain.coverage import scope_unit_of
from domain.errors import NotFound
from domain.people import units_in_sight
from domain.photo_listings import arrived_photos
from domain.records import Tool, ToolTest, Unit
from domain.rights import Deed, may
from domain.tool_kinds import KINDS
from domain.tool_tests import NewToolTest, list_tests, record_test
from domain.tools import (
    SHEET_AT_MOST,
    STOPPED,
    NewTool,
    ToolFilter,
    list_tools,
    months_later,
    register_tool,
    shown_status,
    tool_by_number,
    tools_to_carry,
)
from forms.errors import PageRoute, error_page
from forms.field_words import RECORD, words_for
from forms.fields import Form, Problem, Sent, SentForm, problems_of, status_of
from forms.findings import running_campaigns
from forms.pages import page, see_other
from forms.photos import take
from forms.qr import qr_picture
from forms.session import database_of, now_of, settings_of, signed_in
from forms.words import _, language_of, say
from papers.code_sheet import SignSize, tool_sheet
from statemachines.labels import Language, label, local_day
from statemachines.refusals import Refusal
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]

PER_PAGE = 100
FIELDS = ("tested_on", "campaign", "report_number", "note")
NAMES = {
    "tool": _("工器具编号"),
    "passed": _("试验结果"),
    "tested_on": _("试验日期"),
    "campaign": _("计入检查活动"),
    "report_number": _("报告编号"),
    "note": _("备注"),
    "readings": _("测得的数值"),
    "photos": _("照片"),
}
READINGS_IN_FORM = 8
"""Rows of the form for what was measured; a program may send more."""
PARTS = ("name", "value", "unit")
RENAMED = {"files": "photos"}

NEW_FIELDS = (
    "number",
    "kind",
    "unit",
    "measure_unit",
    "test_interval_months",
    "holder",
    "spec",
    "made_on",
    "last_test_on",
)
NEW_NAMES = {
    "number": _("编号"),
    "kind": _("种类"),
    "unit": _("单位"),
    "measure_unit": _("计量单位"),
    "test_interval_months": _("试验周期（月）"),
    "holder": _("保管人"),
    "spec": _("规格"),
    "made_on": _("出厂日期"),
    "last_test_on": _("上次试验"),
}


def tools_of_day(session: Session, actor: Actor, language: Language, *, today: date) -> list[dict[str, Any]]:
    """What a phone keeps of the tools: how each stands today, and when the next test is due if it passes one today."""
    return [
        {
            "number": tool.number,
            "kind": tool.kind,
            "unit_name": tool.unit.name,
            "holder": tool.holder,
            "spec": tool.spec,
            "last": tool.last_test_on.isoformat() if tool.last_test_on else "",
            "next": tool.next_test_on.isoformat() if tool.next_test_on else "",
            "months": tool.test_interval_months,
            "status": (status := shown_status(tool, on=today)).value,
            "status_name": label(status, language),
            "stopped": status in STOPPED,
            "as_of": today.isoformat(),
            "measured": _measured(tool),
            "next_if_today": months_later(today, tool.test_interval_months).isoformat(),
        }
        for tool in tools_to_carry(session, actor=actor)
    ]


def _measured(tool: Tool) -> Sequence[tuple[str, str]]:
    """What a test of this tool usually measures: name and unit."""
    kind = KINDS.get(tool.kind)
    return kind.measured if kind else ()


@router.get("/tools")
def list_page(
    request: Request,
    actor: Who,
    unit: str = "",
    kind: str = "",
    due: str = "",
    number: str = "",
    cursor: str | None = None,
) -> Response:
    """Tools in sight by number; with `due` those that need a test by today. A number leads to that tool."""
    today = local_day(now_of(request))
    if number.strip():
        return see_other(f"/field/tool?{urlencode({'tool': number.strip()})}")
    with database_of(request).reading() as session:
        wanted = ToolFilter(unit=unit or None, kind=kind or None, due=today if due else None)
        found = list_tools(session, wanted, actor=actor, limit=PER_PAGE, cursor=cursor)
        return page(
            request,
            "tools.html",
            found=[(tool, shown_status(tool, on=today)) for tool in found.items],
            next=found.next,
            cursor=cursor,
            asked={"unit": unit, "kind": kind, "due": due},
            units=units_in_sight(session, actor),
            stopped=STOPPED,
            sheet_at_most=SHEET_AT_MOST,
            may_register=bool(_units_to_register(session, actor)),
        )


@router.get("/tools/sheet.pdf")
def sheet(
    request: Request,
    actor: Who,
    unit: str = "",
    number: Annotated[list[str] | None, Query()] = None,
    size: Literal["small", "large"] = "small",
) -> Response:
    """Labels to print: of the tools named, else of a unit and all below it."""
    wanted: SignSize = size
    with database_of(request).reading() as session:
        tools = tools_to_carry(session, actor=actor, unit=unit or None, numbers=number or ())
    if not tools:
        return error_page(request, 404)
    pdf = tool_sheet(tools, public_url=settings_of(request).public_url, size=wanted)
    headers = {
        "Content-Disposition": 'inline; filename="tools.pdf"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(pdf, media_type="application/pdf", headers=headers)


def _units_to_register(session: Session, actor: Actor) -> list[Unit]:
    """Units whose tools the actor may register."""
    return [unit for unit in units_in_sight(session, actor) if may(actor, Deed.REGISTER_TOOL, at=unit.path)]


def _new_page(request: Request, actor: Actor, form: Form, *, status: int = 200) -> Response:
    lang = language_of(request)
    with database_of(request).reading() as session:
        return page(
            request,
            "tool_new.html",
            status=status,
            form=form,
            names={name: say(lang, words) for name, words in NEW_NAMES.items()},
            units=_units_to_register(session, actor),
            kinds=KINDS,
        )


@router.get("/tools/new")
def new_form(request: Request, actor: Who, unit: str = "") -> Response:
    """The form of a new tool; `?unit=` proposes whose it is."""
    return _new_page(request, actor, Form({"unit": unit} if unit else {}))


@router.post("/tools/new")
def register(request: Request, actor: Who, sent: SentForm) -> Response:
    """Register a tool, then show it with its label; with `another` the next one's form."""
    try:
        new = sent.read(NewTool, *NEW_FIELDS)
        with database_of(request).transaction() as session:
            register_tool(session, new, actor=actor, now=now_of(request))
    except (ValidationError, Refusal) as error:
        # What a rule says of several fields at once is said of the kind: whoever gives a known one need not go on.
        problems = [
            Problem(each.field or "kind", each.sentence) if isinstance(error, ValidationError) else each
            for each in problems_of(error, language_of(request))
        ]
        return _new_page(request, actor, sent.form(problems), status=status_of(error))
    if sent.text("another"):
        return see_other(f"/tools/new?{urlencode({'unit': new.unit})}", done="tool")
    return see_other(path_of(new.number), done="tool")


def _tool_page(
    request: Request, actor: Actor, form: Form, *, number: str | None = None, status: int = 200
) -> Response:
    lang = language_of(request)
    today = local_day(now_of(request))
    with database_of(request).reading() as session:
        tool: Tool | None = tool_by_number(session, number, actor=actor) if number else None
        campaigns = running_campaigns(session, actor)
        if tool is not None:
            campaigns = [each for each in campaigns if scope_unit_of(session, each, tool.unit) is not None]
        public = settings_of(request).public_url
        address = f"{public}{path_of(tool.number)}" if tool else ""
        shown = shown_status(tool, on=today) if tool else None
        tests = list_tests(session, tool) if tool else []
        return page(
            request,
            "tool.html",
            status=status,
            form=form,
            names={name: say(lang, words) for name, words in NAMES.items()},
            tool=tool,
            shown=shown,
            is_stopped=shown in STOPPED,
            may_test=may(actor, Deed.TEST_TOOL, at=tool.unit.path if tool else actor.unit_path),
            tests=[(each, _next_after(tool, each)) for each in tests] if tool else [],
            arrived=arrived_photos(session, tests),
            measured=_measured(tool) if tool else (),
            usual_readings=sorted({each for kind in KINDS.values() for each in kind.measured}),
            readings_in_form=READINGS_IN_FORM,
            limit_mb=settings_of(request).file_max_bytes // 2**20,
            campaigns=campaigns,
            address=address,
            picture=qr_picture(address) if tool else "",
            words=words_for(lang, RECORD),
        )


def _next_after(tool: Tool, test: ToolTest) -> date | None:
    return months_later(test.tested_on, tool.test_interval_months) if test.passed else None


def _readings(sent: Sent) -> list[dict[str, str]]:
    """What was measured, row by row. A row that has no more than the names it came with measured nothing."""
    rows = [
        {part: sent.text(f"reading_{part}_{row}") for part in PARTS}
        | {"usual": sent.text(f"reading_usual_{row}")}
        for row in range(READINGS_IN_FORM)
    ]
    return [
        {part: row[part] for part in PARTS if row[part]}
        for row in rows
        if row["value"] or row["name"] != row["usual"]
    ]


def path_of(number: str) -> str:
    """The page of a tool; its number may be written in Chinese."""
    return f"/tools/{quote(number, safe='')}"


@router.get("/field/tool")
def lookup(request: Request, actor: Who, tool: str = "") -> Response:
    """Which tool: scanned or typed. Without a signal this page is the tool's, too."""
    number = tool.strip()
    if not number:
        return _tool_page(request, actor, Form())
    with database_of(request).reading() as session:
        try:
            found = tool_by_number(session, number, actor=actor).number
        except NotFound as unknown:
            wrong = Problem("tool", unknown.sentence(language_of(request)))
            return _tool_page(request, actor, Form({"tool": number}, (wrong,)), status=404)
    return see_other(path_of(found))


@router.get("/tools/{number}")
def one(request: Request, actor: Who, number: str) -> Response:
    """One tool: whether it may be used, its tests, its label, and the form of a test."""
    return _tool_page(request, actor, Form(), number=number)


@router.post("/tools/{number}")
def test(request: Request, actor: Who, number: str, sent: SentForm) -> Response:
    """Record a test; the next one is due by the tool's interval."""
    try:
        photos = sent.photos("photos", request)
        listed = [photo.listed for photo in photos]
        told = sent.read(NewToolTest, "passed", *FIELDS, readings=_readings(sent), files=listed)
        with database_of(request).transaction() as session:
            tool = tool_by_number(session, number, actor=actor, lock=True)
            record_test(session, tool, told, actor=actor, now=now_of(request))
            take(request, session, photos, actor=actor)
    except (ValidationError, Refusal) as error:
        problems = problems_of(error, language_of(request), renamed=RENAMED)
        return _tool_page(request, actor, sent.form(problems), number=number, status=status_of(error))
    return see_other(path_of(number), done="tool_test")
