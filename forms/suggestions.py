"""Suggestions of the union: the list, making one, one with its buttons, and the paper that is signed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session

from domain import suggestions
from domain.calendars import calendar_of
from domain.errors import NotFound
from domain.history import history_of
from domain.people import unit_by_code, units_in_sight
from domain.records import Suggestion, Ticket, Unit
from domain.rights import Deed, may, must_be_allowed
from domain.suggestions import (
    Dispute,
    Explanation,
    NewSuggestion,
    SuggestionAnswer,
    SuggestionFilter,
    answer_due,
    is_unanswered_late,
    list_suggestions,
    possible_addressees,
    suggestion_by_key,
)
from domain.tickets import ticket_by_number
from forms import dates
from forms.errors import PageRoute
from forms.fields import Form, Problem, Sent, SentForm, problems_of, status_of
from forms.findings import running_campaigns
from forms.pages import page, see_other
from forms.session import database_of, now_of, signed_in
from forms.stories import Told, told
from forms.words import _, language_of, say
from statemachines.chart import Option, options
from statemachines.labels import Language, local_day
from statemachines.refusals import Refusal
from statemachines.roles import Actor
from statemachines.suggestion import OPEN, SuggestionEvent, SuggestionState, Verdict

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]
Key = Annotated[UUID, Path(alias="id")]

PER_PAGE = 40

NAMES: Mapping[str, str] = {
    "text": _("意见和建议"),
    "addressee": _("受文人"),
    "unit": _("单位"),
    "campaign": _("检查活动"),
    "answer_due": _("答复期限"),
    "adopted": _("是否采纳"),
    "answer": _("答复内容"),
    "reason": _("异议理由"),
    "explanation": _("书面说明"),
}


@dataclass(frozen=True, slots=True)
class Button:
    """What a button asks for: reads the form into a command that needs only session, record, actor and now."""

    read: Callable[[Sent], Callable[..., Suggestion]]
    renamed: Mapping[str, str]
    asks: bool = True
    """False for a button that needs nothing more: it is pressed on the suggestion's own page."""


def _with(command: Callable[..., Suggestion], model: type[BaseModel], *fields: str) -> Button:
    return Button(lambda sent: partial(command, told=sent.read(model, *fields)), {})


def _explanation(sent: Sent) -> Callable[..., Suggestion]:
    given = sent.given("explanation")
    told = Explanation(answer=given.get("explanation"), adopt=bool(sent.text("adopt")))
    return partial(suggestions.explain, told=told)


BUTTONS: Mapping[SuggestionEvent, Button] = {
    SuggestionEvent.ANSWER: _with(suggestions.answer, SuggestionAnswer, "adopted", "answer"),
    SuggestionEvent.DISPUTE: _with(suggestions.dispute, Dispute, "reason"),
    SuggestionEvent.EXPLAIN: Button(_explanation, {"answer": "explanation"}),
    SuggestionEvent.SETTLE: Button(lambda _sent: suggestions.settle, {}, asks=False),
}


def _filter(request: Request) -> tuple[SuggestionFilter, dict[str, str], list[Problem]]:
    """The list's filter from the address, what stands in its fields, and what was wrong with it."""
    chosen = {name: request.query_params.get(name, "").strip() for name in ("unit", "campaign", "state")}
    chosen["overdue"] = "1" if request.query_params.get("overdue") else ""
    given: dict[str, object] = {name: value for name, value in chosen.items() if value}
    if "state" in given:
        given["state"] = [given["state"]]
    try:
        return SuggestionFilter.model_validate(given), chosen, []
    except ValidationError as error:
        wrong = problems_of(error, language_of(request))
        kept = {name: value for name, value in given.items() if name not in {each.field for each in wrong}}
        return SuggestionFilter.model_validate(kept), chosen, wrong


