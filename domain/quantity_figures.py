"""Quantity records added up for the summary: by action, item and unit of measure, never across units of measure.

Whatever is one total by the trade's own rule is in `totals`: what somebody stated as a total, and the safety tools
tested, whose 付, 支 and 双 all count single pieces (domain rules 5.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import String, Text, case, cast, func, null, select
from sqlalchemy.orm import Session

from domain.figure_text import plain_number
from domain.records import Campaign, CountsAs, QuantityRecord, Unit
from domain.tool_kinds import KINDS
from domain.tool_tests import TESTING

TOOLS = "安全工器具"
EQUIPMENT = "设备消缺"
PUBLICITY = "宣传教育"
CHECKS = "检查覆盖"
CLEARING = "通道清障"

TOOL_PIECES = "付(双)"
"""How the trade counts tools of several kinds together: 共试验安全工器具193付(双)."""

PIECES = frozenset({"付", "支", "双", "件"})
"""Measures that each count one tool. 50组 or 45根 are something else and stand beside the 193."""

#: Headings people use for the same thing.
_SAME_TOPIC = {
    "工器具试验": TOOLS,
    "工器具试验-合计": TOOLS,
    "工器具更换": TOOLS,
    "工器具-动词不明": TOOLS,
}

_TOPIC_OF_ACTION = {"发放": PUBLICITY, "自查": CHECKS, "修剪砍伐": CLEARING}


def topic_of(topic: str, action: str, item: str) -> str:
    """The heading a record belongs under; an empty `topic` is found from what was done to what."""
    if topic:
        return _SAME_TOPIC.get(topic, topic)
    if (item in KINDS or item.endswith("工器具")) and action in (TESTING, "更换"):
        return TOOLS
    return _TOPIC_OF_ACTION.get(action, EQUIPMENT)


def quantity_figures(session: Session, campaign: Campaign) -> dict[str, Any]:
    """`items` in the order they were first recorded, `by_unit` the same unit by unit, and `totals`.

    An item is `{topic, action, item, measure_unit, counts_as, quantity, approximate, records}`; stated totals are not
    added up but kept apart by what they state.
    """
    items = _added(session, campaign, per_unit=False)
    return {
        "items": items,
        "by_unit": _added(session, campaign, per_unit=True),
        "totals": totals_of(items),
    }


def _added(session: Session, campaign: Campaign, *, per_unit: bool) -> list[dict[str, Any]]:
    record = QuantityRecord
    stated = case((record.counts_as == CountsAs.TOTAL, record.quantity), else_=null())
    keys: list[Any] = [
        record.topic,
        record.action,
        record.item,
        record.measure_unit,
        record.counts_as,
        stated,
    ]
    if per_unit:
        keys += [Unit.code, Unit.name]
    in_order = [Unit.path] if per_unit else []
    rows = session.execute(
        select(
            *keys,
            func.sum(record.quantity),
            func.bool_or(record.approximate),
            func.count(),
        )
        .join(Unit, Unit.id == record.unit_id)
        .where(record.campaign_id == campaign.id)
        .group_by(*keys, *in_order)
        # Keys sort by the moment they were made, so the smallest is the first seen.
        .order_by(*in_order, func.min(cast(cast(record.id, Text), String(collation="C"))))
    ).all()
    # Two headings may be names of one: add once more under the name they share.
    merged: dict[tuple[Any, ...], dict[str, Any]] = {}
    for topic, action, item, measure, counts_as, said, *unit, added, approximate, records in rows:
        heading = topic_of(topic, action, item)
        key = (heading, action, item, measure, counts_as, said, *unit)
        known = merged.get(key)
        if known is None:
            merged[key] = {
                "topic": heading,
                "action": action,
                "item": item,
                "measure_unit": measure,
                "counts_as": counts_as.value,
                "quantity": added if said is None else said,
                "approximate": approximate,
                "records": records,
                **dict(zip(("unit", "unit_name"), unit, strict=False)),
            }
            continue
        known["quantity"] += added if said is None else 0
        known["approximate"] |= approximate
        known["records"] += records
    return [{**entry, "quantity": plain_number(entry["quantity"])} for entry in merged.values()]


def is_part(item: Mapping[str, Any]) -> bool:
    """Whether an item enters the total of its heading and action: of safety tools, what is counted by the piece."""
    by_the_piece = item["topic"] != TOOLS or item["measure_unit"] in PIECES
    return bool(item["counts_as"] == CountsAs.PART and by_the_piece)


def totals_of(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One total for each action under a heading that has one, added from its parts; `stated` is what people stated.

    Safety tools of several kinds that were tested have a total even when nobody stated it.
    """
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for item in items:
        groups.setdefault((item["topic"], item["action"]), []).append(item)
    totals = []
    for (topic, action), members in groups.items():
        parts = [item for item in members if is_part(item)]
        stated = [item for item in members if item["counts_as"] == CountsAs.TOTAL]
        tools_tested = (topic, action) == (TOOLS, TESTING) and len(parts) > 1
        if not stated and not tools_tested:
            continue
        totals.append(
            {
                "topic": topic,
                "action": action,
                "item": stated[0]["item"] if stated else TOOLS,
                "measure_unit": stated[0]["measure_unit"] if stated else TOOL_PIECES,
                "quantity": plain_number(sum((Decimal(part["quantity"]) for part in parts), Decimal(0))),
                "approximate": any(part["approximate"] for part in parts),
                "stated": [item["quantity"] for item in stated],
            }
        )
    return totals
