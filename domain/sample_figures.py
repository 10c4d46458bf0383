"""The re-check by sample in a snapshot: how many were drawn, checked, passed and failed, by level and unit.

Sums are asked of the database on their own, beside the cells (unit and level) that `samples_again` adds anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.records import Campaign, CampaignUnit, SampleDraw, SampledTicket, SampleKind, Unit
from domain.sample_checks import SampleCounts
from statemachines.labels import LOCAL, Level

K = TypeVar("K")

Cell = tuple[SampleKind, str, Level]
"""One kind of sample, unit of the scope (its code) and level when drawn."""


def sample_figures(session: Session, campaign: Campaign) -> dict[str, Any]:
    """By kind of sample (a kind nobody drew is left out): the counts in all, by level and by unit, cells and draws.

    Units come in the order of the scope, as everywhere in the papers.
    """
    drawn = (
        select(SampleDraw.kind, SampledTicket.passed, func.count())
        .join(SampleDraw, SampleDraw.id == SampledTicket.draw_id)
        .where(SampledTicket.campaign_id == campaign.id)
        .group_by(SampleDraw.kind, SampledTicket.passed)
    )
    by_kind = _gathered((kind, passed, count) for kind, passed, count in session.execute(drawn))
    by_level = _gathered(
        ((kind, level), passed, count)
        for kind, passed, count, level in session.execute(
            drawn.add_columns(SampledTicket.level).group_by(SampledTicket.level)
        )
    )
    units: dict[str, str] = {}
    cells: dict[Cell, Counter[bool | None]] = {}
    apart = (
        drawn.add_columns(SampledTicket.level, Unit.code, Unit.name)
        .join(Unit, Unit.id == SampledTicket.unit_id)
        .outerjoin(
            CampaignUnit, (CampaignUnit.campaign_id == campaign.id) & (CampaignUnit.unit_id == Unit.id)
        )
        .group_by(SampledTicket.level, Unit.id, CampaignUnit.position)
        .order_by(CampaignUnit.position, Unit.path)
    )
    for kind, passed, count, level, code, name in session.execute(apart):
        units[code] = name
        cells.setdefault((kind, code, level), Counter())[passed] += count
    by_unit = _by_unit(session, campaign)
    return {
        kind.value: {
            "counts": _counts(by_kind[kind]),
            "by_level": {
                level.value: {"counts": _counts(by_level.get((kind, level), Counter()))} for level in Level
            },
            "by_unit": [
                {"code": code, "name": units[code], "counts": _counts(by_unit[kind, code])}
                for code in units
                if (kind, code) in by_unit
            ],
            "cells": [
                {"unit": code, "level": level.value, "counts": _counts(results)}
                for (of, code, level), results in cells.items()
                if of is kind
            ],
            "draws": _draws(session, campaign, kind),
        }
        for kind in SampleKind
        if kind in by_kind
    }


def _gathered(rows: Iterable[tuple[K, bool | None, int]]) -> dict[K, Counter[bool | None]]:
    found: dict[K, Counter[bool | None]] = {}
    for key, passed, count in rows:
        found.setdefault(key, Counter())[passed] += count
    return found


def _by_unit(session: Session, campaign: Campaign) -> dict[tuple[SampleKind, str], Counter[bool | None]]:
    query = (
        select(SampleDraw.kind, Unit.code, SampledTicket.passed, func.count())
        .select_from(SampledTicket)
        .join(SampleDraw, SampleDraw.id == SampledTicket.draw_id)
        .join(Unit, Unit.id == SampledTicket.unit_id)
        .where(SampledTicket.campaign_id == campaign.id)
        .group_by(SampleDraw.kind, Unit.code, SampledTicket.passed)
    )
    return _gathered(((kind, code), passed, count) for kind, code, passed, count in session.execute(query))


def _counts(results: Counter[bool | None]) -> dict[str, Any]:
    return SampleCounts.of(results).model_dump()


def _draws(session: Session, campaign: Campaign, kind: SampleKind) -> list[dict[str, str | None]]:
    """When each draw was made and with which seed; what was added by hand has a reason instead."""
    query = (
        select(SampleDraw.drawn_at, SampleDraw.seed, SampleDraw.reason)
        .where(SampleDraw.campaign_id == campaign.id, SampleDraw.kind == kind)
        .order_by(SampleDraw.id)
    )
    return [
        {"at": at.astimezone(LOCAL).isoformat(), "seed": seed, "reason": reason}
        for at, seed, reason in session.execute(query)
    ]


# Added again.


def samples_again(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """Every figure of the samples from the cells; a snapshot frozen before samples were counted has none."""
    figures: dict[str, Any] = {}
    for kind, sample in snapshot.get("samples", {}).items():
        groups: list[tuple[str, str | None, str]] = [(f"/samples/{kind}", None, "")]
        groups += [(f"/samples/{kind}/by_level/{level.value}", "level", level.value) for level in Level]
        groups += [
            (f"/samples/{kind}/by_unit/{place}", "unit", unit["code"])
            for place, unit in enumerate(sample["by_unit"])
        ]
        for pointer, column, name in groups:
            results: Counter[bool | None] = Counter()
            for cell in sample["cells"]:
                if column is None or cell[column] == name:
                    counts = cell["counts"]
                    results.update({True: counts["passed"], False: counts["failed"], None: counts["waiting"]})
            figures |= {f"{pointer}/counts/{each}": value for each, value in _counts(results).items()}
    return figures


def sample_faults(snapshot: Mapping[str, Any]) -> Iterator[tuple[str, object, object]]:
    """Groups that leave a sampled ticket out: pointer, what they hold, what was drawn."""
    for kind, sample in snapshot.get("samples", {}).items():
        drawn = sample["counts"]["drawn"]
        held = sum(unit["counts"]["drawn"] for unit in sample["by_unit"])
        if held != drawn:
            yield f"/samples/{kind}/by_unit", held, drawn
        if drawn and not sample["draws"]:
            yield f"/samples/{kind}/draws", 0, "≥ 1"
