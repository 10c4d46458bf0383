"""A small bureau on a throw-away installation, served by the real clock: what phones are measured and pictured with."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chuncha.app import create_app
from chuncha.demo.photos import Shot, scene_of
from chuncha.installation import open_installation
from domain.checklists import NewChecklist, put_checklist
from domain.file_store import FileStore
from domain.files import receive
from domain.hazards import NewHazard, put_hazard
from domain.inspections import NewInspection, create
from domain.places import NewPlace, add_place
from domain.settings import read_settings
from domain.tools import NewTool, register_tool
from statemachines.labels import local_day
from statemachines.roles import SYSTEM
from tests.forms.chromium import serving
from tests.world import World, build_world

GROUPS = ("杆塔与基础", "拉线与金具", "变压器台区")
LOOKED_AT = (
    "杆身无裂纹、露筋",
    "杆身倾斜不超过规定",
    "基础无下沉、冲刷",
    "编号牌、警示牌齐全清晰",
    "绝缘子无破损、闪络",
    "导线弧垂符合规定",
    "连接处无过热痕迹",
    "与树木距离符合规定",
    "接地引下线完好",
    "周围无违章施工",
)
HAZARDS = (
    ("BYQ-01", "生产设备/变压器台区", "变压器渗漏油", "serious", "停电更换密封垫，补油至标准油位", 7),
    ("XL-03", "生产设备/线路", "拉线松弛", "general", "调整拉线", 15),
    ("XL-07", "生产设备/线路", "绝缘子破损", "general", "更换绝缘子", 15),
    ("XL-11", "生产设备/线路", "导线对地距离不足", "major", "设警示牌，停电调整弧垂", 3),
    ("GJ-02", "安全工器具", "验电器超期未试验", "general", "停用，送检", 3),
)


@dataclass(frozen=True, slots=True)
class FieldStage:
    """Where it is served, and a visit of 30 items that 孙华, inspector at 柳林所检修班, is to make today."""

    world: World
    address: str
    visit: str
    ticket: str


@contextmanager
def field_stage() -> Iterator[FieldStage]:
    """Set it up in an empty folder, serve it, and take it down again."""
    with tempfile.TemporaryDirectory(prefix="chuncha-field-") as folder:
        settings = read_settings(data=Path(folder))
        with open_installation(settings, migrate=True, own=True) as installation:
            now = datetime.now(UTC)
            world = build_world(installation.database, now=now)
            visit, ticket = _equip(world, now), _assigned(world, installation.files)
            app = create_app(settings, database=installation.database, files=installation.files)
            with serving(app) as address:
                yield FieldStage(world, address, visit, ticket)


def _equip(world: World, now: datetime) -> str:
    today = local_day(now)
    items = [
        {
            "code": f"{letter}{place:02}",
            "category": category,
            "item": looked_at,
            "criterion": f"{looked_at}，按《配电网运行规程》检查。",
            "level": "一般",
            "measure": "按规程处理",
            "deadline_days": 15,
        }
        for letter, category in zip("ABC", GROUPS, strict=True)
        for place, looked_at in enumerate(LOOKED_AT, 1)
    ]
    with world.database.transaction() as session:
        new = NewChecklist.model_validate({"code": "PD", "name": "配电线路检查表", "items": items})
        put_checklist(session, new, actor=SYSTEM, now=now)
        names = ("code", "category", "title", "level", "measure", "deadline_days")
        for hazard in HAZARDS:
            told = NewHazard.model_validate(dict(zip(names, hazard, strict=True)))
            put_hazard(session, told, actor=SYSTEM, now=now)
        for number, days in (("YD-LL-01", 30), ("YD-LL-02", 500)):
            tool = {
                "number": number,
                "kind": "验电器",
                "unit": "LL01-A",
                "holder": "王建国",
                "spec": "10kV",
                "last_test_on": (today - timedelta(days=days)).isoformat(),
            }
            register_tool(session, NewTool.model_validate(tool), actor=SYSTEM, now=now)
        place = {"code": "LL-27", "name": "10kV 柳林线 27# 变台", "unit": "LL01-A", "lat": 34.5, "lon": 109.5}
        add_place(session, NewPlace.model_validate(place), actor=SYSTEM, now=now)
    with world.database.transaction() as session:
        wanted = NewInspection(campaign="CC2026", unit="LL01-A", checklist="PD", inspector="sunhua")
        return str(create(session, wanted, actor=world.actor("zhaozhuren"), now=now).id)


def shot(*, mended: bool = False, seed: int = 27, now: datetime | None = None) -> Shot:
    """A drawn photo of a transformer on its platform, leaking or mended."""
    scene = scene_of("生产设备/变压器台区")
    return Shot(scene, mended, now or datetime.now(UTC), 34.5, 109.5, seed)


def _assigned(world: World, files: FileStore) -> str:
    """A ticket with its photo, which 王建国 is to fix."""
    before = shot(now=world.now)
    ticket = world.assigned(
        description="27# 变台变压器渗漏油", lat=34.5, lon=109.5, unit="LL01-A", files=[before.listed()]
    )
    with world.database.transaction() as session:
        receive(session, files, before.sha256, before.data, actor=world.actor("limin"), now=world.now)
    return ticket.number
