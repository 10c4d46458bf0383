"""Every page, on a phone and on a desk, light and dark: no axe violation, nothing wider than the screen."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI

from domain import inspections, suggestions
from domain.absences import NewAbsence, record_absence
from domain.checklists import NewChecklist, put_checklist
from domain.inspections import NewInspection
from domain.places import NewPlace, add_place
from domain.suggestions import Dispute, NewSuggestion, SuggestionAnswer
from domain.tools import NewTool, register_tool
from statemachines.roles import SYSTEM
from tests.forms.chromium import DESK, PHONE, Person, chromium, serving
from tests.photos import listed, photo
from tests.world import World

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

OPEN_ALL = "document.querySelectorAll('details').forEach(each => { each.open = true })"


def inspection_of(world: World) -> str:
    """A visit to answer, with a checklist of two items."""
    items = [
        {
            "code": f"D0{n}",
            "category": "生产设备/线路",
            "item": name,
            "criterion": "符合规程要求",
            "level": "general",
            "measure": "处理",
            "deadline_days": 15,
        }
        for n, name in enumerate(("拉线", "绝缘子"), 1)
    ]
    with world.database.transaction() as session:
        new = NewChecklist.model_validate({"code": "DIST", "name": "配电检查表", "items": items})
        put_checklist(session, new, actor=SYSTEM, now=world.now)
    with world.database.transaction() as session:
        visit = NewInspection(campaign="CC2026", unit="LL01", checklist="DIST")
        return str(inspections.create(session, visit, actor=world.actor("limin"), now=world.now).id)


def suggestion_of(world: World, ticket: str) -> str:
    """The address of a suggestion whose answer is disputed."""
    union, leader = world.actor("limin"), world.actor("zhengju")
    with world.database.transaction() as session:
        new = NewSuggestion(text="增配绝缘手套，停电撤人", addressee="zhengju", ticket=ticket)
        made = suggestions.make(session, new, actor=union, now=world.now)
        told = SuggestionAnswer(adopted=False, answer="今年没有资金")
        suggestions.answer(session, made, told, actor=leader, now=world.now)
        suggestions.dispute(session, made, Dispute(reason="手套已过期"), actor=union, now=world.now)
        return f"/suggestions/{made.id}"


def absence_of(world: World) -> None:
    """赵主任 is away and 郑局长 stands in."""
    days = {"starts_on": "2026-04-01", "ends_on": "2026-04-10", "substitute": "zhengju"}
    with world.database.transaction() as session:
        new = NewAbsence.model_validate(days)
        record_absence(session, new, actor=world.actor("zhaozhuren"), now=world.now)


def equip(world: World) -> None:
    """A sign, and a tool whose test has run out."""
    tool = {"number": "YD-01", "kind": "验电笔", "unit": "LL01", "last_test_on": "2024-03-01"}
    with world.database.transaction() as session:
        place = NewPlace(code="LL-27", name="柳林线 27# 变台", unit="LL01")
        add_place(session, place, actor=SYSTEM, now=world.now)
        register_tool(session, NewTool.model_validate(tool), actor=SYSTEM, now=world.now)


def pages(world: World) -> dict[str, list[str]]:
    """Who looks at what."""
    missing = world.find(files=[listed(photo())]).number
    assigned, fixed = world.assigned().number, world.fixed().number
    major = world.find(level="major", description="对地距离不足" * 10).number
    pending = world.assigned().number
    key = world.ask_extension(pending, due="2026-04-24", reason="等停电", interim_measures="警示牌")
    suggestion = suggestion_of(world, major)
    absence_of(world)
    equip(world)
    return {
        "": ["/login", "/offline", "/p/LL-27/report"],
        "limin": [
            "/",
            "/findings/new",
            "/findings/mine",
            "/field",
            "/field/tool",
            "/field/quantity",
            "/tools",
            "/tools/YD-01",
            f"/tickets/{missing}",
            f"/tickets/{fixed}/verify",
            f"/tickets/{fixed}/return",
            f"/inspections/{inspection_of(world)}",
            "/no-such-page",
            "/suggestions",
            "/suggestions/new",
            f"/suggestions/new?ticket={major}",
            f"{suggestion}/dispute",
            f"{suggestion}/paper",
        ],
        "zhengju": [suggestion, f"{suggestion}/explain", "/absences/new"],
        "wangjianguo": [
            "/",
            "/work",
            "/tickets?mine=1",
            f"/tickets/{assigned}",
            f"/tickets/{assigned}/fix",
            f"/tickets/{assigned}/request",
        ],
        "zhaozhuren": [
            "/",
            "/tickets",
            f"/tickets/{major}/assign",
            f"/tickets/{pending}",
            f"/extensions/{key}/approve",
            f"/tickets/{assigned}/reassign",
            f"/tickets/{assigned}/regrade",
            f"/tickets/{assigned}/cancel",
            "/campaigns",
            "/campaigns/CC2026",
            "/campaigns/CC2026/rectify",
            "/campaigns/CC2026/quantities",
            "/calls?campaign=CC2026",
            "/campaigns/CC2026/summary",
            "/campaigns/CC2026/status",
            "/campaigns/CC2026/sample",
            f"/tickets/bulk/assign?number={major}",
            f"/tickets/{major}/supervise",
            f"/tickets/{major}/plan",
            f"/tickets/{major}/notices",
            "/supervisions",
            "/calls",
            "/calls/new",
            "/reports",
            "/places",
            "/places/LL-27",
            "/hazards",
            "/flows",
            "/outlets",
            "/import/findings",
            "/account",
            "/absences",
            "/absences/new?person=sunhua",
            "/password",
        ],
        "guanli": [
            "/admin",
            "/admin/units",
            "/admin/units/LL01",
            "/admin/people",
            "/admin/people/new",
            "/admin/people/limin",
            "/admin/inspectors",
            "/admin/campaigns/new",
            "/admin/campaigns/CC2026",
            "/admin/checklists",
            "/admin/checklists/DIST",
            "/admin/ladders",
            "/admin/ladders/deadline",
            "/admin/calendars",
            "/admin/audit",
            "/campaigns/CC2026/rotas",
        ],
    }


@pytest.mark.parametrize(
    ("device", "scheme"), [(PHONE, "light"), (DESK, "dark")], ids=["phone, light", "desk, dark"]
)
def test_every_page_is_accessible(app: FastAPI, world: World, device: dict[str, Any], scheme: str) -> None:
    found: list[str] = []
    wide: list[str] = []
    with chromium() as browser, serving(app) as address:
        for login, paths in pages(world).items():
            person = Person(browser, address, color_scheme=scheme, **device)
            if login:
                person.sign_in(login)
            for path in paths:
                person.page.goto(path)
                person.page.evaluate(OPEN_ALL)
                violations = Axe().run(person.page).response["violations"]
                found += [f"{path}: {each['id']} {each['nodes'][0]['target']}" for each in violations]
                width = person.page.evaluate("document.documentElement.scrollWidth")
                if width > device["viewport"]["width"]:
                    wide.append(f"{path}: {width}")
    assert not found
    assert not wide
