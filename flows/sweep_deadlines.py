"""The flow that reminds before deadlines and escalates after them."""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from prefect import flow
from pydantic import AwareDatetime

from domain.escalation import MOST_LINES, sweep_all
from domain.flow_runs import beat
from flows.artifacts import show_sweep
from flows.here import opened, worked
from flows.proof_of_life import proof_of_life

log = logging.getLogger(__name__)


@flow(name="sweep-deadlines")
async def sweep_deadlines(
    as_of: AwareDatetime | None = None, *, dry_run: bool = False, request: UUID | None = None
) -> dict[str, Any]:
    """Remind before each deadline and escalate after it, by the campaign's ladder; every step once.

    `as_of` sweeps as if it were that moment; `dry_run` logs who would be told what, and writes nothing.
    """
    done = await worked("sweep-deadlines", run, as_of, dry_run=dry_run, request=request)
    await show_sweep(done)
    return done


def run(as_of: datetime, *, dry_run: bool, request: UUID | None = None) -> dict[str, Any]:
    """Sweep until nothing is due."""
    with (
        opened() as here,
        proof_of_life(None if dry_run else here.settings.ping_url),
        beat(here.database, "sweep-deadlines", dry_run=dry_run, request=request) as outcome,
    ):
        result = sweep_all(here.database, as_of=as_of, dry_run=dry_run)
        outcome.update(result.said())
        lines = [asdict(line) for line in result.lines[:MOST_LINES]]
        if dry_run:
            # Kept with the run for whoever asked; what a real run told stands in the delivery log.
            outcome["lines"] = lines
    for line in result.lines if dry_run else []:
        log.info("would tell %s (%s) by %s: %s", line.name, line.login, line.channel, line.subject)
    return {**outcome, "lines": lines}
