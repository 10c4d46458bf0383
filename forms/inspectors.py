"""The inspectors' register: certificates, appointments that run out, training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError

from domain import inspector_register
from domain.inspector_register import NewAppointment, NewTraining, register
from domain.people import units_in_sight
from domain.people_changes import PeopleFilter, list_people
from domain.records import InspectorKind
from domain.rights import RIGHTS, Deed
from forms.errors import PageRoute
from forms.fields import Form, SentForm, problems_of, status_of
from forms.pages import page, see_other
from forms.session import database_of, now_of, signed_in
from forms.words import _, language_of, say
from statemachines.refusals import Refusal
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]
Kept = Literal["appoint", "train"]

NAMES: Mapping[str, str] = {
    "person": _("谁"),
    "kind": _("类别"),
    "certificate": _("证号"),
    "document": _("聘任文件"),
    "starts_on": _("聘期自"),
    "ends_on": _("聘期至"),
    "held_on": _("培训日期"),
    "subject": _("培训内容"),
    "hours": _("学时"),
    "score": _("成绩"),
}


@router.get("/admin/inspectors")
def list_page(request: Request, actor: Who, unit: str | None = None) -> Response:
    """Every inspector of units in sight, with the appointment in force and the hours of training."""
    with database_of(request).reading() as session:
        entries = register(session, actor=actor, now=now_of(request), unit=unit or None)
        return page(
            request,
            "inspectors.html",
            entries=entries,
            unit=unit or "",
            units=units_in_sight(session, actor),
            may_change=bool(actor.roles & set(RIGHTS[Deed.REGISTER_INSPECTOR])),
        )


def _form_page(
    request: Request, what: Kept, form: Form, *, actor: Actor, login: str, status: int = 200
) -> Response:
    lang = language_of(request)
    with database_of(request).reading() as session:
        return page(
            request,
            "inspector_form.html",
            status=status,
            form=form,
            what=what,
            login=login,
            names={name: say(lang, words) for name, words in NAMES.items()},
            people=list_people(session, PeopleFilter(), actor=actor, limit=500).items,
            kinds=tuple(InspectorKind),
        )


@router.get("/admin/inspectors/{what}")
def form_page(request: Request, actor: Who, what: Kept, person: str = "") -> Response:
    """The form of an appointment or a training, for the person the address names."""
    return _form_page(request, what, Form(), actor=actor, login=person)


@router.post("/admin/inspectors/dismiss")
def dismiss(request: Request, actor: Who, sent: SentForm) -> Response:
    """End the appointment in force."""
    with database_of(request).transaction() as session:
        inspector_register.dismiss(session, sent.text("person"), actor=actor, now=now_of(request))
    return see_other("/admin/inspectors", done="inspector_dismissed")


@router.post("/admin/inspectors/{what}")
def keep(request: Request, actor: Who, what: Kept, sent: SentForm) -> Response:
    """Record it."""
    now = now_of(request)
    try:
        if what == "appoint":
            fields = ("person", "kind", "certificate", "document", "starts_on", "ends_on")
            appointment = sent.read(NewAppointment, *fields)
            with database_of(request).transaction() as session:
                inspector_register.appoint(session, appointment, actor=actor, now=now)
        else:
            training = sent.read(NewTraining, "person", "held_on", "subject", "hours", "score")
            with database_of(request).transaction() as session:
                inspector_register.record_training(session, training, actor=actor, now=now)
    except (ValidationError, Refusal) as error:
        form = sent.form(problems_of(error, language_of(request)))
        login = sent.text("person")
        return _form_page(request, what, form, actor=actor, login=login, status=status_of(error))
    return see_other("/admin/inspectors", done=f"inspector_{what}")
