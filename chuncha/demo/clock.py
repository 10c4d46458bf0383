"""The compressed clock: what "now" means to the application while the campaign is played."""

from __future__ import annotations

import multiprocessing
from datetime import datetime

from statemachines.labels import LOCAL

PROCESSES = multiprocessing.get_context("spawn")


class Clock:
    """Stands where the play has put it, for every process that was given it."""

    def __init__(self, moment: datetime) -> None:
        self._seconds = PROCESSES.Value("d", moment.timestamp())

    def __call__(self) -> datetime:
        """The moment it stands at, in Asia/Shanghai."""
        return datetime.fromtimestamp(self._seconds.value, LOCAL)

    def put(self, moment: datetime) -> None:
        """Go on to a moment; never back."""
        self._seconds.value = max(self._seconds.value, moment.timestamp())
