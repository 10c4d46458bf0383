"""The order of supervision (督办): a ticket listed at a level, reported on until it is closed, then delisted
(domain rules 2.7).
"""

from typing import Protocol
from uuid import UUID

from statemachine import Event

from statemachines.chart import Law, Placed, RecordChart, blank, by, stage, unchanged
from statemachines.labels import Labelled, Level
from statemachines.refusals import NoteMissing, OpinionMissing, Refusal
from statemachines.roles import Actor, Role
from statemachines.ticket import TicketState

__all__ = [
    "SUPERVISING",
    "SupervisionChart",
    "SupervisionEvent",
    "SupervisionFacts",
    "SupervisionLevel",
    "SupervisionState",
    "higher_than",
    "responsible_or_over_it",
]


class SupervisionLevel(Labelled):
    """Who supervises, from the union upwards: 工会督办 → 公司督办 → 挂牌督办."""

    UNION = "union", "工会督办", "By the union"
    COMPANY = "company", "本单位督办", "By the company"
    LISTED = "listed", "挂牌督办", "Publicly listed"


class SupervisionState(Labelled):
    """Whether the order still stands."""

    OPEN = "open", "督办中", "Under supervision"
    RAISED = "raised", "已升级", "Raised"
    DELISTED = "delisted", "已摘牌", "Delisted"


class SupervisionEvent(Labelled):
    """What happens to an order."""

    REPORT = "report", "报告督办进展", "Report progress"
    RAISE = "raise", "升级督办", "Raise"
    DELIST = "delist", "摘牌", "Delist"


SUPERVISING = (Role.SUPERVISOR, Role.LEADER)
"""Who lists a ticket for supervision and delists it, at the ticket's unit."""


class NotTheReporter(Refusal):
    """Progress of a supervised hazard is told by who fixes it or who is over them; so is its plan drafted."""

    code, status = "not-reporter", 403
    title_zh, title_en = "不是责任人或主管", "Neither responsible nor over it"
    zh = "须由整改责任人，或本单位的安监主管、领导办理。"
    en = "This is for the assignee, or a supervisor or leader of the unit."


class SelfDelisting(Refusal):
    """Who fixed a hazard does not take it off the list of supervision."""

    code, status = "self-delisting", 403
    title_zh, title_en = "整改人不得自行摘牌", "The fixer may not delist"
    zh = "本单由您整改，须由他人摘牌。"
    en = "You fixed this ticket; somebody else must take it off the list."


class SupervisedTicketOpen(Refusal):
    """Supervision ends when the hazard is closed, not before (domain rules 2.7: 验收 first, then 摘牌)."""

    code, status = "supervised-ticket-open", 409
    title_zh, title_en = "隐患未销号", "The hazard is still open"
    zh = "隐患单“{state}”，须先复查合格销号，再摘牌。"
    en = "The ticket is “{state}”; it is verified first and delisted afterwards."


class SupervisionNotHigher(Refusal):
    """A ticket under supervision is listed again only at a higher level."""

    code, status = "supervision-not-higher", 409
    title_zh, title_en = "已在督办", "Already under supervision"
    zh = "本单已是“{present}”，只能升级到更高一级。"
    en = "This ticket is already supervised at the level “{present}”; it can only be raised to a higher one."


class PlanMissing(Refusal):
    """A major hazard is treated by a plan in six parts, approved by a leader (16号令 Art. 15)."""

    code, status = "plan-missing", 409
    title_zh, title_en = "缺少治理方案", "The plan of treatment is missing"
    zh = "重大隐患须有经领导批准的治理方案（六项内容），请先编制并报批。"
    en = "A major hazard needs a plan of treatment in six parts, approved by a leader; draft it and have it approved."


class SupervisionFacts(Protocol):
    """What the chart reads of an order of supervision."""

    @property
    def state(self) -> SupervisionState:
        """Whether it stands."""
        ...

    @property
    def unit_path(self) -> str:
        """The unit of its ticket."""
        ...

    @property
    def ticket_state(self) -> TicketState:
        """Where its ticket stands."""
        ...

    @property
    def hazard_level(self) -> Level:
        """The level of its ticket."""
        ...

    @property
    def assignee_id(self) -> UUID | None:
        """The person responsible for its ticket."""
        ...

    @property
    def fixer_id(self) -> UUID | None:
        """Who reported its ticket as fixed."""
        ...


def higher_than(present: SupervisionLevel, wanted: SupervisionLevel) -> bool:
    """Whether `wanted` lies above `present` on the way upwards."""
    ranks = list(SupervisionLevel)
    return ranks.index(SupervisionLevel(wanted)) > ranks.index(SupervisionLevel(present))


class Supervisable(Placed, Protocol):
    """A ticket, or what is about one: it has somebody responsible and belongs to a unit."""

    @property
    def assignee_id(self) -> UUID | None:
        """The person responsible."""
        ...


def responsible_or_over_it(row: Supervisable, *, actor: Actor) -> None:
    """The ticket's assignee or who stands in for them, or supervisor or leader."""
    if actor.acts_for(row.assignee_id):
        return
    if not actor.holds(*SUPERVISING, at=row.unit_path):
        raise NotTheReporter()


def not_the_one_who_fixed(order: SupervisionFacts, *, actor: Actor) -> None:
    """Not the fixer."""
    if actor.id is not None and actor.id == order.fixer_id:
        raise SelfDelisting()


def its_ticket_closed(order: SupervisionFacts) -> None:
    """The ticket is verified or cancelled."""
    if order.ticket_state not in (TicketState.VERIFIED, TicketState.CANCELLED):
        raise SupervisedTicketOpen(state=TicketState(order.ticket_state))


def progress_told(*, text: str | None = None) -> None:
    """What was done since the last report."""
    if blank(text):
        raise NoteMissing(missing=("text",))


def opinion_told(*, opinion: str | None = None) -> None:
    """Opinion."""
    if blank(opinion):
        raise OpinionMissing(missing=("opinion",))


def planned_when_major(order: SupervisionFacts, *, plan_approved: bool) -> None:
    """For a verified major hazard an approved plan of treatment in six parts."""
    major = order.hazard_level == Level.MAJOR and order.ticket_state == TicketState.VERIFIED
    if major and not plan_approved:
        raise PlanMissing()


def raised_to_a_higher_level(*, present: SupervisionLevel, level: SupervisionLevel) -> None:
    """A level above the present one."""
    if not higher_than(present, level):
        raise SupervisionNotHigher(missing=("level",), present=present)


LAWS: dict[Labelled, Law] = {
    SupervisionEvent.REPORT: Law(may=(responsible_or_over_it,), needs=(progress_told,)),
    SupervisionEvent.RAISE: Law(may=(by(*SUPERVISING),), needs=(raised_to_a_higher_level,), caused=True),
    SupervisionEvent.DELIST: Law(
        may=(not_the_one_who_fixed, by(*SUPERVISING), its_ticket_closed),
        needs=(opinion_told, planned_when_major),
    ),
}


class SupervisionChart(RecordChart):
    """One order, from the listing to the delisting; at a higher level a new order takes its place."""

    states_enum = SupervisionState
    events_enum = SupervisionEvent
    laws = LAWS

    open_ = stage(SupervisionState.OPEN, initial=True)
    raised = stage(SupervisionState.RAISED, final=True)
    delisted = stage(SupervisionState.DELISTED, final=True)

    report = unchanged(open_, validators="lawful")
    raise_ = Event(open_.to(raised, validators="lawful"), id="raise")
    delist = open_.to(delisted, validators="lawful")
