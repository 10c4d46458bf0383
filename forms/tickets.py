"""The list of tickets, and one ticket with everything that can be said about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from domain.campaign_settings import settings_of
from domain.comments import people_to_mention
from domain.dossier import belonging_to
from domain.escalations import escalations
from domain.evidence import DoubtKind, doubts, shown_time, tolerance_of
from domain.extensions import extensions_of
from domain.files import files_of
from domain.inbox import newest_unread_about
from domain.records import (
    Extension,
    FileKind,
    FileListing,
    Person,
    Suggestion,
    SupervisionOrder,
    Ticket,
    TreatmentPlan,
)
from domain.related import family_of
from domain.rights import Deed
from domain.rights import may as may_do
from domain.suggestions import suggestions_about
from domain.supervisions import orders_of
from domain.tickets import ticket_by_number
from domain.timeline import Hearing, Moment, timeline
from domain.treatment_plans import plan_in_force
from domain.verifiers import eligible_verifiers
from domain.visibility import tickets_visible_to
from forms.chasing import rungs
from forms.errors import PageRoute
from forms.field_words import ACT, words_for
from forms.fields import Form
from forms.pages import page
from forms.reasons import why_these_deadlines
from forms.session import database_of, now_of, signed_in, unread_of
from forms.session import settings_of as installation_of
from forms.stories import Told, logins_in, noticed, told
from forms.ticket_origin import origin_of
from forms.words import language_of
from statemachines.chart import Option, options
from statemachines.extension import ExtensionEvent, ExtensionState, request_refusal
from statemachines.labels import Labelled, Language, Level
from statemachines.roles import Actor
from statemachines.ticket import INDEPENDENCE, TicketEvent, TicketState
from statemachines.treatment_plan import draft_refusal

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]

PER_PAGE = 40

#: The one thing most likely to be done next, by state; every other button is quieter.
FIRST: Mapping[Labelled, int] = {
    TicketEvent.FIX: 0,
    TicketEvent.VERIFY: 0,
    TicketEvent.ASSIGN: 0,
    TicketEvent.FIX_ON_SPOT: 1,
    TicketEvent.ACKNOWLEDGE: 1,
    TicketEvent.RETURN: 2,
    TicketEvent.PROGRESS: 3,
    ExtensionEvent.REQUEST: 4,
    TicketEvent.REASSIGN: 5,
    TicketEvent.SUPERVISE: 6,
    TicketEvent.TRANSFER: 7,
    TicketEvent.REGRADE: 8,
    TicketEvent.CORRECT: 9,
    TicketEvent.CANCEL: 10,
}


@router.get("/tickets/{number}")
def ticket(request: Request, actor: Who, number: str) -> Response:
    """One ticket: its three fixed, photos, story, and just the buttons this person may press now."""
    with database_of(request).reading() as session:
        found = ticket_by_number(session, number, actor=actor)
        return ticket_page(request, session, found, actor=actor)


def buttons(
    found: Ticket, extensions: list[Extension], *, actor: Actor, now: datetime
) -> tuple[list[Option], list[Option]]:
    """What this person may press now, most likely first, and what they may not, with the reasons."""
    settings = settings_of(found.campaign)
    every = options(found, actor=actor, now=now, independent_team=settings.independent_team)
    refusal = request_refusal(
        found,
        actor=actor,
        now=now,
        pending=any(each.state is ExtensionState.REQUESTED for each in extensions),
        approved=sum(each.state is ExtensionState.APPROVED for each in extensions),
        most=settings.extensions_at_most,
    )
    every.append(Option(ExtensionEvent.REQUEST, refusal))
    if found.acknowledged_at is not None:
        # Signing for it twice changes nothing, so it is not offered twice.
        every = [each for each in every if each.event is not TicketEvent.ACKNOWLEDGE]
    may = sorted((each for each in every if each.allowed), key=lambda each: FIRST.get(each.event, 11))
    return may, [each for each in every if not each.allowed]


def _may(may: list[Option], event: Labelled) -> bool:
    return any(each.event is event for each in may)


def _story(
    session: Session, moments: Sequence[Moment], lang: Language, now: datetime
) -> list[tuple[Told, tuple[Hearing, ...]]]:
    """What happened, each with who was told."""
    rows = [moment.entry for moment in moments if moment.entry is not None]
    logins = logins_in(rows)
    people = select(Person.login, Person.name).where(Person.login.in_(logins))
    names = {row.login: row.name for row in session.execute(people)} if logins else {}
    return [
        (
            told(moment.entry, lang, now=now, names=names) if moment.entry else noticed(moment.at, lang),
            moment.told,
        )
        for moment in moments
    ]


def _doubts(
    session: Session, found: Ticket, listings: list[FileListing], actor: Actor, lang: Language
) -> dict[UUID, list[str]]:
    """What disagrees about each photo, said to the reader; a ticket that used it before by its number, if in sight."""
    reused = {each.reused_from_id for each in listings} - {None}
    query = select(Ticket.id, Ticket.number).where(Ticket.id.in_(reused), tickets_visible_to(actor))
    numbers = dict(session.execute(query).tuples().all()) if reused else {}
    tolerance = tolerance_of(session)
    said: dict[UUID, list[str]] = {}
    for listing in listings:
        number = numbers.get(listing.reused_from_id) if listing.reused_from_id else None
        said[listing.id] = [
            each.sentence(lang) + (f" {number}" if number and each.kind is DoubtKind.USED_BEFORE else "")
            for each in doubts(listing, found, tolerance)
        ]
    return said


def _verifying(session: Session, found: Ticket, may_not: list[Option], *, now: datetime) -> dict[str, Any]:
    """Who may re-check a reported fix, and why this person may not although it waits for that."""
    if found.state is not TicketState.FIXED:
        return {"verifiers": None, "may_not_verify": None}
    refusals = [each.refusal for each in may_not if each.event is TicketEvent.VERIFY]
    return {
        "verifiers": eligible_verifiers(session, found, now=now),
        "may_not_verify": next((each for each in refusals if isinstance(each, INDEPENDENCE)), None),
    }


def ticket_page(
    request: Request,
    session: Session,
    found: Ticket,
    *,
    actor: Actor,
    form: Form | None = None,
    status: int = 200,
) -> Response:
    """The page of a loaded ticket; `form` carries what went wrong with a button that has no page of its own."""
    now, lang = now_of(request), language_of(request)
    # What there is none of is not asked for: a ticket of every day has neither orders nor plans nor suggestions.
    there = belonging_to(session, found)
    extensions = extensions_of(session, found) if Extension in there else []
    moments = timeline(session, found)
    may, may_not = buttons(found, extensions, actor=actor, now=now)
    listings = files_of(session, found) if FileListing in there else []
    pending = next((each for each in extensions if each.state is ExtensionState.REQUESTED), None)
    if pending is not None:
        pending.ticket = found
    return page(
        request,
        "ticket.html",
        status=status,
        form=form or Form(),
        ticket=found,
        photos={kind: [each for each in listings if each.kind is kind] for kind in FileKind},
        missing=[each for each in listings if each.arrived_at is None],
        doubts=_doubts(session, found, listings, actor, lang),
        taken={each.id: shown_time(each) for each in listings},
        may=may,
        may_not=may_not,
        pending=pending,
        decisions=options(pending, actor=actor, now=now) if pending else [],
        granted=sum(each.state is ExtensionState.APPROVED for each in extensions),
        story=_story(session, moments, lang, now),
        family=family_of(session, found, actor=actor),
        mentionable=people_to_mention(session, found, actor=actor),
        compared={each.kind for each in listings if each.arrived_at} >= {FileKind.BEFORE, FileKind.AFTER},
        fresh_id=str(uuid7()),
        suggestions=suggestions_about(session, found, actor=actor) if Suggestion in there else [],
        orders=orders_of(session, found) if SupervisionOrder in there else [],
        plan=plan_in_force(session, found) if TreatmentPlan in there else None,
        may_plan_major=found.level is Level.MAJOR and draft_refusal(found, actor=actor) is None,
        may_suggest=may_do(actor, Deed.SUGGEST, at=found.unit.path),
        rungs=rungs(escalations(session, found, now=now)),
        origin=origin_of(session, found, there, actor=actor, may_cancel=_may(may, TicketEvent.CANCEL)),
        may_cancel=_may(may, TicketEvent.CANCEL),
        why=why_these_deadlines(
            session, found, [each.entry for each in moments if each.entry], lang, now=now
        ),
        **_verifying(session, found, may_not, now=now),
        limit_mb=installation_of(request).file_max_bytes // 2**20,
        act_words=words_for(lang, ACT),
        unread_here=newest_unread_about(session, found, actor=actor) if unread_of(request) else None,
    )
