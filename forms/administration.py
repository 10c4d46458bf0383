"""Administration: what can be looked after, and who changed what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError

from domain.audit import AuditFilter, Line, Subject, audit
from domain.history_words import BRIEF, LINES, REMINDED
from domain.rights import RIGHTS, Deed
from forms.errors import PageRoute
from forms.fields import Form, Problem, problems_of
from forms.pages import page
from forms.session import database_of, signed_in
from forms.stories import HAPPENED
from forms.words import _, language_of, say
from statemachines.labels import Language
from statemachines.refusals import RoleMissing
from statemachines.roles import Actor, Role

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Room:
    """A card of the index: where it leads, and which roles find it there."""

    path: str
    words: str
    about: str
    icon: str
    roles: tuple[Role, ...]


OVER = (Role.SUPERVISOR, Role.ADMINISTRATOR)

ROOMS: tuple[Room, ...] = (
    Room("/admin/units", _("单位"), _("局、所站、班组的名称和上下级"), "board", RIGHTS[Deed.MANAGE_UNITS]),
    Room(
        "/admin/people",
        _("人员和角色"),
        _("账号、角色、一次性密码、停用"),
        "person",
        RIGHTS[Deed.MANAGE_PEOPLE],
    ),
    Room("/absences", _("离岗和代理"), _("谁不在岗，谁代理"), "person", RIGHTS[Deed.RECORD_ABSENCE]),
    Room(
        "/admin/inspectors",
        _("检查员名册"),
        _("证号、聘任、聘期、培训"),
        "paper",
        RIGHTS[Deed.REGISTER_INSPECTOR],
    ),
    Room(
        "/admin/campaigns/new",
        _("新建检查活动"),
        _("范围、阶段日期、规则"),
        "flag",
        RIGHTS[Deed.CREATE_CAMPAIGN],
    ),
    Room("/admin/checklists", _("检查表"), _("条目、默认等级和期限、历次版本"), "list", OVER),
    Room(
        "/admin/ladders", _("催办设置"), _("何时催、催谁、怎样催，先看再定"), "bell", RIGHTS[Deed.SET_LADDERS]
    ),
    Room(
        "/admin/calendars",
        _("工作日历"),
        _("放假、调休、本单位加班日，先看移动哪些期限"),
        "today",
        RIGHTS[Deed.IMPORT_CALENDAR],
    ),
    Room("/outlets", _("发送渠道"), _("群机器人和程序接口"), "send", RIGHTS[Deed.MANAGE_OUTLET]),
    Room("/flows", _("后台任务"), _("提醒、催办、送达、总结是否按时运行"), "wrench", RIGHTS[Deed.READ_AUDIT]),
    Room("/admin/audit", _("变更记录"), _("谁在何时改了什么"), "mine", RIGHTS[Deed.READ_AUDIT]),
)


@router.get("/admin")
def index(request: Request, actor: Who) -> Response:
    """The rooms this person looks after. Raises RoleMissing when there is none."""
    rooms = [room for room in ROOMS if actor.roles & set(room.roles)]
    if not rooms:
        raise RoleMissing(roles=OVER, event=say(language_of(request), _("管理")))
    return page(request, "admin.html", rooms=rooms)


#: What happened to records that are not tickets, as the audit says it; what tickets go through stands in stories.py.
DONE_TO: Mapping[str, str] = {
    "added": _("新增"),
    "updated": _("导入更新"),
    "changed": _("修改"),
    "roles_set": _("设定角色"),
    "password_set": _("重置密码"),
    "deactivated": _("停用"),
    "restored": _("恢复"),
    "appointed": _("聘任为检查员"),
    "dismissed": _("解聘"),
    "trained": _("登记培训"),
    "created": _("新建"),
    "imported": _("导入"),
    "ladders_set": _("修改催办设置"),
    "planned": _("安排检查"),
    "start": _("开始检查"),
    "submit": _("提交检查"),
    "miss": _("登记未检"),
    "recalendar": _("期限随日历调整"),
    "mobilise": _("动员部署"),
    "inspect": _("开始自查"),
    "rectify": _("转入整改"),
    "recheck": _("转入复查"),
    "summarise": _("总结"),
    "archive": _("归档"),
    "zero_report": _("零报告"),
}


def _filter(request: Request) -> tuple[AuditFilter, dict[str, str], list[Problem]]:
    chosen = {
        name: request.query_params.get(name, "").strip() for name in ("subject", "by", "event", "from", "to")
    }
    given = {name: value for name, value in chosen.items() if value}
    try:
        return AuditFilter.model_validate(given), chosen, []
    except ValidationError as error:
        wrong = problems_of(error, language_of(request))
        kept = {name: value for name, value in given.items() if name not in {each.field for each in wrong}}
        return AuditFilter.model_validate(kept), chosen, wrong


def _what(line: Line, lang: Language) -> str:
    words = HAPPENED.get(line.row.event) or DONE_TO.get(line.row.event)
    return say(lang, words) if words else line.row.event


_CALLED = {**BRIEF, **LINES, **REMINDED}


def _facts(line: Line, lang: Language) -> list[tuple[str, str]]:
    """The facts of a row as name (in words where it has any) and text; a changed one as before → after."""
    facts = dict(line.row.facts)
    changed = facts.pop("changed", None)
    chosen = 0 if lang == "zh" else 1
    said = [
        (_CALLED[name][chosen] if name in _CALLED else name, _said(name, value, lang))
        for name, value in facts.items()
    ]
    if isinstance(changed, dict):
        said += [(name, _change(value)) for name, value in changed.items()]
    return said


def _said(name: str, value: object, lang: Language) -> str:
    if name == "told" and isinstance(value, list):
        return ("、" if lang == "zh" else ", ").join(map(str, value))
    if name == "why" and isinstance(value, dict):
        return " ".join(str(each[lang]) for each in value.values())
    return _text(value)


def _change(value: object) -> str:
    if isinstance(value, list) and len(value) == 2:
        return f"{_text(value[0])} → {_text(value[1])}"
    if isinstance(value, dict):
        return "；".join(f"{name} {_change(each)}" for name, each in value.items())
    return _text(value)


def _text(value: object) -> str:
    if value is None or value == "":
        return "—"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@router.get("/admin/audit")
def audit_page(request: Request, actor: Who, cursor: str | None = None) -> Response:
    """Who changed what, newest first, narrowed by record, person, event and day."""
    wanted, chosen, wrong = _filter(request)
    lang = language_of(request)
    with database_of(request).reading() as session:
        found = audit(session, wanted, actor=actor, limit=PER_PAGE, cursor=cursor)
        lines = [(line, _what(line, lang), _facts(line, lang)) for line in found.items]
        return page(
            request,
            "audit.html",
            status=422 if wrong else 200,
            form=Form(chosen, tuple(wrong)),
            kept={name: value for name, value in chosen.items() if value},
            lines=lines,
            next=found.next,
            cursor=cursor,
            subjects=tuple(Subject),
        )
