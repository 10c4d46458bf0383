"""Many rows at once: read by one list of keys, written by one statement (docs/performance.md).

Rows to be written travel as one JSON parameter and are taken apart by PostgreSQL. The text of a statement is the same
however many rows there are, so it is put into words, sent and planned once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    ARRAY,
    JSON,
    ColumnElement,
    FromClause,
    Text,
    TextClause,
    Uuid,
    any_,
    bindparam,
    cast,
    column,
    func,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import dialect, insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from domain.records import Base

Row = Mapping[str, Any]
"""A value for each column, by its name. All rows of one call name the same columns."""


def among(
    key: InstrumentedAttribute[UUID] | InstrumentedAttribute[UUID | None], keys: Iterable[UUID]
) -> ColumnElement[bool]:
    """Whether the key is one of these, however many: a single parameter."""
    return key == any_(literal(list(keys), ARRAY(Uuid)))


def insert_rows(
    session: Session, record: type[Base], rows: Sequence[Row], *, once: str | None = None
) -> None:
    """Insert them all. A row whose value in the unique column `once` is there already is left out."""
    if not rows:
        return
    session.connection().execute(_insertion(record, tuple(rows[0]), once), {"rows": _json(rows)})


@cache
def _insertion(record: type[Base], names: tuple[str, ...], once: str | None) -> TextClause:
    """The statement, put into words once: SQLAlchemy keeps no words of PostgreSQL's own INSERT."""
    table = record.__table__
    statement = insert(table).from_select(  # type: ignore[arg-type]
        names, select(_recordset(table, names)), include_defaults=False
    )
    if once is not None:
        statement = statement.on_conflict_do_nothing(index_elements=[once])
    return text(str(statement.compile(dialect=dialect(paramstyle="named"))))  # type: ignore[no-untyped-call]


def update_rows(session: Session, record: type[Base], rows: Sequence[Row]) -> None:
    """Set the columns of existing rows, found by their `id`."""
    if not rows:
        return
    table = record.__table__
    names = list(rows[0])
    given = _recordset(table, names)
    values = {name: given.c[name] for name in names if name != "id"}
    session.connection().execute(
        update(table).where(table.c.id == given.c.id).values(values),  # type: ignore[arg-type]
        {"rows": _json(rows)},
    )


def _recordset(table: FromClause, names: Sequence[str]) -> FromClause:
    columns = [column(name, table.c[name].type) for name in names]
    given = cast(bindparam("rows", type_=Text), JSON)
    return func.json_to_recordset(given).table_valued(*columns).render_derived(name="given", with_types=True)


def _json(rows: Sequence[Row]) -> str:
    return orjson.dumps(rows).decode()
