"""Every figure of a snapshot added again before it is published (domain rules 5.4: the consistency checker).

Sums are made anew from the cells, rates divided anew from what they divide, stated totals held against their parts. A
paper's own text is checked too: it may print a number only as a figure that was added again, or as words of a record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from domain.call_figures import call_faults, calls_again
from domain.coverage import VisitCounts
from domain.figure_lists import LISTED
from domain.figure_text import NoSuchFigure, at, plain_number, printed
from domain.quantity_figures import TOOLS, is_part
from domain.rates import Rate
from domain.records import AnswerValue, CountsAs
from domain.sample_figures import sample_faults, samples_again
from domain.tallies import Tally, total_of
from statemachines.labels import Language, Level

Figures = dict[str, Any]
"""Recomputed values by JSON pointer."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A figure that does not stand: its pointer, its name, what is stated and what the records add up to."""

    figure: str
    stated: str
    recomputed: str
    name_zh: str
    name_en: str

    def sentence(self, language: Language) -> str:
        """What is wrong, for the person who has to put it right."""
        if language == "zh":
            return f"{self.name_zh}：写为{self.stated}，按记录核算为{self.recomputed}"
        return f"{self.name_en}: stated {self.stated}, the records add up to {self.recomputed}"

    def as_json(self) -> dict[str, str]:
        """As a summary keeps it."""
        return {**asdict(self), "zh": self.sentence("zh"), "en": self.sentence("en")}


def check(snapshot: Mapping[str, Any]) -> list[Mismatch]:
    """Every figure that does not add up; an empty list lets the summary be published."""
    again = recomputed(snapshot)
    wrong = []
    for pointer, value in again.items():
        try:
            stated = at(snapshot, pointer)
        except NoSuchFigure:
            stated = None
        if stated != value:
            wrong.append(_mismatch(snapshot, pointer, _shown(stated), _shown(value)))
    return [*wrong, *_limits(snapshot), *_stated_totals(snapshot), *_dates(snapshot)]


def recomputed(snapshot: Mapping[str, Any]) -> Figures:
    """Every figure that can be added again, from the cells and lists of the snapshot alone."""
    return {
        **_hazards(snapshot),
        **_coverage(snapshot),
        **_inspections(snapshot),
        **_visits(snapshot),
        **_quantities(snapshot),
        **_lists(snapshot),
        **samples_again(snapshot),
        **calls_again(snapshot),
    }


# Hazards: sums of cells.


def _hazards(snapshot: Mapping[str, Any]) -> Figures:
    hazards = snapshot["hazards"]
    tallies = [(cell, Tally(**cell["tally"])) for cell in hazards["cells"]]
    everything = total_of(tally for _, tally in tallies)
    figures: Figures = {f"/hazards/all/{name}": value for name, value in everything.as_dict().items()}
    figures |= {
        "/hazards/counted": everything.total - everything.cancelled,
        "/hazards/open": everything.open,
        "/hazards/done": everything.done,
        "/hazards/average_fix_days": everything.average_fix_days.model_dump(),
        **_rates("/hazards", everything),
        "/open/total": everything.open,
    }
    groups: list[tuple[str, str, Iterable[tuple[Any, Any]]]] = [
        ("/hazards/by_level", "level", ((level.value, level.value) for level in Level)),
        ("/hazards/by_category", "category", _named(hazards["by_category"], "name")),
        ("/hazards/by_unit", "unit", _named(hazards["by_unit"], "code")),
        ("/hazards/by_station", "station", _named(hazards["by_station"], "code")),
    ]
    for place, column, names in groups:
        for key, name in names:
            tally = total_of(tally for cell, tally in tallies if cell[column] == name)
            figures |= _group(f"{place}/{key}", tally)
    return figures


def _named(entries: Sequence[Mapping[str, Any]], name: str) -> Iterator[tuple[int, Any]]:
    return ((place, entry[name]) for place, entry in enumerate(entries))


def _group(pointer: str, tally: Tally) -> Figures:
    return {
        **{f"{pointer}/tally/{name}": value for name, value in tally.as_dict().items()},
        f"{pointer}/counted": tally.total - tally.cancelled,
        f"{pointer}/open": tally.open,
        **_rates(pointer, tally),
    }


def _rates(pointer: str, tally: Tally) -> Figures:
    rates = {
        "rectified": Rate.of(tally.verified, tally.total - tally.cancelled),
        "on_time": Rate.of(tally.in_time, tally.fixed + tally.verified),
        "on_current_time": Rate.of(tally.in_current_time, tally.fixed + tally.verified),
        "first_pass": Rate.of(tally.passed_first, tally.rechecked),
    }
    return {f"{pointer}/rates/{name}": rate.model_dump() for name, rate in rates.items()}


