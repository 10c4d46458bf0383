"""What runs leave for whoever watches the scheduler's own pages. Nothing of the business hangs on it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import Any

from prefect.artifacts import acreate_link_artifact, acreate_table_artifact

log = logging.getLogger(__name__)


async def show_sweep(done: dict[str, Any]) -> None:
    """The table of a sweep: whom it told what. One key, so that the latest stands on top of those before."""
    counts = ", ".join(
        f"{name} {done[name]}" for name in ("matters", "steps", "told", "put_off") if name in done
    )
    lines = done.get("lines", [])
    shown = f" The first {len(lines)} are shown." if len(lines) < done.get("told", 0) else ""
    await _left(acreate_table_artifact(lines, key="sweep-deadlines", description=f"{counts}.{shown}"))


async def show_summaries(done: dict[str, Any]) -> None:
    """A link to each summary that was published; a campaign's link keeps its key over the revisions."""
    for code, revision, link in done.get("links", []):
        key = f"summary-{code.lower().replace('_', '-')}"
        name = f"{code} 第{revision}版"
        await _left(acreate_link_artifact(link, link_text=name, key=key, description=name))


async def _left(artifact: Awaitable[object]) -> None:
    """Leave it; a scheduler that does not take it is logged and goes no further."""
    try:
        await artifact
    except Exception:  # what the run did is done and recorded
        log.exception("an artifact was not left")
