"""The ticket (隐患单): found → assigned → fixed → verified, and who may do what with which facts (design §7)."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from statemachine import Event

from statemachines.chart import (
    Law,
    Placed,
    RecordChart,
    blank,
    by,
    by_the_clock,
    reason_given,
    stage,
    unchanged,
)
from statemachines.corrections import another_unit, nothing_undecided, something_changed
from statemachines.labels import Labelled, Level, local_day
from statemachines.refusals import (
    AfterPhotoRequired,
    ApproverLevel,
    DueBeforeFound,
    DueInPast,
    DueNotLater,
    FilesMissing,
    FiveAssurancesMissing,
    FixedBeforeFound,
    FixedInFuture,
    LevelMissing,
    NotAssignee,
    NoteMissing,
    OnSpotNeedsBeforeAndAfter,
    OnSpotOnlyGeneral,
    OnSpotSameDay,
    OpinionMissing,
    Refusal,
    SameTeamVerification,
    SecondVerifierSame,
    SelfVerification,
    SubordinateVerification,
    ThreeFixedMissing,
)
from statemachines.roles import Actor, Role

__all__ = [
    "INDEPENDENCE",
    "RETURNS_BEFORE_SUPERVISION",
    "Level",
    "TicketChart",
    "TicketEvent",
    "TicketFacts",
    "TicketState",
]

RETURNS_BEFORE_SUPERVISION = 2
"""The second failed re-check proposes supervision (督办), domain rules 6.5."""


class TicketState(Labelled):
    """Where a ticket stands."""

    FOUND = "found", "已登记", "Found"
    ASSIGNED = "assigned", "整改中", "Assigned"
    FIXED = "fixed", "待复查", "Fixed"
    VERIFIED = "verified", "已销号", "Verified"
    CANCELLED = "cancelled", "已作废", "Cancelled"


class TicketEvent(Labelled):
    """What happens to a ticket."""

    ASSIGN = "assign", "下达整改", "Assign"
    ACKNOWLEDGE = "acknowledge", "签收", "Acknowledge"
    PROGRESS = "progress", "报告进展", "Report progress"
    FIX = "fix", "报告整改完成", "Report the fix"
    FIX_ON_SPOT = "fix_on_spot", "立查立改", "Fix on the spot"
    VERIFY = "verify", "复查合格", "Verify"
    RETURN = "return", "复查不合格", "Return"
    CANCEL = "cancel", "作废", "Cancel"
    REASSIGN = "reassign", "改派", "Reassign"
    REGRADE = "regrade", "调整等级", "Regrade"
    TRANSFER = "transfer", "转办", "Pass on"
    CORRECT = "correct", "更正", "Correct"
    SUPERVISE = "supervise", "督办", "Supervise"
    EXTEND = "extend", "延期", "Extend"
    ESCALATE = "escalate", "逐级催办", "Escalate"
    CARRY_OVER = "carry_over", "结转", "Carry over"


class TicketFacts(Protocol):
    """What the chart reads of a ticket; what has not happened yet is None."""

    @property
    def chart(self) -> type[RecordChart]:
        """The ticket's chart."""
        ...

    @property
    def state(self) -> TicketState:
        """Where it stands."""
        ...

    @property
    def level(self) -> Level:
        """How grave the hazard is."""
        ...

    @property
    def unit_path(self) -> str:
        """The unit it was found at."""
        ...

    @property
    def assignee_id(self) -> UUID | None:
        """The person responsible (定人)."""
        ...

    @property
    def fixer_id(self) -> UUID | None:
        """Who reported the fix."""
        ...

    @property
    def fixer_unit_path(self) -> str | None:
        """The fixer's unit when the fix was reported: the fixing team."""
        ...

    @property
    def fixer_leads(self) -> tuple[str, ...]:
        """The units the fixer supervises or leads (`COMMANDING`)."""
        ...

    @property
    def found_at(self) -> datetime:
        """When it was found (aware)."""
        ...

    @property
    def due_at(self) -> datetime | None:
        """The deadline in force (aware)."""
        ...

    @property
    def first_due_at(self) -> datetime | None:
        """The first deadline; it never changes."""
        ...

    @property
    def first_verifier_id(self) -> UUID | None:
        """Who passed a major hazard first; None again once it is returned."""
        ...

    @property
    def after_photo_required(self) -> bool:
        """Whether the report of its fix must have a photo."""
        ...

    @property
    def files_expected(self) -> int:
        """How many files it lists."""
        ...

    @property
    def files_arrived(self) -> int:
        """How many of them have arrived."""
        ...


