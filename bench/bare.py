"""The bare baseline: one insert and commit behind a FastAPI `def` route, with nothing of ours in between."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from uuid import UUID

from fastapi import FastAPI
from pydantic import BaseModel, Field
from sqlalchemy import Column, DateTime, MetaData, Table, Text, Uuid, create_engine, insert
from uuid_utils.compat import uuid7

findings = Table(
    "bare_findings",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    *(
        Column(name, Text, nullable=False)
        for name in ("campaign", "unit", "description", "level", "category")
    ),
    Column("location", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
)


class Finding(BaseModel):
    """The same body the real call takes."""

    campaign: str = Field(max_length=24)
    unit: str = Field(max_length=24)
    description: str = Field(max_length=4000)
    level: str
    category: str = Field(max_length=100)
    location: str = Field(max_length=200)


class Inserted(BaseModel):
    """The key of the row."""

    id: UUID


def application() -> FastAPI:
    """The application; the database is the one of CHUNCHA_DATABASE_URL, with a table of its own."""
    engine = create_engine(os.environ["CHUNCHA_DATABASE_URL"], pool_size=16, max_overflow=4)
    findings.metadata.create_all(engine)
    app = FastAPI()

    @app.get("/healthz")
    def alive() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/findings", status_code=201)
    def submit(finding: Finding) -> Inserted:
        key = uuid7()
        with engine.begin() as connection:
            connection.execute(
                insert(findings).values(id=key, recorded_at=datetime.now(UTC), **finding.model_dump())
            )
        return Inserted(id=key)

    return app
