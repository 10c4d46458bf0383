"""When Python looks for cycles of objects nobody needs."""

from __future__ import annotations

import gc

_COLLECTS = (5_000, 10, 100)
"""When the collector looks for cycles. A page makes thousands of objects and drops them again: with Python's own 700 it
ran a dozen times for each board and walked over every kept statement and template every tenth answer, 40 to
130 ms in which somebody waited (docs/performance.md)."""


def collect_seldom() -> None:
    """All that was loaded to get here stays until the end: the collector need not walk it while people wait."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTS)
