"""The figures of a real spring inspection, spread over stations and days so that they add up exactly."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from chuncha.demo import days
from chuncha.demo.people import Colleague
from chuncha.demo.spring import dates
from chuncha.demo.spring.bureau import CODE, Bureau, Station
from chuncha.demo.steps import Item, Quantities, Step, ToolTests
from domain.records import CountsAs
from domain.samples import SPRING_INSPECTION_FIGURES, sample
from domain.tool_kinds import KINDS
from domain.tools import months_later

TOTAL, UNCLEAR, TESTED, CHECKED = "工器具试验-合计", "工器具-动词不明", "工器具试验", "检查覆盖"


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the figures: what was done to what, how many, counted how; `phrase` is how it was written."""

    phrase: str
    item: str
    action: str
    quantity: int
    measure_unit: str
    group: str

    @property
    def approximate(self) -> bool:
        """Written as a lower bound: 285余根, 1000多套."""
        return "余" in self.phrase or "多" in self.phrase

    @property
    def counts_as(self) -> CountsAs:
        """By the groups of the table."""
        return {TOTAL: CountsAs.TOTAL, UNCLEAR: CountsAs.UNCLEAR}.get(self.group, CountsAs.PART)

    def body(self, quantity: int, *, unit: str, done_on: date, approximate: bool = False) -> dict[str, Any]:
        """A quantity record of a part of it."""
        return {
            **self.of_fix(quantity),
            "unit": unit,
            "date": done_on.isoformat(),
            "approximate": approximate,
            "counts_as": self.counts_as.value,
        }

    def of_fix(self, quantity: int) -> dict[str, Any]:
        """The same within the report of a fix, which knows its unit and day."""
        return {
            "action": self.action,
            "item": self.item,
            "quantity": quantity,
            "measure_unit": self.measure_unit,
            "topic": self.group,
        }


def figures() -> list[Figure]:
    """The rows of the table."""
    rows = csv.DictReader(io.StringIO(sample(SPRING_INSPECTION_FIGURES).decode()))
    return [
        Figure(row["phrase"], row["item"], row["action"], int(row["quantity"]), row["unit"], row["group"])
        for row in rows
    ]


#: Checklist item → (item of the figure, fewest, most) one fix adds to it.
_OF_FIX = {
    "E01": ("渗漏变压器", 1, 1),
    "E10": ("开关", 1, 1),
    "E16": ("线路歪杆", 1, 3),
    "E22": ("针瓶", 12, 60),
    "E24": ("弧垂", 1, 1),
    "E31": ("拉线", 1, 2),
    "E13": ("高压跌落保险", 1, 1),
    "E05": ("变台二次引线", 1, 1),
    "E04": ("变压器防护帽", 3, 4),
    "E28": ("10kV铜铝跨径线夹", 3, 6),
    "E32": ("拉线防护管", 2, 8),
    "E35": ("影响线路运行的树木", 2, 6),
    "F06": ("安全帽", 1, 3),
    "F07": ("安全带", 1, 2),
    "F08": ("脚扣", 1, 2),
}


