"""Every state × level × event × persona of every chart, against the tables written by hand."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby, product
from operator import attrgetter
from typing import Any

import pytest

from statemachines.chart import RecordChart, move, option
from statemachines.labels import Level
from statemachines.refusals import Refusal
from tests.statemachines import (
    call_matrix,
    campaign_matrix,
    extension_matrix,
    inspection_matrix,
    plan_matrix,
    report_matrix,
    suggestion_matrix,
    supervision_matrix,
    ticket_matrix,
)
from tests.statemachines.matrix import PERSONAS, Cell, cells
from tests.statemachines.records import (
    CALL_FACTS,
    CAMPAIGN_FACTS,
    EXTENSION_FACTS,
    INSPECTION_FACTS,
    NOW,
    PLAN_FACTS,
    REPORT_FACTS,
    SUGGESTION_FACTS,
    SUPERVISION_FACTS,
    TICKET_FACTS,
    Call,
    Campaign,
    Extension,
    Inspection,
    Plan,
    Report,
    Suggestion,
    Supervision,
    ticket,
)

Build = Callable[[Cell], Any]


def a_ticket(cell: Cell) -> Any:
    return ticket(cell.state, level=cell.level)


def a_campaign(cell: Cell) -> Any:
    return Campaign(state=Campaign.chart.states_enum(cell.state))  # type: ignore[arg-type]


def an_inspection(cell: Cell) -> Any:
    return Inspection(state=Inspection.chart.states_enum(cell.state))  # type: ignore[arg-type]


def an_extension(cell: Cell) -> Any:
    return Extension(state=Extension.chart.states_enum(cell.state), level=cell.level)  # type: ignore[arg-type]


def a_suggestion(cell: Cell) -> Any:
    return Suggestion(state=Suggestion.chart.states_enum(cell.state))  # type: ignore[arg-type]


def a_supervision(cell: Cell) -> Any:
    return Supervision(state=Supervision.chart.states_enum(cell.state))  # type: ignore[arg-type]


def a_plan(cell: Cell) -> Any:
    return Plan(state=Plan.chart.states_enum(cell.state))  # type: ignore[arg-type]


def a_report(cell: Cell) -> Any:
    return Report(state=Report.chart.states_enum(cell.state))  # type: ignore[arg-type]


def a_call(cell: Cell) -> Any:
    return Call(state=Call.chart.states_enum(cell.state))  # type: ignore[arg-type]


SPECIFIED = [
    (list(cells(ticket_matrix.TABLE)), a_ticket, TICKET_FACTS),
    (list(cells(campaign_matrix.TABLE, levels=False)), a_campaign, CAMPAIGN_FACTS),
    (list(cells(inspection_matrix.TABLE, levels=False)), an_inspection, INSPECTION_FACTS),
    (list(cells(extension_matrix.TABLE)), an_extension, EXTENSION_FACTS),
    (list(cells(suggestion_matrix.TABLE, levels=False)), a_suggestion, SUGGESTION_FACTS),
    (list(cells(supervision_matrix.TABLE, levels=False)), a_supervision, SUPERVISION_FACTS),
    (list(cells(plan_matrix.TABLE, levels=False)), a_plan, PLAN_FACTS),
    (list(cells(report_matrix.TABLE, levels=False)), a_report, REPORT_FACTS),
    (list(cells(call_matrix.TABLE, levels=False)), a_call, CALL_FACTS),
]


def of_one_event() -> Iterator[Any]:
    """The cells of each state × event of each chart, all levels and personas: thousands of cells, some 150 tests."""
    for table, build, facts in SPECIFIED:
        at = attrgetter("state", "event")
        for (state, event), some in groupby(sorted(table, key=at), key=at):
            yield pytest.param(
                list(some), build, facts.get(event, {}), id=f"{build.__name__}-{state}-{event}"
            )


BY_EVENT = list(of_one_event())


def facts_of(cell: Cell, facts: dict[str, Any]) -> dict[str, Any]:
    """The usual facts; a regrading goes to a level other than the present one."""
    if cell.event == "regrade":
        return {**facts, "level": Level.MAJOR if cell.level != Level.MAJOR else Level.GENERAL}
    return facts


def decided(cell: Cell, build: Build, facts: dict[str, Any]) -> tuple[str | None, str | None]:
    """Where the chart leads and the code it refuses with; a refusal leaves the row alone and speaks both languages."""
    row = build(cell)
    try:
        led_to = move(row, cell.event, actor=PERSONAS[cell.persona], now=NOW, **facts_of(cell, facts))
    except Refusal as refused:
        assert row.state == cell.state, cell
        for language in ("zh", "en"):
            sentence = refused.sentence(language)
            assert sentence and "{" not in sentence and "None" not in sentence, cell
        return None, refused.code
    assert row.state == led_to, cell
    return led_to, None


def foreseen(cell: Cell, build: Build) -> tuple[bool, str | None]:
    """Whether the option is offered in advance, and the code of why not."""
    told = option(build(cell), cell.event, actor=PERSONAS[cell.persona], now=NOW)
    return told.allowed, told.refusal.code if told.refusal else None


@pytest.mark.parametrize(("some", "build", "facts"), BY_EVENT)
def test_the_chart_agrees_with_every_cell(some: list[Cell], build: Build, facts: dict[str, Any]) -> None:
    specified = {str(cell): (cell.leads_to, cell.refused) for cell in some}
    assert {str(cell): decided(cell, build, facts) for cell in some} == specified


@pytest.mark.parametrize(("some", "build", "facts"), BY_EVENT)
def test_the_option_says_in_advance_what_the_chart_decides(
    some: list[Cell], build: Build, facts: dict[str, Any]
) -> None:
    specified = {str(cell): (cell.refused is None, cell.refused) for cell in some}
    assert {str(cell): foreseen(cell, build) for cell in some} == specified


@pytest.mark.parametrize(("table", "build"), [(table, build) for table, build, _ in SPECIFIED])
def test_each_cell_stands_in_the_table_exactly_once(table: list[Cell], build: Build) -> None:
    chart: type[RecordChart] = build(table[0]).chart
    levels = {cell.level for cell in table}
    expected = Counter(product(chart.states_enum, levels, chart.laws, PERSONAS))
    assert Counter((cell.state, cell.level, cell.event, cell.persona) for cell in table) == expected
    assert levels in ({Level.GENERAL}, set(Level))
