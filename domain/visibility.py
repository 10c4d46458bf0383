"""What a person may see, as a condition for the query: the subtree of each role, and what is their own.

A condition is the same for equal actors, and building one costs as much as asking a small query: those that stand in
nearly every request are kept. Being the same object, such a condition also tells a question built of it from another
(domain/coverage.py).
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from sqlalchemy import ColumnElement, and_, false, func, or_, select, true

from domain.records import (
    Absence,
    Answer,
    Campaign,
    CampaignUnit,
    Extension,
    HotlineCall,
    Inspection,
    Notice,
    Outlet,
    Person,
    PhotoListing,
    Place,
    QuantityRecord,
    Report,
    Suggestion,
    Ticket,
    Tool,
    ToolTest,
    Unit,
)
from domain.rights import RIGHTS, Deed
from statemachines.call import HANDLERS as CALL_HANDLERS
from statemachines.roles import Actor, Role


@lru_cache(maxsize=1024)
def units_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Units in the subtree of any role of the actor; the clock sees all."""
    if actor.system:
        return true()
    paths = sorted({grant.unit_path for grant in actor.grants})
    widest = [path for path in paths if not any(path != p and path.startswith(p) for p in paths)]
    return or_(false(), *(Unit.path.startswith(path, autoescape=True) for path in widest))


def in_sight(actor: Actor, unit_path: str) -> bool:
    """Whether the unit with this path is in the subtree of a role of the actor."""
    return actor.system or any(unit_path.startswith(grant.unit_path) for grant in actor.grants)


def _in_sight(actor: Actor, column: object) -> ColumnElement[bool]:
    if actor.system or any(grant.unit_path == "/" for grant in actor.grants):
        return true()
    return column.in_(select(Unit.id).where(units_visible_to(actor)))  # type: ignore[attr-defined,no-any-return]


@lru_cache(maxsize=1024)
def tickets_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Tickets of units in sight, and those the actor found, is responsible for (or whose person they stand in for), or
    fixed.
    """
    sight = _in_sight(actor, Ticket.unit_id)
    if actor.id is None:
        return sight
    mine = [Ticket.assignee_id == actor.id, Ticket.finder_id == actor.id, Ticket.fixer_id == actor.id]
    if actor.stands_in_for:
        mine.append(Ticket.assignee_id.in_(sorted(actor.stands_in_for)))
    return or_(sight, *mine)


def extensions_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Extensions of tickets in sight."""
    return Extension.ticket_id.in_(select(Ticket.id).where(tickets_visible_to(actor)))


@lru_cache(maxsize=1024)
def inspections_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Inspections of units in sight, and one's own."""
    sight = _in_sight(actor, Inspection.unit_id)
    return sight if actor.id is None else or_(sight, Inspection.inspector_id == actor.id)


@lru_cache(maxsize=1024)
def campaigns_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Campaigns owned by a unit in sight, or whose scope has a unit in sight or one above it."""
    if actor.system:
        return true()
    # A team sees the campaign its station is in: the scope names the station, the role is held below it.
    above = or_(false(), *(func.starts_with(grant.unit_path, Unit.path) for grant in actor.grants))
    in_scope = (
        select(CampaignUnit.campaign_id)
        .join(Unit, Unit.id == CampaignUnit.unit_id)
        .where(and_(CampaignUnit.campaign_id == Campaign.id, or_(units_visible_to(actor), above)))
    )
    return or_(_in_sight(actor, Campaign.unit_id), in_scope.exists())


def quantities_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Quantity records of units in sight."""
    return _in_sight(actor, QuantityRecord.unit_id)


def tools_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Tools of units in sight."""
    return _in_sight(actor, Tool.unit_id)


def places_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Places of units in sight."""
    return _in_sight(actor, Place.unit_id)


WATCH_REPORTS = (Role.SUPERVISOR, Role.LEADER, Role.ADMINISTRATOR)
"""Who reads what workers reported: a name and a telephone number may stand in it."""


def reports_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Reports about units one watches over."""
    return _in_sight(_holding(actor, WATCH_REPORTS), Report.unit_id)


def calls_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Calls about units one watches over or takes calls for, and those one wrote down."""
    sight = _in_sight(_holding(actor, (*WATCH_REPORTS, *CALL_HANDLERS)), HotlineCall.unit_id)
    return sight if actor.id is None else or_(sight, HotlineCall.recorded_by_id == actor.id)


def _holding(actor: Actor, roles: tuple[Role, ...]) -> Actor:
    """The actor with these of their roles alone."""
    return replace(actor, grants=tuple(each for each in actor.grants if each.role in roles))


def photo_listings_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Photos listed with an answer of a visit in sight, or with a test of a tool in sight."""
    answers = select(Answer.id).join(Inspection, Inspection.id == Answer.inspection_id)
    tests = select(ToolTest.id).join(Tool, Tool.id == ToolTest.tool_id)
    return or_(
        PhotoListing.answer_id.in_(answers.where(inspections_visible_to(actor))),
        PhotoListing.tool_test_id.in_(tests.where(tools_visible_to(actor))),
    )


@lru_cache(maxsize=1024)
def suggestions_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Suggestions to units in sight, and those the actor made, was asked to answer, or answered."""
    sight = _in_sight(actor, Suggestion.unit_id)
    if actor.id is None:
        return sight
    mine = (Suggestion.issued_by_id, Suggestion.addressee_id, Suggestion.answered_by_id)
    return or_(sight, *(column == actor.id for column in mine))


CHECKS_SAMPLES = (Role.INSPECTOR, Role.SUPERVISOR, Role.LEADER, Role.ADMINISTRATOR, Role.PROGRAM)
"""Who sees what was drawn for the re-check: whoever put it right does not learn of it before it is looked at."""


@lru_cache(maxsize=1024)
def samples_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Sampled tickets, as a condition over their tickets: those of units in sight of a role that checks or watches."""
    checking = replace(actor, grants=tuple(each for each in actor.grants if each.role in CHECKS_SAMPLES))
    return _in_sight(checking, Ticket.unit_id)


WATCH_ABSENCES = (Role.SUPERVISOR, Role.LEADER, Role.ADMINISTRATOR)
"""Who sees when the people of their units are away, and why: a colleague with another role does not."""


def absences_visible_to(actor: Actor) -> ColumnElement[bool]:
    """One's own absences, those one stands in for, and those of people of units one watches over."""
    watching = _holding(actor, WATCH_ABSENCES)
    people = select(Person.id).where(_in_sight(watching, Person.unit_id))
    return or_(
        Absence.person_id == actor.id, Absence.substitute_id == actor.id, Absence.person_id.in_(people)
    )


def outlets_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Ways out of the units the actor looks after."""
    return _in_sight(_holding(actor, RIGHTS[Deed.MANAGE_OUTLET]), Outlet.unit_id)


def notices_of(actor: Actor) -> ColumnElement[bool]:
    """One's own notices, as the in-box shows them."""
    return and_(Notice.person_id == actor.id, Notice.shown)
