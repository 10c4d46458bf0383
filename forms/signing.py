"""The end of a visit: what was found is shown once more and signed; or the visit goes on in a colleague's hands."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import ValidationError
from sqlalchemy.orm import Session

from domain import hand_overs, inspections, submissions
from domain.answer_conflicts import conflicts_of
from domain.errors import BadInput
from domain.hand_overs import HandOver, who_may_take_over
from domain.inspections import inspection_by_id
from domain.records import Inspection
from domain.submissions import Submission, failed_of, nothing_found
from forms.errors import PageRoute
from forms.fields import Form, SentForm, problems_of, status_of
from forms.pages import page, see_other
from forms.session import database_of, now_of, signed_in
from forms.words import _, language_of, say
from statemachines.chart import option
from statemachines.inspection import InspectionEvent, InspectionState
from statemachines.refusals import Refusal
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]
Key = Annotated[UUID, Path(alias="id")]

NAMES = {"to": _("交给谁"), "reason": _("原因")}


def _sign_page(
    request: Request, session: Session, key: UUID, form: Form, *, actor: Actor, status: int = 200
) -> Response:
    found = inspection_by_id(session, key, actor=actor)
    if found.state is InspectionState.SUBMITTED:
        return see_other(f"/inspections/{key}")
    if refusal := option(found, InspectionEvent.SUBMIT, actor=actor, now=now_of(request)).refusal:
        raise refusal
    answered = {answer.item_id for answer in found.answers}
    failed = failed_of(found)
    return page(
        request,
        "signing.html",
        status=status,
        form=form,
        inspection=found,
        progress=inspections.progress(found),
        score=inspections.score(found.answers),
        failed=failed,
        bare=[each for each in failed if each.item.photo_required and not each.photos],
        unanswered=[item for item in found.checklist.items if item.id not in answered],
        conflicts=conflicts_of(found),
        nothing_found=nothing_found(found),
    )


@router.get("/inspections/{id}/sign")
def sign_form(request: Request, actor: Who, key: Key) -> Response:
    """What the visit found, to be signed."""
    with database_of(request).reading() as session:
        return _sign_page(request, session, key, Form(), actor=actor)


@router.post("/inspections/{id}/sign")
def sign(request: Request, actor: Who, key: Key, sent: SentForm) -> Response:
    """Sign and submit: each failed answer becomes a ticket, nothing failed is the unit's zero report."""
    try:
        if not sent.text("signed"):
            raise BadInput(
                "/signed",
                "not-signed",
                zh="请先勾选确认，再签字。",
                en="Tick the statement first, then sign.",
            )
        with database_of(request).transaction() as session:
            found = inspection_by_id(session, key, actor=actor, lock=True)
            submissions.submit(session, found, Submission(), actor=actor, now=now_of(request))
    except (ValidationError, Refusal) as error:
        problems = problems_of(error, language_of(request), renamed={"answers": "", "files": ""})
        with database_of(request).reading() as session:
            return _sign_page(
                request, session, key, sent.form(problems), actor=actor, status=status_of(error)
            )
    return see_other(f"/inspections/{key}", done="submit")


def _hand_over_page(
    request: Request, session: Session, found: Inspection, form: Form, *, status: int = 200
) -> Response:
    lang = language_of(request)
    return page(
        request,
        "hand_over.html",
        status=status,
        form=form,
        names={field: say(lang, words) for field, words in NAMES.items()},
        inspection=found,
        progress=inspections.progress(found),
        people=who_may_take_over(session, found),
    )


@router.get("/inspections/{id}/hand-over")
def hand_over_form(request: Request, actor: Who, key: Key) -> Response:
    """To whom, and why."""
    with database_of(request).reading() as session:
        found = inspection_by_id(session, key, actor=actor)
        if refusal := option(found, InspectionEvent.HAND_OVER, actor=actor, now=now_of(request)).refusal:
            raise refusal
        return _hand_over_page(request, session, found, Form())


@router.post("/inspections/{id}/hand-over")
def hand_over(request: Request, actor: Who, key: Key, sent: SentForm) -> Response:
    """A colleague goes on with the visit and is told."""
    try:
        told = sent.read(HandOver, "to", "reason")
        with database_of(request).transaction() as session:
            found = inspection_by_id(session, key, actor=actor, lock=True)
            hand_overs.hand_over(session, found, told, actor=actor, now=now_of(request))
    except (ValidationError, Refusal) as error:
        problems = problems_of(error, language_of(request))
        with database_of(request).reading() as session:
            found = inspection_by_id(session, key, actor=actor)
            form = sent.form(problems)
            return _hand_over_page(request, session, found, form, status=status_of(error))
    return see_other(f"/inspections/{key}", done="hand_over")
