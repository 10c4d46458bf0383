"""Quantity records as the trade says them (domain rules 5.4).

共处理渗漏变压器47台，检修开关25台，校正线路歪杆285余根，更换高压跌落保险8组、变台二次引线12处。

Verbs in first-seen order, joined by ，; the objects of one verb joined by 、; 共 once, at the head. 余 stands exactly
when a source record is a lower bound. Nothing is ever added across units of measure, but for the totals of
domain/quantity_figures.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from domain.figure_text import Said, figure
from domain.quantity_figures import is_part
from domain.records import CountsAs

Sentence = list[Said]

SELF_CHECK = "自查"


def topics(snapshot: Mapping[str, Any]) -> list[str]:
    """The headings that have a record, in first-seen order."""
    return list(dict.fromkeys(item["topic"] for item in snapshot["quantities"]["items"]))


def quantity_sentences(snapshot: Mapping[str, Any], topic: str) -> list[Sentence]:
    """What is said under one heading: the work done, then apart from it what no verb can be given to.

    A heading without records gives no sentence. Every item of the heading stands in exactly one of them.
    """
    items = [
        (place, item) for place, item in enumerate(snapshot["quantities"]["items"]) if item["topic"] == topic
    ]
    parts = [(place, item) for place, item in items if item["counts_as"] == CountsAs.PART]
    unclear = [place for place, item in items if item["counts_as"] == CountsAs.UNCLEAR]
    said: list[Sentence] = []
    done = [(place, item) for place, item in parts if item["action"] != SELF_CHECK]
    checked = [place for place, item in parts if item["action"] == SELF_CHECK]
    if work := _work(snapshot, topic, done):
        said.append([*work, Said("。")])
    if checked:
        counted = [_counted_first(snapshot, place) for place in checked]
        said.append([Said("共"), *_joined(counted, "、"), Said("进行了自查。")])
    if unclear:
        objects = [_object(snapshot, place) for place in unclear]
        said.append([Said("另有"), *_joined(objects, "、"), Said("，原始记录未写明动作，单列，不计入合计。")])
    return said


def _work(snapshot: Mapping[str, Any], topic: str, parts: list[tuple[int, Mapping[str, Any]]]) -> Sentence:
    by_action: dict[str, list[int]] = {}
    for place, item in parts:
        by_action.setdefault(item["action"], []).append(place)
    totals = {
        total["action"]: place
        for place, total in enumerate(snapshot["quantities"]["totals"])
        if total["topic"] == topic
    }
    clauses = [_clause(snapshot, action, places, totals.get(action)) for action, places in by_action.items()]
    # A total and its parts make a clause that already has ，inside.
    joiner = "；" if any(action in totals for action in by_action) else "，"
    return [Said("共"), *_joined(clauses, joiner)] if clauses else []


def _clause(snapshot: Mapping[str, Any], action: str, places: list[int], total: int | None) -> Sentence:
    if total is None:
        return [Said(action), *_objects(snapshot, places)]
    pointer = f"/quantities/totals/{total}"
    whole = snapshot["quantities"]["totals"][total]
    inside = [place for place in places if is_part(snapshot["quantities"]["items"][place])]
    beside = [place for place in places if place not in inside]
    said = [Said(action), Said(whole["item"]), figure(snapshot, pointer)]
    if inside:
        said += [Said("，其中"), *_objects(snapshot, inside)]
    if beside:
        said += [Said("，另"), Said(action), *_objects(snapshot, beside)]
    return said


def _objects(snapshot: Mapping[str, Any], places: list[int]) -> Sentence:
    return _joined([_object(snapshot, place) for place in places], "、")


def _object(snapshot: Mapping[str, Any], place: int) -> Sentence:
    pointer = f"/quantities/items/{place}"
    return [Said(snapshot["quantities"]["items"][place]["item"]), figure(snapshot, pointer)]


def _counted_first(snapshot: Mapping[str, Any], place: int) -> Sentence:
    """15个基层农电所、站: units that acted are counted before they are named."""
    return _object(snapshot, place)[::-1]


def _joined(sentences: Iterable[Sentence], joiner: str) -> Sentence:
    joined: Sentence = []
    for sentence in sentences:
        joined += [Said(joiner), *sentence] if joined else sentence
    return joined