@router.get("/suggestions")
def list_page(request: Request, actor: Who, cursor: str | None = None) -> Response:
    """Suggestions in sight, newest first."""
    wanted, chosen, wrong = _filter(request)
    now = now_of(request)
    with database_of(request).reading() as session:
        found = list_suggestions(session, wanted, actor=actor, now=now, limit=PER_PAGE, cursor=cursor)
        return page(
            request,
            "suggestions.html",
            status=422 if wrong else 200,
            form=Form(chosen, tuple(wrong)),
            kept={name: value for name, value in chosen.items() if value},
            found=found,
            cursor=cursor,
            late={each.id for each in found.items if is_unanswered_late(each, now)},
            units=units_in_sight(session, actor),
            campaigns=running_campaigns(session, actor),
            states=tuple(SuggestionState),
            may_make=bool(_units_to_suggest_to(session, actor)),
        )


def _units_to_suggest_to(session: Session, actor: Actor) -> list[Unit]:
    return [unit for unit in units_in_sight(session, actor) if may(actor, Deed.SUGGEST, at=unit.path)]


def _new_page(
    request: Request,
    form: Form,
    *,
    actor: Actor,
    unit_code: str | None,
    ticket_number: str | None,
    status: int = 200,
) -> Response:
    """First the unit is chosen, unless a ticket names it: who can be addressed depends on it."""
    with database_of(request).reading() as session:
        ticket: Ticket | None = None
        unit: Unit | None = None
        if ticket_number:
            ticket = ticket_by_number(session, ticket_number, actor=actor)
            unit = ticket.unit
        elif unit_code:
            unit = unit_by_code(session, unit_code, actor=actor)
        units = _units_to_suggest_to(session, actor)
        if unit is not None or not units:
            must_be_allowed(actor, Deed.SUGGEST, at=unit.path if unit else actor.unit_path)
        return page(
            request,
            "suggestion_new.html",
            status=status,
            form=form,
            names=_names(language_of(request)),
            unit=unit,
            ticket=ticket,
            units=units,
            campaigns=running_campaigns(session, actor),
            people=possible_addressees(session, unit.path, actor=actor) if unit else [],
            due=answer_due(
                now_of(request),
                level=ticket.level if ticket else None,
                calendar=calendar_of(session, unit.path if unit else "/"),
            ),
        )


def _names(lang: Language) -> dict[str, str]:
    return {field: say(lang, words) for field, words in NAMES.items()}


@router.get("/suggestions/new")
def new_form(request: Request, actor: Who, unit: str | None = None, ticket: str | None = None) -> Response:
    """The form of a new suggestion, about a ticket when the address names one."""
    return _new_page(request, Form(), actor=actor, unit_code=unit, ticket_number=ticket)


@router.post("/suggestions/new")
def make(request: Request, actor: Who, sent: SentForm) -> Response:
    """Make it, and go to its page."""
    try:
        new = sent.read(NewSuggestion, "text", "addressee", "unit", "campaign", "ticket", "answer_due")
        with database_of(request).transaction() as session:
            made = suggestions.make(session, new, actor=actor, now=now_of(request))
            place = f"/suggestions/{made.id}"
    except (ValidationError, Refusal) as error:
        return _new_page(
            request,
            sent.form(problems_of(error, language_of(request))),
            actor=actor,
            unit_code=sent.text("unit"),
            ticket_number=sent.text("ticket"),
            status=status_of(error),
        )
    return see_other(place, done="suggest")


@router.get("/suggestions/{id}")
def one(request: Request, actor: Who, key: Key) -> Response:
    """One suggestion: what was suggested and answered, and just the buttons this person may press."""
    return _suggestion_page(request, key, Form(), actor=actor)


