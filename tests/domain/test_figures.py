"""A frozen figure follows the records, and a figure that does not add up is found and named."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from domain.figure_checks import Printed, check, check_text
from domain.figure_text import at
from domain.rates import Rate
from tests.figures import frozen, play, record_all, seed_quantities
from tests.world import World


@pytest.fixture
def snapshot(world: World) -> dict[str, Any]:
    """A campaign with something of everything, frozen."""
    return frozen(play(world))


def trial(quantity: int, item: str, measure_unit: str, **more: Any) -> dict[str, Any]:
    return {
        "action": "试验",
        "item": item,
        "quantity": quantity,
        "measure_unit": measure_unit,
        "unit": "LL01",
        "date": "2026-03-20",
        **more,
    }


PARTS = [
    ("拉闸杆", 49, "付"),
    ("验电笔", 42, "支"),
    ("接地棒", 47, "付"),
    ("绝缘手套", 27, "付"),
    ("绝缘靴", 28, "双"),
]
STATED = trial(193, "安全工器具", "付(双)", counts_as="total")


def test_what_is_frozen_adds_up(snapshot: dict[str, Any]) -> None:
    assert check(snapshot) == []
    assert snapshot["hazards"]["all"]["total"] == 6
    assert snapshot["hazards"]["counted"] == 5
    assert snapshot["open"]["total"] == 4
    assert snapshot["open"]["listed"][0]["level"] == "serious"
    assert "GROUPING SETS" in snapshot["queries"]["hazards"]


def test_the_sample_and_the_calls_are_counted_as_they_were(snapshot: dict[str, Any]) -> None:
    sample, calls = snapshot["samples"]["recheck"], snapshot["calls"]
    assert {**sample["counts"], "pass_rate": None} == {
        "drawn": 2,
        "checked": 1,
        "passed": 1,
        "failed": 0,
        "waiting": 1,
        "pass_rate": None,
    }
    assert [(unit["code"], unit["counts"]["drawn"]) for unit in sample["by_unit"]] == [("LL01", 2)]
    assert sample["draws"][0]["seed"] == "2026-04-07"
    assert (calls["received"], calls["answered"], calls["settled"]) == (3, 2, 1)
    assert str(Rate(**calls["answered_rate"])) == "66.67%"
    assert [(way["way"], way["received"]) for way in calls["by_way"]] == [("phone", 2), ("visit", 1)]


def test_a_snapshot_from_before_samples_and_calls_still_stands(snapshot: dict[str, Any]) -> None:
    older = {name: value for name, value in snapshot.items() if name not in ("samples", "calls")}
    assert check(older) == []


def test_a_tampered_sample_cell_is_refused(snapshot: dict[str, Any]) -> None:
    changed = copy.deepcopy(snapshot)
    changed["samples"]["recheck"]["cells"][0]["counts"]["failed"] += 1
    assert {each.name_zh[:4] for each in check(changed)} == {"复查抽样"}


def test_a_stated_193_stands_because_its_parts_add_up(world: World) -> None:
    record_all(world, [trial(n, item, unit) for item, n, unit in PARTS] + [STATED])
    whole = frozen(world)
    assert whole["quantities"]["totals"][0]["quantity"] == "193"
    assert check(whole) == []


def test_one_part_less_and_the_stated_193_is_refused_by_name(world: World) -> None:
    record_all(world, [trial(48 if n == 49 else n, item, unit) for item, n, unit in PARTS] + [STATED])
    (wrong,) = check(frozen(world))
    assert (wrong.figure, wrong.stated) == ("/quantities/totals/0", "193")
    assert wrong.recomputed == "48+42+47+27+28=192"
    assert wrong.sentence("zh") == "试验安全工器具合计：写为193，按记录核算为48+42+47+27+28=192"
    assert "stated 193" in wrong.sentence("en")


def test_a_total_across_units_of_measure_is_refused(world: World) -> None:
    work = {"action": "处理", "unit": "LL01", "date": "2026-03-20", "topic": "设备消缺"}
    record_all(
        world,
        [
            {**work, "item": "渗漏变压器", "quantity": 4, "measure_unit": "台"},
            {**work, "item": "拉线", "quantity": 6, "measure_unit": "处"},
            {**work, "item": "缺陷", "quantity": 10, "measure_unit": "处", "counts_as": "total"},
        ],
    )
    (wrong,) = check(frozen(world))
    assert wrong.stated == "处"
    assert wrong.recomputed == "台、处"


def test_a_figure_follows_one_more_record(world: World) -> None:
    record_all(world, seed_quantities())
    before = {item["item"]: item["quantity"] for item in frozen(world)["quantities"]["items"]}
    record_all(
        world,
        [
            {
                "action": "清扫",
                "item": "针瓶",
                "quantity": 1,
                "measure_unit": "个",
                "unit": "LL01",
                "date": "2026-03-21",
            }
        ],
    )
    after = {item["item"]: item["quantity"] for item in frozen(world)["quantities"]["items"]}
    assert (before["针瓶"], after["针瓶"]) == ("4500", "4501")
    assert {k: v for k, v in before.items() if k != "针瓶"} == {k: v for k, v in after.items() if k != "针瓶"}


def test_one_visit_missing_of_fifteen_is_93_33(world: World) -> None:
    assert str(Rate.of(14, 15)) == "93.33%"
    assert str(Rate.of(137354, 141911)) == "96.79%"  # printed as 97.28 % in a published report


TAMPERED = [
    ("/hazards/all/total", 7, "隐患"),
    ("/hazards/all/verified", 2, "隐患"),
    ("/hazards/counted", 6, "不含作废"),
    ("/hazards/by_level/general/tally/total", 99, "等级"),
    ("/hazards/by_category/0/tally/found", 9, "类别"),
    ("/hazards/by_station/0/counted", 9, "单位"),
    ("/hazards/by_unit/0/tally/cancelled", 9, "单位"),
    ("/hazards/rates/rectified/percent", "97.28", "指标"),
    ("/hazards/average_fix_days/value", "1.00", "指标"),
    ("/coverage/visited", 3, "覆盖"),
    ("/coverage/rate/percent", "100.00", "覆盖"),
    ("/inspections/pass_rate/percent", "88.00", "检查"),
    ("/quantities/items/0/quantity", "194", "试验"),
    ("/quantities/totals/0/quantity", "194", "试验安全工器具合计"),
    ("/open/total", 3, "未销号"),
    ("/extensions/total", 3, "延期"),
    ("/samples/recheck/counts/drawn", 3, "复查抽样"),
    ("/samples/recheck/counts/pass_rate", {"part": 2, "whole": 2, "percent": "100.00"}, "复查抽样"),
    ("/samples/recheck/by_level/general/counts/passed", 2, "复查抽样"),
    ("/samples/recheck/by_unit/0/counts/failed", 1, "复查抽样"),
    ("/samples/recheck/by_unit", [], "复查抽样"),
    ("/samples/recheck/draws", [], "复查抽样"),
    ("/calls/received", 4, "来电来访"),
    ("/calls/answered", 3, "来电来访"),
    ("/calls/satisfied_rate/percent", "99.00", "来电来访"),
    ("/calls/by_way/0/answered", 9, "来电来访"),
    ("/mobilisation/held_on", "2025-02-26", "动员"),
    ("/cut_off", "2027-01-01T00:00:00+08:00", "日期"),
    ("/phases/inspecting/to", "2026-01-01", "日期"),
]


def test_a_tampered_figure_is_refused_by_name(snapshot: dict[str, Any], subtests: pytest.Subtests) -> None:
    for pointer, value, named in TAMPERED:
        with subtests.test(pointer):
            changed = copy.deepcopy(snapshot)
            place, _, name = pointer.rpartition("/")
            holder = at(changed, place) if place else changed
            holder[int(name) if isinstance(holder, list) else name] = value
            wrong = check(changed)
            assert any(named in mismatch.name_zh for mismatch in wrong)


def test_a_tampered_cell_is_refused_too(snapshot: dict[str, Any]) -> None:
    changed = copy.deepcopy(snapshot)
    changed["hazards"]["cells"][0]["tally"]["verified"] += 1
    assert check(changed)


def test_a_paper_prints_figures_as_they_are_and_types_none(snapshot: dict[str, Any]) -> None:
    good = [Printed("共排查隐患"), Printed("5", figure="/hazards/counted"), Printed("10kV 线路", given=True)]
    assert check_text(snapshot, good) == []
    (typed,) = check_text(snapshot, [Printed("共排查隐患5项")])
    assert "无出处" in typed.name_zh
    (other,) = check_text(snapshot, [Printed("6", figure="/hazards/counted")])
    assert (other.stated, other.recomputed) == ("6", "5")
    (unchecked,) = check_text(snapshot, [Printed("1", figure="/schema")])
    assert unchecked.figure == "/schema"
