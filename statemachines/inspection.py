"""The inspection: one visit to one unit against a checklist; a missed one stays, with its reason.

A visit its rota no longer asks for (paused, ended) is withdrawn: nobody failed to make it.
"""

from typing import Protocol

from statemachines.chart import Law, RecordChart, by, reason_given, stage
from statemachines.labels import Labelled
from statemachines.refusals import AnswersMissing
from statemachines.roles import Role

__all__ = ["InspectionChart", "InspectionEvent", "InspectionFacts", "InspectionState"]


class InspectionState(Labelled):
    """How far a visit has come."""

    PLANNED = "planned", "已计划", "Planned"
    STARTED = "started", "检查中", "Started"
    SUBMITTED = "submitted", "已提交", "Submitted"
    MISSED = "missed", "未检", "Missed"
    WITHDRAWN = "withdrawn", "已撤销", "Withdrawn"


class InspectionEvent(Labelled):
    """What happens to a visit."""

    START = "start", "开始检查", "Start"
    SUBMIT = "submit", "提交", "Submit"
    MISS = "miss", "登记未检", "Record as missed"
    WITHDRAW = "withdraw", "撤销计划", "Withdraw"


class InspectionFacts(Protocol):
    """What the chart reads of an inspection."""

    @property
    def state(self) -> InspectionState:
        """How far it has come."""
        ...

    @property
    def unit_path(self) -> str:
        """The unit inspected."""
        ...


def all_answered(*, unanswered: int) -> None:
    """Every item of the checklist answered."""
    if unanswered:
        raise AnswersMissing(missing=("answers",), unanswered=unanswered)


LAWS: dict[Labelled, Law] = {
    InspectionEvent.START: Law(may=(by(Role.INSPECTOR, Role.SUPERVISOR),)),
    InspectionEvent.SUBMIT: Law(may=(by(Role.INSPECTOR, Role.SUPERVISOR),), needs=(all_answered,)),
    InspectionEvent.MISS: Law(may=(by(Role.SUPERVISOR, clock=True),), needs=(reason_given,)),
    InspectionEvent.WITHDRAW: Law(may=(by(Role.SUPERVISOR, clock=True),), needs=(reason_given,), caused=True),
}


class InspectionChart(RecordChart):
    """One visit, from the plan to the submitted answers."""

    states_enum = InspectionState
    events_enum = InspectionEvent
    laws = LAWS

    planned = stage(InspectionState.PLANNED, initial=True)
    started = stage(InspectionState.STARTED)
    submitted = stage(InspectionState.SUBMITTED, final=True)
    missed = stage(InspectionState.MISSED, final=True)
    withdrawn = stage(InspectionState.WITHDRAWN, final=True)

    start = planned.to(started, validators="lawful")
    submit = started.to(submitted, validators="lawful")
    miss = planned.to(missed, validators="lawful") | started.to(missed, validators="lawful")
    withdraw = planned.to(withdrawn, validators="lawful")
