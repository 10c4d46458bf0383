"""Rates with what they divide: two decimals, and a dash when there is nothing to divide by (domain rules 2.12)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Self

from pydantic import BaseModel, ConfigDict

DASH = "—"

_CENT = Decimal("0.01")


def two_decimals(part: int, whole: int, *, scale: int = 1) -> str | None:
    """`part / whole * scale` rounded half up to two decimals ("93.33"), None when `whole` is 0."""
    if whole == 0:
        return None
    return str((Decimal(part) * scale / Decimal(whole)).quantize(_CENT, ROUND_HALF_UP))


class Rate(BaseModel):
    """A percentage that keeps its numerator and denominator, so that anybody can divide again.

    `percent` is a text with two decimals ("93.33"), None when `whole` is 0.
    """

    model_config = ConfigDict(frozen=True)

    part: int
    whole: int
    percent: str | None

    @classmethod
    def of(cls, part: int, whole: int) -> Self:
        """The rate of `part` in `whole`."""
        return cls(part=part, whole=whole, percent=two_decimals(part, whole, scale=100))

    def __str__(self) -> str:
        return DASH if self.percent is None else f"{self.percent}%"


class Average(BaseModel):
    """A mean that keeps its sum and count. `value` is a text with two decimals, None when `count` is 0."""

    model_config = ConfigDict(frozen=True)

    total: int
    count: int
    value: str | None

    @classmethod
    def of(cls, total: int, count: int) -> Self:
        """The mean of `count` numbers that add up to `total`."""
        return cls(total=total, count=count, value=two_decimals(total, count))

    def __str__(self) -> str:
        return DASH if self.value is None else self.value
