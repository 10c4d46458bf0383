"""A call or visit of a worker (来电来访), written down by whoever took it: answered, called back, settled."""

from datetime import datetime
from typing import Protocol

from statemachines.chart import Law, RecordChart, blank, by, stage, unchanged
from statemachines.labels import Labelled
from statemachines.refusals import AnswerMissing, CallbackMissing
from statemachines.roles import Role

__all__ = ["HANDLERS", "CallChart", "CallEvent", "CallState"]


class CallState(Labelled):
    """Whether it is dealt with."""

    OPEN = "open", "办理中", "Open"
    SETTLED = "settled", "已办结", "Settled"


class CallEvent(Labelled):
    """What happens to a call."""

    ANSWER = "answer", "答复", "Answer"
    CALL_BACK = "call_back", "回访", "Call back"
    SETTLE = "settle", "办结", "Settle"


class CallFacts(Protocol):
    """What the chart reads of a call."""

    @property
    def state(self) -> CallState:
        """Whether it is open."""
        ...

    @property
    def unit_path(self) -> str:
        """The unit it is about."""
        ...

    @property
    def answered_at(self) -> datetime | None:
        """When the caller had an answer."""
        ...

    @property
    def callback_wanted(self) -> bool:
        """Whether the caller asked to be called back."""
        ...

    @property
    def called_back_at(self) -> datetime | None:
        """When that was done."""
        ...


HANDLERS = (Role.SUPERVISOR, Role.INSPECTOR)
"""Who writes calls down and deals with them, at the unit they are about."""


def answer_given(*, answer: str | None = None) -> None:
    """What the caller was told."""
    if blank(answer):
        raise AnswerMissing(missing=("answer",))


def answered(call: CallFacts) -> None:
    """The caller has an answer."""
    if call.answered_at is None:
        raise AnswerMissing(missing=("answer",))


def called_back_if_wanted(call: CallFacts) -> None:
    """Called back, where the caller asked for it."""
    if call.callback_wanted and call.called_back_at is None:
        raise CallbackMissing()


LAWS: dict[Labelled, Law] = {
    CallEvent.ANSWER: Law(may=(by(*HANDLERS),), needs=(answer_given,)),
    CallEvent.CALL_BACK: Law(may=(by(*HANDLERS),)),
    CallEvent.SETTLE: Law(may=(by(*HANDLERS), answered, called_back_if_wanted)),
}


class CallChart(RecordChart):
    """One call, from the telephone to its settlement."""

    states_enum = CallState
    events_enum = CallEvent
    laws = LAWS

    handled = stage(CallState.OPEN, initial=True)
    settled = stage(CallState.SETTLED, final=True)

    answer = unchanged(handled, validators="lawful")
    call_back = unchanged(handled, validators="lawful")
    settle = handled.to(settled, validators="lawful")
