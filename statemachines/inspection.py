"""The inspection: one visit to one unit against a checklist; a missed one stays, with its reason.

It may be handed over to a colleague on the way; what was answered stays the word of who answered it.

A visit its rota no longer asks for (paused, ended) is withdrawn: nobody failed to make it.
"""

from typing import Protocol
from uuid import UUID

from statemachines.chart import Law, RecordChart, by, reason_given, stage, unchanged
from statemachines.labels import Labelled
from statemachines.refusals import AnswersMissing, ConflictsOpen, PhotoRequired, SameInspector
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
    HAND_OVER = "hand_over", "交接", "Hand over"
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

    @property
    def inspector_id(self) -> UUID | None:
        """Who makes it."""
        ...


def all_answered(*, unanswered: int) -> None:
    """Every item of the checklist answered."""
    if unanswered:
        raise AnswersMissing(missing=("answers",), unanswered=unanswered)


def no_conflict(*, conflicts: int = 0) -> None:
    """No item answered differently on two devices."""
    if conflicts:
        raise ConflictsOpen(conflicts=conflicts)


def photos_where_required(*, without_photo: str | None = None) -> None:
    """A photo of every failed item whose checklist asks for one."""
    if without_photo is not None:
        raise PhotoRequired(missing=("files",), what=without_photo)


def another_inspector(inspection: InspectionFacts, *, inspector: UUID) -> None:
    """Another person than the present inspector."""
    if inspector == inspection.inspector_id:
        raise SameInspector(missing=("to",))


LAWS: dict[Labelled, Law] = {
    InspectionEvent.START: Law(may=(by(Role.INSPECTOR, Role.SUPERVISOR),)),
    InspectionEvent.SUBMIT: Law(
        may=(by(Role.INSPECTOR, Role.SUPERVISOR),), needs=(all_answered, no_conflict, photos_where_required)
    ),
    InspectionEvent.MISS: Law(may=(by(Role.SUPERVISOR, clock=True),), needs=(reason_given,)),
    InspectionEvent.HAND_OVER: Law(may=(by(Role.INSPECTOR, Role.SUPERVISOR),), needs=(another_inspector,)),
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
    hand_over = unchanged(planned, started, validators="lawful")
    withdraw = planned.to(withdrawn, validators="lawful")
