"""Tickets counted: one set-based query into cells of unit, level and category, and sums of those cells.

A cell holds only numbers that may be added, so any total of the status page or of the summary is a sum of cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import Any, Self, TypeVar

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Label,
    RowMapping,
    Select,
    SQLColumnExpression,
    and_,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.orm import Session

from domain.figure_filter import SOON
from domain.rates import Average, Rate
from domain.records import Ticket, Unit
from domain.tickets import overdue
from statemachines.labels import Level
from statemachines.ticket import TicketState

Key = TypeVar("Key")

_SHANGHAI: ColumnElement[timedelta] = literal_column(
    "interval '8 hours'"
)  # no daylight saving since 1991: a constant is exact, and fast


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts that add up. `total` is every ticket, cancelled ones included.

    `late` is past its deadline and not fixed, `soon` due within seven days; `done` is fixed or verified, `in_time`
    those of them fixed before the first deadline and `in_current_time` before the present one; `fix_days` are the
    natural days from finding to fix of all `done`; `rechecked` were re-checked at least once and `passed_first` were
    verified without a return; `returns` are failed re-checks, `returned_twice` tickets with two or more.
    """

    total: int = 0
    found: int = 0
    assigned: int = 0
    fixed: int = 0
    verified: int = 0
    cancelled: int = 0
    late: int = 0
    soon: int = 0
    in_time: int = 0
    in_current_time: int = 0
    fix_days: int = 0
    rechecked: int = 0
    passed_first: int = 0
    returns: int = 0
    returned: int = 0
    returned_twice: int = 0
    on_the_spot: int = 0
    supervised: int = 0
    carried_in: int = 0

    def __add__(self, other: Tally) -> Tally:
        return total_of((self, other))

    @classmethod
    def of_row(cls, row: RowMapping) -> Self:
        """The measures of one row of a query made by `measures`."""
        return cls(**{name: int(row[name] or 0) for name in MEASURES})

    @property
    def open(self) -> int:
        """Found, assigned or fixed: not ended."""
        return self.found + self.assigned + self.fixed

    @property
    def done(self) -> int:
        """Fixed or verified."""
        return self.fixed + self.verified

    @property
    def rectified(self) -> Rate:
        """整改率 = verified / (found - cancelled)."""
        return Rate.of(self.verified, self.total - self.cancelled)

    @property
    def on_time(self) -> Rate:
        """按期整改率, against the first deadline: extensions do not help."""
        return Rate.of(self.in_time, self.done)

    @property
    def on_current_time(self) -> Rate:
        """按期整改率, against the approved deadline."""
        return Rate.of(self.in_current_time, self.done)

    @property
    def first_pass(self) -> Rate:
        """一次复查合格率 = verified at the first re-check / re-checked."""
        return Rate.of(self.passed_first, self.rechecked)

    @property
    def average_fix_days(self) -> Average:
        """平均整改天数, natural days from finding to fix."""
        return Average.of(self.fix_days, self.done)

    def as_dict(self) -> dict[str, int]:
        """The measures by name, as JSON keeps them."""
        return asdict(self)


MEASURES = tuple(field.name for field in fields(Tally))
_VALUES = attrgetter(*MEASURES)


def total_of(tallies: Iterable[Tally]) -> Tally:
    """All of them added up."""
    return Tally(*map(sum, zip(*map(_VALUES, tallies), strict=True)))


def day_of(moment: SQLColumnExpression[Any]) -> ColumnElement[date]:
    """The calendar day of a stored moment in Asia/Shanghai, as a column."""
    return cast(func.timezone("UTC", moment) + _SHANGHAI, Date)


def measures(now: datetime) -> tuple[Label[int], ...]:
    """The columns of a Tally over tickets, for a query that groups them."""
    state = Ticket.state
    done = state.in_((TicketState.FIXED, TicketState.VERIFIED))
    verified = state == TicketState.VERIFIED
    returned = Ticket.return_count > 0
    running = and_(state == TicketState.ASSIGNED, Ticket.due_at >= now, Ticket.due_at < now + SOON)

    def count(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count().filter(condition)

    columns: dict[str, ColumnElement[int]] = {
        "total": func.count(),
        **{each.value: count(state == each) for each in TicketState},
        "late": count(overdue(now)),
        "soon": count(running),
        "in_time": count(and_(done, Ticket.fixed_at <= Ticket.first_due_at)),
        "in_current_time": count(and_(done, Ticket.fixed_at <= Ticket.due_at)),
        "fix_days": func.coalesce(
            func.sum(cast(day_of(Ticket.fixed_at) - day_of(Ticket.found_at), Integer)).filter(done), 0
        ),
        "rechecked": count(verified | returned),
        "passed_first": count(and_(verified, ~returned)),
        "returns": func.coalesce(func.sum(Ticket.return_count), 0),
        "returned": count(returned),
        "returned_twice": count(Ticket.return_count >= 2),
        "on_the_spot": count(and_(Ticket.on_the_spot, state != TicketState.CANCELLED)),
        "supervised": count(Ticket.supervised_at.is_not(None)),
        "carried_in": count(Ticket.origin_campaign_id != Ticket.campaign_id),
    }
    return tuple(columns[name].label(name) for name in MEASURES)


#: 生产设备/变压器台区 counts under 生产设备: the trade's three domains (domain rules 2.10).
# Written as literals, because GROUP BY must repeat the very expression it selects.
CATEGORY = func.split_part(Ticket.category, literal_column("'/'"), literal_column("1"))


@dataclass(frozen=True, slots=True)
class Cell:
    """The tickets of one unit, level and category of the first rank."""

    unit: Unit
    level: Level
    category: str
    tally: Tally


def cells_query(which: ColumnElement[bool], *, now: datetime) -> Select[tuple[object, ...]]:
    """Tickets that meet `which`, grouped into cells."""
    return (
        select(Ticket.unit_id, Ticket.level, CATEGORY.label("category"), *measures(now))
        .where(which)
        .group_by(Ticket.unit_id, Ticket.level, CATEGORY)
    )


def cells(session: Session, which: ColumnElement[bool], *, now: datetime) -> list[Cell]:
    """Tickets that meet `which` in one pass over them, in the order of units, levels and categories."""
    rows = session.execute(cells_query(which, now=now)).mappings().all()
    units = {
        unit.id: unit
        for unit in session.scalars(select(Unit).where(Unit.id.in_({row["unit_id"] for row in rows})))
    }
    counted = [Cell(units[row["unit_id"]], row["level"], row["category"], Tally.of_row(row)) for row in rows]
    ranks = list(Level)
    return sorted(counted, key=lambda cell: (cell.unit.path, ranks.index(cell.level), cell.category))


def added_by(counted: Iterable[Cell], key: Callable[[Cell], Key]) -> dict[Key, Tally]:
    """The cells added up under each key, in first-seen order."""
    groups: dict[Key, list[Tally]] = {}
    for cell in counted:
        groups.setdefault(key(cell), []).append(cell.tally)
    return {name: total_of(tallies) for name, tallies in groups.items()}