class Works:
    """What is still to be recorded of each figure. Fixes take their share first, the stations record the rest."""

    def __init__(self) -> None:
        self._figures = figures()
        self._left = Counter({figure: figure.quantity for figure in self._figures})

    def of_fix(self, chance: Random, item: Item) -> list[dict[str, Any]]:
        """What one fix of this item adds; nothing once fixes have taken their share."""
        if item.code not in _OF_FIX:
            return []
        name, least, most = _OF_FIX[item.code]
        figure = next(
            each
            for each in self._figures
            if each.item == name and each.counts_as is CountsAs.PART and each.group != TESTED
        )
        quantity = chance.randint(least, most)
        if self._left[figure] - quantity < figure.quantity * 2 // 5:
            return []
        self._left[figure] -= quantity
        return [figure.of_fix(quantity)]

    def rest(self, chance: Random, bureau: Bureau) -> Iterator[Step]:
        """The records that make every figure exact, those of a unit and week sent together at its end.

        Each is first named by the first station, in the table's order: it sends those of the first day at once.
        """
        together: defaultdict[tuple[str, date], list[_Work]] = defaultdict(list)
        for work in sorted(self._rest(chance, bureau), key=lambda work: work.at):
            day = work.at.date()
            sent = day if day == dates.INSPECTING[0] else day + timedelta(days=6 - day.weekday())
            together[work.body["unit"], sent].append(work)
        for (unit, _), works in together.items():
            yield Quantities(works[-1].at, works[-1].by, unit, tuple(work.body for work in works))

    def _rest(self, chance: Random, bureau: Bureau) -> Iterator[_Work]:
        for place, figure in enumerate(self._figures):
            if figure.counts_as is CountsAs.TOTAL:
                yield _stated(figure, bureau)
            elif figure.group == CHECKED:
                yield from _checked(figure, bureau)
            elif figure.group != TESTED:
                yield from self._shared(figure, place, chance, bureau)

    def _shared(self, figure: Figure, place: int, chance: Random, bureau: Bureau) -> Iterator[_Work]:
        first = bureau.stations[0]
        sharing = [first, *_some(chance, bureau.stations[1:], figure)]
        parts = _split(chance, self._left[figure], len(sharing))
        later = days.workdays(dates.INSPECTING[0], dates.RECTIFYING[1])[1:]
        for station, quantity in zip(sharing, parts, strict=True):
            day = dates.INSPECTING[0] if station is first else chance.choice(later)
            at = days.at(day, 17, place) if station is first else days.at(day, 16, chance.randint(30, 59))
            rough = figure.approximate and (station is first or chance.random() < 0.4)
            body = figure.body(quantity, unit=station.code, done_on=day, approximate=rough)
            yield _Work(at, station.checker, body)

    def tools(self, chance: Random, bureau: Bureau) -> Iterator[dict[str, str]]:
        """The tools of the stations: as many as the figures say were tested."""
        for code, kind, station in _tools(bureau, self._figures):
            yield _registered(chance, code, kind, station)

    def tests(self, bureau: Bureau) -> Iterator[Step]:
        """Every tool is tested on its station's day of the inspections; the report comes when all of them are."""
        stations = bureau.stations
        test_days = {
            station.code: days.workdays(*dates.INSPECTING)[number] for number, station in enumerate(stations)
        }
        reports: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for report, (code, _, station) in enumerate(_tools(bureau, self._figures), start=1):
            passed = report % 31 != 0
            reports[station.code].append(
                {
                    "number": code,
                    "passed": passed,
                    "tested_on": test_days[station.code].isoformat(),
                    "campaign": CAMPAIGN,
                    "report_number": f"YLAQ2026-{report:03}",
                    "note": "" if passed else "耐压试验不合格，停用，建议更换",
                }
            )
        for station in stations:
            tests = reports[station.code]
            at = days.at(test_days[station.code], 9) + timedelta(minutes=25 * len(tests))
            yield ToolTests(at, station.checker, station.code, tuple(tests))


@dataclass(frozen=True, slots=True)
class _Work:
    """One quantity record, and when it was ready to be sent by whom."""

    at: datetime
    by: Colleague
    body: dict[str, Any]


def _stated(figure: Figure, bureau: Bureau) -> _Work:
    """The total, as the bureau's supervisor states it once the tests are made."""
    day = dates.INSPECTING[1]
    body = figure.body(figure.quantity, unit=CODE, done_on=day)
    return _Work(days.at(day, 17, 10), bureau.safety_supervisor, body)


def _checked(figure: Figure, bureau: Bureau) -> Iterator[_Work]:
    """Each station records that it has checked itself."""
    first_week = days.workdays(*dates.INSPECTING)[2:7]
    for number, station in enumerate(bureau.stations):
        day = first_week[number % len(first_week)]
        yield _Work(days.at(day, 17, 15), station.checker, figure.body(1, unit=station.code, done_on=day))


CAMPAIGN = "CC2026"

_LETTERS = {"拉闸杆": "LZG", "验电笔": "YDB", "接地棒": "JDB", "绝缘手套": "JYST", "绝缘靴": "JYX"}


def _tools(bureau: Bureau, figures: Iterable[Figure]) -> Iterator[tuple[str, str, Station]]:
    """Number, kind and station of each tool."""
    for figure in figures:
        if figure.group == TESTED:
            for number in range(figure.quantity):
                turn, place = divmod(number, len(bureau.stations))
                station = bureau.stations[place]
                yield f"{station.code}-{_LETTERS[figure.item]}{turn + 1:02}", figure.item, station


def _registered(chance: Random, code: str, kind: str, station: Station) -> dict[str, str]:
    months = KINDS[kind].test_interval_months
    last = dates.INSPECTING[0] + timedelta(days=chance.randint(-20, 20))
    return {
        "number": code,
        "kind": kind,
        "unit": station.code,
        "spec": "10kV" if kind != "绝缘手套" else "12kV",
        "holder": f"{station.short}工器具室",
        "last_test_on": months_later(last, -months).isoformat(),
    }


def _some(chance: Random, stations: list[Station], figure: Figure) -> list[Station]:
    most = min(len(stations), max(2, figure.quantity // 4))
    return sorted(chance.sample(stations, chance.randint(min(4, most), most)), key=lambda each: each.code)


def _split(chance: Random, whole: int, parts: int) -> list[int]:
    """Whole numbers above 0 that add up to `whole`, of uneven size."""
    cuts = sorted(chance.sample(range(1, whole), parts - 1)) if parts > 1 else []
    return [high - low for low, high in zip([0, *cuts], [*cuts, whole], strict=True)]
