"""Safety tools (安全工器具): registered, listed, and what is out of use until it is tested (domain/tool_tests.py)."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, joinedload

from domain.chases import follow
from domain.errors import BadInput, NotFound, wrong
from domain.history import record
from domain.paging import Key, Page, page_of
from domain.people import unit_by_code
from domain.phases import Day
from domain.records import Tool, ToolStatus, Unit
from domain.rights import Deed, must_be_allowed
from domain.tool_kinds import KINDS
from domain.visibility import tools_visible_to
from statemachines.labels import Labelled, local_day
from statemachines.roles import Actor

NUMBER = re.compile(r"^[^\s/?#%]{1,40}$")
"""A tool's number stands in the address its label leads to."""

TAKEN_ADDRESSES = frozenset({"new", "sheet.pdf"})
"""What else stands at that place in an address, and so is no tool's number."""


class ShownStatus(Labelled):
    """A tool's status as people see it on a day; "past its test date" is computed, never stored."""

    IN_USE = "in_use", "在用", "In use"
    UNTESTED = "untested", "待试验", "To be tested"
    EXPIRED = "expired", "超期停用", "Out of use: test overdue"
    FAILED = "failed", "不合格", "Failed"
    RETIRED = "retired", "已报废", "Retired"


class NewTool(BaseModel):
    """A tool to register. `measure_unit` and `test_interval_months` come from its kind when that is a known one."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    # Told by a sentence of our own, because whoever reads a plate does not read patterns.
    number: str = Field(min_length=1, max_length=40, json_schema_extra={"pattern": NUMBER.pattern})
    kind: str = Field(min_length=1, max_length=40)
    unit: str = Field(min_length=1, max_length=24)
    measure_unit: str | None = Field(default=None, min_length=1, max_length=10)
    test_interval_months: int | None = Field(default=None, ge=1, le=120)
    holder: str = Field(default="", max_length=40)
    spec: str = Field(default="", max_length=100)
    made_on: Day | None = None
    last_test_on: Day | None = None

    @field_validator("number")
    @classmethod
    def _number_fits_an_address(cls, number: str) -> str:
        if not NUMBER.fullmatch(number):
            raise wrong(
                "form",
                zh="编号不能含空格和 / ? # % 这些符号，请改用连字符。",
                en="A number has no spaces and none of / ? # %; use hyphens.",
            )
        if number in TAKEN_ADDRESSES:
            raise wrong(
                "address-taken",
                zh=f"“{number}”是系统网页的地址，不能作编号，请加上种类或单位的代号，如 YD-01。",
                en=f"“{number}” is the address of a page here and no number; add a letter code and hyphens, as YD-01.",
            )
        return number

    @model_validator(mode="after")
    def _kind_known_or_told(self) -> NewTool:
        if self.kind not in KINDS and (self.measure_unit is None or self.test_interval_months is None):
            raise wrong(
                "kind-unknown",
                zh=f"“{self.kind}”不是常用种类，没有默认值，请同时填写计量单位（measure_unit）"
                "和试验周期（test_interval_months）。",
                en=f"“{self.kind}” is not one of the known kinds and has no defaults; give both the unit of measure"
                " (measure_unit) and the test interval (test_interval_months).",
            )
        return self


class ToolFilter(BaseModel):
    """What a list is narrowed to: `due` are tools that need a test by that day, `unit` means it and all below it."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    due: Day | None = None
    unit: str | None = Field(default=None, max_length=24)
    kind: str | None = Field(default=None, max_length=40)


STOPPED = frozenset({ShownStatus.UNTESTED, ShownStatus.EXPIRED, ShownStatus.FAILED, ShownStatus.RETIRED})
"""Tools nobody may work with until a test is passed; the retired ones never again."""

SHEET_AT_MOST = 500
"""Labels on one printed sheet; more are printed in parts."""


def months_later(day: date, months: int) -> date:
    """The same day of the month so many months on, or the month's last: 31 August + 6 is the end of February."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def shown_status(tool: Tool, *, on: date) -> ShownStatus:
    """The status on a day: a tool is good on its next test day and out of use from the day after."""
    if tool.status is ToolStatus.IN_USE and tool.next_test_on is not None and tool.next_test_on < on:
        return ShownStatus.EXPIRED
    return ShownStatus(tool.status.value)


def tool_by_number(session: Session, number: str, *, actor: Actor, lock: bool = False) -> Tool:
    """The tool with this number, its unit loaded. Raises NotFound when there is none in the actor's sight."""
    tool = tools_by_numbers(session, [number], actor=actor, lock=lock).get(number)
    if tool is None:
        raise NotFound(what=number)
    return tool


def tools_by_numbers(
    session: Session, numbers: Iterable[str], *, actor: Actor, lock: bool = False
) -> dict[str, Tool]:
    """The tools with these numbers in the actor's sight, by number, their units loaded; what is not there is left out.

    They are locked in the order of their ids, as `hold` locks them (domain/chases.py).
    """
    query = select(Tool).where(Tool.number.in_(set(numbers)), tools_visible_to(actor))
    query = query.options(joinedload(Tool.unit, innerjoin=True)).order_by(Tool.id)
    if lock:
        query = query.with_for_update(of=Tool).execution_options(populate_existing=True)
    return {tool.number: tool for tool in session.scalars(query)}


def tool_with_number(session: Session, number: str) -> Tool | None:
    """The tool with this number, wherever it is: numbers are unique in the whole installation."""
    return session.scalars(
        select(Tool).where(Tool.number == number).options(joinedload(Tool.unit))
    ).one_or_none()


