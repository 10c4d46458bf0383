"""The flow that sends what waits in the outbox."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from prefect import flow
from pydantic import AwareDatetime

from domain.clock import real_time
from domain.delivery import deliver_all
from domain.heartbeats import beat
from flows.here import opened


@flow(name="deliver-notices")
async def deliver_notices(as_of: AwareDatetime | None = None, *, dry_run: bool = False) -> dict[str, Any]:
    """Send the notices that wait, each at least once; a message sent twice has the same Message-ID.

    `as_of` sends what waits at that moment; `dry_run` counts it and sends nothing.
    """
    return await asyncio.to_thread(run, as_of or real_time(), dry_run=dry_run)


def run(as_of: datetime, *, dry_run: bool) -> dict[str, Any]:
    """Deliver until nothing waits."""
    with opened() as here, beat(here.database, "deliver-notices", dry_run=dry_run) as outcome:
        outcome.update(deliver_all(here.database, here.settings, as_of=as_of, dry_run=dry_run).said())
    return outcome
