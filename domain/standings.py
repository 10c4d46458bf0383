"""Tickets counted by what they stand for: every figure of a campaign from the counts of its units.

The bits of `domain/records/standing.py` say what each ticket counts as, whatever the hour; what the clock decides
(overdue, due soon) is asked of the running tickets alone. `domain/tallies.py` counts the same tickets another way, for
the summary; tests hold the two against each other and against plain SQL.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

from domain.figure_filter import SOON, next_week_begins
from domain.kept_counts import ANY_STATE, NOTHING, CampaignCounts, UnitCount, counts_by_unit
from domain.records import Campaign, Matter, Stands
from statemachines.labels import Level
from statemachines.ticket import TicketState

STATE: Mapping[TicketState, Stands] = {state: Stands[state.name] for state in TicketState}
LEVEL: Mapping[Level, Stands] = {level: Stands[level.name] for level in Level}
_EVERY_BIT = tuple(bit.value for bit in Stands)


@lru_cache(maxsize=4096)
def _bits_of(facts: int) -> tuple[int, ...]:
    return tuple(bit for bit in _EVERY_BIT if facts & bit)


STILL_OPEN = Stands.FOUND | Stands.ASSIGNED | Stands.FIXED


@dataclass(slots=True)
class Standing:
    """Some tickets. `facts` counts them by their bits; `late`, `soon` and `this_week` are of the moment asked for.

    `soon` falls due within seven days, `this_week` before the end of Sunday; `fix_days` are the natural days from
    finding to fix of all that are fixed or verified.
    """

    facts: Counter[int] = field(default_factory=Counter)
    fix_days: int = 0
    late: int = 0
    soon: int = 0
    this_week: int = 0

    def having(self, *bits: Stands) -> int:
        """How many have every one of these facts."""
        wanted = sum(bit.value for bit in bits)
        return sum(count for facts, count in self.facts.items() if facts & wanted == wanted)

    def by_fact(self) -> Mapping[int, int]:
        """How many have each fact, by the value of its bit: all at once, where many are asked for."""
        sums: dict[int, int] = dict.fromkeys(_EVERY_BIT, 0)
        for facts, count in self.facts.items():
            for bit in _bits_of(facts):
                sums[bit] += count
        return sums

    @property
    def total(self) -> int:
        """All of them, cancelled ones included."""
        return self.facts.total()

    def of(self, bit: Stands) -> Standing:
        """Those with this fact; days and deadlines are not told apart by facts and stay out."""
        return Standing(Counter({facts: count for facts, count in self.facts.items() if facts & bit.value}))

    def count(self, facts: int, count: int, days: int | None) -> None:
        """Count so many with these facts, and the days their fixes took."""
        self.facts[facts] += count
        self.fix_days += days or 0

    def add(self, other: Standing) -> None:
        """Count these as well."""
        self.facts.update(other.facts)
        self.fix_days += other.fix_days
        self.fall_due(other.late, other.soon, other.this_week)

    def fall_due(self, late: int, soon: int, this_week: int) -> None:
        """Say how many of those counted are late, due soon, due this week."""
        self.late += late
        self.soon += soon
        self.this_week += this_week


@dataclass(slots=True)
class Standings:
    """The tickets of a campaign as the actor sees them, counted all ways the board shows.

    `by_unit` has the rows that were asked for, `by_category` the categories as they were written; `open_at` are the
    open ones by both. `found_on` counts by day of finding and state, `verified_on` by day of the last re-check;
    `climbed` the open matters by the step of their ladder climbed last.
    """

    whole: Standing = field(default_factory=Standing)
    by_unit: defaultdict[UUID, Standing] = field(default_factory=lambda: defaultdict(Standing))
    by_category: defaultdict[str, Standing] = field(default_factory=lambda: defaultdict(Standing))
    by_level: defaultdict[Level, Standing] = field(default_factory=lambda: defaultdict(Standing))
    open_at: Counter[tuple[UUID, str]] = field(default_factory=Counter)
    found_on: defaultdict[date, Counter[TicketState]] = field(default_factory=lambda: defaultdict(Counter))
    verified_on: Counter[date] = field(default_factory=Counter)
    climbed: dict[tuple[Matter, str], int] = field(default_factory=dict)


_STATES = {bit.value: state for state, bit in STATE.items()}

#: The units that are counted, each with the number of the row that takes its tickets.
_PLACES = "unnest(CAST(:places AS uuid[]), CAST(:rows AS int[])) AS place (unit_id, row_id)"

#: What is one's own outside of one's units is asked for by itself: a condition over who found or fixed would send the
#: database from the index to the tickets themselves, all of them.
_OWN = "(assignee_id = ANY(CAST(:charged AS uuid[])) OR finder_id = :me OR fixer_id = :me)"

_ROW_AND_FACTS, _CATEGORY_AND_FACTS, _OPEN, _FOUND, _VERIFIED = range(5)
"""What a row of the count is: so many of a row of units or of a category with these facts, open at both, by day."""

#: One's own outside of one's units, all groupings from one pass.
_OWN_ELSEWHERE = text(
    f"""