# Visits, answers, quantities, lists.


def _coverage(snapshot: Mapping[str, Any]) -> Figures:
    units = snapshot["coverage"]["units"]
    visited = sum(bool(unit["visited"]) for unit in units)
    return {
        "/coverage/planned": len(units),
        "/coverage/visited": visited,
        "/coverage/rate": Rate.of(visited, len(units)).model_dump(),
    }


def _inspections(snapshot: Mapping[str, Any]) -> Figures:
    inspections = snapshot["inspections"]
    answers = inspections["by_answer"]
    passed, failed = answers[AnswerValue.PASS], answers[AnswerValue.FAIL]
    return {
        "/inspections/total": sum(inspections["by_state"].values()),
        "/inspections/answered": sum(answers.values()),
        "/inspections/pass_rate": Rate.of(passed, passed + failed).model_dump(),
    }


def _visits(snapshot: Mapping[str, Any]) -> Figures:
    """Sums of the cells; a snapshot frozen before visits were counted has none."""
    if "visits" not in snapshot:
        return {}
    visits = snapshot["visits"]
    cells = [(cell, VisitCounts(**cell["counts"])) for cell in visits["cells"]]
    groups: list[tuple[str, Mapping[str, Any]]] = [("/visits", {})]
    groups += [
        (f"/visits/by_rota/{place}", {"rota": each["rota"]}) for place, each in enumerate(visits["by_rota"])
    ]
    groups += [
        (f"/visits/by_unit/{place}", {"unit": each["code"]}) for place, each in enumerate(visits["by_unit"])
    ]
    figures: Figures = {}
    for pointer, key in groups:
        counts = sum(
            (counts for cell, counts in cells if all(cell[name] == value for name, value in key.items())),
            VisitCounts(),
        )
        figures |= {f"{pointer}/counts/{name}": value for name, value in counts.model_dump().items()}
        figures[f"{pointer}/rate"] = counts.rate.model_dump()
    return figures


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    names = ("topic", "action", "item", "measure_unit", "counts_as")
    if any(one[name] != other[name] for name in names):
        return False
    return bool(one["counts_as"] != CountsAs.TOTAL or one["quantity"] == other["quantity"])


def _quantities(snapshot: Mapping[str, Any]) -> Figures:
    quantities = snapshot["quantities"]
    figures: Figures = {}
    for place, item in enumerate(quantities["items"]):
        parts = [part for part in quantities["by_unit"] if _same(item, part)]
        added = (
            Decimal(item["quantity"])
            if item["counts_as"] == CountsAs.TOTAL and parts
            else sum((Decimal(part["quantity"]) for part in parts), Decimal(0))
        )
        figures[f"/quantities/items/{place}"] = {
            **item,
            "quantity": plain_number(added),
            "approximate": any(part["approximate"] for part in parts),
            "records": sum(part["records"] for part in parts),
        }
    for place, total in enumerate(quantities["totals"]):
        parts = _parts(snapshot, total)
        figures[f"/quantities/totals/{place}"] = {
            **total,
            "quantity": plain_number(sum((Decimal(part["quantity"]) for part in parts), Decimal(0))),
            "approximate": any(part["approximate"] for part in parts),
        }
    return figures


