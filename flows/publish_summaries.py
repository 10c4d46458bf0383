"""The flow that ends campaigns on their day and writes the summaries that were asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from prefect import flow
from pydantic import AwareDatetime

from domain.file_store import FileStore
from domain.flow_runs import beat
from domain.heartbeats import last_end
from domain.summaries import published_after
from flows.artifacts import show_summaries
from flows.here import opened, worked
from papers.publishing import publish_due

FLOW = "publish-summaries"


@flow(name=FLOW)
async def publish_summaries(
    as_of: AwareDatetime | None = None, *, dry_run: bool = False, request: UUID | None = None
) -> dict[str, Any]:
    """Sum up each campaign whose day has come and write the papers of every summary waiting; wrong figures refuse it.

    `as_of` takes that moment for now; `dry_run` names what would be summed up and written, and changes nothing.
    """
    done = await worked(FLOW, run, as_of, dry_run=dry_run, request=request)
    await show_summaries(done)
    return done


def run(as_of: datetime, *, dry_run: bool, request: UUID | None = None) -> dict[str, Any]:
    """Publish all that is due."""
    with opened() as here, beat(here.database, FLOW, dry_run=dry_run, request=request) as outcome:
        with here.database.reading() as session:
            before = last_end(session, FLOW)
        store = FileStore.open(here.settings)
        outcome.update(publish_due(here.database, store, as_of=as_of, dry_run=dry_run).said())
        with here.database.reading() as session:
            # Most are published the moment they are asked for; they are shown with those published here.
            new = published_after(session, before) if before else []
    link = f"{here.settings.public_url}/campaigns/{{}}/summary"
    return {**outcome, "links": [(code, revision, link.format(code)) for code, revision in new]}