WITH own AS MATERIALIZED (
    SELECT row_id, category, standing, standing & {ANY_STATE.value} AS state, found_on, verified_on, fix_days
    FROM tickets JOIN {_PLACES} USING (unit_id)
    WHERE campaign_id = :campaign AND {_OWN}
)
SELECT CASE GROUPING(row_id) WHEN 0 THEN {_ROW_AND_FACTS} ELSE {_CATEGORY_AND_FACTS} END, row_id, category, standing,
       NULL::date, count(*), sum(fix_days)
FROM own GROUP BY GROUPING SETS ((row_id, standing), (category, standing))
UNION ALL
SELECT {_OPEN}, row_id, category, NULL, NULL, count(*), NULL
FROM own WHERE state & {STILL_OPEN.value} <> 0 GROUP BY row_id, category
UNION ALL
SELECT {_FOUND}, NULL, NULL, state, found_on, count(*), NULL FROM own GROUP BY found_on, state
UNION ALL
SELECT {_VERIFIED}, NULL, NULL, NULL, verified_on, count(*), NULL
FROM own WHERE verified_on IS NOT NULL GROUP BY verified_on
"""  # noqa: S608 - put together from constants above alone
)


def _falling_due(which: str) -> TextClause:
    """Of the tickets being fixed those that are late or fall due in the days to come.

    The condition is that of `ix_tickets_open_due`.
    """
    return text(
        f"""
SELECT row_id, category, level, count(*) FILTER (WHERE due_at < :now),
       count(*) FILTER (WHERE due_at >= :now AND due_at < :soon),
       count(*) FILTER (WHERE due_at >= :now AND due_at < :next_week)
FROM tickets JOIN {_PLACES} USING (unit_id)
WHERE campaign_id = :campaign AND state = 'assigned'
    AND state IN ('found', 'assigned', 'fixed')
    AND coalesce(due_at, 'infinity'::timestamptz) < greatest(:soon, :next_week) AND {which}
GROUP BY GROUPING SETS ((row_id), (category), (level))
"""  # noqa: S608 - put together from constants above alone
    )


_DUE = _falling_due("true")
_DUE_ELSEWHERE = _falling_due(_OWN)

#: Open matters of tickets by the step they climbed last.
_CLIMBED = text(
    """
SELECT matter, last_step, count(*) FROM chases
WHERE campaign_id = :campaign AND last_turn = turn AND ticket_id IS NOT NULL AND matter <> 'suggestion'
    AND unit_id = ANY(CAST(:places AS uuid[]))
GROUP BY matter, last_step
"""
)
#: One question for each index: asked together they would be answered from every ticket of the other units.
_ANYTHING_ELSEWHERE = text(
    """
SELECT EXISTS (SELECT FROM tickets WHERE campaign_id = :campaign AND unit_id = ANY(CAST(:places AS uuid[]))
               AND assignee_id = ANY(CAST(:charged AS uuid[])))
    OR EXISTS (SELECT FROM tickets WHERE campaign_id = :campaign AND unit_id = ANY(CAST(:places AS uuid[]))
               AND finder_id = :me)
    OR EXISTS (SELECT FROM tickets WHERE campaign_id = :campaign AND unit_id = ANY(CAST(:places AS uuid[]))
               AND fixer_id = :me)
"""
)
_CLIMBED_ELSEWHERE = text(
    f"""
SELECT matter, last_step, count(*) FROM chases JOIN tickets ON tickets.id = ticket_id
WHERE chases.campaign_id = :campaign AND last_turn = turn AND matter <> 'suggestion'
    AND chases.unit_id = ANY(CAST(:places AS uuid[])) AND {_OWN}
GROUP BY matter, last_step
"""  # noqa: S608 - put together from constants above alone
)


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose tickets are counted: the units in sight, each with the row that takes its tickets, and one's own elsewhere.

    `elsewhere` are units out of sight, also with their rows: of their tickets one sees what one found, is responsible
    for or fixed.
    """

    units: Mapping[UUID, UUID]
    elsewhere: Mapping[UUID, UUID]
    me: UUID | None
    charged: Sequence[UUID] = ()
    """Whose responsibilities are mine: my own and those of people I stand in for."""