def _parts(snapshot: Mapping[str, Any], total: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [
        item
        for item in snapshot["quantities"]["items"]
        if (item["topic"], item["action"]) == (total["topic"], total["action"]) and is_part(item)
    ]


def _lists(snapshot: Mapping[str, Any]) -> Figures:
    figures: Figures = {
        "/extensions/total": sum(snapshot["extensions"]["by_state"].values()),
    }
    for place, test in enumerate(snapshot["tests"]):
        figures[f"/tests/{place}/tested"] = test["passed"] + test["failed"]
    return figures


# What cannot be added, but has a bound.


def _limits(snapshot: Mapping[str, Any]) -> Iterator[Mismatch]:
    """States add up to the total, and no part is greater than its whole."""
    hazards = snapshot["hazards"]
    every = hazards["all"]
    states = sum(every[state] for state in ("found", "assigned", "fixed", "verified", "cancelled"))
    if states != every["total"]:
        yield _mismatch(snapshot, "/hazards/all/total", every["total"], states)
    # Each grouping holds every ticket: a group that was left out shows here.
    for group in ("by_category", "by_unit", "by_station"):
        held = sum(entry["tally"]["total"] for entry in hazards[group])
        if held != every["total"]:
            yield _mismatch(snapshot, f"/hazards/{group}", held, every["total"])
    yield from _visit_limits(snapshot)
    for pointer, stated, whole in (*sample_faults(snapshot), *call_faults(snapshot)):
        yield _mismatch(snapshot, pointer, stated, whole)
    listed = min(every["total"] - every["verified"] - every["cancelled"], LISTED)
    if len(snapshot["open"]["listed"]) != listed:
        yield _mismatch(snapshot, "/open/listed", len(snapshot["open"]["listed"]), listed)
    counted = hazards["counted"]
    wholes = {
        "/coverage/visited": snapshot["coverage"]["planned"],
        "/inspections/by_state/submitted": sum(unit["inspections"] for unit in snapshot["coverage"]["units"]),
        "/hazards/all/passed_first": every["rechecked"],
        "/hazards/all/in_time": every["fixed"] + every["verified"],
        "/hazards/all/late": every["assigned"],
        "/extensions/tickets": snapshot["extensions"]["by_state"]["approved"],
        **{f"/subjects/{place}/tickets": counted for place in range(len(snapshot["subjects"]))},
        **{f"/repeats/{place}/tickets": counted for place in range(len(snapshot["repeats"]))},
        **{f"/repeats/{place}/units": repeat["tickets"] for place, repeat in enumerate(snapshot["repeats"])},
    }
    for pointer, most in wholes.items():
        stated = at(snapshot, pointer)
        if not 0 <= stated <= most:
            yield _mismatch(snapshot, pointer, stated, f"≤ {most}")
    subjects = sum(subject["tickets"] for subject in snapshot["subjects"])
    if subjects > counted:
        yield _mismatch(snapshot, "/subjects", subjects, f"≤ {counted}")


def _visit_limits(snapshot: Mapping[str, Any]) -> Iterator[Mismatch]:
    """What became of the visits adds up to what was planned, and agrees with the states counted on their own."""
    if "visits" not in snapshot:
        return
    visits, states = snapshot["visits"], snapshot["inspections"]["by_state"]
    counts = visits["counts"]
    equal = {
        "planned": counts["done"] + counts["missed"] + counts["open"],
        "done": states["submitted"],
        "missed": states["missed"],
        "open": states["planned"] + states["started"],
    }
    for name, value in equal.items():
        if counts[name] != value:
            yield _mismatch(snapshot, f"/visits/counts/{name}", counts[name], value)
    for name, whole in (("late", "done"), ("made_up", "missed"), ("overdue", "open")):
        if counts[name] > counts[whole]:
            yield _mismatch(snapshot, f"/visits/counts/{name}", counts[name], f"≤ {counts[whole]}")
    for group in ("by_rota", "by_unit"):
        held = sum(entry["counts"]["planned"] for entry in visits[group])
        if held != counts["planned"]:
            yield _mismatch(snapshot, f"/visits/{group}", held, counts["planned"])
    if len(visits["missed"]) != counts["missed"]:
        yield _mismatch(snapshot, "/visits/missed", len(visits["missed"]), counts["missed"])


def _stated_totals(snapshot: Mapping[str, Any]) -> Iterator[Mismatch]:
    """A total somebody stated is what its parts add up to, in one unit of measure (safety tools: in pieces)."""
    for place, total in enumerate(snapshot["quantities"]["totals"]):
        pointer = f"/quantities/totals/{place}"
        parts = _parts(snapshot, total)
        added = sum((Decimal(part["quantity"]) for part in parts), Decimal(0))
        for stated in total["stated"]:
            if Decimal(stated) != added:
                sum_of = "+".join(part["quantity"] for part in parts) or "0"
                yield _mismatch(snapshot, pointer, stated, f"{sum_of}={plain_number(added)}")
        measures = {part["measure_unit"] for part in parts}
        if total["topic"] != TOOLS and measures - {total["measure_unit"]}:
            yield _mismatch(
                snapshot,
                pointer,
                total["measure_unit"],
                "、".join(sorted(measures | {total["measure_unit"]})),
            )


def _dates(snapshot: Mapping[str, Any]) -> Iterator[Mismatch]:
    """Phases do not end before they begin, and what is told as done lies within the campaign's days."""
    first, last = snapshot["range"]["from"], snapshot["range"]["to"]
    held = snapshot["mobilisation"]["held_on"]
    if held is not None and not date.fromisoformat(first) <= date.fromisoformat(held) <= date.fromisoformat(
        last
    ):
        yield _mismatch(snapshot, "/mobilisation/held_on", held, f"{first}…{last}")
    if snapshot["cut_off"][:10] != last:
        yield _mismatch(snapshot, "/cut_off", snapshot["cut_off"], last)
    for name, phase in snapshot["phases"].items():
        if phase["to"] is not None and phase["to"] < phase["from"]:
            yield _mismatch(snapshot, f"/phases/{name}/to", phase["to"], f"≥ {phase['from']}")


# The paper's text.

#: Figures nobody can add again: what was told once, and the bounds of `_limits`.
_TOLD = re.compile(
    r"/mobilisation/attendance|/inspections/(items|by_state/\w+|by_answer/\w+)|/extensions/(tickets|by_state/\w+)"
    r"|/subjects/\d+/tickets|/repeats/\d+/(tickets|units)|/tests/\d+/(passed|failed)|/tools_due/\d+/tools"
    r"|/coverage/units/\d+/inspections|/calls/by_way/\d+/(received|answered)"
)

_NUMBER = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Printed:
    """A piece of a paper's text: a figure with its pointer, words of a record (`given`), or the paper's own words."""

    text: str
    figure: str | None = None
    given: bool = False


def check_text(snapshot: Mapping[str, Any], text: Iterable[Printed]) -> list[Mismatch]:
    """What a paper prints against the snapshot: each figure as it is there, and no number typed by hand."""
    again = recomputed(snapshot)
    wrong = []
    for piece in text:
        if piece.figure is None:
            if not piece.given and _NUMBER.search(piece.text):
                wrong.append(_mismatch(snapshot, "/text", piece.text.strip(), "—"))
            continue
        known = any(piece.figure == known or piece.figure.startswith(f"{known}/") for known in again)
        if not known and not _TOLD.fullmatch(piece.figure):
            wrong.append(_mismatch(snapshot, piece.figure, piece.text, "—"))
            continue
        value = again.get(piece.figure, at(snapshot, piece.figure))
        if printed(value) != piece.text:
            wrong.append(_mismatch(snapshot, piece.figure, piece.text, printed(value)))
    return wrong


# Names.

_NAMES: Sequence[tuple[str, str, str]] = (
    (r"/text", "正文数字无出处", "A number without a source"),
    (r"/hazards/all/total", "隐患总数", "Hazards in all"),
    (r"/hazards/counted", "隐患总数（不含作废）", "Hazards not cancelled"),
    (r"/hazards/(all/)?open|/open/.*", "未销号隐患数", "Open hazards"),
    (r"/hazards/(all|done).*", "隐患合计", "Hazards, totals"),
    (r"/hazards/rates/.*|/hazards/average_fix_days", "整改指标", "Rates of rectification"),
    (r"/hazards/by_level.*", "隐患分等级合计", "Hazards by level"),
    (r"/hazards/by_category.*", "隐患分类别合计", "Hazards by category"),
    (r"/hazards/by_(unit|station).*", "隐患分单位合计", "Hazards by unit"),
    (r"/coverage.*", "检查覆盖", "Coverage"),
    (r"/inspections.*", "检查与检查项", "Inspections and answers"),
    (r"/visits.*", "计划检查", "Planned visits"),
    (r"/extensions.*", "延期", "Extensions"),
    (r"/samples/recheck.*", "复查抽样", "Re-check sample"),
    (r"/samples/look_back.*", "回头看抽样", "Look back"),
    (r"/calls.*", "来电来访", "Calls and visits"),
    (r"/subjects.*", "主要问题类别", "Main categories"),
    (r"/repeats.*", "重复隐患", "Repeat hazards"),
    (r"/tests.*", "安全工器具试验", "Tool tests"),
    (r"/mobilisation.*", "动员会", "Mobilisation"),
    (r"/cut_off|/phases.*|/range.*", "日期", "Dates"),
)


def _name(snapshot: Mapping[str, Any], pointer: str) -> tuple[str, str]:
    if found := re.match(r"(/quantities/(?:items|totals)/\d+)", pointer):
        item = at(snapshot, found[1])
        kind = "合计" if "/totals/" in pointer else ""
        return (
            f"{item['action']}{item['item']}{kind}",
            f"{item['action']} {item['item']}{' (total)' if kind else ''}",
        )
    for pattern, zh, en in _NAMES:
        if re.fullmatch(pattern, pointer):
            return f"{zh}（{pointer}）", f"{en} ({pointer})"
    return pointer, pointer


def _shown(value: Any) -> str:
    if isinstance(value, Mapping) and not value.keys() & {"percent", "quantity", "value"}:
        return str(dict(value))
    return printed(value)


def _mismatch(snapshot: Mapping[str, Any], pointer: str, stated: object, again: object) -> Mismatch:
    return Mismatch(pointer, str(stated), str(again), *_name(snapshot, pointer))
