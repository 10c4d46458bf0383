"""What every table shares: naming of constraints, keys, time and enumerated text."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import DateTime, Enum, MetaData, Text, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, mapped_column
from uuid_utils.compat import uuid7

#: Constraint names are part of the contract: domain/refusals_from_database.py turns them into sentences.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Instant(TypeDecorator[datetime]):
    """A moment: timestamptz in the database, aware UTC in Python; naive values are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The declarative base of every record."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: Instant, dict[str, Any]: JSONB, list[Any]: JSONB, str: Text}  # noqa: RUF012


#: A UUIDv7: sortable by creation, made by the application or by the phone that submitted the record.
Key = Annotated[UUID, mapped_column(primary_key=True, default=uuid7)]


def words(kind: type[StrEnum]) -> Enum:
    """A column type holding the *values* of a StrEnum as text with a CHECK constraint."""
    return Enum(
        kind,
        native_enum=False,
        length=24,
        create_constraint=True,
        name=f"known_{kind.__name__.lower()}",
        values_callable=lambda members: [member.value for member in members],
    )
