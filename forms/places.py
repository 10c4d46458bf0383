"""Places: the list, one place, the sheets of QR codes to print, and their import."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import ValidationError
from sqlalchemy.orm import Session

from domain.people import units_in_sight
from domain.places import (
    SHEET_AT_MOST,
    NewPlace,
    PlaceFacts,
    add_place,
    change_place,
    list_places,
    place_by_code,
    places_to_print,
    retire_place,
)
from domain.records import Place, Unit
from domain.rights import Deed, may
from forms.errors import PageRoute, error_page
from forms.fields import Form, SentForm, problems_of, status_of
from forms.pages import page, see_other
from forms.qr import qr_picture
from forms.session import database_of, now_of, settings_of, signed_in
from forms.words import _, language_of, say
from papers.code_sheet import SignSize, code_sheet
from statemachines.refusals import Refusal
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]

PER_PAGE = 100
FIELDS = ("name", "unit", "lat", "lon", "note")
NAMES = {
    "code": _("代码"),
    "name": _("名称"),
    "unit": _("单位"),
    "lat": _("纬度"),
    "lon": _("经度"),
    "note": _("备注"),
}


def _units(session: Session, actor: Actor) -> list[Unit]:
    """Units whose places the actor may make."""
    return [unit for unit in units_in_sight(session, actor) if may(actor, Deed.MANAGE_PLACES, at=unit.path)]


@router.get("/places")
def list_page(
    request: Request, actor: Who, unit: str = "", retired: str = "", cursor: str | None = None
) -> Response:
    """Places in sight, by code."""
    with database_of(request).reading() as session:
        found = list_places(
            session, actor=actor, unit=unit or None, retired=bool(retired), limit=PER_PAGE, cursor=cursor
        )
        return page(
            request,
            "places.html",
            found=found,
            cursor=cursor,
            unit=unit,
            retired=retired,
            units=units_in_sight(session, actor),
            may_make=bool(_units(session, actor)),
            sheet_at_most=SHEET_AT_MOST,
        )


@router.get("/places/sheet.pdf")
def sheet(
    request: Request,
    actor: Who,
    unit: str = "",
    code: Annotated[list[str] | None, Query()] = None,
    size: Literal["small", "large"] = "small",
) -> Response:
    """Signs to print: of the places named, else of a unit and all below it."""
    wanted: SignSize = size
    with database_of(request).reading() as session:
        places = places_to_print(session, actor=actor, unit=unit or None, codes=code or ())
    if not places:
        return error_page(request, 404)
    pdf = code_sheet(places, public_url=settings_of(request).public_url, size=wanted)
    headers = {
        "Content-Disposition": 'inline; filename="places.pdf"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(pdf, media_type="application/pdf", headers=headers)


def _place_page(
    request: Request, actor: Actor, form: Form, *, code: str | None = None, status: int = 200
) -> Response:
    lang = language_of(request)
    with database_of(request).reading() as session:
        place: Place | None = place_by_code(session, code, actor=actor) if code else None
        address = f"{settings_of(request).public_url}/p/{place.code}" if place else ""
        return page(
            request,
            "place.html",
            status=status,
            form=form,
            names={name: say(lang, words) for name, words in NAMES.items()},
            place=place,
            units=_units(session, actor),
            may_change=place is None or may(actor, Deed.MANAGE_PLACES, at=place.unit.path),
            address=address,
            picture=qr_picture(address) if place else "",
        )


@router.get("/places/new")
def new_form(request: Request, actor: Who) -> Response:
    """The form of a new place."""
    return _place_page(request, actor, Form())


@router.post("/places/new")
def add(request: Request, actor: Who, sent: SentForm) -> Response:
    """Add a place, then show its sign."""
    try:
        new = sent.read(NewPlace, "code", *FIELDS)
        with database_of(request).transaction() as session:
            add_place(session, new, actor=actor, now=now_of(request))
    except (ValidationError, Refusal) as error:
        problems = problems_of(error, language_of(request))
        return _place_page(request, actor, sent.form(problems), status=status_of(error))
    return see_other(f"/places/{new.code}", done="place")


@router.get("/places/{code}")
def one(request: Request, actor: Who, code: str) -> Response:
    """One place, its sign, and the form that changes it."""
    return _place_page(request, actor, Form(), code=code)


@router.post("/places/{code}")
def change(request: Request, actor: Who, code: str, sent: SentForm) -> Response:
    """Change a place, or take it out of use and back."""
    try:
        with database_of(request).transaction() as session:
            place = place_by_code(session, code, actor=actor, lock=True)
            if sent.text("retired"):
                retire_place(
                    session,
                    place,
                    retired=sent.text("retired") == "yes",
                    actor=actor,
                    now=now_of(request),
                )
            else:
                change_place(session, place, sent.read(PlaceFacts, *FIELDS), actor=actor, now=now_of(request))
    except (ValidationError, Refusal) as error:
        problems = problems_of(error, language_of(request))
        return _place_page(request, actor, sent.form(problems), code=code, status=status_of(error))
    return see_other(f"/places/{code}", done="place")
