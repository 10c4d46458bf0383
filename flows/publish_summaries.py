"""The flow that ends campaigns on their day and writes the summaries that were asked for."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from prefect import flow
from pydantic import AwareDatetime

from domain.clock import real_time
from domain.file_store import FileStore
from domain.heartbeats import beat
from flows.here import opened
from papers.publishing import publish_due


@flow(name="publish-summaries")
async def publish_summaries(as_of: AwareDatetime | None = None, *, dry_run: bool = False) -> dict[str, Any]:
    """Sum up each campaign whose day has come and write the papers of every summary waiting; wrong figures refuse it.

    `as_of` takes that moment for now; `dry_run` names what would be summed up and written, and changes nothing.
    """
    return await asyncio.to_thread(run, as_of or real_time(), dry_run=dry_run)


def run(as_of: datetime, *, dry_run: bool) -> dict[str, Any]:
    """Publish all that is due."""
    with opened() as here, beat(here.database, "publish-summaries", dry_run=dry_run) as outcome:
        store = FileStore.open(here.settings)
        outcome.update(publish_due(here.database, store, as_of=as_of, dry_run=dry_run).said())
    return outcome
