"""The flow that reminds before deadlines and escalates after them."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from typing import Any

from prefect import flow
from pydantic import AwareDatetime

from domain.clock import real_time
from domain.escalation import sweep_all
from domain.heartbeats import beat
from flows.here import opened
from flows.proof_of_life import proof_of_life

log = logging.getLogger(__name__)


@flow(name="sweep-deadlines")
async def sweep_deadlines(as_of: AwareDatetime | None = None, *, dry_run: bool = False) -> dict[str, Any]:
    """Remind before each deadline and escalate after it, by the campaign's ladder; every step once.

    `as_of` sweeps as if it were that moment; `dry_run` logs who would be told what, and writes nothing.
    """
    return await asyncio.to_thread(run, as_of or real_time(), dry_run=dry_run)


def run(as_of: datetime, *, dry_run: bool) -> dict[str, Any]:
    """Sweep until nothing is due."""
    with (
        opened() as here,
        proof_of_life(None if dry_run else here.settings.ping_url),
        beat(here.database, "sweep-deadlines", dry_run=dry_run) as outcome,
    ):
        result = sweep_all(here.database, as_of=as_of, dry_run=dry_run)
        outcome.update(result.said())
    for line in result.lines if dry_run else []:
        log.info("would tell %s (%s) by %s: %s", line.name, line.login, line.channel, line.subject)
    return outcome
