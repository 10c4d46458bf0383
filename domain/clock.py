"""The present moment. Commands are told `now`; only edges ask this clock, or another one in its place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""What "now" means: an aware moment each time it is asked."""


def real_time() -> datetime:
    """The moment it is, aware."""
    return datetime.now(UTC)
