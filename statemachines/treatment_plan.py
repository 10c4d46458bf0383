"""The plan of treatment (治理方案) of a grave hazard: six parts, drafted, approved by a leader (16号令 Art. 15)."""

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from statemachines.chart import Law, RecordChart, blank, by, reason_given, stage
from statemachines.labels import Labelled, Language, spoken
from statemachines.refusals import Refusal, WrongState
from statemachines.roles import Actor, Role
from statemachines.supervision import responsible_or_over_it
from statemachines.ticket import TicketFacts, TicketState

__all__ = [
    "PARTS",
    "PlanChart",
    "PlanEvent",
    "PlanFacts",
    "PlanPart",
    "PlanState",
    "draft_plan",
    "draft_refusal",
]


class PlanState(Labelled):
    """Whether the plan is decided, and how."""

    DRAFTED = "drafted", "待审批", "Drafted"
    APPROVED = "approved", "已批准", "Approved"
    REFUSED = "refused", "未批准", "Refused"
    REPLACED = "replaced", "已修订", "Replaced"


class PlanEvent(Labelled):
    """Drafting it (which creates the record), the decisions, and a later plan taking its place."""

    DRAFT = "draft", "编制治理方案", "Draft the plan of treatment"
    APPROVE = "approve", "批准", "Approve"
    REFUSE = "refuse", "不批准", "Refuse"
    REPLACE = "replace", "修订", "Replace"


class PlanPart(Labelled):
    """The six parts, in the order of 16号令 Art. 15."""

    GOALS = "goals", "治理的目标和任务", "Goals and tasks"
    METHODS = "methods", "采取的方法和措施", "Methods and measures"
    FUNDS = "funds", "经费和物资的落实", "Funds and materials"
    PEOPLE = "people", "负责治理的机构和人员", "Organisation and people"
    SCHEDULE = "schedule", "治理的时限和要求", "Time limit and requirements"
    SAFETY = "safety", "安全措施和应急预案", "Safety measures and emergency plan"


PARTS = tuple(PlanPart)


class PlanIncomplete(Refusal):
    """A plan of treatment has six parts."""

    code, status = "plan-incomplete", 422
    title_zh, title_en = "治理方案不完整", "The plan is incomplete"
    zh = "治理方案缺少：{missing}。"
    en = "The plan of treatment lacks: {missing}."

    def words(self, language: Language) -> dict[str, str]:
        """The parts by their names."""
        return {"missing": spoken([PlanPart(name) for name in self.missing], language)}


class OwnPlan(Refusal):
    """Who drafted a plan of treatment does not approve it."""

    code, status = "own-plan", 403
    title_zh, title_en = "编制人不得自行审批", "The drafter may not decide"
    zh = "方案由您编制，须由他人审批。"
    en = "You drafted this plan; somebody else must decide on it."


class PlanFacts(Protocol):
    """What the chart reads of a plan."""

    @property
    def state(self) -> PlanState:
        """Whether it is decided."""
        ...

    @property
    def unit_path(self) -> str:
        """The unit of its ticket."""
        ...

    @property
    def assignee_id(self) -> UUID | None:
        """The person responsible for its ticket."""
        ...

    @property
    def drafted_by_id(self) -> UUID | None:
        """Who drafted it."""
        ...


def not_the_drafter(plan: PlanFacts, *, actor: Actor) -> None:
    """Not the drafter."""
    if actor.id is not None and actor.id == plan.drafted_by_id:
        raise OwnPlan()


# Drafting creates the record, so it is a law of the ticket it is for, not a transition.


def still_open(ticket: TicketFacts, *, event: Labelled) -> None:
    """The ticket is found or assigned."""
    if ticket.state not in (TicketState.FOUND, TicketState.ASSIGNED):
        raise WrongState(state=TicketState(ticket.state), event=event)


def six_parts(*, parts: Mapping[str, str | None]) -> None:
    """All six parts."""
    if missing := tuple(part.value for part in PARTS if blank(parts.get(part.value))):
        raise PlanIncomplete(missing=missing)


DRAFT = Law(may=(still_open, responsible_or_over_it), needs=(six_parts,))


def draft_plan(ticket: TicketFacts, *, actor: Actor, parts: Mapping[str, str | None]) -> None:
    """Return if `actor` may lay this plan before the leader; raise a Refusal otherwise."""
    known = {"actor": actor, "event": PlanEvent.DRAFT, "parts": parts}
    DRAFT.ask(ticket, DRAFT.may, known)
    DRAFT.ask(ticket, DRAFT.needs, known)


def draft_refusal(ticket: TicketFacts, *, actor: Actor) -> Refusal | None:
    """Why `actor` may not draft a plan now, or None: enough to show or hide the button."""
    try:
        DRAFT.ask(ticket, DRAFT.may, {"actor": actor, "event": PlanEvent.DRAFT})
    except Refusal as refusal:
        return refusal
    return None


LAWS: dict[Labelled, Law] = {
    # 主要负责人 approves; made under them, never by themselves alone.
    PlanEvent.APPROVE: Law(may=(not_the_drafter, by(Role.LEADER))),
    PlanEvent.REFUSE: Law(may=(not_the_drafter, by(Role.LEADER)), needs=(reason_given,)),
    PlanEvent.REPLACE: Law(may=(responsible_or_over_it,), caused=True),
}


class PlanChart(RecordChart):
    """One plan and its decision; a later one replaces it."""

    states_enum = PlanState
    events_enum = PlanEvent
    laws = LAWS

    drafted = stage(PlanState.DRAFTED, initial=True)
    approved = stage(PlanState.APPROVED)
    refused = stage(PlanState.REFUSED, final=True)
    replaced = stage(PlanState.REPLACED, final=True)

    approve = drafted.to(approved, validators="lawful")
    refuse = drafted.to(refused, validators="lawful")
    replace = drafted.to(replaced, validators="lawful") | approved.to(replaced, validators="lawful")
