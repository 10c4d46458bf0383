"""What anybody may open without a login: the page behind a sign's QR code, the report form, and its outcome."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from domain.database import Database
from domain.doors import is_shut, knock, must_not_flood
from domain.errors import BadInput, NotFound
from domain.places import place_on_sign
from domain.records import DoorKind, Place
from domain.reports import PHOTO_MAX_BYTES, PHOTOS_AT_MOST, NewReport, Reply, outcome_of, submit_report
from domain.visibility import in_sight
from forms.errors import PageRoute
from forms.fields import Form, Sent, problems_of, read_form, status_of
from forms.pages import page, see_other
from forms.qr import qr_picture
from forms.session import (
    database_of,
    door_token,
    files_of,
    keep_door_token,
    now_of,
    settings_of,
    visitor,
)
from forms.words import _, language_of, say
from statemachines.refusals import Refusal

router = APIRouter(route_class=PageRoute)

FIELDS = ("key", "text", "location", "reporter_name", "reporter_phone")
RENAMED = {"files": "photos"}
NAMES = {
    "text": _("发现了什么"),
    "location": _("具体位置"),
    "reporter_name": _("您的称呼"),
    "reporter_phone": _("联系电话"),
    "photos": _("照片"),
}

_TEXTS_MAX_BYTES = 64 * 1024


def address_of(request: Request) -> str:
    """The address the request came from, as the reverse proxy in front tells it."""
    return request.client.host if request.client else ""


def _photo_limit(request: Request) -> int:
    """The largest photo taken from anybody, bytes."""
    return min(PHOTO_MAX_BYTES, settings_of(request).file_max_bytes)


def _open_page(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    """A page whose forms carry the session's token, or the one kept for this browser without a session."""
    token = getattr(request.state, "csrf", None) or door_token(request)
    answer = page(request, template, status=status, door=token, **values)
    if visitor(request) is None:
        keep_door_token(request, answer, token)
    return answer


def _place(database: Database, code: str) -> Place:
    with database.reading() as session:
        return place_on_sign(session, code)


@router.get("/p/{code}")
def scanned(request: Request, code: str) -> Response:
    """Behind a sign: who is signed in and looks after the unit goes on to the finding form, anybody else chooses."""
    place = _place(database_of(request), code)
    actor = visitor(request)
    if place.retired_at is None and actor is not None and in_sight(actor, place.unit.path):
        return see_other(f"/findings/new?place={place.code}")
    return _open_page(request, "place_open.html", place=place)


def _report_page(request: Request, place: Place, form: Form, status: int = 200) -> Response:
    lang = language_of(request)
    return _open_page(
        request,
        "report_open.html",
        status=status,
        place=place,
        form=form,
        names={name: say(lang, words) for name, words in NAMES.items()},
        key=form.value("key") or secrets.token_urlsafe(24),
        most=PHOTOS_AT_MOST,
        limit_mb=_photo_limit(request) // 2**20,
    )


@router.get("/p/{code}/report")
def report_form(request: Request, code: str) -> Response:
    """The report form: what, photos, and nothing else that must be filled in."""
    place = _place(database_of(request), code)
    if place.retired_at is not None:
        return see_other(f"/p/{place.code}")
    return _report_page(request, place, Form())


async def _from_anybody(request: Request) -> AsyncIterator[Sent]:
    """The report's form, unless its sender goes on far beyond their share; a small body, few photos, few fields."""
    await run_in_threadpool(_must_not_flood, request)
    most = PHOTOS_AT_MOST * _photo_limit(request) + _TEXTS_MAX_BYTES
    async for sent in read_form(request, most=most, max_files=2 * PHOTOS_AT_MOST, max_fields=20):
        yield sent


def _must_not_flood(request: Request) -> None:
    with database_of(request).reading() as session:
        must_not_flood(session, DoorKind.REPORT, address_of(request), now=now_of(request))


@router.post("/p/{code}/report")
def report(request: Request, code: str, sent: Annotated[Sent, Depends(_from_anybody)]) -> Response:
    """Take a report, then show the slip with the code."""
    place = _place(database_of(request), code)
    try:
        with database_of(request).transaction() as session:
            said = knock(
                session, DoorKind.REPORT, address_of(request), place_id=place.id, now=now_of(request)
            )
        if said is not None:
            raise said
        reply = _submit(request, place, sent)
    except (ValidationError, Refusal) as error:
        problems = problems_of(error, language_of(request), renamed=RENAMED)
        return _report_page(request, place, sent.form(problems), status_of(error))
    return see_other(f"/r/{reply.code}", done="reported")


def _submit(request: Request, place: Place, sent: Sent) -> Reply:
    photos = sent.photos("photos", request, most=_photo_limit(request))
    if len(photos) > PHOTOS_AT_MOST:
        raise BadInput(
            "/photos",
            "too-many",
            zh=f"最多{PHOTOS_AT_MOST}张照片。",
            en=f"Choose at most {PHOTOS_AT_MOST} photos.",
        )
    new = sent.read(NewReport, *FIELDS, files=[photo.listed for photo in photos])
    with database_of(request).transaction() as session:
        return submit_report(
            session,
            files_of(request),
            place_on_sign(session, place.code),
            new,
            [photo.data for photo in photos],
            now=now_of(request),
        )


@router.get("/r")
def lookup(request: Request) -> Response:
    """Where a reply code is typed in."""
    asked = request.query_params.get("code", "").strip()[:40]
    if asked:
        return see_other(f"/r/{asked.replace('/', '')}")
    return _open_page(request, "lookup.html", form=Form())


@router.get("/r/{code}")
def slip(request: Request, code: str) -> Response:
    """The slip: the code, and what became of the report. A wrong code costs a try."""
    now, address = now_of(request), address_of(request)
    with database_of(request).reading() as session:
        shut = is_shut(session, DoorKind.LOOKUP, address, now=now)
        if shut is not None:
            raise shut
        try:
            outcome = outcome_of(session, code)
        except NotFound:
            outcome = None
    if outcome is None:
        with database_of(request).transaction() as session:
            knock(session, DoorKind.LOOKUP, address, now=now)
        form = Form({"code": code[:40]}, tuple(problems_of(_unknown(), language_of(request))))
        return _open_page(request, "lookup.html", status=404, form=form)
    where = f"{settings_of(request).public_url}/r/{outcome.code}"
    return _open_page(request, "slip.html", outcome=outcome, address=where, picture=qr_picture(where))


def _unknown() -> BadInput:
    return BadInput(
        "/code",
        "unknown-code",
        zh="没有这个查询码，请核对回执上的12位字母和数字。",
        en="There is no such code; check the twelve letters and digits on your slip.",
    )
