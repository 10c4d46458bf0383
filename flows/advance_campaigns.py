"""The flow that begins the phases of campaigns on their day."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from prefect import flow
from pydantic import AwareDatetime

from domain.flow_runs import beat
from domain.planning import advance_campaigns as advance
from flows.here import opened, worked


@flow(name="advance-campaigns")
async def advance_campaigns(
    as_of: AwareDatetime | None = None, *, dry_run: bool = False, request: UUID | None = None
) -> dict[str, Any]:
    """Begin every phase whose day has come; where a rule refuses, tell the supervisors once what is missing.

    `as_of` takes that moment's day; `dry_run` says what would begin or be held back, and changes nothing.
    """
    return await worked("advance-campaigns", run, as_of, dry_run=dry_run, request=request)


def run(as_of: datetime, *, dry_run: bool, request: UUID | None = None) -> dict[str, Any]:
    """Look at every campaign in one transaction."""
    with (
        opened() as here,
        beat(here.database, "advance-campaigns", dry_run=dry_run, request=request) as outcome,
        here.database.transaction() as session,
    ):
        outcome.update(advance(session, as_of=as_of, dry_run=dry_run).said())
    return outcome
