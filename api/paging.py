"""Keyset paging: `?limit=&cursor=` → `{"items": […], "next": "…"|null}`; no item is lost or doubled by new rows."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Paged(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=50, ge=1, le=200, description="Items on a page.")
    cursor: str | None = Field(
        default=None, max_length=200, description="`next` of the page before; left out for the first page."
    )
