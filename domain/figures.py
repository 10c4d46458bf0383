"""The figures of a campaign frozen into one JSON document: what every number of the summary is read from.

Each total is asked of the database on its own, beside the cells it should be the sum of; domain/figure_checks.py
adds the cells again, so that a figure stands only when two queries agree. Read it in a session whose queries all see
one moment (`Database.reading(snapshot=True)`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, func, select, tuple_
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session, aliased

from domain.call_figures import call_figures
from domain.campaign_settings import settings_of
from domain.coverage import VisitCell, VisitCounts, coverage, visit_cells, visits_by_rota, visits_of
from domain.figure_lists import (
    deferred,
    first_work,
    open_tickets,
    repeats,
    subjects,
    tests_by_kind,
    tools_due_next,
)
from domain.quantity_figures import quantity_figures
from domain.rates import Rate
from domain.records import Answer, AnswerValue, Campaign, ChecklistItem, Inspection, Ticket, Unit
from domain.sample_figures import sample_figures
from domain.tallies import CATEGORY, Tally, cells, measures
from statemachines.inspection import InspectionState
from statemachines.labels import LOCAL, Level, local_day

SCHEMA = 1

#: What the figures mean; the paper shows these beside a figure. The keys are JSON pointers into the snapshot.
DEFINITIONS: Mapping[str, str] = {
    "/coverage/rate": "覆盖率 = 实查单位数 ÷ 计划单位数",
    "/visits/rate": "计划检查完成率 = 完成次数 ÷ 计划次数，已撤销的计划不计",
    "/inspections/pass_rate": "检查项合格率 = 合格 ÷（合格＋不合格），不适用和未查不计",
    "/hazards/rates/rectified": "整改率 = 已销号 ÷（登记 − 作废）",
    "/hazards/rates/on_time": "按期整改率 = 首次期限前完成 ÷ 已完成整改，延期不改变",
    "/hazards/rates/on_current_time": "按批准期限整改率 = 批准期限前完成 ÷ 已完成整改",
    "/hazards/rates/first_pass": "一次复查合格率 = 首次复查即销号 ÷ 已复查",
    "/hazards/average_fix_days": "平均整改天数 = 发现至整改完成的自然日之和 ÷ 已完成整改",
    "/hazards/all/total": "截至统计时间登记的隐患单，含已作废",
    "/hazards/counted": "登记 − 作废",
    "/hazards/all/verified": "复查合格、已销号",
    "/hazards/all/late": "超过现行期限、尚未完成整改",
    "/samples/recheck/counts/drawn": "复查抽样：较大、重大隐患和各单位一般隐患按比例随机抽取的项数",
    "/samples/recheck/counts/pass_rate": "抽查合格率 = 合格 ÷ 已抽查，尚待抽查的不计",
    "/samples/look_back/counts/drawn": "回头看：从上一次活动已销号隐患中随机抽取的项数",
    "/samples/look_back/counts/pass_rate": "回头看合格率 = 合格 ÷ 已抽查，尚待抽查的不计",
    "/calls/received": "登记在本次活动下的来电、来访、来信",
    "/calls/answered_rate": "答复率 = 已答复 ÷ 受理",
    "/calls/satisfied_rate": "满意率 = 表示满意 ÷ 回访时表态",
    "/quantities/tools_tested": "各类安全工器具试验数之和",
}

#: What programs call the kinds of campaigns, as the title of a paper says it; any other kind stands as it is.
KINDS = {"spring": "春查", "autumn": "秋查", "general": "安全大检查"}


def freeze_figures(session: Session, campaign: Campaign, *, cut_off: datetime) -> dict[str, Any]:
    """The snapshot of a campaign at `cut_off`: counts, rates, quantities, lists, and the queries behind them.

    Moments are RFC 3339 in Asia/Shanghai, days ISO, quantities decimal texts. Unit, phases and scope must be loaded.
    Raises nothing of its own: figures that do not add up are found by `figure_checks.check`.
    """
    settings = settings_of(campaign)
    scope = coverage(session, campaign)
    hazards, queries = _hazards(session, campaign, cut_off)
    inspections = _inspections(session, campaign)
    quantities = quantity_figures(session, campaign)
    return {
        "schema": SCHEMA,
        "cut_off": cut_off.astimezone(LOCAL).isoformat(),
        "campaign": {
            "code": campaign.code,
            "name": campaign.name,
            "kind": KINDS.get(campaign.kind.lower(), campaign.kind),
            "year": str((campaign.held_on or local_day(cut_off)).year),
            "state": campaign.state.value,
        },
        "organisation": {
            "code": campaign.unit.code,
            "name": settings.organisation or campaign.unit.name,
            "main_recipient": settings.main_recipient,
        },
        "range": _range(session, campaign, cut_off),
        "phases": {
            phase.phase.value: {
                "from": phase.starts_on.isoformat(),
                "to": phase.ends_on.isoformat() if phase.ends_on else None,
            }
            for phase in campaign.phases
        },
        "mobilisation": {
            "notice_number": campaign.notice_number,
            "held_on": campaign.held_on.isoformat() if campaign.held_on else None,
            "attendance": campaign.attendance,
        },
        "coverage": {
            "planned": scope.planned,
            "visited": scope.visited,
            "rate": Rate.of(scope.visited, scope.planned).model_dump(),
            "reason": campaign.coverage_reason,
            "units": [
                {
                    "code": report.unit.code,
                    "name": report.unit.name,
                    "visited": report.visited,
                    "reported": report.reported,
                    "zero_report": report.zero_reported_at is not None,
                    "inspections": report.inspections,
                }
                for report in scope.units
            ],
        },
        "inspections": inspections,
        "visits": _visits(session, campaign, cut_off),
        "hazards": hazards,
        "subjects": subjects(session, campaign),
        "repeats": repeats(session, campaign),
        "extensions": deferred(session, campaign),
        "samples": sample_figures(session, campaign),
        "calls": call_figures(session, campaign),
        "open": open_tickets(session, campaign, now=cut_off),
        "quantities": quantities,
        "tests": tests_by_kind(session, campaign),
        "tools_due": tools_due_next(session, campaign, after=local_day(cut_off)),
        "definitions": dict(DEFINITIONS),
        "queries": {name: _written(query) for name, query in queries.items()},
    }


def _range(session: Session, campaign: Campaign, cut_off: datetime) -> dict[str, str]:
    """From the first thing that happened or was planned to the cut-off: every date of the paper lies within."""
    days: list[date | None] = [campaign.held_on, *(phase.starts_on for phase in campaign.phases)]
    known = [day for day in (*days, first_work(session, campaign)) if day is not None]
    return {
        "from": min(known, default=local_day(campaign.created_at)).isoformat(),
        "to": local_day(cut_off).isoformat(),
    }


def _inspections(session: Session, campaign: Campaign) -> dict[str, Any]:
    states = dict(
        session.execute(
            select(Inspection.state, func.count())
            .where(Inspection.campaign_id == campaign.id)
            .group_by(Inspection.state)
        )
        .tuples()
        .all()
    )
    answers = dict(
        session.execute(
            select(Answer.value, func.count())
            .join(Inspection, Inspection.id == Answer.inspection_id)
            .where(Inspection.campaign_id == campaign.id, Inspection.state == InspectionState.SUBMITTED)
            .group_by(Answer.value)
        )
        .tuples()
        .all()
    )
    items = (
        session.scalar(select(func.count()).where(ChecklistItem.checklist_id == campaign.checklist_id))
        if campaign.checklist_id
        else 0
    )
    passed, failed = answers.get(AnswerValue.PASS, 0), answers.get(AnswerValue.FAIL, 0)
    return {
        "total": sum(states.values()),
        "by_state": {state.value: states.get(state, 0) for state in InspectionState},
        "checklist": campaign.checklist.name if campaign.checklist else None,
        "items": items,
        "answered": sum(answers.values()),
        "by_answer": {value.value: answers.get(value, 0) for value in AnswerValue},
        "pass_rate": Rate.of(passed, passed + failed).model_dump(),
    }


def _visits(session: Session, campaign: Campaign, cut_off: datetime) -> dict[str, Any]:
    """Planned visits: in all, by rota, by unit, the cells they are added from, and the missed ones by name."""
    counted = visit_cells(session, campaign, now=cut_off)
    again = aliased(Inspection)
    missed = session.execute(
        select(Unit.code, Unit.name, Inspection.planned_on, Inspection.missed_reason, again.submitted_at)
        .join(Unit, Unit.id == Inspection.unit_id)
        .outerjoin(
            again, and_(again.instead_of_id == Inspection.id, again.state == InspectionState.SUBMITTED)
        )
        .where(Inspection.campaign_id == campaign.id, Inspection.state == InspectionState.MISSED)
        .order_by(Inspection.planned_on, Unit.path)
    )
    by_unit: dict[str, list[VisitCell]] = {}
    for cell in sorted(counted, key=lambda cell: cell.unit.path):
        by_unit.setdefault(cell.unit.code, []).append(cell)
    return {
        **_visit_figures(visits_of(counted)),
        "by_rota": [
            {
                "rota": str(rota.id) if rota else None,
                "checklist": rota.checklist.name if rota else None,
                "every": rota.every.value if rota else None,
                **_visit_figures(counts),
            }
            for rota, counts in visits_by_rota(counted)
        ],
        "by_unit": [
            {"code": code, "name": cells[0].unit.name, **_visit_figures(visits_of(cells))}
            for code, cells in by_unit.items()
        ],
        "cells": [
            {
                "unit": cell.unit.code,
                "rota": str(cell.rota.id) if cell.rota else None,
                "counts": cell.counts.model_dump(),
            }
            for cell in counted
        ],
        "missed": [
            {
                "unit": code,
                "name": name,
                "planned_on": day.isoformat(),
                "reason": reason,
                "made_up_on": local_day(made).isoformat() if made else None,
            }
            for code, name, day, reason, made in missed
        ],
    }


def _visit_figures(counts: VisitCounts) -> dict[str, Any]:
    return {"counts": counts.model_dump(), "rate": counts.rate.model_dump()}


def hazards_query(campaign: Campaign, *, now: datetime) -> Select[tuple[object, ...]]:
    """Every sum of the hazards in one pass: all of them, and by level, category and unit."""
    return (
        select(
            Ticket.level,
            CATEGORY.label("category"),
            Ticket.unit_id,
            func.grouping(Ticket.level, CATEGORY, Ticket.unit_id).label("rolled_up"),
            *measures(now),
        )
        .where(Ticket.campaign_id == campaign.id)
        .group_by(
            func.grouping_sets(tuple_(), tuple_(Ticket.level), tuple_(CATEGORY), tuple_(Ticket.unit_id))
        )
    )


#: What `grouping` says of a row: which columns were rolled up in it (1) and which not (0), in binary.
ALL, BY_LEVEL, BY_CATEGORY, BY_UNIT = 0b111, 0b011, 0b101, 0b110


def _hazards(
    session: Session, campaign: Campaign, now: datetime
) -> tuple[dict[str, Any], dict[str, Select[Any]]]:
    query = hazards_query(campaign, now=now)
    rows = session.execute(query).mappings().all()
    sums: dict[int, dict[Any, Tally]] = {ALL: {}, BY_LEVEL: {}, BY_CATEGORY: {}, BY_UNIT: {}}
    column = {BY_LEVEL: "level", BY_CATEGORY: "category", BY_UNIT: "unit_id"}
    for row in rows:
        kind = row["rolled_up"]
        sums[kind][row[column[kind]] if kind in column else None] = Tally.of_row(row)
    counted = cells(session, Ticket.campaign_id == campaign.id, now=now)
    units = {cell.unit.id: cell.unit for cell in counted}
    everything = sums[ALL].get(None, Tally())
    stations = sorted((entry.unit for entry in campaign.scope), key=lambda unit: -len(unit.path))

    def station_of(path: str) -> str | None:
        return next((unit.code for unit in stations if path.startswith(unit.path)), None)

    figures = {
        "all": everything.as_dict(),
        "counted": everything.total - everything.cancelled,
        "open": everything.open,
        "done": everything.done,
        "rates": _rates(everything),
        "average_fix_days": everything.average_fix_days.model_dump(),
        "by_level": {level.value: _counted(sums[BY_LEVEL].get(level, Tally())) for level in Level},
        "by_category": [
            {"name": name, **_counted(tally)}
            for name, tally in sorted(sums[BY_CATEGORY].items(), key=lambda each: (-each[1].total, each[0]))
        ],
        "by_unit": [
            {"code": unit.code, "name": unit.name, "station": station_of(unit.path), **_counted(tally)}
            for unit, tally in sorted(
                ((units[key], tally) for key, tally in sums[BY_UNIT].items()),
                key=lambda each: each[0].path,
            )
        ],
        "by_station": _by_station(campaign, counted, station_of),
        "cells": [
            {
                "unit": cell.unit.code,
                "station": station_of(cell.unit.path),
                "level": cell.level.value,
                "category": cell.category,
                "tally": cell.tally.as_dict(),
            }
            for cell in counted
        ],
    }
    return figures, {"hazards": query}


def _by_station(campaign: Campaign, counted: list[Any], station_of: Any) -> list[dict[str, Any]]:
    sums: dict[str | None, Tally] = {}
    for cell in counted:
        station = station_of(cell.unit.path)
        sums[station] = sums.get(station, Tally()) + cell.tally
    listed = [
        {"code": entry.unit.code, "name": entry.unit.name, **_counted(sums.pop(entry.unit.code, Tally()))}
        for entry in sorted(campaign.scope, key=lambda entry: entry.position)
    ]
    if None in sums:
        listed.append({"code": None, "name": "其他", **_counted(sums[None])})
    return listed


def _rates(tally: Tally) -> dict[str, Any]:
    return {
        "rectified": tally.rectified.model_dump(),
        "on_time": tally.on_time.model_dump(),
        "on_current_time": tally.on_current_time.model_dump(),
        "first_pass": tally.first_pass.model_dump(),
    }


def _counted(tally: Tally) -> dict[str, Any]:
    return {
        "tally": tally.as_dict(),
        "counted": tally.total - tally.cancelled,
        "open": tally.open,
        "rates": _rates(tally),
    }


def _written(query: Select[Any]) -> str:
    """The query as text, its values written in: whoever doubts a figure can run it."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
