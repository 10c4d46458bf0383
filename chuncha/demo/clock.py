"""The compressed clock: what "now" means to the application while the campaign is played."""

from __future__ import annotations

from datetime import datetime


class Clock:
    """Stands where the play has put it; every request of a step happens at the step's own moment."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def __call__(self) -> datetime:
        """The moment it stands at."""
        return self._moment

    def put(self, moment: datetime) -> None:
        """Go on to a moment; never back."""
        self._moment = max(self._moment, moment)
