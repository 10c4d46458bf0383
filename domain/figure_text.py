"""How a figure of a snapshot is found and printed: by its JSON pointer, so that text and figure can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.rates import DASH


class NoSuchFigure(LookupError):
    """A paper names a figure the snapshot does not have."""


@dataclass(frozen=True, slots=True)
class Said:
    """A piece of a sentence. `figure` is the pointer of the figure it prints, None for words of the records."""

    text: str
    figure: str | None = None


def at(snapshot: Mapping[str, Any], pointer: str) -> Any:
    """The value at a JSON pointer ("/hazards/all/total"). Raises NoSuchFigure."""
    value: Any = snapshot
    for step in pointer.removeprefix("/").split("/"):
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise NoSuchFigure(pointer) from error
    return value


def plain_number(number: Decimal) -> str:
    """A quantity as people write it: 4500, 12.5."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def printed(value: Any) -> str:
    """A figure as the paper prints it.

    A rate is 93.33% or a dash, a mean its two decimals or a dash, a quantity its number, 余 when it is a lower bound,
    and its unit of measure (285余根).
    """
    if isinstance(value, Mapping):
        if "percent" in value:
            return DASH if value["percent"] is None else f"{value['percent']}%"
        if "quantity" in value:
            more = "余" if value["approximate"] else ""
            return f"{value['quantity']}{more}{value['measure_unit']}"
        return DASH if value["value"] is None else str(value["value"])
    return DASH if value is None else str(value)


def figure(snapshot: Mapping[str, Any], pointer: str) -> Said:
    """The printed figure at a pointer. Raises NoSuchFigure."""
    return Said(printed(at(snapshot, pointer)), pointer)
