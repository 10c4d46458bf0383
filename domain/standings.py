"""Tickets counted by what they stand for: every figure of a campaign from one pass over an index.

The bits of `domain/records/standing.py` say what each ticket counts as, whatever the hour; what the clock decides
(overdue, due soon) is asked of the running tickets alone. `domain/tallies.py` counts the same tickets another way, for
the summary; tests hold the two against each other and against plain SQL.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
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
    open_at: dict[tuple[UUID, str], int] = field(default_factory=dict)
    found_on: defaultdict[date, Counter[TicketState]] = field(default_factory=lambda: defaultdict(Counter))
    verified_on: dict[date, int] = field(default_factory=dict)
    climbed: dict[tuple[Matter, str], int] = field(default_factory=dict)


_STATES = {bit.value: state for state, bit in STATE.items()}

#: What is counted of each ticket in sight. Two questions where `visibility.tickets_visible_to` is one: a condition over
#: who found or fixed would send the database from the index to the tickets themselves, all of them.
_SEEN = """
    SELECT unit_id, category, standing, found_on, verified_on, fix_days
    FROM tickets WHERE campaign_id = :campaign AND unit_id = ANY(CAST(:units AS uuid[]))
    UNION ALL
    SELECT unit_id, category, standing, found_on, verified_on, fix_days
    FROM tickets
    WHERE campaign_id = :campaign AND unit_id = ANY(CAST(:elsewhere AS uuid[]))
        AND (assignee_id = :me OR finder_id = :me OR fixer_id = :me)
"""

_COUNTED = text(
    f"""
WITH seen AS ({_SEEN}),
grouped AS (
    SELECT GROUPING(unit_id, found_on) AS kind, unit_id, category, standing, found_on, verified_on,
           standing & {ANY_STATE.value} AS state, count(*) AS n, sum(fix_days) AS days
    FROM seen
    GROUP BY GROUPING SETS (
        (unit_id, category, standing), (found_on, standing & {ANY_STATE.value}), (verified_on)
    )
),
placed AS (
    SELECT row_id, category, standing, n, days
    FROM grouped
    JOIN unnest(CAST(:places AS uuid[]), CAST(:rows AS uuid[])) AS place (unit_id, row_id) USING (unit_id)
    WHERE kind = 1
)
SELECT 'unit', row_id, NULL::text, standing, NULL::date, sum(n)::bigint, sum(days)::bigint
FROM placed GROUP BY row_id, standing
UNION ALL
SELECT 'category', NULL::uuid, category, standing, NULL, sum(n)::bigint, sum(days)::bigint
FROM placed GROUP BY category, standing
UNION ALL
SELECT 'open', row_id, category, NULL, NULL, sum(n)::bigint, NULL FROM placed
WHERE standing & {STILL_OPEN.value} <> 0 GROUP BY row_id, category
UNION ALL
SELECT 'found', NULL, NULL, state, found_on, n, NULL FROM grouped WHERE kind = 2
UNION ALL
SELECT 'verified', NULL, NULL, NULL, verified_on, n, NULL FROM grouped WHERE kind = 3 AND verified_on IS NOT NULL
"""  # noqa: S608 - put together from constants above alone
)

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
         AND (assignee_id = :me OR finder_id = :me OR fixer_id = :me))
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
        AND (assignee_id = :me OR finder_id = :me OR fixer_id = :me)
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


def standings(session: Session, campaign: Campaign, reach: Reach, *, now: datetime) -> Standings:
    """Count the campaign's tickets within reach.

    Three queries: one pass over the index of standings, one over the tickets that are late or due in the days to come,
    one over what is being chased. The first costs as much as the campaign has tickets, the others as much as is open.
    """
    rows = {**reach.units, **reach.elsewhere}
    given = {
        "campaign": campaign.id,
        "units": list(reach.units),
        "elsewhere": list(reach.elsewhere) if reach.me else [],
        "me": reach.me,
    }
    found = Standings()
    counted = session.execute(_COUNTED, {**given, "places": list(rows), "rows": list(rows.values())})
    for kind, unit, category, facts, day, count, days in counted:
        match kind:
            case "unit":
                found.by_unit[unit].count(facts, count, days)
                found.whole.count(facts, count, days)
            case "category":
                found.by_category[category].count(facts, count, days)
            case "open":
                found.open_at[unit, category] = count
            case "found":
                found.found_on[day][_STATES[facts]] += count
            case _:
                found.verified_on[day] = count
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
