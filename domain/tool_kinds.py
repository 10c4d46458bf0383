"""Kinds of safety tools (安全工器具): how they are counted, how long a passed test lasts, what the test measures.

Intervals and tests are those of domain rules 4. Where the sources disagree (detectors, harnesses, earthing sets) the
longer state-grid interval is the default; a tool's own `test_interval_months` goes before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ToolKind:
    """How tools of a kind are counted, how many months a passed test lasts, and what its test measures (name, unit)."""

    measure_unit: str
    test_interval_months: int
    measured: tuple[tuple[str, str], ...] = ()


_VOLTAGE = ("工频耐压", "kV")
_LEAKAGE = ("泄漏电流", "mA")
_RESISTANCE = ("成组直流电阻", "mΩ")
_LOAD = ("静负荷", "N")


KINDS: Mapping[str, ToolKind] = {
    "拉闸杆": ToolKind("付", 12, (_VOLTAGE,)),
    "绝缘操作杆": ToolKind("付", 12, (_VOLTAGE,)),
    "验电笔": ToolKind("支", 12, (("启动电压", "kV"), _VOLTAGE)),
    "验电器": ToolKind("支", 12, (("启动电压", "kV"), _VOLTAGE)),
    "接地棒": ToolKind("付", 60, (_RESISTANCE,)),
    "接地线": ToolKind("付", 60, (_RESISTANCE,)),
    "个人保安线": ToolKind("付", 60, (_RESISTANCE,)),
    "绝缘手套": ToolKind("付", 6, (_VOLTAGE, _LEAKAGE)),
    "绝缘靴": ToolKind("双", 6, (_VOLTAGE, _LEAKAGE)),
    "绝缘垫": ToolKind("块", 12, (_VOLTAGE,)),
    "安全帽": ToolKind("顶", 30),  # by the life of a plastic helmet, two and a half years from manufacture
    "安全带": ToolKind("付", 12, (_LOAD,)),
    "脚扣": ToolKind("付", 12, (_LOAD,)),
    "升降板": ToolKind("付", 6, (_LOAD,)),
    "竹木梯": ToolKind("架", 6, (_LOAD,)),
    "核相器": ToolKind("套", 12, (_VOLTAGE,)),
    "带电工器具": ToolKind("组", 6, (_VOLTAGE,)),
}
