"""What the charts of the status are drawn from: the rows of their tables, each figure with the list behind it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from urllib.parse import quote

from markupsafe import Markup

from domain.figure_filter import OPEN, week_begins
from domain.rates import two_decimals
from domain.status import CampaignStatus
from domain.status_shapes import CategoryStatus
from statemachines.campaign import CampaignState
from statemachines.labels import local_day
from statemachines.ticket import TicketState

MOST_POINTS = 62
"""A burn-up of more days than this is told by the week."""

MOST_ROWS, MOST_COLUMNS = 15, 9
"""The heat map's; the rest is in the tables of units and categories."""

MOST_CATEGORIES = 20

COUNTED = (*OPEN, TicketState.VERIFIED)
"""Every state but cancelled."""

Link = Callable[..., str]


@lru_cache(maxsize=4096)
def _in_address(value: object) -> str:
    """A board names the same few states, levels, units and days a thousand times."""
    return quote(str(value), safe="")


@lru_cache(maxsize=1024)
def listing(campaign: str, unit: str | None) -> Link:
    """Make the addresses of lists within this campaign and unit: `link(state=("found",), level="major")`."""
    base = f"/tickets?campaign={quote(campaign)}"

    def link(**said: object) -> str:
        if unit and not said.keys() & {"unit", "at"}:
            said["unit"] = unit
        parts = [base]
        for name, value in said.items():
            values = value if isinstance(value, (list, tuple)) else (value,)
            parts += [f"&{name}={_in_address(each)}" for each in values if each is not None]
        return "".join(parts)

    return link


_NOTHING = Markup('<span class="zero">0</span>')


@lru_cache(maxsize=16_384)
def figure(value: int, link: Link, *, late: bool = False, **said: Hashable) -> Markup:
    """A figure with the list behind it, in a template `{{ 3|n(link, state="found") }}`; a zero has no list.

    In Python and kept, because a board has seven hundred, and of one write hardly any becomes another.
    """
    if not value:
        return _NOTHING
    address = link(**said).replace("&", "&amp;")  # every other sign is quoted in it
    return Markup(f'<a class="num{" late" if late else ""}" href="{address}">{value}</a>')  # noqa: S704


@dataclass(frozen=True, slots=True)
class Point:
    """A day or a week of the burn-up, with the sums up to its end."""

    first: date
    last: date
    found: int
    verified: int
    found_so_far: int
    verified_so_far: int


def burn_up(figures: CampaignStatus) -> list[Point]:
    """Found and verified by day, or by week when there would be too many points; up to today while the
    campaign is under way.
    """
    days = figures.by_day
    if not days:
        return []
    by_week = (days[-1].day - days[0].day).days >= MOST_POINTS
    spans: dict[tuple[date, date], list[int]] = {}
    for each in days:
        first = week_begins(each.day) if by_week else each.day
        counted = spans.setdefault((first, first + timedelta(days=6 if by_week else 0)), [0, 0])
        counted[0] += each.found
        counted[1] += each.verified
    today = local_day(figures.as_of)
    over = figures.state in (CampaignState.SUMMARISED, CampaignState.ARCHIVED)
    if not over and max(last for _, last in spans) < today:
        spans[today, today] = [0, 0]
    points, found, verified = [], 0, 0
    for (first, last), (more_found, more_verified) in sorted(spans.items()):
        found, verified = found + more_found, verified + more_verified
        points.append(Point(first, last, more_found, more_verified, found, verified))
    return points


@dataclass(frozen=True, slots=True)
class Share:
    """A category of the Pareto table: how many, and the share of all up to this one."""

    category: CategoryStatus
    count: int
    so_far: str | None


def pareto(figures: CampaignStatus) -> list[Share]:
    """The categories by how much was found, cancelled ones left out, the largest first."""
    counted = [(each, each.counts.total - each.counts.cancelled) for each in figures.by_subcategory]
    ordered = sorted(counted, key=lambda each: (-each[1], each[0].category))
    whole, so_far, shares = sum(count for _, count in ordered), 0, []
    for category, count in ordered[:MOST_CATEGORIES]:
        so_far += count
        shares.append(Share(category, count, two_decimals(so_far, whole, scale=100)))
    return shares


@dataclass(frozen=True, slots=True)
class Heat:
    """Open tickets by unit and category: the rows and columns with the most, and the shade of each cell, 0 to 4."""

    columns: list[str]
    rows: list[tuple[str, str, bool, list[int]]]
    """Code, name, whether it is the unit itself, and the cells."""
    most: int
    left_out: int
    """Units with open tickets that have no row."""

    def shade(self, value: int) -> int:
        """Nothing at 0, four shades up to the largest cell."""
        return min(4, 1 + 4 * (value - 1) // self.most) if value else 0


def heat_map(figures: CampaignStatus) -> Heat:
    """The open tickets of the units and categories that have the most of them."""
    by_category: dict[str, int] = {}
    cells: dict[tuple[str, str], int] = {}
    by_unit: dict[str, int] = {}
    for cell in figures.open_cells:
        cells[cell.unit, cell.category] = cell.open
        by_category[cell.category] = by_category.get(cell.category, 0) + cell.open
        by_unit[cell.unit] = by_unit.get(cell.unit, 0) + cell.open
    columns = sorted(by_category, key=lambda name: (-by_category[name], name))[:MOST_COLUMNS]
    units = [each for each in figures.by_unit if by_unit.get(each.code)]
    shown = sorted(units, key=lambda each: -by_unit[each.code])[:MOST_ROWS]
    rows = [
        (each.code, each.name, each.itself, [cells.get((each.code, name), 0) for name in columns])
        for each in shown
    ]
    most = max((value for *_, values in rows for value in values), default=0)
    return Heat(columns, rows, most, len(units) - len(rows))


def short(category: str, others: Sequence[str]) -> str:
    """The last part of a category's name, unless another has the same."""
    last = category.rpartition("/")[2]
    return category if sum(each.rpartition("/")[2] == last for each in others) > 1 else last
