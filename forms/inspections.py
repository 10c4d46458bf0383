"""One visit: the checklist answered on a phone, item by item; what was answered is kept each time."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import ValidationError
from sqlalchemy.orm import Session

from domain import answer_conflicts, answers, inspections, submissions
from domain.answer_conflicts import Choice
from domain.answers import GivenAnswers, open_conflicts
from domain.errors import BadInput, NotFound
from domain.hand_overs import hand_overs_of
from domain.inspections import NewInspection, inspection_by_id
from domain.records import Inspection
from domain.submissions import Miss
from forms.errors import PageRoute
from forms.field_words import WALK, words_for
from forms.fields import Form, Sent, SentForm, problems_of, status_of
from forms.pages import page, see_other
from forms.photos import take
from forms.session import database_of, now_of, settings_of, signed_in
from forms.walks import CHOICES, AnswersWrong, as_fields, groups_of, rest_of, seal, told_in
from forms.words import language_of
from statemachines.chart import options
from statemachines.inspection import InspectionEvent
from statemachines.labels import Level
from statemachines.refusals import Refusal
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]
Key = Annotated[UUID, Path(alias="id")]


@router.post("/inspections")
def plan(request: Request, actor: Who, sent: SentForm) -> Response:
    """Plan a visit for today, also one that makes up for a missed one, and go to it."""
    new = sent.read(NewInspection, "campaign", "unit", "instead_of")
    with database_of(request).transaction() as session:
        made = inspections.create(session, new, actor=actor, now=now_of(request))
    return see_other(f"/inspections/{made.id}")


@router.get("/inspections/{id}")
def inspection(request: Request, actor: Who, key: Key) -> Response:
    """The checklist with the answers given so far."""
    with database_of(request).reading() as session:
        return _inspection_page(
            request, session, inspection_by_id(session, key, actor=actor), Form(), actor=actor
        )


def _inspection_page(
    request: Request, session: Session, found: Inspection, form: Form, *, actor: Actor, status: int = 200
) -> Response:
    every = options(found, actor=actor, now=now_of(request))
    may = {each.event for each in every if each.allowed}
    given = {answer.item_id: answer for answer in found.answers}
    return page(
        request,
        "inspection.html",
        status=status,
        form=Form({**as_fields(found), **form.values}, form.problems, photos_lost=form.photos_lost),
        inspection=found,
        groups=groups_of(found),
        answers=given,
        seals={item.id: seal(given.get(item.id)) for item in found.checklist.items},
        conflicts={answer.item_id: open_conflicts(answer) for answer in found.answers},
        choices=CHOICES,
        levels=tuple(Level),
        progress=inspections.progress(found),
        score=inspections.score(found.answers),
        may_answer=bool(may & {InspectionEvent.START, InspectionEvent.SUBMIT}),
        may_miss=InspectionEvent.MISS in may,
        may_hand_over=InspectionEvent.HAND_OVER in may,
        may_make_up=inspections.may_be_made_up(session, found, actor=actor),
        made_up_by=inspections.made_up_by(session, found),
        hand_overs=hand_overs_of(session, found),
        may_not=[each for each in every if not each.allowed],
        limit_mb=settings_of(request).file_max_bytes // 2**20,
        words=words_for(language_of(request), WALK),
    )


@router.post("/inspections/{id}")
def work(request: Request, actor: Who, key: Key, sent: SentForm) -> Response:
    """Save answers, and then what the pressed button says: sign, the rest of a group is fine, which of two answers
    holds; or record the visit as missed.
    """
    deed, _, about = sent.text("do").partition(":")
    try:
        with database_of(request).transaction() as session:
            found = inspection_by_id(session, key, actor=actor, lock=True)
            code = found.campaign.code
            if deed == InspectionEvent.MISS:
                told = sent.read(Miss, "reason")
                submissions.miss(session, found, told, actor=actor, now=now_of(request))
            else:
                _answer(request, session, found, sent, deed, about, actor=actor)
    except (ValidationError, Refusal, AnswersWrong) as error:
        return _again(request, key, sent, error, actor=actor)
    if deed == InspectionEvent.MISS:
        return see_other(f"/campaigns/{code}", done="miss")
    if deed == "sign":
        return see_other(f"/inspections/{key}/sign")
    place = {"rest": f"#group-{about}", "keep": "#conflicts"}.get(deed, "")
    return see_other(f"/inspections/{key}{place}", done="chosen" if deed == "keep" else "answers")


def _again(
    request: Request,
    key: UUID,
    sent: Sent,
    error: ValidationError | Refusal | AnswersWrong,
    *,
    actor: Actor,
) -> Response:
    """The form once more, with what was wrong."""
    if isinstance(error, NotFound):
        raise error
    with database_of(request).reading() as session:
        found = inspection_by_id(session, key, actor=actor)
        if isinstance(error, AnswersWrong):
            problems, status = list(error.problems), 422
        else:
            first = next((f"value-{item.code}" for item in found.checklist.items), "")
            renamed = {"answers": first}
            problems, status = problems_of(error, language_of(request), renamed=renamed), status_of(error)
        return _inspection_page(request, session, found, sent.form(problems), actor=actor, status=status)


def _answer(
    request: Request,
    session: Session,
    found: Inspection,
    sent: Sent,
    deed: str,
    about: str,
    *,
    actor: Actor,
) -> None:
    now = now_of(request)
    told = told_in(found, sent, request, language_of(request))
    given = [*told.answers, *(rest_of(found, about, told.answers) if deed == "rest" else ())]
    if given:
        answers.answer(session, found, GivenAnswers(answers=given), actor=actor, now=now)
        take(request, session, told.photos, actor=actor)
    elif deed == "save" and not found.answers:
        raise BadInput("/answers", "missing", zh="请先填写检查结果。", en="Answer at least one item first.")
    if deed == "keep":
        conflict, _, which = about.partition(":")
        choice = Choice.model_validate({"keep": which})
        answer_conflicts.settle(session, found, _key(conflict), choice, actor=actor, now=now)


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound(what=text) from error
