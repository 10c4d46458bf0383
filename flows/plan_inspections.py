"""The flow that plans visits from the rotas of campaigns and records those nobody made."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any
from uuid import UUID

from prefect import flow
from pydantic import AwareDatetime

from domain.flow_runs import beat
from domain.missing import record_missed
from domain.planning import plan_inspections as plan
from flows.here import opened, worked

log = logging.getLogger(__name__)


@flow(name="plan-inspections")
async def plan_inspections(
    as_of: AwareDatetime | None = None, *, dry_run: bool = False, request: UUID | None = None
) -> dict[str, Any]:
    """Plan the visits each rota asks for in the coming fortnight, each once, and record as missed those left undone.

    `as_of` takes that moment's day for today; `dry_run` logs the visits and writes nothing.
    """
    return await worked("plan-inspections", run, as_of, dry_run=dry_run, request=request)


def run(as_of: datetime, *, dry_run: bool, request: UUID | None = None) -> dict[str, Any]:
    """Everything in one transaction."""
    with (
        opened() as here,
        beat(here.database, "plan-inspections", dry_run=dry_run, request=request) as outcome,
    ):
        with here.database.transaction() as session:
            missed = record_missed(session, as_of=as_of, dry_run=dry_run)
            planned = plan(session, as_of=as_of, dry_run=dry_run)
        outcome.update(planned.said() | missed.said())
    if dry_run:
        for visit in planned.visits:
            log.info("would plan %s at %s on %s", visit.campaign, visit.unit, visit.day)
        for miss in missed.visits:
            log.info("would record %s at %s on %s as missed", miss.campaign, miss.unit, miss.day)
    return outcome
