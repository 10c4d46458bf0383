"""Tickets counted by what they stand for: every figure of a campaign from one pass over an index.

The bits of `domain/records/standing.py` say what each ticket counts as, whatever the hour; what the clock decides
(overdue, due soon) is asked of the running tickets alone. `domain/tallies.py` counts the same tickets another way, for
the summary; tests hold the two against each other and against plain SQL.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

from domain.figure_filter import SOON, next_week_begins
from domain.records import Campaign, Matter, Stands
from statemachines.labels import Level
from statemachines.ticket import TicketState

STATE: Mapping[TicketState, Stands] = {state: Stands[state.name] for state in TicketState}
LEVEL: Mapping[Level, Stands] = {level: Stands[level.name] for level in Level}
STILL_OPEN = Stands.FOUND | Stands.ASSIGNED | Stands.FIXED
ANY_STATE = STILL_OPEN | Stands.VERIFIED | Stands.CANCELLED


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

#: What is one's own outside of one's units is asked for by itself: a condition over who found or fixed would send the
#: database from the index to the tickets themselves, all of them.
_IN_UNITS = "unit_id = ANY(CAST(:units AS uuid[]))"
_OWN_ELSEWHERE = """unit_id = ANY(CAST(:elsewhere AS uuid[]))
    AND (assignee_id = ANY(CAST(:charged AS uuid[])) OR finder_id = :me OR fixer_id = :me)"""

#: Which of the groupings a row of the count belongs to, by what it was not grouped by.
_BY_UNIT, _BY_CATEGORY, _BY_BOTH, _BY_DAY_FOUND, _BY_DAY_VERIFIED = 5, 9, 3, 14, 15


def _counting(which: str) -> TextClause:
    """All groupings in one pass over the index `ix_tickets_standing`: fewer passes and no rows in between."""
    return text(
        f"""
SELECT GROUPING(row_id, category, standing, found_on), row_id, category, standing, standing & {STILL_OPEN.value} <> 0,
       standing & {ANY_STATE.value}, found_on, verified_on, count(*), sum(fix_days)
FROM tickets JOIN unnest(CAST(:places AS uuid[]), CAST(:rows AS int[])) AS place (unit_id, row_id) USING (unit_id)
WHERE campaign_id = :campaign AND {which}
GROUP BY GROUPING SETS (
    (row_id, standing), (category, standing), (row_id, category, standing & {STILL_OPEN.value} <> 0),
    (found_on, standing & {ANY_STATE.value}), (verified_on)
)
"""  # noqa: S608 - put together from constants above alone
    )


_COUNTED = _counting(_IN_UNITS)
_COUNTED_ELSEWHERE = _counting(_OWN_ELSEWHERE)

#: Of the tickets being fixed those that are late or fall due in the days to come; the condition is that of
#: `ix_tickets_open_due`.
_DUE = text(
    """
SELECT unit_id, category, level, count(*) FILTER (WHERE due_at < :now),
       count(*) FILTER (WHERE due_at >= :now AND due_at < :soon),
       count(*) FILTER (WHERE due_at >= :now AND due_at < :next_week)
FROM tickets
WHERE campaign_id = :campaign AND state = 'assigned'
    AND coalesce(due_at, 'infinity'::timestamptz) < greatest(:soon, :next_week)
    AND (unit_id = ANY(CAST(:units AS uuid[])) OR unit_id = ANY(CAST(:elsewhere AS uuid[]))
         AND (assignee_id = ANY(CAST(:charged AS uuid[])) OR finder_id = :me OR fixer_id = :me))
GROUP BY unit_id, category, level
"""
)

#: Open matters of tickets by the step they climbed last.
_CLIMBED = text(
    """
SELECT matter, last_step, count(*) FROM (
    SELECT matter, last_step FROM chases
    WHERE campaign_id = :campaign AND last_turn = turn AND ticket_id IS NOT NULL AND matter <> 'suggestion'
        AND unit_id = ANY(CAST(:units AS uuid[]))
    UNION ALL
    SELECT matter, last_step FROM chases JOIN tickets ON tickets.id = ticket_id
    WHERE chases.campaign_id = :campaign AND last_turn = turn AND matter <> 'suggestion'
        AND chases.unit_id = ANY(CAST(:elsewhere AS uuid[]))
        AND (assignee_id = ANY(CAST(:charged AS uuid[])) OR finder_id = :me OR fixer_id = :me)
) AS climbed
GROUP BY matter, last_step
"""
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

    One pass over the index of standings, one over the tickets that are late or due in the days to come, one over what
    is being chased; what is one's own outside of one's units in a small query more. The first costs as much as the
    campaign has tickets, the others as much as is open.
    """
    rows = {**reach.units, **reach.elsewhere}
    # Rows go by their place in a list: small numbers are joined and grouped faster than keys.
    takers = list(dict.fromkeys(rows.values()))
    number = {row: place for place, row in enumerate(takers)}
    given = {
        "campaign": campaign.id,
        "units": list(reach.units),
        "elsewhere": list(reach.elsewhere) if reach.me else [],
        "me": reach.me,
        "charged": list(reach.charged),
    }
    placed = {"places": list(rows), "rows": [number[row] for row in rows.values()]}
    found = Standings()
    for counting in (_COUNTED, _COUNTED_ELSEWHERE) if given["elsewhere"] else (_COUNTED,):
        _take(found, takers, session.execute(counting, {**given, **placed}))
    for level, bit in LEVEL.items():
        found.by_level[level] = found.whole.of(bit)
    moments = {"now": now, "soon": now + SOON, "next_week": next_week_begins(now)}
    for unit, category, level, *due in session.execute(_DUE, {**given, **moments}):
        kept = (
            found.whole,
            found.by_unit[rows[unit]],
            found.by_category[category],
            found.by_level[Level(level)],
        )
        for standing in kept:
            standing.fall_due(*due)
    for matter, step, count in session.execute(_CLIMBED, given):
        found.climbed[Matter(matter), step] = count
    return found


def _take(found: Standings, takers: Sequence[UUID], counted: Iterable[Row[Any]]) -> None:
    """Add the rows of a count, each where its grouping belongs."""
    for kind, row, category, facts, still_open, state, found_on, verified_on, count, days in counted:
        if kind == _BY_UNIT:
            found.by_unit[takers[row]].count(facts, count, days)
            found.whole.count(facts, count, days)
        elif kind == _BY_CATEGORY:
            found.by_category[category].count(facts, count, days)
        elif kind == _BY_BOTH and still_open:
            found.open_at[takers[row], category] += count
        elif kind == _BY_DAY_FOUND:
            found.found_on[found_on][_STATES[state]] += count
        elif kind == _BY_DAY_VERIFIED and verified_on is not None:
            found.verified_on[verified_on] += count