def standings(session: Session, campaign: Campaign, reach: Reach, *, now: datetime) -> Standings:
    """Count the campaign's tickets within reach.

    What they stand for is kept by unit (domain/kept_counts.py) and counted again where tickets moved; what is late or
    due in the days to come, and what is being chased, is asked each time and costs as much as is open; what is one's
    own outside of one's units in a small query more.
    """
    # Rows go by their place in a list: small numbers are joined and grouped faster than keys.
    takers = list(dict.fromkeys([*reach.units.values(), *reach.elsewhere.values()]))
    number = {row: place for place, row in enumerate(takers)}
    given = {
        "campaign": campaign.id,
        "me": reach.me,
        "charged": list(reach.charged),
        "now": now,
        "soon": now + SOON,
        "next_week": next_week_begins(now),
    }
    with counts_by_unit(session, campaign) as counts:
        found = _sums(counts, reach).standings()
    # Not through the session's own way of reading: it has nothing to add to rows of numbers.
    connection = session.connection()
    for units, (own, due, climbed) in (
        (reach.units, (None, _DUE, _CLIMBED)),
        (reach.elsewhere if reach.me else {}, (_OWN_ELSEWHERE, _DUE_ELSEWHERE, _CLIMBED_ELSEWHERE)),
    ):
        if not units:
            continue
        # As one text: the driver would write a list of keys one by one, longer than the database takes to read them.
        placed = {
            **given,
            "places": f"{{{','.join(map(str, units))}}}",
            "rows": [number[row] for row in units.values()],
        }
        if own is not None:
            if not connection.scalar(_ANYTHING_ELSEWHERE, placed):
                continue
            _take(found, takers, connection.execute(own, placed))
        _take_due(found, takers, connection.execute(due, placed))
        for matter, step, count in connection.execute(climbed, placed):
            found.climbed[Matter(matter), step] = found.climbed.get((Matter(matter), step), 0) + count
    for level, bit in LEVEL.items():
        found.by_level[level].add(found.whole.of(bit))
    return found


SUMS_KEPT = 32
"""Reaches whose sums a process keeps for each campaign: who looks at it, and how deep they drill."""


@dataclass(slots=True)
class _Sums:
    """The units of one reach added up by row, category and day, and which counts went into it."""

    rows: Mapping[UUID, UUID]
    counted: dict[UUID, UnitCount] = field(default_factory=dict)
    by_unit: dict[UUID, Standing] = field(default_factory=dict)
    by_category: dict[str, Standing] = field(default_factory=dict)
    open_at: dict[tuple[UUID, str], int] = field(default_factory=dict)
    found: dict[tuple[int, int], int] = field(default_factory=dict)
    verified: dict[int, int] = field(default_factory=dict)

    def follow(self, units: Mapping[UUID, UnitCount]) -> None:
        """Take out the units that were counted again, and put them in as they are now."""
        for unit, row in self.rows.items():
            before, now = self.counted.get(unit, NOTHING), units.get(unit, NOTHING)
            if before is not now:
                self._add(row, before, -1)
                self._add(row, now, 1)
                self.counted[unit] = now

    def _add(self, row: UUID, unit: UnitCount, sign: int) -> None:
        taker = self.by_unit.setdefault(row, Standing())
        for (category, facts), (count, days) in unit.facts.items():
            taker.count(facts, sign * count, sign * days)
            self.by_category.setdefault(category, Standing()).count(facts, sign * count, sign * days)
            if facts & STILL_OPEN.value:
                self.open_at[row, category] = self.open_at.get((row, category), 0) + sign * count
        for key, count in unit.found.items():
            self.found[key] = self.found.get(key, 0) + sign * count
        for day, count in unit.verified.items():
            self.verified[day] = self.verified.get(day, 0) + sign * count

    def standings(self) -> Standings:
        """What is not zero of it, to be used and changed by whoever asked."""
        found = Standings()
        for row, standing in self.by_unit.items():
            if any(standing.facts.values()):
                found.by_unit[row].add(standing)
                found.whole.add(standing)
        for category, standing in self.by_category.items():
            if any(standing.facts.values()):
                found.by_category[category].add(standing)
        found.open_at.update({at: count for at, count in self.open_at.items() if count})
        for (day, state), count in self.found.items():
            if count:
                found.found_on[date.fromordinal(day)][_STATES[state]] += count
        found.verified_on.update({date.fromordinal(day): n for day, n in self.verified.items() if n})
        return found


def _sums(counts: CampaignCounts, reach: Reach) -> _Sums:
    """The sums of this reach as the counts are now."""
    key = frozenset(reach.units.items())
    sums: _Sums = counts.sums.setdefault(key, _Sums(reach.units))
    counts.sums.move_to_end(key)
    if len(counts.sums) > SUMS_KEPT:
        counts.sums.popitem(last=False)
    sums.follow(counts.units)
    return sums


def _take(found: Standings, takers: Sequence[UUID], counted: Iterable[Row[Any]]) -> None:
    """Add the rows of a count, each where its grouping belongs."""
    for kind, row, category, facts, day, count, days in counted:
        if kind == _ROW_AND_FACTS:
            found.by_unit[takers[row]].count(facts, count, days)
            found.whole.count(facts, count, days)
        elif kind == _CATEGORY_AND_FACTS:
            found.by_category[category].count(facts, count, days)
        elif kind == _OPEN:
            found.open_at[takers[row], category] += count
        elif kind == _FOUND:
            found.found_on[day][_STATES[facts]] += count
        elif kind == _VERIFIED:
            found.verified_on[day] += count


def _take_due(found: Standings, takers: Sequence[UUID], counted: Iterable[Row[Any]]) -> None:
    """Add what is late or falls due: by row of units, by category, and by level, whose sum is the whole."""
    for row, category, level, *due in counted:
        if row is not None:
            found.by_unit[takers[row]].fall_due(*due)
        elif category is not None:
            found.by_category[category].fall_due(*due)
        else:
            found.by_level[Level(level)].fall_due(*due)
            found.whole.fall_due(*due)