def list_tools(
    session: Session, wanted: ToolFilter, *, actor: Actor, limit: int = 50, cursor: str | None = None
) -> Page[Tool]:
    """One page of tools the actor may see, by number. Raises BadInput for a wrong cursor or an unknown unit."""
    query = select(Tool).where(tools_visible_to(actor)).options(joinedload(Tool.unit))
    if wanted.due is not None:
        query = query.where(needs_test_by(wanted.due))
    if wanted.unit:
        top = unit_by_code(session, wanted.unit, actor=actor)
        below = select(Unit.id).where(Unit.path.startswith(top.path, autoescape=True))
        query = query.where(Tool.unit_id.in_(below))
    if wanted.kind:
        query = query.where(Tool.kind == wanted.kind)
    return page_of(session, query, Key(Tool.number, str), limit=limit, cursor=cursor)


def needs_test_by(day: date) -> ColumnElement[bool]:
    """Tools to be tested by this day: the next test falls on or before it, or there never was one."""
    expiring = and_(Tool.status == ToolStatus.IN_USE, Tool.next_test_on <= day)
    return or_(expiring, Tool.status == ToolStatus.UNTESTED)


def tools_to_carry(
    session: Session, *, actor: Actor, unit: str | None = None, numbers: Sequence[str] = ()
) -> list[Tool]:
    """The tools of a sheet of labels, and those a phone keeps for the day: those named, else all of a unit and below
    that are not retired, at most SHEET_AT_MOST. Raises BadInput for an unknown unit.
    """
    query = (
        select(Tool)
        .where(tools_visible_to(actor), Tool.status != ToolStatus.RETIRED)
        .options(joinedload(Tool.unit, innerjoin=True))
        .order_by(Tool.number)
        .limit(SHEET_AT_MOST)
    )
    if numbers:
        query = query.where(Tool.number.in_(numbers))
    elif unit:
        top = unit_by_code(session, unit, actor=actor)
        below = select(Unit.id).where(Unit.path.startswith(top.path, autoescape=True))
        query = query.where(Tool.unit_id.in_(below))
    return list(session.scalars(query))


def register_tool(session: Session, new: NewTool, *, actor: Actor, now: datetime) -> Tool:
    """Register a tool; one with an earlier test is in use until that runs out, any other waits for its first test.

    Raises BadInput (number taken, unknown unit, a test in the future), RoleMissing.
    """
    unit = unit_by_code(session, new.unit, actor=actor)
    must_be_allowed(actor, Deed.REGISTER_TOOL, at=unit.path)
    if tool_with_number(session, new.number) is not None:
        raise BadInput(
            "/number",
            "number-taken",
            zh=f"编号“{new.number}”已有工器具使用。",
            en=f"The number “{new.number}” is taken.",
        )
    not_in_future(new.last_test_on, "/last_test_on", now)
    _made_before_tested(new, now)
    kind = KINDS.get(new.kind)
    months = new.test_interval_months or (kind.test_interval_months if kind else 0)
    tool = Tool(
        number=new.number,
        kind=new.kind,
        measure_unit=new.measure_unit or (kind.measure_unit if kind else ""),
        unit=unit,
        holder=new.holder,
        spec=new.spec,
        made_on=new.made_on,
        test_interval_months=months,
        last_test_on=new.last_test_on,
        next_test_on=months_later(new.last_test_on, months) if new.last_test_on else None,
        status=ToolStatus.IN_USE if new.last_test_on else ToolStatus.UNTESTED,
        created_at=now,
    )
    session.add(tool)
    session.flush()
    follow(session, tool, now=now, new=True)
    record(session, tool, "registered", actor=actor, now=now, after=tool.status, kind=tool.kind, unit=unit)
    return tool


def bring_up_to_date(session: Session, tool: Tool, new: NewTool, *, actor: Actor, now: datetime) -> bool:
    """Take over where a registered tool lies and its rating; return whether anything changed.

    Empty ones stay as they are; tests are recorded, never overwritten. Raises BadInput when the number belongs to a
    tool of another kind or unit, RoleMissing.
    """
    unit = unit_by_code(session, new.unit, actor=actor)
    for place in (tool.unit, unit):
        must_be_allowed(actor, Deed.REGISTER_TOOL, at=place.path)
    if (tool.kind, tool.unit_id) != (new.kind, unit.id):
        raise BadInput(
            "/number",
            "number-taken",
            zh=f"编号“{new.number}”是{tool.unit.name}的{tool.kind}，请核对编号、种类和单位。",
            en=f"The number “{new.number}” is a {tool.kind} of {tool.unit.name}; check number, kind and unit.",
        )
    before = (tool.holder, tool.spec)
    tool.holder, tool.spec = new.holder or tool.holder, new.spec or tool.spec
    if before == (tool.holder, tool.spec):
        return False
    record(session, tool, "updated", actor=actor, now=now, holder=tool.holder, spec=tool.spec)
    return True


def _made_before_tested(new: NewTool, now: datetime) -> None:
    """A tool was made before today, and before it was tested."""
    if new.made_on is None:
        return
    if new.made_on > local_day(now):
        raise BadInput(
            "/made_on",
            "made-in-future",
            zh="出厂日期晚于今天，请按铭牌核对。",
            en="The day it was made is in the future; check the plate.",
        )
    if new.last_test_on is not None and new.last_test_on < new.made_on:
        raise BadInput(
            "/last_test_on",
            "tested-before-made",
            zh=f"上次试验早于出厂日期{new.made_on}，请核对两个日期。",
            en=f"The last test is before the day it was made ({new.made_on}); check both.",
        )


def not_in_future(day: date | None, pointer: str, now: datetime) -> None:
    """Raise BadInput for the day of a test that is yet to come."""
    if day is not None and day > local_day(now):
        raise BadInput(
            pointer,
            "tested-in-future",
            zh="试验日期晚于今天，试验后再登记。",
            en="The day of the test is in the future; record it once it was made.",
        )
