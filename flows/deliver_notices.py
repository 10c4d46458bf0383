"""The flow that sends what waits in the outbox."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from prefect import flow
from pydantic import AwareDatetime

from domain.clock import real_time
from domain.delivery import deliver_all
from domain.flow_runs import beat
from flows.here import opened, worked


@flow(name="deliver-notices")
async def deliver_notices(
    as_of: AwareDatetime | None = None, *, dry_run: bool = False, request: UUID | None = None
) -> dict[str, Any]:
    """Send the notices that wait, each at least once; a message sent twice has the same Message-ID.

    `as_of` sends what waits at that moment; `dry_run` counts it and sends nothing.
    """
    return await worked("deliver-notices", run, as_of, dry_run=dry_run, request=request)


def run(as_of: datetime, *, dry_run: bool, request: UUID | None = None) -> dict[str, Any]:
    """Deliver until nothing waits."""
    with (
        opened() as here,
        beat(here.database, "deliver-notices", dry_run=dry_run, request=request) as outcome,
    ):
        now = max(as_of, real_time())
        done = deliver_all(here.database, here.settings, as_of=as_of, now=now, dry_run=dry_run)
        outcome.update(done.said())
    return outcome
