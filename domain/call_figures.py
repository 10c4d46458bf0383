"""Calls and visits (来电来访) in a snapshot: taken, answered, settled, and what callers said when called back.

The totals come from one query, the cells by way from another; `calls_again` adds the cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from domain.calls import CallCounts, call_counts, call_counts_by_way
from domain.rates import Rate
from domain.records import Campaign

COUNTED = ("received", "answered", "settled", "asked", "satisfied")


def call_figures(session: Session, campaign: Campaign) -> dict[str, Any]:
    """The campaign's calls in all and by the way they came."""
    return {
        **_told(call_counts(session, campaign)),
        "by_way": [
            {"way": way.value, "name": way.zh, **asdict(counts)}
            for way, counts in call_counts_by_way(session, campaign)
        ],
    }


def _told(counts: CallCounts) -> dict[str, Any]:
    return {
        **asdict(counts),
        "answered_rate": Rate.of(counts.answered, counts.received).model_dump(),
        "satisfied_rate": Rate.of(counts.satisfied, counts.asked).model_dump(),
    }


def calls_again(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """The totals from what came by each way; a snapshot frozen before calls were counted has none."""
    if "calls" not in snapshot:
        return {}
    ways = snapshot["calls"]["by_way"]
    added = CallCounts(**{name: sum(way[name] for way in ways) for name in COUNTED})
    return {f"/calls/{name}": value for name, value in _told(added).items()}


def call_faults(snapshot: Mapping[str, Any]) -> Iterator[tuple[str, object, object]]:
    """A part greater than its whole, by each way: pointer, part, bound."""
    for place, way in enumerate(snapshot.get("calls", {}).get("by_way", ())):
        for part, whole in (
            ("answered", "received"),
            ("settled", "answered"),
            ("asked", "received"),
            ("satisfied", "asked"),
        ):
            if not 0 <= way[part] <= way[whole]:
                yield f"/calls/by_way/{place}/{part}", way[part], f"≤ {way[whole]}"