# Who and when.


def the_assignee(ticket: TicketFacts, *, actor: Actor, event: Labelled) -> None:
    """The ticket's assignee, or who stands in for them."""
    if not actor.acts_for(ticket.assignee_id):
        raise NotAssignee(event=event)


def not_the_fixer(ticket: TicketFacts, *, actor: Actor) -> None:
    """Not the fixer, nor who is responsible when a substitute made the fix."""
    if actor.id is not None and actor.id in (ticket.fixer_id, ticket.assignee_id):
        raise SelfVerification()


def not_the_fixing_team(ticket: TicketFacts, *, actor: Actor, independent_team: bool = True) -> None:
    """Not of the fixing team where the campaign says so."""
    # Unless told otherwise the stricter rule holds, so a command that forgets to tell loosens nothing.
    if independent_team and actor.unit_path == ticket.fixer_unit_path:
        raise SameTeamVerification()


COMMANDING = (Role.SUPERVISOR, Role.LEADER)
"""The roles whose holders are above everybody of their units."""


def not_under_the_fixer(ticket: TicketFacts, *, actor: Actor) -> None:
    """Not a subordinate of the fixer."""
    # Whoever is above the fixer, too, is free to say what they see: two supervisors of one unit are peers.
    if any(actor.unit_path.startswith(unit) for unit in ticket.fixer_leads) and not actor.holds(
        *COMMANDING, at=ticket.fixer_unit_path or ticket.unit_path
    ):
        raise SubordinateVerification()


INDEPENDENCE = (SelfVerification, SameTeamVerification, SubordinateVerification, SecondVerifierSame)
"""Why somebody who re-checks elsewhere may not re-check here."""


def not_the_first_verifier(ticket: TicketFacts, *, actor: Actor) -> None:
    """The second verifier of a major hazard is not the first."""
    if ticket.level == Level.MAJOR and actor.id is not None and actor.id == ticket.first_verifier_id:
        raise SecondVerifierSame()


def all_files_arrived(ticket: TicketFacts) -> None:
    """All listed files have arrived."""
    if ticket.files_arrived < ticket.files_expected:
        raise FilesMissing(arrived=ticket.files_arrived, expected=ticket.files_expected)


def general_only(ticket: TicketFacts) -> None:
    """General level."""
    if ticket.level != Level.GENERAL:
        raise OnSpotOnlyGeneral(level=ticket.level)


def same_day(ticket: TicketFacts, *, now: datetime, fixed_at: datetime | None = None) -> None:
    """Fixed on the day of finding (Asia/Shanghai)."""
    found_on, fixed_on = local_day(ticket.found_at), local_day(fixed_at or now)
    if fixed_on != found_on:
        raise OnSpotSameDay(found_on=found_on, fixed_on=fixed_on)


APPROVERS: dict[Level, tuple[Role, ...]] = {
    # 一般 = 部门负责人, 较大 = 分管领导, 重大 = 主要负责人 (domain rules 2.8)
    Level.GENERAL: (Role.SUPERVISOR, Role.LEADER),
    Level.SERIOUS: (Role.LEADER,),
    Level.MAJOR: (Role.LEADER,),
}


class Graded(Placed, Protocol):
    """A ticket, or an extension of one: it has a level and belongs to a unit."""

    @property
    def level(self) -> Level:
        """How grave the hazard is."""
        ...


def the_approver(row: Graded, *, actor: Actor) -> None:
    """Supervisor or leader at general level, leader above it."""
    approvers = APPROVERS[Level(row.level)]
    if not actor.holds(*approvers, at=row.unit_path):
        raise ApproverLevel(level=Level(row.level), roles=approvers)


# What is missing.


def three_fixed(
    *,
    assignee: object = None,
    duty: str | None = None,
    measure: str | None = None,
    due: datetime | None = None,
) -> None:
    """Assignee, duty, measure and due (三定)."""
    fixed = {"assignee": assignee, "duty": duty, "measure": measure, "due": due}
    if missing := tuple(name for name, value in fixed.items() if blank(value)):
        raise ThreeFixedMissing(missing=missing)


