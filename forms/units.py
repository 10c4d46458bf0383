"""Units as an administrator sees them: the tree, a new one, another name or place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError

from domain.errors import NotFound
from domain.people import NewUnit, add_unit, units_in_sight
from domain.records import Unit, UnitKind
from domain.rights import Deed, may
from domain.unit_changes import UnitChange, change_unit
from forms.errors import PageRoute
from forms.fields import Form, SentForm, problems_of, status_of
from forms.pages import page, see_other
from forms.session import database_of, now_of, signed_in
from forms.words import _, language_of, say
from statemachines.refusals import Refusal
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]

NAMES: Mapping[str, str] = {
    "code": _("编码"),
    "name": _("名称"),
    "kind": _("种类"),
    "parent": _("上级单位"),
}


@router.get("/admin/units")
def tree(request: Request, actor: Who) -> Response:
    """Every unit in sight, parents before children."""
    with database_of(request).reading() as session:
        units = units_in_sight(session, actor)
        return page(
            request,
            "units.html",
            units=units,
            depth=_depths(units),
            may_change={unit.id for unit in units if may(actor, Deed.MANAGE_UNITS, at=unit.path)},
        )


def _depths(units: list[Unit]) -> dict[object, int]:
    least = min((unit.path.count("/") for unit in units), default=0)
    return {unit.id: unit.path.count("/") - least for unit in units}


def _form_page(
    request: Request, form: Form, *, actor: Actor, code: str | None, parent: str = "", status: int = 200
) -> Response:
    lang = language_of(request)
    with database_of(request).reading() as session:
        units = units_in_sight(session, actor)
        unit = next((each for each in units if each.code == code), None)
        if code is not None and unit is None:
            raise NotFound(what=code)
        return page(
            request,
            "unit.html",
            status=status,
            form=form,
            names={name: say(lang, words) for name, words in NAMES.items()},
            unit=unit,
            parent=next((each.code for each in units if unit and each.id == unit.parent_id), parent),
            # A unit cannot go below itself, so its own subtree is not offered.
            parents=[
                each
                for each in units
                if may(actor, Deed.MANAGE_UNITS, at=each.path)
                and not (unit and each.path.startswith(unit.path))
            ],
            depth=_depths(units),
            kinds=tuple(UnitKind),
        )


@router.get("/admin/units/new")
def new_form(request: Request, actor: Who, parent: str = "") -> Response:
    """The form of a new unit, below the one the address names."""
    return _form_page(request, Form(), actor=actor, code=None, parent=parent)


@router.post("/admin/units/new")
def add(request: Request, actor: Who, sent: SentForm) -> Response:
    """Add it."""
    try:
        new = sent.read(NewUnit, *NAMES)
        with database_of(request).transaction() as session:
            add_unit(session, new, actor=actor, now=now_of(request))
    except (ValidationError, Refusal) as error:
        problems = problems_of(error, language_of(request))
        return _form_page(request, sent.form(problems), actor=actor, code=None, status=status_of(error))
    return see_other("/admin/units", done="unit_added")


@router.get("/admin/units/{code}")
def change_form(request: Request, actor: Who, code: str) -> Response:
    """The form of a unit."""
    return _form_page(request, Form(), actor=actor, code=code)


@router.post("/admin/units/{code}")
def change(request: Request, actor: Who, code: str, sent: SentForm) -> Response:
    """Rename it, or move it with everything below."""
    try:
        told = sent.read(UnitChange, "name", "kind", "parent")
        with database_of(request).transaction() as session:
            change_unit(session, code, told, actor=actor, now=now_of(request))
    except (ValidationError, Refusal) as error:
        problems = problems_of(error, language_of(request))
        return _form_page(request, sent.form(problems), actor=actor, code=code, status=status_of(error))
    return see_other("/admin/units", done="unit_changed")
