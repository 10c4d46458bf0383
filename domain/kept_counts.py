"""What the tickets of each unit stand for, kept by a process and counted anew only where tickets moved.

With every write, whoever makes it, the database notes in `ticket_moves` in which unit of which campaign a ticket came
to count differently. What a process has counted holds for every unit that nothing was noted of since: instead of fifty
thousand tickets those of one unit are counted after a write (docs/performance.md).

A transaction is told by its number. Whatever a snapshot could not see has a number at or above its `xmin`, so the units
noted from there on are the ones to count again; one that was seen already is counted once more, which changes nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from domain.records import Campaign, Stands

KEPT_COUNTS = "kept_counts"
"""Where a session carries what its process has counted (domain/database.py)."""

CAMPAIGNS_KEPT = 8
"""Campaigns a process keeps the counts of, a few megabytes for fifty thousand tickets."""

LASTS = 24 * 3600.0
"""Seconds after which everything is counted anew; what is noted is kept for longer (domain/forgetting.py)."""

ANY_STATE = Stands.FOUND | Stands.ASSIGNED | Stands.FIXED | Stands.VERIFIED | Stands.CANCELLED


@dataclass(slots=True)
class UnitCount:
    """The tickets of one campaign in one unit; not changed once it is read.

    `facts`: by category and bits (domain/records/standing.py), how many and the days their fixes took; `found`: by day
    of finding and bit of the state; `verified`: by day of the last re-check. Days are ordinals.
    """

    facts: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    found: dict[tuple[int, int], int] = field(default_factory=dict)
    verified: dict[int, int] = field(default_factory=dict)


NOTHING = UnitCount()


@dataclass(slots=True)
class CampaignCounts:
    """The counts of one campaign as of one snapshot; units without tickets are left out.

    `sums` belongs to whoever adds them up (domain/standings.py). Use it under `lock`.
    """

    lock: Lock = field(default_factory=Lock)
    units: dict[UUID, UnitCount] = field(default_factory=dict)
    sums: OrderedDict[object, Any] = field(default_factory=OrderedDict)
    xmin: int | None = None
    seen: tuple[int, int] = (0, 0)
    counted_at: float = 0.0


class KeptCounts:
    """The counts of the campaigns looked at last."""

    def __init__(self) -> None:
        self._campaigns: OrderedDict[UUID, CampaignCounts] = OrderedDict()
        self._lock = Lock()

    def forget(self) -> None:
        """Count everything anew from here on."""
        with self._lock:
            self._campaigns.clear()

    def of(self, campaign: UUID) -> CampaignCounts:
        """Those of this campaign, empty when there are none yet."""
        with self._lock:
            counts = self._campaigns.setdefault(campaign, CampaignCounts())
            self._campaigns.move_to_end(campaign)
            if len(self._campaigns) > CAMPAIGNS_KEPT:
                self._campaigns.popitem(last=False)
            return counts


@contextmanager
def counts_by_unit(session: Session, campaign: Campaign) -> Iterator[CampaignCounts]:
    """The counts of this campaign as the session sees it. Nobody else uses them meanwhile.

    They are kept for sessions that see one moment (`Database.reading(snapshot=True)`); any other counts everything.
    """
    kept = session.info.get(KEPT_COUNTS)
    counts = kept.of(campaign.id) if kept is not None else CampaignCounts()
    connection = session.connection()
    with counts.lock:
        known = counts.xmin if monotonic() - counts.counted_at < LASTS else None
        now = connection.execute(_SNAPSHOT, {"campaign": campaign.id, "since": known}).one()
        seen = (now.xmax, -now.running)
        if now.writing or not now.of_one_moment or (known is not None and seen < counts.seen):
            # What this transaction wrote may be taken back; what it reads next may be of another moment; what another
            # one has seen is ahead of this one.
            yield CampaignCounts(units=_counted(connection, campaign, None))
            return
        if known is None:
            counts.units, counts.counted_at = _counted(connection, campaign, None), monotonic()
            counts.sums.clear()
        elif now.moved:
            fresh = _counted(connection, campaign, now.moved)
            for unit in now.moved:
                _put(counts.units, unit, fresh.get(unit))
        counts.xmin, counts.seen = now.xmin, seen
        yield counts


def _put(units: MutableMapping[UUID, UnitCount], unit: UUID, count: UnitCount | None) -> None:
    if count is None:
        units.pop(unit, None)
    else:
        units[unit] = count


_SNAPSHOT = text(
    """
SELECT pg_snapshot_xmin(seen)::text::bigint AS xmin, pg_snapshot_xmax(seen)::text::bigint AS xmax,
       (SELECT count(*) FROM pg_snapshot_xip(seen)) AS running,
       pg_current_xact_id_if_assigned() IS NOT NULL AS writing,
       current_setting('transaction_isolation') = 'repeatable read' AS of_one_moment,
       ARRAY(SELECT DISTINCT unit_id FROM ticket_moves WHERE campaign_id = :campaign AND xid >= :since) AS moved
FROM pg_current_snapshot() AS seen
"""
)

_FACTS, _FOUND, _VERIFIED = 0b0111, 0b1001, 0b1110
"""Which grouping a row is of, as GROUPING tells the columns that are not of it."""

#: From the index `ix_tickets_standing` alone, whose order the first grouping follows.
_COUNTED = f"""
SELECT GROUPING(category, found_on, standing & {ANY_STATE.value}, verified_on), unit_id, category,
       CASE WHEN GROUPING(standing) = 0 THEN standing ELSE standing & {ANY_STATE.value} END,
       found_on - date '0001-01-01' + 1, verified_on - date '0001-01-01' + 1, count(*), sum(fix_days)
FROM tickets WHERE campaign_id = :campaign {{units}}
GROUP BY GROUPING SETS (
    (unit_id, category, standing), (unit_id, found_on, standing & {ANY_STATE.value}), (unit_id, verified_on)
)
"""  # noqa: S608 - put together from constants alone
_ALL = text(_COUNTED.format(units=""))
_SOME = text(_COUNTED.format(units="AND unit_id = ANY(CAST(:units AS uuid[]))"))


def _counted(connection: Connection, campaign: Campaign, units: list[UUID] | None) -> dict[UUID, UnitCount]:
    """Count these units; None: all that have tickets."""
    given: dict[str, object] = {"campaign": campaign.id}
    if units is not None:
        given["units"] = f"{{{','.join(map(str, units))}}}"
    found: dict[UUID, UnitCount] = {}
    for grouping, unit, category, facts, day, verified, count, days in connection.execute(
        _ALL if units is None else _SOME, given
    ):
        counted = found.get(unit) or found.setdefault(unit, UnitCount())
        if grouping == _FACTS:
            counted.facts[category, facts] = (count, days or 0)
        elif grouping == _FOUND:
            counted.found[day, facts] = count
        elif verified is not None:
            counted.verified[verified] = count
    return found
