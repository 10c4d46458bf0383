"""The union's suggestion (工会意见), which the administration studies and answers in time (安全生产法 Art. 60)."""

from typing import Protocol
from uuid import UUID

from statemachines.chart import Law, RecordChart, blank, reason_given, stage
from statemachines.labels import Labelled
from statemachines.refusals import AnswerMissing, NotTheAddressee, NotTheUnion
from statemachines.roles import Actor, Role

__all__ = [
    "ADDRESSEES",
    "ISSUERS",
    "OPEN",
    "SuggestionChart",
    "SuggestionEvent",
    "SuggestionFacts",
    "SuggestionState",
    "Verdict",
]


class SuggestionState(Labelled):
    """Whether it is answered, and whether the answer stands."""

    ISSUED = "issued", "待答复", "Issued"
    ANSWERED = "answered", "已答复", "Answered"
    DISPUTED = "disputed", "有异议", "Disputed"
    SETTLED = "settled", "已了结", "Settled"


class SuggestionEvent(Labelled):
    """What happens to a suggestion."""

    ANSWER = "answer", "答复", "Answer"
    DISPUTE = "dispute", "提出异议", "Dispute"
    EXPLAIN = "explain", "书面说明", "Explain"
    SETTLE = "settle", "了结", "Settle"


class Verdict(Labelled):
    """What the administration answers, as people read it."""

    ADOPTED = "adopted", "采纳", "Adopted"
    NOT_ADOPTED = "not_adopted", "不采纳", "Not adopted"


class SuggestionFacts(Protocol):
    """What the chart reads of a suggestion."""

    @property
    def state(self) -> SuggestionState:
        """How far it has come."""
        ...

    @property
    def unit_path(self) -> str:
        """The unit it is made to."""
        ...

    @property
    def addressee_id(self) -> UUID | None:
        """Who answers for the administration."""
        ...

    @property
    def issued_by_id(self) -> UUID | None:
        """Who made it for the union."""
        ...

    @property
    def adopted(self) -> bool | None:
        """What the answer was."""
        ...


def the_addressee(suggestion: SuggestionFacts, *, actor: Actor) -> None:
    """The addressee, who stands in for them, or a leader of the unit; but not who made it."""
    asked = actor.acts_for(suggestion.addressee_id) or actor.holds(Role.LEADER, at=suggestion.unit_path)
    if not asked or actor.id is None or actor.id == suggestion.issued_by_id:
        raise NotTheAddressee()


def the_union(suggestion: SuggestionFacts, *, actor: Actor) -> None:
    """Whoever made it."""
    if actor.id is None or actor.id != suggestion.issued_by_id:
        raise NotTheUnion()


def adopted_or_why_not(*, adopted: bool | None = None, answer: str | None = None) -> None:
    """Adopted, or a written reason why not."""
    if adopted is None:
        raise AnswerMissing(missing=("adopted",))
    if not adopted and blank(answer):
        raise AnswerMissing(missing=("answer",))


def explained(*, answer: str | None = None) -> None:
    """A written explanation."""
    if blank(answer):
        raise AnswerMissing(missing=("answer",))


LAWS: dict[Labelled, Law] = {
    SuggestionEvent.ANSWER: Law(may=(the_addressee,), needs=(adopted_or_why_not,)),
    SuggestionEvent.DISPUTE: Law(may=(the_union,), needs=(reason_given,)),
    SuggestionEvent.EXPLAIN: Law(may=(the_addressee,), needs=(explained,)),
    SuggestionEvent.SETTLE: Law(may=(the_union,)),
}

ISSUERS = (Role.INSPECTOR, Role.SUPERVISOR)
"""Who may make a suggestion for the union, at the unit it is made to."""

ADDRESSEES = (Role.LEADER, Role.SUPERVISOR)
"""Who can be asked to answer for the administration, at the unit it is made to."""

OPEN = (SuggestionState.ISSUED, SuggestionState.DISPUTED)
"""Where a written answer is awaited and its clock runs."""


class SuggestionChart(RecordChart):
    """One suggestion, from the union's paper to an answer that stands."""

    states_enum = SuggestionState
    events_enum = SuggestionEvent
    laws = LAWS

    issued = stage(SuggestionState.ISSUED, initial=True)
    answered = stage(SuggestionState.ANSWERED)
    disputed = stage(SuggestionState.DISPUTED)
    settled = stage(SuggestionState.SETTLED, final=True)

    answer = issued.to(answered, validators="lawful")
    dispute = answered.to(disputed, validators="lawful")
    explain = disputed.to(answered, validators="lawful")
    settle = answered.to(settled, validators="lawful")