def _suggestion_page(request: Request, key: UUID, form: Form, *, actor: Actor, status: int = 200) -> Response:
    now = now_of(request)
    with database_of(request).reading() as session:
        found = suggestion_by_key(session, str(key), actor=actor)
        every = options(found, actor=actor, now=now)
        return page(
            request,
            "suggestion.html",
            status=status,
            form=form,
            suggestion=found,
            late=is_unanswered_late(found, now),
            awaited=found.state in OPEN,
            verdict=verdict_of(found),
            may=_first_to_press(every),
            may_not=[each for each in every if not each.allowed],
            asks={event: button.asks for event, button in BUTTONS.items()},
            story=_story(session, found, language_of(request), now),
        )


def verdict_of(suggestion: Suggestion) -> Verdict | None:
    """What was answered; None while it is not."""
    if suggestion.adopted is None:
        return None
    return Verdict.ADOPTED if suggestion.adopted else Verdict.NOT_ADOPTED


def _first_to_press(every: list[Option]) -> list[Option]:
    """The buttons that may be pressed, settling first where an answer may be settled or disputed."""
    return sorted(
        (each for each in every if each.allowed), key=lambda each: each.event is SuggestionEvent.DISPUTE
    )


def _story(session: Session, found: Suggestion, lang: Language, now: datetime) -> list[Told]:
    people = (found.issued_by, found.addressee, found.answered_by)
    names = {person.login: person.name for person in people if person is not None}
    return [told(row, lang, now=now, names=names) for row in history_of(session, found)]


@router.get("/suggestions/{id}/paper")
def paper(request: Request, actor: Who, key: Key) -> Response:
    """意见书 to print and sign, with the slip the administration answers on (答复单)."""
    lang = language_of(request)
    with database_of(request).reading() as session:
        found = suggestion_by_key(session, str(key), actor=actor)
        # A paper is kept for years, so its days always name theirs.
        return page(
            request,
            "suggestion_paper.html",
            suggestion=found,
            verdict=verdict_of(found),
            due=dates.deadline(found.answer_due_at, lang),
            issued_on=dates.day(local_day(found.issued_at), lang, weekday=False),
            answered_on=dates.day(local_day(found.answered_at), lang, weekday=False)
            if found.answered_at
            else None,
        )


def _button(name: str) -> tuple[SuggestionEvent, Button]:
    if name not in set(SuggestionEvent):
        raise NotFound(what=name)
    event = SuggestionEvent(name)
    return event, BUTTONS[event]


def _button_page(
    request: Request, key: UUID, name: str, form: Form, *, actor: Actor, status: int = 200
) -> Response:
    event, button = _button(name)
    if not button.asks:
        return _suggestion_page(request, key, form, actor=actor, status=status)
    now = now_of(request)
    with database_of(request).reading() as session:
        found = suggestion_by_key(session, str(key), actor=actor)
        refusal = next(each for each in options(found, actor=actor, now=now) if each.event is event).refusal
        return page(
            request,
            "suggestion_event.html",
            status=status,
            form=form,
            names=_names(language_of(request)),
            suggestion=found,
            verdict=verdict_of(found),
            event=event,
            refusal=refusal,
        )


@router.get("/suggestions/{id}/{event}")
def event_form(request: Request, actor: Who, key: Key, event: str) -> Response:
    """The form behind a button."""
    return _button_page(request, key, event, Form(), actor=actor)


@router.post("/suggestions/{id}/{event}")
def happen(request: Request, actor: Who, key: Key, event: str, sent: SentForm) -> Response:
    """Do it, and come back to the suggestion, or to the form with what is wrong."""
    name, button = _button(event)
    try:
        command = button.read(sent)
        with database_of(request).transaction() as session:
            row = suggestion_by_key(session, str(key), actor=actor, lock=True)
            command(session, row, actor=actor, now=now_of(request))
    except (ValidationError, Refusal) as error:
        problems = problems_of(error, language_of(request), renamed=button.renamed)
        return _button_page(request, key, event, sent.form(problems), actor=actor, status=status_of(error))
    return see_other(f"/suggestions/{key}", done=f"suggestion_{name.value}")
