"""The installation a flow works on, opened from the settings for one run, and how a flow hands its work to a thread."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.clock import real_time
from domain.database import Database
from domain.flow_runs import AnotherRunIsGoing, held
from domain.settings import Settings, SettingsWrong, read_settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Here:
    """Settings and database of this run."""

    settings: Settings
    database: Database


_kept: list[Here] = []


@contextmanager
def kept_open() -> Iterator[None]:
    """Keep one database open for all runs meanwhile: for a process that runs many flows, not one and then ends."""
    with opened() as here:
        _kept.append(here)
        try:
            yield
        finally:
            _kept.remove(here)


@contextmanager
def opened() -> Iterator[Here]:
    """Open the database the settings name and give it back at the end; what is kept open is used and stays.

    Raises SettingsWrong without CHUNCHA_DATABASE_URL: the embedded server belongs to `chuncha serve`, which tells its
    address to the flows it starts.
    """
    if _kept:
        yield _kept[-1]
        return
    settings = read_settings()
    if settings.database_url is None:
        raise SettingsWrong("CHUNCHA_DATABASE_URL: a flow needs the address of the database")
    database = Database(settings.database_url, pool_size=2)
    try:
        yield Here(settings, database)
    finally:
        database.close()


async def worked(
    flow: str,
    run: Callable[..., dict[str, Any]],
    as_of: datetime | None,
    *,
    dry_run: bool,
    request: UUID | None,
) -> dict[str, Any]:
    """What the run did at that moment, else now; when another run of the same flow is at work, that alone."""
    moment = as_of or real_time()
    if dry_run or request is not None:
        return await asyncio.to_thread(run, moment, dry_run=dry_run, request=request)
    try:
        return await asyncio.to_thread(_in_turn, flow, run, moment)
    except AnotherRunIsGoing:
        log.info("another run of %s is at work; it does what this one would have done", flow)
        return {"another_run_is_going": True}


def _in_turn(flow: str, run: Callable[..., dict[str, Any]], moment: datetime) -> dict[str, Any]:
    """Run when no other scheduled run of the flow is at work: behind it this one would only hold up other flows."""
    with opened() as here, held(here.database, flow):
        return run(moment, dry_run=False)
