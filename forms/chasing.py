"""The ladder of a ticket as a person reads it: what came again and again stands in one line, to be unfolded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from domain.escalations import Escalation

FOLDED_FROM = 3
"""So many times and more are folded."""


@dataclass(frozen=True, slots=True)
class Rung:
    """A step of the ladder and the times it was climbed; a planned one stands by itself."""

    steps: tuple[Escalation, ...]

    @property
    def whom(self) -> list[str]:
        """Everybody told, once each."""
        return list(dict.fromkeys(chain.from_iterable(each.whom for each in self.steps)))

    @property
    def channels(self) -> list[str]:
        """Every way they were told by, once each."""
        return list(dict.fromkeys(chain.from_iterable(each.channels for each in self.steps)))


def rungs(steps: Sequence[Escalation]) -> list[Rung]:
    """The steps in their order; the times of one that was climbed often stand together where it was climbed first."""
    times: dict[tuple[object, ...], list[Escalation]] = {}
    for step in steps:
        if step.done_at is not None:
            times.setdefault(_like(step), []).append(step)
    found = []
    for step in steps:
        same = times.get(_like(step), []) if step.done_at is not None else []
        if len(same) < FOLDED_FROM:
            found.append(Rung((step,)))
        elif step is same[0]:
            found.append(Rung(tuple(same)))
    return found


def _like(step: Escalation) -> tuple[object, ...]:
    return step.matter, step.step.partition(".")[0], step.due_version
