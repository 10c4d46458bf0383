"""Places (检查点): what a QR code on a pole, a cabinet or a door stands for."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.records.base import Base, Key
from domain.records.people import Unit


class Place(Base):
    """A place with a code that is printed, scanned and typed. Retired places keep their findings, and their code."""

    __tablename__ = "places"

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    note: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()

    unit: Mapped[Unit] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
    __table_args__ = (
        CheckConstraint("code ~ '^[A-Za-z0-9][A-Za-z0-9-]{0,31}$'", name="code_form"),
        CheckConstraint("name <> ''", name="named"),
        CheckConstraint("(lat IS NULL) = (lon IS NULL)", name="position_whole"),
        CheckConstraint("lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180", name="position_on_earth"),
    )
