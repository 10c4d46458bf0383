"""The compressed clock: what "now" means to the application while the campaign is played."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import datetime
from multiprocessing.context import BaseContext

from starlette.types import ASGIApp, Receive, Scope, Send

from statemachines.labels import LOCAL

MOMENT = "x-moment"
"""The header in which a call of the play says when it is made."""

_called: ContextVar[datetime | None] = ContextVar("called", default=None)


class Clock:
    """Stands where the play has put it, for every process that was given it; within a call, at the call's moment."""

    def __init__(self, moment: datetime, processes: BaseContext) -> None:
        self._seconds = processes.Value("d", moment.timestamp())

    def __call__(self) -> datetime:
        """The moment it stands at, in Asia/Shanghai."""
        return _called.get() or datetime.fromtimestamp(self._seconds.value, LOCAL)

    def put(self, moment: datetime) -> None:
        """Go on to a moment; never back."""
        self._seconds.value = max(self._seconds.value, moment.timestamp())


class AtItsMoment:
    """Lets each call of the play happen at the moment it names: people of several units act beside each other."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, with its moment as the time."""
        named = dict(scope.get("headers", ())).get(MOMENT.encode())
        before = _called.set(datetime.fromisoformat(named.decode()) if named else None)
        try:
            await self._app(scope, receive, send)
        finally:
            _called.reset(before)
