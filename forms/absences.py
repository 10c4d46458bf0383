"""Days away and who stands in: one's own on /account, those of one's units in a list, and the form to record them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from domain.absences import (
    AbsenceFilter,
    NewAbsence,
    Standing,
    absence_by_id,
    end_absence,
    list_absences,
    may_end,
    possible_substitutes,
    record_absence,
    standing,
)
from domain.people import person_by_login
from domain.records import Absence, Person
from domain.rights import RIGHTS, Deed, may, must_be_allowed
from forms.errors import PageRoute
from forms.fields import Form, SentForm, problems_of, status_of
from forms.pages import page, see_other
from forms.session import database_of, now_of, signed_in
from forms.words import _, language_of, say
from statemachines.labels import local_day
from statemachines.refusals import Refusal
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]
Key = Annotated[UUID, Path(alias="id")]

PER_PAGE = 40

NAMES = {
    "starts_on": _("第一天"),
    "ends_on": _("最后一天"),
    "substitute": _("代理人"),
    "reason": _("原因"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """An absence as a list shows it."""

    absence: Absence
    standing: Standing
    may_end: bool


def lines_of(found: list[Absence], *, actor: Actor, now: datetime) -> list[Line]:
    """Absences with how they stand today and whether this reader may end them."""
    today = local_day(now)
    return [Line(each, standing(each, on=today), may_end(each, actor=actor, on=today)) for each in found]


def own_absences(session: Session, actor: Actor, *, now: datetime) -> list[Line]:
    """One's own days away and those one stands in for, that are not over."""
    query = (
        select(Absence)
        .where(
            (Absence.person_id == actor.id) | (Absence.substitute_id == actor.id),
            Absence.ended_at.is_(None),
            Absence.ends_on >= local_day(now),
        )
        .options(joinedload(Absence.person).joinedload(Person.unit), joinedload(Absence.substitute))
        .order_by(Absence.starts_on, Absence.id)
    )
    return lines_of(list(session.scalars(query)), actor=actor, now=now)


@router.get("/absences")
def list_page(request: Request, actor: Who, cursor: str | None = None, over: str = "") -> Response:
    """Who is away or will be, within one's units; with `over` those of the past."""
    now = now_of(request)
    with database_of(request).reading() as session:
        wanted = AbsenceFilter(over=bool(over))
        found = list_absences(session, wanted, actor=actor, now=now, limit=PER_PAGE, cursor=cursor)
        return page(
            request,
            "absences.html",
            lines=lines_of(found.items, actor=actor, now=now),
            next=found.next,
            cursor=cursor,
            over=bool(over),
            people=_people(session, actor),
        )


def _people(session: Session, actor: Actor) -> list[Person]:
    """Whose absence this reader may record besides their own."""
    if not actor.roles & set(RIGHTS[Deed.RECORD_ABSENCE]):
        return []
    query = select(Person).where(Person.active, Person.id != actor.id).options(joinedload(Person.unit))
    everybody = session.scalars(query.order_by(Person.login))
    return [each for each in everybody if may(actor, Deed.RECORD_ABSENCE, at=each.unit.path)]


def _new_page(
    request: Request, form: Form, *, actor: Actor, login: str | None, status: int = 200
) -> Response:
    with database_of(request).reading() as session:
        person = person_by_login(session, login or actor.login, pointer="/person")
        if person.id != actor.id:
            must_be_allowed(actor, Deed.RECORD_ABSENCE, at=person.unit.path)
        lang = language_of(request)
        return page(
            request,
            "absence_new.html",
            status=status,
            form=form,
            names={field: say(lang, words) for field, words in NAMES.items()},
            person=person,
            own=person.id == actor.id,
            people=possible_substitutes(session, person),
        )


@router.get("/absences/new")
def new_form(request: Request, actor: Who, person: str | None = None) -> Response:
    """The form of one's own absence, or of the person the address names."""
    return _new_page(request, Form(), actor=actor, login=person)


@router.post("/absences/new")
def record(request: Request, actor: Who, sent: SentForm) -> Response:
    """Record it, and go back to where such absences are listed."""
    try:
        new = sent.read(NewAbsence, "person", "substitute", "starts_on", "ends_on", "reason")
        with database_of(request).transaction() as session:
            own = record_absence(session, new, actor=actor, now=now_of(request)).person_id == actor.id
    except (ValidationError, Refusal) as error:
        problems = problems_of(error, language_of(request))
        return _new_page(
            request, sent.form(problems), actor=actor, login=sent.text("person"), status=status_of(error)
        )
    return see_other("/account" if own else "/absences", done="absence")


@router.post("/absences/{id}/end")
def end(request: Request, actor: Who, key: Key, sent: SentForm) -> Response:
    """The person is back; the button stands on two pages and leads back to its own."""
    with database_of(request).transaction() as session:
        absence = absence_by_id(session, key, actor=actor, lock=True)
        end_absence(session, absence, actor=actor, now=now_of(request))
    return see_other("/absences" if sent.text("back") == "/absences" else "/account", done="absence_end")
