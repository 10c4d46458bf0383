"""When Python looks for cycles of objects nobody needs: when an answer is out, not while somebody waits for it."""

from __future__ import annotations

import gc

from starlette.types import ASGIApp, Receive, Scope, Send

_BETWEEN = (5_000, 10, 100)
"""How much has gathered, by generation, when it is time. A page makes thousands of objects and drops them again: with
Python's own 700 the collector ran a dozen times for each board and walked over every kept statement and template every
tenth answer, 40 to 130 ms in which somebody waited (docs/performance.md)."""


def collect_seldom() -> None:
    """All that was loaded to get here stays until the end: the collector need not walk it."""
    gc.collect()
    gc.freeze()


class CollectsBetween:
    """ASGI: look for cycles once an answer is out, if enough has gathered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)
        gathered = gc.get_count()
        if gathered[0] >= _BETWEEN[0]:
            gc.collect(max(oldest for oldest, most in enumerate(_BETWEEN) if gathered[oldest] >= most))
