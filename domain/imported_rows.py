"""A row of a table as a finding, a place or a tool: how people fill in Excel is read as the input models want it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.access import actor_by_login
from domain.errors import BadInput, NotFound
from domain.findings import NewFinding, submit_finding
from domain.places import NewPlace, PlaceFacts, add_place, change_place, place_with_code
from domain.records import Person, Unit
from domain.rights import Deed, must_be_allowed
from domain.tools import NewTool, bring_up_to_date, register_tool, tool_with_number
from domain.visibility import in_sight, units_visible_to
from statemachines.labels import LOCAL, Level
from statemachines.roles import Actor

IMPORTED_TICKET = UUID("6f0f6b0a-2c0e-5b57-9a53-1f3d2f4f6a10")
"""The name space of imported findings' ids: the same row gives the same id, so it makes one ticket."""

HEADINGS: Mapping[str, Mapping[str, str]] = {
    "tickets": {
        "检查活动": "campaign",
        "单位": "unit",
        "隐患描述": "description",
        "序号": "number",
        "等级": "level",
        "类别": "category",
        "检查条目": "checklist_item",
        "数量": "quantity",
        "计量单位": "measure_unit",
        "地点": "location",
        "检查点": "place",
        "纬度": "lat",
        "经度": "lon",
        "发现时间": "found_at",
        "发现人": "finder",
        "来源": "source",
    },
    "places": {
        "代码": "code",
        "名称": "name",
        "单位": "unit",
        "纬度": "lat",
        "经度": "lon",
        "备注": "note",
    },
    "tools": {
        "编号": "number",
        "种类": "kind",
        "单位": "unit",
        "规格": "spec",
        "存放地点": "holder",
        "出厂日期": "made_on",
        "上次试验日期": "last_test_on",
        "计量单位": "measure_unit",
        "试验周期（月）": "test_interval_months",
    },
}
"""The headings people write, and the columns they mean."""

_LEVELS = {level.zh: level.value for level in Level} | {level.en.lower(): level.value for level in Level}


def take_finding(session: Session, cells: Mapping[str, str], *, actor: Actor, now: datetime) -> bool:
    """Make a ticket of a row; return whether it is new.

    Without a finder it is whoever imports. A person who imports does so for units they may import for, and names
    finders of units in their sight; the history says who imported. Raises what refuses a finding.
    """
    told = _read(session, cells, actor)
    finder_login, number = told.pop("finder", None), told.pop("number", None)
    if "level" in told:
        told["level"] = _level(told["level"])
    if "found_at" in told:
        told["found_at"] = in_shanghai(told["found_at"])
    new = NewFinding.model_validate({"source": "import", **told})
    name = f"{new.campaign}/{number}" if number else f"{finder_login}/{new.fingerprint()}"
    new = new.model_copy(update={"id": uuid5(IMPORTED_TICKET, name)})
    finder = _finder(session, finder_login, actor)
    if actor.id is None:
        return submit_finding(session, new, actor=finder, now=now).created
    made = submit_finding(session, new, actor=actor, finder=finder, now=now)
    must_be_allowed(actor, Deed.IMPORT_FINDINGS, at=made.ticket.unit.path)
    return made.created


def _level(text: str) -> str:
    level = _LEVELS.get(text.lower(), text.lower())
    if level not in set(Level):
        raise BadInput(
            "/level",
            "unknown-level",
            zh="等级须为一般、较大或重大。",
            en="The level is one of general, serious, major.",
        )
    return level


def take_place(
    session: Session, cells: Mapping[str, str], *, actor: Actor, now: datetime
) -> tuple[bool, bool]:
    """Add the place of a row, or bring it up to date; return whether it was added, and whether it was changed."""
    told = _read(session, cells, actor)
    new = NewPlace.model_validate(told)
    place = place_with_code(session, new.code)
    if place is None:
        add_place(session, new, actor=actor, now=now)
        return True, False
    facts = PlaceFacts.model_validate(new.model_dump(exclude={"code"}))
    return False, change_place(session, place, facts, actor=actor, now=now)


def take_tool(
    session: Session, cells: Mapping[str, str], *, actor: Actor, now: datetime
) -> tuple[bool, bool]:
    """Register the tool of a row, or bring where it lies and its rating up to date; return whether it was added, and
    whether it was changed. Raises BadInput when the number belongs to another kind of tool or another unit.
    """
    told = _read(session, cells, actor)
    for column in ("made_on", "last_test_on"):
        if column in told:
            told[column] = told[column].replace("/", "-")
    new = NewTool.model_validate(told)
    if (tool := tool_with_number(session, new.number)) is None:
        register_tool(session, new, actor=actor, now=now)
        return True, False
    return False, bring_up_to_date(session, tool, new, actor=actor, now=now)


def _read(session: Session, cells: Mapping[str, str], actor: Actor) -> dict[str, str]:
    """The cells with the codes that pick lists show in front of names ("LL01 柳林供电所"), and units told by name."""
    told = dict(cells)
    for column in ("campaign", "unit", "place", "checklist_item", "finder"):
        if column in told:
            told[column] = told[column].split(maxsplit=1)[0]
    if "unit" in told and not told["unit"].isascii():
        named = select(Unit.code).where(Unit.name == cells["unit"].strip(), units_visible_to(actor)).limit(2)
        codes = list(session.scalars(named))
        if len(codes) == 1:
            told["unit"] = codes[0]
    return told


def _finder(session: Session, login: str | None, actor: Actor) -> Actor:
    if login is None and actor.id is not None:
        return actor
    if login is None:
        raise BadInput("/finder", "missing", zh="须填写发现人的登录名。", en="Give the login of the finder.")
    try:
        found = actor_by_login(session, login if login.isascii() else _login_named(session, login))
    except NotFound as missing:
        raise _unknown(login) from missing
    if actor.id is not None and not in_sight(actor, found.unit_path):
        raise _unknown(login)
    return found


def _login_named(session: Session, name: str) -> str:
    """The login of the only active person with this name, else the name itself, which nobody has for a login."""
    logins = list(session.scalars(select(Person.login).where(Person.name == name, Person.active).limit(2)))
    return logins[0] if len(logins) == 1 else name


def _unknown(login: str) -> BadInput:
    return BadInput(
        "/finder",
        "unknown-person",
        zh=f"没有登录名为“{login}”的在职人员。",
        en=f"There is nobody with the login “{login}”.",
    )


def in_shanghai(text: str) -> str:
    """A day or a time without a zone is Asia/Shanghai's; anything else is left to the input model."""
    try:
        moment = datetime.fromisoformat(text.replace("/", "-"))
    except ValueError:
        return text
    return (moment if moment.tzinfo else moment.replace(tzinfo=LOCAL)).isoformat()
