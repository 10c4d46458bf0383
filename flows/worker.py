"""A worker of the pool that, told to end, begins nothing more and ends with the last run at work.

Prefect's own command cancels what is at work on SIGTERM, and its cancelled process runner kills the flow's process
outright. Nothing would be lost by that, but what was begun would have to be done by the next run.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import anyio
from prefect.workers.process import ProcessWorker

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

LOOK_AGAIN = 0.1
"""Seconds between two looks whether the last run has ended."""


class _EndingWorker(ProcessWorker):
    """Once `ending`, what is due is left to other workers, or to this one's successor."""

    ending = False
    asking = False

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        if self.ending:
            return []
        self.asking = True
        try:
            return await super().get_and_submit_flow_runs()
        finally:
            self.asking = False

    @property
    def idle(self) -> bool:
        """Whether no run is at work or about to be."""
        # Without a limiter it has not begun.
        return not self.asking and (self._limiter is None or not self._limiter.borrowed_tokens)


async def work(pool: str, *, name: str, at_once: int) -> None:
    """Run flows from the pool until SIGTERM or SIGINT, then end those at work; a second signal cuts them off."""
    worker = _EndingWorker(work_pool_name=pool, name=name, limit=at_once, create_pool_if_not_found=False)
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with anyio.create_task_group() as group:

            async def until_told() -> None:
                async for _ in signals:
                    if worker.ending:
                        break
                    worker.ending = True
                    group.start_soon(until_idle)
                group.cancel_scope.cancel()

            async def until_idle() -> None:
                while not worker.idle:
                    await anyio.sleep(LOOK_AGAIN)
                group.cancel_scope.cancel()

            group.start_soon(until_told)
            await worker.start(with_healthcheck=True)
