"""Safety tools (安全工器具) and their tests (试验)."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.deps import Call, Creates, Reads, written
from api.documented import CREATE, LIST, READ
from api.paging import Paged
from api.shapes import Moment, PhotoShape, photo_shape
from domain.answered import Answer
from domain.records import Tool, ToolTest
from domain.tool_tests import (
    AT_ONCE,
    NewToolTest,
    Reading,
    ReportedTest,
    list_tests,
    record_test,
    record_tests,
)
from domain.tools import (
    NewTool,
    ShownStatus,
    ToolFilter,
    list_tools,
    register_tool,
    shown_status,
    tool_by_number,
)
from statemachines.labels import local_day

router = APIRouter(tags=["tools"])

ToolNumber = Annotated[str, Path(max_length=40)]


class ToolShape(BaseModel):
    """A tool. `status` is as people see it today: `expired` once its test date has passed."""

    number: str
    kind: str
    measure_unit: str
    unit: str
    holder: str
    spec: str
    made_on: date | None
    test_interval_months: int
    last_test_on: date | None
    next_test_on: date | None
    status: ShownStatus


class ToolPage(BaseModel):
    """One page of tools by number."""

    items: list[ToolShape]
    next: str | None


class ToolTestShape(BaseModel):
    """One test of a tool: the result, what was measured, and its photos."""

    id: UUID
    tested_on: date
    passed: bool
    note: str
    report_number: str
    readings: list[Reading]
    photos: list[PhotoShape]
    recorded_at: Moment


class ToolTestList(BaseModel):
    """Every test of one tool, newest first."""

    items: list[ToolTestShape]


class ToolTested(ToolTestShape):
    """The test that was recorded, with the tool."""

    tool: ToolShape


class ToolQuery(ToolFilter, Paged):
    """Which tools, and which page of them."""


def _shape(tool: Tool, today: date) -> ToolShape:
    same = {name: getattr(tool, name) for name in ToolShape.model_fields if name not in {"unit", "status"}}
    return ToolShape(**same, unit=tool.unit.code, status=shown_status(tool, on=today))


def _test(test: ToolTest) -> ToolTestShape:
    same = {name: getattr(test, name) for name in ToolTestShape.model_fields if name != "photos"}
    return ToolTestShape(**same, photos=[photo_shape(each) for each in test.photos])


def _tested(test: ToolTest, call: Call) -> ToolTested:
    return ToolTested(**_test(test).model_dump(), tool=_shape(test.tool, local_day(call.now)))


@router.post(
    "/tools", operation_id="registerTool", status_code=201, response_model=ToolShape, responses=CREATE
)
def register(new: NewTool, call: Creates) -> Response:
    """Register a tool; its kind gives unit of measure and test interval when it is a known one."""

    def work(session: Session) -> Answer:
        tool = register_tool(session, new, actor=call.actor, now=call.now)
        place = f"/api/v1/tools/{tool.number}"
        return written(_shape(tool, local_day(call.now)), status=201, location=place)

    return call.once(work)


@router.get("/tools", operation_id="listTools", response_model=ToolPage, responses=LIST)
def list_all(call: Reads, wanted: Annotated[ToolQuery, Query()]) -> Response:
    """Tools in the caller's sight; with `due` those that need a test by that day."""
    with call.reading() as session:
        page = list_tools(session, wanted, actor=call.actor, limit=wanted.limit, cursor=wanted.cursor)
        items = [_shape(tool, local_day(call.now)) for tool in page.items]
    return call.answer(ToolPage(items=items, next=page.next))


@router.get("/tools/{number}", operation_id="readTool", response_model=ToolShape, responses=READ)
def read(number: ToolNumber, call: Reads) -> Response:
    """One tool."""
    with call.reading() as session:
        tool = tool_by_number(session, number, actor=call.actor)
    return call.answer(_shape(tool, local_day(call.now)))


@router.post(
    "/tools/{number}/tests",
    operation_id="testTool",
    status_code=201,
    response_model=ToolTested,
    responses=CREATE,
)
def test(number: ToolNumber, told: NewToolTest, call: Creates) -> Response:
    """Record a test; the next one is due by the tool's interval. With a `campaign` it counts in its figures.

    The bytes of the photos listed in `files` are sent with `sendFile`.
    """

    def work(session: Session) -> Answer:
        tool = tool_by_number(session, number, actor=call.actor, lock=True)
        made = record_test(session, tool, told, actor=call.actor, now=call.now)
        return written(_tested(made, call), status=201)

    return call.once(work)


class ToolsTested(BaseModel):
    """The tests that were recorded, in the order told."""

    items: list[ToolTested]


@router.post(
    "/tools/tests", operation_id="testTools", status_code=201, response_model=ToolsTested, responses=CREATE
)
def test_all(
    told: Annotated[list[ReportedTest], Body(min_length=1, max_length=AT_ONCE)], call: Creates
) -> Response:
    """Record the tests of several tools, as a testing house's report lists them: all are written, or none.

    A refusal is that of `testTool`; it names the place in the list and the tool. `tool` is as it stands after all.
    """

    def work(session: Session) -> Answer:
        made = record_tests(session, told, actor=call.actor, now=call.now)
        return written(ToolsTested(items=[_tested(each, call) for each in made]), status=201)

    return call.once(work)


@router.get(
    "/tools/{number}/tests", operation_id="listToolTests", response_model=ToolTestList, responses=READ
)
def read_tests(number: ToolNumber, call: Reads) -> Response:
    """Every test of the tool, newest first."""
    with call.reading() as session:
        tool = tool_by_number(session, number, actor=call.actor)
        items = [_test(test) for test in list_tests(session, tool)]
    return call.answer(ToolTestList(items=items))
