"""What a ticket counts as: one number of bits and two days, kept by the database itself beside the ticket.

PostgreSQL computes these columns with every write (GENERATED ALWAYS … STORED), so they cannot differ from the ticket;
an index that holds them lets all figures of a campaign be counted without reading its tickets (docs/performance.md).
They depend on nothing but the row: what the clock decides (overdue, due this week) is asked of the open tickets.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntFlag
from typing import Any

from sqlalchemy import Column, Computed, Date, Integer


class Stands(IntFlag):
    """One fact of a ticket. A bit never changes its meaning; a new fact gets a new bit, and a migration."""

    FOUND = 1
    ASSIGNED = 2
    FIXED = 4
    VERIFIED = 8
    CANCELLED = 16
    GENERAL = 32
    SERIOUS = 64
    MAJOR = 128
    IN_TIME = 256
    IN_CURRENT_TIME = 512
    RETURNED = 1024
    RETURNED_TWICE = 2048
    ON_THE_SPOT = 4096
    SUPERVISED = 8192
    CARRIED_IN = 16384


#: When each holds, in SQL over the columns of a ticket.
CONDITIONS: Mapping[Stands, str] = {
    **{
        Stands[word.upper()]: f"state = '{word}'"
        for word in ("found", "assigned", "fixed", "verified", "cancelled")
    },
    **{Stands[word.upper()]: f"level = '{word}'" for word in ("general", "serious", "major")},
    Stands.IN_TIME: "state IN ('fixed', 'verified') AND fixed_at <= first_due_at",
    Stands.IN_CURRENT_TIME: "state IN ('fixed', 'verified') AND fixed_at <= due_at",
    Stands.RETURNED: "return_count > 0",
    Stands.RETURNED_TWICE: "return_count > 1",
    Stands.ON_THE_SPOT: "on_the_spot AND state <> 'cancelled'",
    Stands.SUPERVISED: "supervised_at IS NOT NULL",
    Stands.CARRIED_IN: "origin_campaign_id <> campaign_id",
}


def _day(column: str) -> str:
    # Asia/Shanghai without daylight saving since 1991: a constant is exact, and immutable as the database asks.
    return f"(({column} AT TIME ZONE 'UTC') + interval '8 hours')::date"


STANDING = " | ".join(f"CASE WHEN {when} THEN {bit.value} ELSE 0 END" for bit, when in CONDITIONS.items())
FOUND_ON = _day("found_at")
VERIFIED_ON = _day("verified_at")
FIX_DAYS = f"CASE WHEN state IN ('fixed', 'verified') THEN {_day('fixed_at')} - {_day('found_at')} END"


def standing_columns() -> tuple[Column[Any], ...]:
    """The columns of the table of tickets; no command reads or writes them, so they are no part of the record."""
    return (
        Column("standing", Integer, Computed(STANDING, persisted=True)),
        Column("found_on", Date, Computed(FOUND_ON, persisted=True)),
        Column("verified_on", Date, Computed(VERIFIED_ON, persisted=True)),
        Column("fix_days", Integer, Computed(FIX_DAYS, persisted=True)),
    )


STANDING_NAMES = ("standing", "found_on", "verified_on", "fix_days")
