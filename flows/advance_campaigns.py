"""The flow that begins the phases of campaigns on their day."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from prefect import flow
from pydantic import AwareDatetime

from domain.clock import real_time
from domain.heartbeats import beat
from domain.planning import advance_campaigns as advance
from flows.here import opened


@flow(name="advance-campaigns")
async def advance_campaigns(as_of: AwareDatetime | None = None, *, dry_run: bool = False) -> dict[str, Any]:
    """Begin every phase whose day has come; where a rule refuses, tell the supervisors once what is missing.

    `as_of` takes that moment's day; `dry_run` says what would begin or be held back, and changes nothing.
    """
    return await asyncio.to_thread(run, as_of or real_time(), dry_run=dry_run)


def run(as_of: datetime, *, dry_run: bool) -> dict[str, Any]:
    """Look at every campaign in one transaction."""
    with (
        opened() as here,
        beat(here.database, "advance-campaigns", dry_run=dry_run) as outcome,
        here.database.transaction() as session,
    ):
        outcome.update(advance(session, as_of=as_of, dry_run=dry_run).said())
    return outcome
