"""The trade's grammar: verbs, objects, 共 and 余."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.quantity_figures import EQUIPMENT, TOOLS, topic_of, totals_of
from domain.quantity_sentences import quantity_sentences, topics

ACTIONS = ["处理", "检修", "清扫", "更换"]


def item(action: str, name: str, quantity: object, unit: str, **more: Any) -> dict[str, Any]:
    return {
        "topic": EQUIPMENT,
        "action": action,
        "item": name,
        "measure_unit": unit,
        "counts_as": "part",
        "quantity": str(quantity),
        "approximate": False,
        "records": 1,
        **more,
    }


def said(items: list[dict[str, Any]], topic: str = EQUIPMENT) -> list[str]:
    snapshot = {"quantities": {"items": items, "by_unit": [], "totals": totals_of(items)}}
    return ["".join(piece.text for piece in sentence) for sentence in quantity_sentences(snapshot, topic)]


def test_objects_share_a_verb_and_verbs_come_in_first_seen_order() -> None:
    items = [
        item("处理", "渗漏变压器", 47, "台"),
        item("更换", "高压跌落保险", 8, "组"),
        item("校正", "线路歪杆", 285, "根", approximate=True),
        item("更换", "变台二次引线", 12, "处"),
    ]
    assert said(items) == [
        "共处理渗漏变压器47台，更换高压跌落保险8组、变台二次引线12处，校正线路歪杆285余根。"
    ]


def test_tested_tools_have_a_total_though_each_kind_has_its_own_unit() -> None:
    items = [
        item("试验", "拉闸杆", 49, "付", topic=TOOLS),
        item("试验", "验电笔", 42, "支", topic=TOOLS),
        item("更换", "安全帽", 50, "顶", topic=TOOLS),
        item("试验", "带电工器具", 50, "组", topic=TOOLS, counts_as="unclear"),
        item("试验", "拉闸杆", 45, "根", topic=TOOLS, counts_as="unclear"),
    ]
    assert said(items, TOOLS) == [
        "共试验安全工器具91付(双)，其中拉闸杆49付、验电笔42支；更换安全帽50顶。",
        "另有带电工器具50组、拉闸杆45根，原始记录未写明动作，单列，不计入合计。",
    ]


def test_units_that_checked_themselves_are_counted_first() -> None:
    assert said([item("自查", "基层农电所、站", 15, "个", topic="检查覆盖")], "检查覆盖") == [
        "共15个基层农电所、站进行了自查。"
    ]


def test_a_heading_without_records_says_nothing() -> None:
    assert said([], EQUIPMENT) == []


@pytest.mark.parametrize(
    ("topic", "action", "name", "under"),
    [
        ("", "试验", "绝缘靴", "安全工器具"),
        ("", "更换", "脚扣", "安全工器具"),
        ("", "试验", "带电工器具", "安全工器具"),
        ("工器具试验-合计", "试验", "安全工器具", "安全工器具"),
        ("", "更换", "高压跌落保险", "设备消缺"),
        ("", "发放", "安全宣传画", "宣传教育"),
        ("", "自查", "农电所、站", "检查覆盖"),
        ("", "修剪砍伐", "树木", "通道清障"),
        ("线路检修", "检修", "10kV线路", "线路检修"),
    ],
)
def test_a_record_finds_its_heading(topic: str, action: str, name: str, under: str) -> None:
    assert topic_of(topic, action, name) == under


names = st.text("变压器针瓶拉线引", min_size=1, max_size=4)
quantities = st.decimals(Decimal("0.01"), Decimal(99999), places=2).map(lambda d: f"{d.normalize():f}")
parts = st.lists(
    st.builds(
        item,
        st.sampled_from(ACTIONS),
        names,
        quantities,
        st.sampled_from("台根个处"),
        approximate=st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


@given(parts)
def test_every_part_is_said_once_with_its_number_and_unit(items: list[dict[str, Any]]) -> None:
    snapshot = {"quantities": {"items": items, "by_unit": [], "totals": totals_of(items)}}
    (sentence,) = quantity_sentences(snapshot, EQUIPMENT)
    pointers = [piece.figure for piece in sentence if piece.figure]
    assert sorted(pointers) == sorted(f"/quantities/items/{place}" for place in range(len(items)))
    text = "".join(piece.text for piece in sentence)
    for each in items:
        more = "余" if each["approximate"] else ""
        assert f"{each['item']}{each['quantity']}{more}{each['measure_unit']}" in text
    assert text.count("余") == sum(each["approximate"] for each in items)
    assert text.startswith("共") and text.count("共") == 1
    # Nothing is added across units of measure: no total is printed that nobody stated.
    assert "其中" not in text
    assert topics(snapshot) == [EQUIPMENT]


@given(st.lists(st.integers(1, 9999), min_size=2, max_size=8))
def test_the_tools_total_is_the_sum_of_its_parts(numbers: list[int]) -> None:
    items = [item("试验", f"工具{place}", n, "付", topic=TOOLS) for place, n in enumerate(numbers)]
    assert f"共试验安全工器具{sum(numbers)}付(双)，其中" in said(items, TOOLS)[0]