def due_ahead(ticket: TicketFacts, *, now: datetime, due: datetime | None = None) -> None:
    """Due after now and not before the finding."""
    if due is None:
        return
    if due < ticket.found_at:
        raise DueBeforeFound(due=due, found_at=ticket.found_at)
    if due <= now:
        raise DueInPast(due=due)


def five_assurances(ticket: TicketFacts, *, budget: object = None, emergency_plan: str | None = None) -> None:
    """At major level budget and emergency plan (五落实)."""
    if ticket.level == Level.MAJOR:
        _assured(budget, emergency_plan)


def five_assurances_when_raised(
    ticket: TicketFacts,
    *,
    level: Level | None = None,
    budget: object = None,
    emergency_plan: str | None = None,
) -> None:
    """Budget and emergency plan when an assigned ticket is raised to major."""
    if ticket.state == TicketState.ASSIGNED and level == Level.MAJOR:
        _assured(budget, emergency_plan)


def _assured(budget: object, emergency_plan: str | None) -> None:
    assured = {"budget": budget, "emergency_plan": emergency_plan}
    if missing := tuple(name for name, value in assured.items() if blank(value)):
        raise FiveAssurancesMissing(missing=missing)


def note_given(*, note: str | None = None) -> None:
    """Note."""
    if blank(note):
        raise NoteMissing(missing=("note",))


def fix_time_plausible(ticket: TicketFacts, *, now: datetime, fixed_at: datetime | None = None) -> None:
    """The time of the fix, if given, between the finding and now."""
    if fixed_at is None:
        return
    if fixed_at > now:
        raise FixedInFuture(fixed_at=fixed_at)
    if fixed_at < ticket.found_at:
        raise FixedBeforeFound(fixed_at=fixed_at, found_at=ticket.found_at)


def after_photo_where_required(ticket: TicketFacts, *, after_photos: int = 0) -> None:
    """A photo after the fix where the checklist or the library asks for one."""
    if ticket.after_photo_required and not after_photos:
        raise AfterPhotoRequired(missing=("after_photos",))


def before_and_after(*, before_photos: int = 0, after_photos: int = 0) -> None:
    """At least one photo before and one after."""
    photos = {"before_photos": before_photos, "after_photos": after_photos}
    if missing := tuple(name for name, count in photos.items() if not count):
        raise OnSpotNeedsBeforeAndAfter(missing=missing)


def opinion_given(*, opinion: str | None = None) -> None:
    """Opinion."""
    if blank(opinion):
        raise OpinionMissing(missing=("opinion",))


def new_assignee(*, assignee: object = None) -> None:
    """Assignee."""
    if blank(assignee):
        raise ThreeFixedMissing(missing=("assignee",))


def new_level(ticket: TicketFacts, *, level: Level | None = None) -> None:
    """A level other than the present one."""
    if level is None or level == ticket.level:
        raise LevelMissing(missing=("level",), current=ticket.level)


def later_due(ticket: TicketFacts, *, now: datetime, due: datetime | None = None) -> None:
    """Due later than the present deadline and than now."""
    if due is None or (ticket.due_at is not None and due <= ticket.due_at):
        raise DueNotLater(missing=("due",), current=ticket.due_at)
    if due <= now:
        raise DueInPast(due=due)


