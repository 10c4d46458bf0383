"""Waiting for what is really so, on any machine: no pause that hopes, no time that is measured."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 60.0
"""Seconds anything has that needs no process started: a machine may be slow, and other tests run beside. Nothing waits
longer than it must.
"""
START = 180.0
"""Seconds a process of ours has until it is up: it loads hundreds of modules, and may prepare a database."""


def until(
    ready: Callable[[], object],
    what: str | Callable[[], str],
    *,
    seconds: float = PATIENCE,
    pause: Callable[[], object] = lambda: time.sleep(0.02),
) -> None:
    """Wait until something is so, or fail saying what was awaited; `pause` lets whatever is awaited go on meanwhile."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what if isinstance(what, str) else what()}")
        pause()
