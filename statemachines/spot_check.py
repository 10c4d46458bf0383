"""The check of a sampled ticket that is verified already: who may look at it again, and what they must say.

It changes nothing of the ticket, so it is a law beside the ticket's chart, not a transition of it.
"""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from statemachines.chart import Law, by
from statemachines.labels import Labelled
from statemachines.refusals import OwnVerification, Refusal
from statemachines.roles import Actor, Role
from statemachines.ticket import (
    TicketFacts,
    not_the_fixer,
    not_the_fixing_team,
    not_under_the_fixer,
    opinion_given,
)


class SpotCheckEvent(Labelled):
    """What the check is called."""

    CHECK = "spot_check", "抽查", "Check for the sample"


class VerifiedFacts(TicketFacts, Protocol):
    """A ticket, with who verified it."""

    @property
    def verifier_id(self) -> UUID | None:
        """Who verified it last."""
        ...


def not_who_verified(ticket: VerifiedFacts, *, actor: Actor) -> None:
    """Neither of those who verified it."""
    if actor.id is not None and actor.id in (ticket.verifier_id, ticket.first_verifier_id):
        raise OwnVerification()


SPOT_CHECK = Law(
    may=(
        not_the_fixer,
        by(Role.INSPECTOR, Role.SUPERVISOR),
        not_the_fixing_team,
        not_under_the_fixer,
        not_who_verified,
    ),
    needs=(opinion_given,),
)


def check_spot(ticket: VerifiedFacts, *, actor: Actor, now: datetime, **facts: object) -> None:
    """Return if `actor` may say now what a sampled, verified ticket looks like on the spot; raise a Refusal otherwise.

    Facts: `opinion` and `independent_team` (whether the campaign wants somebody from outside the fixing team).
    """
    SPOT_CHECK.match(SpotCheckEvent.CHECK, facts)
    known = {**facts, "actor": actor, "now": now, "event": SpotCheckEvent.CHECK}
    SPOT_CHECK.ask(ticket, SPOT_CHECK.may, known)
    SPOT_CHECK.ask(ticket, SPOT_CHECK.needs, known)


def spot_check_refusal(
    ticket: VerifiedFacts, *, actor: Actor, now: datetime, independent_team: bool
) -> Refusal | None:
    """Why `actor` may not check this sampled ticket, or None: enough to show or hide the button."""
    known = {"actor": actor, "now": now, "event": SpotCheckEvent.CHECK, "independent_team": independent_team}
    try:
        SPOT_CHECK.ask(ticket, SPOT_CHECK.may, known)
    except Refusal as refusal:
        return refusal
    return None
