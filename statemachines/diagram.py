"""The charts as documentation: for each a mermaid diagram, and a table of who may do what with which facts.

`python -m statemachines.diagram` prints what stands in `docs/architecture.md`. The library's own table leaves
the validators out, and they are most of the law.
"""

import sys
from collections.abc import Iterator

from statemachine.transition import Transition

from statemachines.call import CallChart
from statemachines.campaign import CampaignChart
from statemachines.chart import Check, Law, RecordChart
from statemachines.extension import REQUEST, ExtensionChart
from statemachines.inspection import InspectionChart
from statemachines.labels import Labelled
from statemachines.report import ReportChart
from statemachines.suggestion import SuggestionChart
from statemachines.supervision import SupervisionChart
from statemachines.ticket import TicketChart
from statemachines.treatment_plan import DRAFT, PlanChart

CHARTS: dict[str, type[RecordChart]] = {
    "Ticket 隐患单": TicketChart,
    "Campaign 检查活动": CampaignChart,
    "Inspection 检查": InspectionChart,
    "Extension 延期": ExtensionChart,
    "Suggestion 工会意见": SuggestionChart,
    "Supervision 督办": SupervisionChart,
    "Plan of treatment 治理方案": PlanChart,
    "Report 群众报告": ReportChart,
    "Call 来电来访": CallChart,
}


def mermaid(chart: type[RecordChart]) -> str:
    """The chart as a mermaid state diagram; events that leave the state as it is stand in the table only."""
    lines = ["stateDiagram-v2", "    direction LR"]
    for state in chart.states:
        member = chart.states_enum(state.value)
        lines.append(f'    state "{member.zh} {member.value}" as {member.value}')
        if state.initial:
            lines.append(f"    [*] --> {member.value}")
    for event, transition in _transitions(chart):
        if not transition.internal and transition.target is not None:
            lines.append(
                f"    {transition.source.value} --> {transition.target.value} : {event.zh} {event.value}"
            )
    lines += [f"    {state.value} --> [*]" for state in chart.states if state.final]
    return "\n".join(lines)


def table(chart: type[RecordChart]) -> str:
    """One row per event: where from, where to, who may, what it needs, and the keywords `move` takes."""
    rows = ["| event | from | to | who and when | needs | facts |", "|---|---|---|---|---|---|"]
    for event, law in chart.laws.items():
        legs = [transition for named, transition in _transitions(chart) if named is event]
        sources = _distinct(leg.source.value for leg in legs)
        targets = _distinct(_destination(leg) for leg in legs)
        rows.append(_row(event, law, sources, targets))
    return "\n".join(rows)


def architecture() -> str:
    """All charts, as they stand in `docs/architecture.md`."""
    parts = []
    for title, chart in CHARTS.items():
        parts.append(f"### {title}\n\n```mermaid\n{mermaid(chart)}\n```\n\n{table(chart)}")
        if chart is ExtensionChart:
            asked = f"An extension is asked for under these rules: {_said(REQUEST.may)}."
            parts.append(f"{asked} It needs {_said(REQUEST.needs)}.")
        if chart is PlanChart:
            asked = f"A plan is drafted under these rules: {_said(DRAFT.may)}."
            parts.append(f"{asked} It needs {_said(DRAFT.needs)}.")
    return "\n\n".join(parts) + "\n"


def _transitions(chart: type[RecordChart]) -> Iterator[tuple[Labelled, Transition]]:
    """Each transition with its event, in the order of the chart's laws."""
    every = [transition for state in chart.states for transition in state.transitions]
    for event in chart.laws:
        for transition in every:
            if transition.match(event):
                yield event, transition


def _row(event: Labelled, law: Law, sources: str, targets: str) -> str:
    name = f"`{event.value}` {event.zh}" + (" (caused by another command)" if law.caused else "")
    facts = ", ".join(f"`{fact}`" for fact in law.facts)
    cells = (name, sources, targets, _said(law.may), _said(law.needs) or "—", facts or "—")
    return f"| {' | '.join(cells)} |"


def _said(checks: tuple[Check, ...]) -> str:
    """The checks in their own words: the first line of each docstring, as a phrase."""
    phrases = [(check.__doc__ or "").strip().splitlines()[0].rstrip(".") for check in checks]
    return "; ".join(phrase[0].lower() + phrase[1:] for phrase in phrases)


def _destination(leg: Transition) -> str:
    return "unchanged" if leg.internal or leg.target is None else str(leg.target.value)


def _distinct(words: Iterator[str]) -> str:
    return " or ".join(dict.fromkeys(words))


if __name__ == "__main__":
    sys.stdout.write(architecture())