LAWS: dict[Labelled, Law] = {
    TicketEvent.ASSIGN: Law(may=(by(Role.SUPERVISOR),), needs=(three_fixed, due_ahead, five_assurances)),
    TicketEvent.ACKNOWLEDGE: Law(may=(the_assignee,)),
    TicketEvent.PROGRESS: Law(may=(the_assignee,), needs=(note_given,)),
    TicketEvent.FIX: Law(
        may=(the_assignee,), needs=(note_given, fix_time_plausible, after_photo_where_required)
    ),
    TicketEvent.FIX_ON_SPOT: Law(
        may=(by(Role.INSPECTOR, Role.ASSIGNEE, Role.SUPERVISOR), general_only, same_day),
        needs=(fix_time_plausible, before_and_after),
    ),
    TicketEvent.VERIFY: Law(
        # Who fixed hears that first, whatever roles are missing besides: it is the rule that cannot be arranged.
        may=(
            not_the_fixer,
            by(Role.INSPECTOR, Role.SUPERVISOR),
            not_the_fixing_team,
            not_under_the_fixer,
            not_the_first_verifier,
            all_files_arrived,
        ),
        needs=(opinion_given,),
    ),
    TicketEvent.RETURN: Law(
        may=(not_the_fixer, by(Role.INSPECTOR, Role.SUPERVISOR), not_the_fixing_team, not_under_the_fixer),
        needs=(opinion_given, due_ahead),
    ),
    TicketEvent.CANCEL: Law(may=(by(Role.SUPERVISOR),), needs=(reason_given,)),
    TicketEvent.REASSIGN: Law(may=(by(Role.SUPERVISOR),), needs=(new_assignee, reason_given)),
    TicketEvent.REGRADE: Law(
        may=(by(Role.SUPERVISOR),), needs=(new_level, reason_given, five_assurances_when_raised)
    ),
    TicketEvent.TRANSFER: Law(
        may=(by(Role.SUPERVISOR), nothing_undecided), needs=(another_unit, reason_given)
    ),
    TicketEvent.CORRECT: Law(may=(by(Role.SUPERVISOR),), needs=(something_changed, reason_given)),
    TicketEvent.SUPERVISE: Law(may=(by(Role.SUPERVISOR, Role.LEADER),), needs=(reason_given,)),
    TicketEvent.EXTEND: Law(may=(the_approver,), needs=(later_due,), caused=True),
    TicketEvent.ESCALATE: Law(may=(by_the_clock,), caused=True),
    TicketEvent.CARRY_OVER: Law(may=(by(Role.ADMINISTRATOR, clock=True),), caused=True),
}


def verifier_refusal(
    ticket: TicketFacts, *, actor: Actor, now: datetime, independent_team: bool
) -> Refusal | None:
    """Why this person may not re-check the ticket, or None: the law of `verify` without what photos are missing."""
    law = LAWS[TicketEvent.VERIFY]
    who = tuple(check for check in law.may if check is not all_files_arrived)
    known = {"actor": actor, "now": now, "event": TicketEvent.VERIFY, "independent_team": independent_team}
    try:
        law.ask(ticket, who, known)
    except Refusal as refusal:
        return refusal
    return None


class TicketChart(RecordChart):
    """The life of a ticket. Overdue, supervised and carried over are facts of the record, never states."""

    states_enum = TicketState
    events_enum = TicketEvent
    laws = LAWS

    found = stage(TicketState.FOUND, initial=True)
    assigned = stage(TicketState.ASSIGNED)
    fixed = stage(TicketState.FIXED)
    verified = stage(TicketState.VERIFIED, final=True)
    cancelled = stage(TicketState.CANCELLED, final=True)

    assign = found.to(assigned, validators="lawful")
    acknowledge = unchanged(assigned, validators="lawful")
    progress = unchanged(assigned, validators="lawful")
    fix = assigned.to(fixed, validators="lawful")
    fix_on_spot = found.to(fixed, validators="lawful")
    # The first pass of a major hazard leaves it waiting for the second verifier.
    verify = unchanged(fixed, validators="lawful", cond="awaits_second_verifier") | fixed.to(
        verified, validators="lawful"
    )
    return_ = Event(fixed.to(assigned, validators="lawful"), id="return")
    cancel = found.to(cancelled, validators="lawful") | assigned.to(cancelled, validators="lawful")
    reassign = unchanged(assigned, validators="lawful")
    regrade = unchanged(found, assigned, validators="lawful")
    # Whoever takes it over fixes the three anew.
    transfer = unchanged(found, validators="lawful") | assigned.to(found, validators="lawful")
    correct = unchanged(found, assigned, fixed, validators="lawful")
    supervise = unchanged(found, assigned, fixed, validators="lawful")
    extend = unchanged(assigned, validators="lawful")
    escalate = unchanged(found, assigned, fixed, validators="lawful")
    carry_over = unchanged(found, assigned, fixed, validators="lawful")

    def awaits_second_verifier(self, row: TicketFacts) -> bool:
        """Whether this pass is the first of the two a major hazard needs."""
        return row.level == Level.MAJOR and row.first_verifier_id is None
