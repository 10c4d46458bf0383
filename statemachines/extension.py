"""The extension (延期): asked for by the assignee before the deadline, decided by another (domain rules 2.8)."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from statemachines.chart import Law, RecordChart, allowed, blank, reason_given, stage
from statemachines.labels import Labelled, Level
from statemachines.refusals import (
    ExtensionAfterDue,
    ExtensionPending,
    ExtensionTooLong,
    ExtensionTooMany,
    InterimMeasuresMissing,
    Refusal,
    SelfApproval,
    WrongState,
)
from statemachines.roles import Actor
from statemachines.ticket import TicketFacts, TicketState, later_due, the_approver, the_assignee

__all__ = [
    "ExtensionChart",
    "ExtensionEvent",
    "ExtensionFacts",
    "ExtensionState",
    "request_extension",
    "request_refusal",
]

MOST_EXTENSIONS = 2
LONGEST_IN_TOTAL = 1.0
"""All extensions together, as a multiple of the time first allowed (found_at to first_due_at)."""


class ExtensionState(Labelled):
    """Whether the request is decided, and how."""

    REQUESTED = "requested", "待审批", "Requested"
    APPROVED = "approved", "已批准", "Approved"
    REFUSED = "refused", "未批准", "Refused"


class ExtensionEvent(Labelled):
    """The request (it creates the record) and the two decisions."""

    REQUEST = "request", "申请延期", "Ask for an extension"
    APPROVE = "approve", "批准", "Approve"
    REFUSE = "refuse", "不批准", "Refuse"


class ExtensionFacts(Protocol):
    """What the chart reads of an extension."""

    @property
    def state(self) -> ExtensionState:
        """Whether it is decided."""
        ...

    @property
    def level(self) -> Level:
        """The level of its ticket."""
        ...

    @property
    def unit_path(self) -> str:
        """The unit of its ticket."""
        ...

    @property
    def requester_id(self) -> UUID | None:
        """Who asked for it."""
        ...


def not_the_requester(extension: ExtensionFacts, *, actor: Actor) -> None:
    """Not the requester."""
    if actor.id is not None and actor.id == extension.requester_id:
        raise SelfApproval()


# Asking for an extension creates the record, so it is a law of the ticket it is asked for, not a transition.


def being_rectified(ticket: TicketFacts, *, event: Labelled) -> None:
    """The ticket is assigned."""
    if ticket.state != TicketState.ASSIGNED:
        raise WrongState(state=TicketState(ticket.state), event=event)


def before_due(ticket: TicketFacts, *, now: datetime) -> None:
    """Before the deadline."""
    if ticket.due_at is not None and now > ticket.due_at:
        raise ExtensionAfterDue(due=ticket.due_at)


def none_pending(*, pending: bool) -> None:
    """No other request pending."""
    if pending:
        raise ExtensionPending()


def not_too_many(*, approved: int, most: int = MOST_EXTENSIONS) -> None:
    """Fewer than two extensions so far."""
    if approved >= most:
        raise ExtensionTooMany(approved=approved, most=most)


def controlled_meanwhile(*, interim_measures: str | None = None) -> None:
    """Interim measures."""
    if blank(interim_measures):
        raise InterimMeasuresMissing(missing=("interim_measures",))


def not_too_long(
    ticket: TicketFacts, *, due: datetime | None = None, longest: float = LONGEST_IN_TOTAL
) -> None:
    """All extensions together no longer than the time first allowed."""
    if due is None or ticket.first_due_at is None:
        return
    latest = ticket.first_due_at + longest * (ticket.first_due_at - ticket.found_at)
    if due > latest:
        raise ExtensionTooLong(latest=latest)


REQUEST = Law(
    may=(being_rectified, the_assignee, before_due, none_pending, not_too_many),
    needs=(controlled_meanwhile, reason_given, later_due, not_too_long),
)


def request_extension(ticket: TicketFacts, *, actor: Actor, now: datetime, **facts: object) -> None:
    """Return if `actor` may ask now for an extension of `ticket`; raise a Refusal otherwise.

    Facts: `due` (proposed, aware), `reason`, `interim_measures`, `pending` (whether a request is undecided)
    and `approved` (extensions granted so far); the caps `most` (default 2) and `longest` (all extensions
    together, as a multiple of the time first allowed, default 1.0) where a campaign sets others. Raises
    TypeError for other facts.
    """
    REQUEST.match(ExtensionEvent.REQUEST, facts)
    known = {**facts, "actor": actor, "now": now, "event": ExtensionEvent.REQUEST}
    try:
        REQUEST.ask(ticket, REQUEST.may, known)
        REQUEST.ask(ticket, REQUEST.needs, known)
    except Refusal as refusal:
        refusal.allowed = allowed(ticket, actor=actor, now=now)
        raise


def request_refusal(
    ticket: TicketFacts,
    *,
    actor: Actor,
    now: datetime,
    pending: bool,
    approved: int,
    most: int = MOST_EXTENSIONS,
) -> Refusal | None:
    """Why `actor` may not ask for an extension now, or None: enough to show or hide the button."""
    known = {"pending": pending, "approved": approved, "most": most}
    try:
        REQUEST.ask(
            ticket, REQUEST.may, {**known, "actor": actor, "now": now, "event": ExtensionEvent.REQUEST}
        )
    except Refusal as refusal:
        return refusal
    return None


LAWS: dict[Labelled, Law] = {
    ExtensionEvent.APPROVE: Law(may=(not_the_requester, the_approver)),
    ExtensionEvent.REFUSE: Law(may=(not_the_requester, the_approver), needs=(reason_given,)),
}


class ExtensionChart(RecordChart):
    """One request for more time and its decision."""

    states_enum = ExtensionState
    events_enum = ExtensionEvent
    laws = LAWS

    requested = stage(ExtensionState.REQUESTED, initial=True)
    approved = stage(ExtensionState.APPROVED, final=True)
    refused = stage(ExtensionState.REFUSED, final=True)

    approve = requested.to(approved, validators="lawful")
    refuse = requested.to(refused, validators="lawful")
