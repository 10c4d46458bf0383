"""A campaign with something of everything, and its figures frozen."""

from __future__ import annotations

import csv
from decimal import Decimal
from typing import Any

from domain.calls import CallBack, NewCall, call_back, settle, take_call
from domain.campaigns import campaign_by_code
from domain.figures import freeze_figures
from domain.quantities import NewQuantity, record_quantities
from domain.sample_checks import SampleCheck, check_sampled, sampled_by_number
from domain.samples import SPRING_INSPECTION_FIGURES, sample
from domain.sampling import NewDraw, draw
from statemachines.roles import SYSTEM
from tests.world import World

APPROXIMATE = {"线路歪杆", "安全扑克及安全宣传画", "影响线路运行的树木", "各类缺陷"}
STATIONS = ("LL01", "SQ02")


def seed_rows() -> list[dict[str, str]]:
    """The figures of a real spring inspection."""
    return list(csv.DictReader(sample(SPRING_INSPECTION_FIGURES).decode().splitlines()))


def counts_as(group: str) -> str:
    """How a row of the figures enters a sum."""
    return "total" if group.endswith("合计") else "unclear" if group.endswith("不明") else "part"


def seed_quantities() -> list[dict[str, Any]]:
    """The rows as quantity records, the parts spread over two stations."""
    records = []
    for row in seed_rows():
        kind, quantity = counts_as(row["group"]), Decimal(row["quantity"])
        shares = [quantity] if kind == "total" else [quantity // 3, quantity - quantity // 3]
        records += [
            {
                "action": row["action"],
                "item": row["item"],
                "quantity": str(share),
                "measure_unit": row["unit"],
                "approximate": row["item"] in APPROXIMATE,
                "counts_as": kind,
                "unit": STATIONS[place],
                "date": "2026-03-20",
            }
            for place, share in enumerate(shares)
        ]
    return records


def record_all(world: World, records: list[dict[str, Any]]) -> None:
    actor = world.actor("zhaozhuren")
    with world.database.transaction() as session:
        campaign = campaign_by_code(session, "CC2026", actor=actor)
        told = [NewQuantity.model_validate(each) for each in records]
        record_quantities(session, campaign, told, actor=actor, now=world.now)


def frozen(world: World) -> dict[str, Any]:
    """The snapshot as it would be now."""
    with world.database.reading(snapshot=True) as session:
        campaign = campaign_by_code(session, "CC2026", actor=SYSTEM)
        return freeze_figures(session, campaign, cut_off=world.now)


def play(world: World) -> World:
    """Hazards in every state, one return, one overdue, and all the seed's quantities."""
    done = world.fixed(description="10kV 柳林线 27# 变台渗漏油 | <b>严重</b>")
    world.do(done.number, "verify", by="limin", passed=True, opinion="合格")
    back = world.fixed(unit="LL01-A", category="安全管理/工作票", level="serious")
    world.do(back.number, "verify", by="limin", passed=False, opinion="仍不合格")
    world.assigned(unit="SQ02", to="zhouhai", category="劳动安全和作业环境/防护用品")
    world.fixed()
    world.find(unit="SQ02", description="配电室门未上锁，通道堆放杂物，灭火器过期未更换，应急照明损坏")
    gone = world.find()
    world.do(gone.number, "cancel", by="zhaozhuren", kind="not_a_hazard", reason="现场核实并非隐患")
    record_all(world, seed_quantities())
    _sampled(world, done.number)
    _called(world)
    world.later(days=10)
    return world


def _sampled(world: World, passes: str) -> None:
    """Everything fixed is drawn for the re-check; one ticket passes, the other waits."""
    actor = world.actor("zhaozhuren")
    with world.database.transaction() as session:
        campaign = campaign_by_code(session, "CC2026", actor=actor, lock=True)
        draw(session, campaign, NewDraw(seed="2026-04-07"), actor=actor, now=world.now)
    checker = world.actor("zhangqiang")
    with world.database.transaction() as session:
        campaign = campaign_by_code(session, "CC2026", actor=checker)
        sampled = sampled_by_number(session, campaign, passes, actor=checker, lock=True)
        check_sampled(
            session, sampled, SampleCheck(passed=True, opinion="无渗漏"), actor=checker, now=world.now
        )


def _called(world: World) -> None:
    """Three calls: one settled to the caller's satisfaction, one answered, one not yet."""
    actor = world.actor("zhaozhuren")
    told = [
        {"way": "phone", "content": "变台有异响", "answer": "已派人查看"},
        {"way": "visit", "content": "拉线松弛", "answer": "当日处理"},
        {"way": "phone", "content": "灭火器过期"},
    ]
    with world.database.transaction() as session:
        taken = [
            take_call(
                session,
                NewCall.model_validate({**each, "unit": "LL01", "campaign": "CC2026"}),
                actor=actor,
                now=world.now,
            )
            for each in told
        ]
        call_back(session, taken[0], CallBack(satisfied=True), actor=actor, now=world.now)
        settle(session, taken[0], actor=actor, now=world.now)
