"""Units (局 → 所/站 → 班组), people, the roles they hold, and their ways in."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.records.base import Base, Key, words
from statemachines.roles import Role


class UnitKind(StrEnum):
    """The three floors of the tree."""

    BUREAU = "bureau"
    STATION = "station"
    TEAM = "team"


class Unit(Base):
    """A bureau, station or team. `path` holds the codes from the root ("/XB/XB03/"): a subtree is a prefix."""

    __tablename__ = "units"

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    kind: Mapped[UnitKind] = mapped_column(words(UnitKind))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    path: Mapped[str] = mapped_column(unique=True)
    ladders: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Ladders for what belongs to no campaign (tools, suggestions), for this unit and below; None: those above."""

    __table_args__ = (
        CheckConstraint("name <> ''", name="name_given"),
        CheckConstraint("path = '/' OR path LIKE '/%/'", name="path_form"),
        # Read by every visibility query: path LIKE '/XB/%'.
        Index("ix_units_path_prefix", "path", postgresql_ops={"path": "text_pattern_ops"}),
    )


class Person(Base):
    """Somebody who logs in, is told things, or is named in a record. Never deleted, only deactivated."""

    __tablename__ = "people"

    id: Mapped[Key]
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    email: Mapped[str | None]
    phone: Mapped[str | None]
    password_hash: Mapped[str | None]
    password_is_one_time: Mapped[bool] = mapped_column(default=False)
    language: Mapped[str] = mapped_column(default="zh")
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]

    unit: Mapped[Unit] = relationship(lazy="raise")
    grants: Mapped[list[RoleGrant]] = relationship(lazy="raise", back_populates="person")

    __table_args__ = (
        CheckConstraint("login <> '' AND login !~ '[[:space:]]'", name="login_one_word"),
        CheckConstraint("name <> ''", name="name_given"),
    )


class RoleGrant(Base):
    """A role a person holds in one unit and everything below it."""

    __tablename__ = "role_grants"

    id: Mapped[Key]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    role: Mapped[Role] = mapped_column(words(Role))
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))

    person: Mapped[Person] = relationship(lazy="raise", back_populates="grants")
    unit: Mapped[Unit] = relationship(lazy="raise")

    __table_args__ = (UniqueConstraint("person_id", "role", "unit_id"),)


class ApiToken(Base):
    """A bearer token of a program or person; only its SHA-256 is kept."""

    __tablename__ = "api_tokens"

    id: Mapped[Key]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    note: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class WebLogin(Base):
    """A server-side web session; the cookie holds a secret of which only the SHA-256 is kept."""

    __tablename__ = "web_logins"

    id: Mapped[Key]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    csrf_token: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class LoginFailure(Base):
    """Wrong passwords by login name, so that guessing is slowed (see domain/access.py)."""

    __tablename__ = "login_failures"

    login: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime]
