"""People as an administrator sees them: the list, an account, its roles, a one-time password, the end of access."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError
from sqlalchemy.orm import Session

from domain import people_changes
from domain.people import GivenRole, NewPerson, add_person, units_in_sight
from domain.people_changes import (
    Grants,
    PeopleFilter,
    PersonChange,
    list_people,
    may_manage,
    open_work,
    person_in_sight,
)
from domain.records import Person
from domain.rights import Deed, may
from forms.errors import PageRoute
from forms.fields import Form, Problem, Sent, SentForm, problems_of, status_of
from forms.pages import page, see_other
from forms.session import database_of, now_of, signed_in
from forms.words import _, language_of, say
from statemachines.refusals import Refusal
from statemachines.roles import Actor, Role

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]

PER_PAGE = 50
SPARE = 3
"""Empty lines for further roles under those a person holds."""

NAMES: Mapping[str, str] = {
    "login": _("登录名"),
    "name": _("姓名"),
    "unit": _("单位"),
    "email": _("邮箱"),
    "phone": _("电话"),
    "language": _("语言"),
    "grants": _("角色"),
}


def _filter(request: Request) -> tuple[PeopleFilter, dict[str, str], list[Problem]]:
    chosen = {name: request.query_params.get(name, "").strip() for name in ("q", "unit", "role", "gone")}
    given: dict[str, Any] = {name: value for name, value in chosen.items() if value and name != "gone"}
    if chosen["gone"]:
        given["active"] = False
    try:
        return PeopleFilter.model_validate(given), chosen, []
    except ValidationError as error:
        wrong = problems_of(error, language_of(request))
        kept = {name: value for name, value in given.items() if name not in {each.field for each in wrong}}
        return PeopleFilter.model_validate(kept), chosen, wrong


@router.get("/admin/people")
def list_page(request: Request, actor: Who, cursor: str | None = None) -> Response:
    """The people of units in sight, with their roles."""
    wanted, chosen, wrong = _filter(request)
    with database_of(request).reading() as session:
        found = list_people(session, wanted, actor=actor, limit=PER_PAGE, cursor=cursor)
        return page(
            request,
            "people.html",
            status=422 if wrong else 200,
            form=Form(chosen, tuple(wrong)),
            kept={name: value for name, value in chosen.items() if value},
            found=found,
            cursor=cursor,
            units=units_in_sight(session, actor),
            roles=tuple(Role),
        )


def _offered(request: Request, session: Session, actor: Actor) -> dict[str, Any]:
    """What both forms offer: names, the units this person administers, roles."""
    lang = language_of(request)
    units = units_in_sight(session, actor)
    return {
        "names": {name: say(lang, words) for name, words in NAMES.items()},
        "units": [unit for unit in units if may(actor, Deed.MANAGE_PEOPLE, at=unit.path)],
        "roles": tuple(Role),
        "spare": SPARE,
    }


def _new_page(request: Request, form: Form, *, actor: Actor, status: int = 200) -> Response:
    with database_of(request).reading() as session:
        return page(request, "person_new.html", status=status, form=form, **_offered(request, session, actor))


@router.get("/admin/people/new")
def new_form(request: Request, actor: Who) -> Response:
    """The form of a new person."""
    return _new_page(request, Form(), actor=actor)


def _grants(sent: Sent) -> list[GivenRole]:
    """The lines of the form in which both a role and a unit are chosen."""
    lines = zip(sent.data.getlist("role"), sent.data.getlist("role_unit"), strict=False)
    chosen = [{"role": str(role), "unit": str(unit)} for role, unit in lines if role and unit]
    return Grants.model_validate({"grants": chosen}).grants


@router.post("/admin/people/new")
def add(request: Request, actor: Who, sent: SentForm) -> Response:
    """Add them, with a one-time password that is shown once."""
    try:
        new = sent.read(
            NewPerson, "login", "name", "unit", "email", "phone", "language", grants=_grants(sent)
        )
        with database_of(request).transaction() as session:
            added = add_person(session, new, actor=actor, now=now_of(request))
            session.flush()
            person = person_in_sight(session, added.login, actor=actor)
            password = people_changes.give_password(session, person, actor=actor, now=now_of(request))
    except (ValidationError, Refusal) as error:
        problems = problems_of(error, language_of(request))
        return _new_page(request, sent.form(problems), actor=actor, status=status_of(error))
    return _person_page(request, new.login, Form(), actor=actor, password=password)


def _person_page(
    request: Request,
    login: str,
    form: Form,
    *,
    actor: Actor,
    status: int = 200,
    password: str | None = None,
) -> Response:
    with database_of(request).reading() as session:
        person = person_in_sight(session, login, actor=actor)
        return page(
            request,
            "person.html",
            status=status,
            form=form,
            person=person,
            grants=sorted(person.grants, key=lambda grant: (grant.unit.path, grant.role)),
            may_change=may_manage(actor, person),
            own=person.id == actor.id,
            password=password,
            open_work=open_work(session, person),
            **_offered(request, session, actor),
        )


@router.get("/admin/people/{login}")
def one(request: Request, actor: Who, login: str) -> Response:
    """One account: who it is, what they may do where."""
    return _person_page(request, login, Form(), actor=actor)


def _do(request: Request, actor: Actor, login: str, deed: str, sent: Sent) -> str | None:
    """Do what the button says; returns the password when one was given."""
    now = now_of(request)
    with database_of(request).transaction() as session:
        person: Person = person_in_sight(session, login, actor=actor, lock=True)
        match deed:
            case "change":
                told = sent.read(
                    PersonChange,
                    "name",
                    "unit",
                    "language",
                    email=sent.text("email"),
                    phone=sent.text("phone"),
                )
                people_changes.change_person(session, person, told, actor=actor, now=now)
            case "roles":
                told_roles = Grants(grants=_grants(sent))
                people_changes.set_roles(session, person, told_roles, actor=actor, now=now)
            case "password":
                return people_changes.give_password(session, person, actor=actor, now=now)
            case "end":
                people_changes.end_access(session, person, actor=actor, now=now)
            case _:
                people_changes.restore_access(session, person, actor=actor, now=now)
    return None


DEEDS = ("change", "roles", "password", "end", "restore")


@router.post("/admin/people/{login}/{deed}")
def act(request: Request, actor: Who, login: str, deed: str, sent: SentForm) -> Response:
    """Change the account, and show it again."""
    if deed not in DEEDS:
        return see_other(f"/admin/people/{login}")
    try:
        password = _do(request, actor, login, deed, sent)
    except (ValidationError, Refusal) as error:
        problems = problems_of(error, language_of(request))
        return _person_page(request, login, sent.form(problems), actor=actor, status=status_of(error))
    if password is not None:
        # Shown in the answer itself and never again: an address that could show it would keep it.
        return _person_page(request, login, Form(), actor=actor, password=password)
    return see_other(f"/admin/people/{login}", done=f"person_{deed}")
