"""The flow that forgets what has served its turn."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from prefect import flow
from pydantic import AwareDatetime

from domain.flow_runs import beat
from domain.forgetting import forget_expired as forget
from flows.here import opened, worked


@flow(name="forget-expired")
async def forget_expired(
    as_of: AwareDatetime | None = None, *, dry_run: bool = False, request: UUID | None = None
) -> dict[str, Any]:
    """Delete replayed answers, ended web logins and old wrong passwords; never a record, its history or a notice.

    `as_of` takes that moment for now; `dry_run` counts what would go, and deletes nothing.
    """
    return await worked("forget-expired", run, as_of, dry_run=dry_run, request=request)


def run(as_of: datetime, *, dry_run: bool, request: UUID | None = None) -> dict[str, Any]:
    """Forget in one transaction."""
    with (
        opened() as here,
        beat(here.database, "forget-expired", dry_run=dry_run, request=request) as outcome,
        here.database.transaction() as session,
    ):
        outcome.update(forget(session, as_of=as_of, dry_run=dry_run).said())
    return outcome
