"""Checklists as people read them, the library of standard hazards, and the photos that show what is meant."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import ValidationError

from domain import hazards
from domain.checklists import checklist_by_code
from domain.errors import BadInput, NotFound
from domain.files import SHA256
from domain.guidance import must_guide, set_guidance
from domain.hazards import HazardFilter, derive_from, hazard_by_code, versions_of
from domain.records import ChecklistItem
from domain.rights import RIGHTS, Deed
from forms.errors import PageRoute
from forms.fields import Form, Sent, SentForm, problems_of, status_of
from forms.pages import page, see_other
from forms.photos import KEPT
from forms.session import database_of, files_of, now_of, settings_of, signed_in
from forms.words import language_of
from statemachines.refusals import Refusal
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]
Code = Annotated[str, Path(max_length=64)]

PER_PAGE = 50


def _may(actor: Actor, deed: Deed) -> bool:
    """Whether to show the button; the command asks for the role at the actor's unit."""
    return actor.holds(*RIGHTS[deed], at=actor.unit_path)


# Checklists.


@router.get("/checklists/{code}")
def checklist(request: Request, actor: Who, code: Code) -> Response:
    """One checklist: what is looked for, what a failed item becomes, and the guidance photos."""
    return _checklist_page(request, code, Form(), actor=actor)


def _checklist_page(request: Request, code: str, form: Form, *, actor: Actor, status: int = 200) -> Response:
    with database_of(request).reading() as session:
        return page(
            request,
            "checklist_guidance.html",
            status=status,
            form=form,
            checklist=checklist_by_code(session, code),
            may_guide=_may(actor, Deed.SET_GUIDANCE),
            may_derive=_may(actor, Deed.KEEP_HAZARDS),
            limit_mb=settings_of(request).file_max_bytes // 2**20,
        )


@router.post("/checklists/{code}/hazards")
def derive(request: Request, actor: Who, code: Code, sent: SentForm) -> Response:
    """A standard hazard for each item that has none yet."""
    with database_of(request).transaction() as session:
        derive_from(session, checklist_by_code(session, code), actor=actor, now=now_of(request))
    return see_other("/hazards", done="derived")


@router.post("/checklists/{code}/{item}/guidance")
def guide_item(
    request: Request, actor: Who, code: Code, item: Annotated[str, Path(max_length=32)], sent: SentForm
) -> Response:
    """Show a photo with an item, or no longer."""
    try:
        data = _photo(request, sent)
        with database_of(request).transaction() as session:
            found = _item(checklist_by_code(session, code).items, item)
            set_guidance(session, files_of(request), found, data, actor=actor, now=now_of(request))
    except (ValidationError, Refusal) as error:
        if isinstance(error, NotFound):
            raise
        form = sent.form(problems_of(error, language_of(request)))
        return _checklist_page(request, code, form, actor=actor, status=status_of(error))
    return see_other(f"/checklists/{quote(code)}#item-{quote(item)}", done="guidance")


def _item(items: list[ChecklistItem], code: str) -> ChecklistItem:
    found = next((each for each in items if each.code == code), None)
    if found is None:
        raise NotFound(what=code)
    return found


def _photo(request: Request, sent: Sent) -> bytes | None:
    """The photo chosen; None when the button takes one away. Raises BadInput when none was chosen."""
    if sent.text("remove"):
        return None
    chosen = sent.photos("photo", request)
    if not chosen:
        raise BadInput("/photo", "missing", zh="请先选择照片。", en="Choose a photo first.")
    return chosen[0].data


# Standard hazards.


@router.get("/hazards")
def library(
    request: Request,
    actor: Who,
    q: Annotated[str, Query(max_length=60)] = "",
    cursor: str | None = None,
) -> Response:
    """The library, searched by signs, pinyin or initials."""
    with database_of(request).reading() as session:
        found = hazards.list_hazards(session, HazardFilter(q=q), limit=PER_PAGE, cursor=cursor)
        return page(
            request,
            "hazards.html",
            found=found,
            q=q,
            cursor=cursor,
            may_keep=_may(actor, Deed.KEEP_HAZARDS),
        )


@router.get("/hazards/{code}")
def hazard(request: Request, actor: Who, code: Code) -> Response:
    """One standard hazard with its versions."""
    return _hazard_page(request, code, Form(), actor=actor)


def _hazard_page(request: Request, code: str, form: Form, *, actor: Actor, status: int = 200) -> Response:
    with database_of(request).reading() as session:
        versions = versions_of(session, code)
        if not versions:
            raise NotFound(what=code)
        return page(
            request,
            "hazard.html",
            status=status,
            form=form,
            hazard=versions[0],
            versions=versions,
            may_guide=_may(actor, Deed.SET_GUIDANCE),
            may_keep=_may(actor, Deed.KEEP_HAZARDS),
            limit_mb=settings_of(request).file_max_bytes // 2**20,
        )


@router.post("/hazards/{code}/guidance")
def guide_hazard(request: Request, actor: Who, code: Code, sent: SentForm) -> Response:
    """Show a photo with a standard hazard, or no longer."""
    try:
        data = _photo(request, sent)
        with database_of(request).transaction() as session:
            found = hazard_by_code(session, code)
            set_guidance(session, files_of(request), found, data, actor=actor, now=now_of(request))
    except (ValidationError, Refusal) as error:
        if isinstance(error, NotFound):
            raise
        form = sent.form(problems_of(error, language_of(request)))
        return _hazard_page(request, code, form, actor=actor, status=status_of(error))
    return see_other(f"/hazards/{quote(code)}", done="guidance")


@router.post("/hazards/{code}/withdraw")
def withdraw(request: Request, actor: Who, code: Code, sent: SentForm) -> Response:
    """Take a hazard out of the library."""
    with database_of(request).transaction() as session:
        found = hazard_by_code(session, code)
        hazards.withdraw_hazard(session, found, actor=actor, now=now_of(request))
    return see_other("/hazards", done="hazard_withdrawn")


# The photos themselves.


@router.get("/photos/guidance/{sha256}")
def guidance_photo(
    request: Request,
    actor: Who,
    sha256: Annotated[str, Path(pattern=SHA256)],
    size: Annotated[Literal["page", "thumb"], Query()] = "page",
) -> Response:
    """The copy of a guidance photo; 404 for every other."""
    with database_of(request).reading() as session:
        must_guide(session, sha256)
    tag = f'"{sha256[:32]}-{size}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={**KEPT, "ETag": tag})
    try:
        copy = files_of(request).derived(sha256, size)
    except FileNotFoundError as error:
        raise NotFound(what=sha256[:12]) from error
    return Response(copy, headers={**KEPT, "ETag": tag})
