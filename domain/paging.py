"""Keyset paging: a cursor says where the last page ended, so a page costs the same however deep it is."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from domain.errors import BadInput

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """A page of a list and the cursor of the next one, None at the end."""

    items: list[Row]
    next: str | None


@dataclass(frozen=True, slots=True)
class Key:
    """A column a list is sorted by, and how its value is read back from a cursor."""

    column: InstrumentedAttribute[Any]
    read: Callable[[str], object]


def page_of(
    session: Session,
    query: Select[tuple[Row]],
    *keys: Key,
    limit: int,
    cursor: str | None,
    newest_first: bool = False,
) -> Page[Row]:
    """One page of `query` sorted by `keys`, which together are unique. Raises BadInput for a wrong cursor."""
    columns = [key.column for key in keys]
    if cursor:
        place = tuple_(
            *(literal(value, key.column.type) for key, value in zip(keys, _decode(cursor, keys), strict=True))
        )
        after = tuple_(*columns)
        query = query.where(after < place if newest_first else after > place)
    query = query.order_by(*(column.desc() if newest_first else column for column in columns))
    rows = list(session.scalars(query.limit(limit + 1)))
    if len(rows) <= limit:
        return Page(rows, None)
    last = rows[limit - 1]
    return Page(rows[:limit], _encode([getattr(last, column.key) for column in columns]))


def _encode(values: list[object]) -> str:
    return (
        base64.urlsafe_b64encode(json.dumps([str(value) for value in values]).encode()).decode().rstrip("=")
    )


def _decode(cursor: str, keys: tuple[Key, ...]) -> list[object]:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [key.read(value) for key, value in zip(keys, values, strict=True)]
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise BadInput(
            "/cursor",
            "cursor",
            zh="翻页标记无效，请从第一页重新查询。",
            en="This cursor is not valid; start again from the first page.",
        ) from error
