"""One visit: the checklist answered on a phone, item by item, then signed and submitted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import ValidationError
from sqlalchemy.orm import Session

from domain import answers, inspections, submissions
from domain.answers import GivenAnswer, GivenAnswers
from domain.errors import BadInput
from domain.inspections import NewInspection, inspection_by_id
from domain.records import AnswerValue, ChecklistItem, Inspection
from domain.submissions import Miss, Submission
from forms.errors import PageRoute
from forms.fields import Form, Photo, Problem, Sent, SentForm, problems_of, status_of
from forms.pages import page, see_other
from forms.photos import take
from forms.session import database_of, now_of, settings_of, signed_in
from forms.words import language_of
from statemachines.chart import options
from statemachines.inspection import InspectionEvent
from statemachines.labels import Language, Level
from statemachines.refusals import Refusal
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]
Key = Annotated[UUID, Path(alias="id")]

#: In the order of a thumb: most things are in order.
CHOICES = (AnswerValue.PASS, AnswerValue.FAIL, AnswerValue.NOT_APPLICABLE, AnswerValue.UNCHECKED)


class AnswersWrong(Exception):
    """Answers that cannot be kept, with the field of each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__()
        self.problems = tuple(problems)


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
    values = {**_answers_as_fields(found), **form.values}
    return page(
        request,
        "inspection.html",
        status=status,
        form=Form(values, form.problems, photos_lost=form.photos_lost),
        inspection=found,
        groups=[
            (category, list(items))
            for category, items in groupby(found.checklist.items, key=lambda item: item.category)
        ],
        answers={answer.item_id: answer for answer in found.answers},
        choices=CHOICES,
        levels=tuple(Level),
        may_answer=bool(may & {InspectionEvent.START, InspectionEvent.SUBMIT}),
        may_miss=InspectionEvent.MISS in may,
        may_make_up=inspections.may_be_made_up(session, found, actor=actor),
        made_up_by=inspections.made_up_by(session, found),
        may_not=[each for each in every if not each.allowed],
        score=inspections.score(found.answers),
        limit_mb=settings_of(request).file_max_bytes // 2**20,
    )


def _answers_as_fields(found: Inspection) -> dict[str, str]:
    fields: dict[str, str] = {}
    for answer in found.answers:
        code = answer.item.code
        fields |= {f"value-{code}": answer.value, f"note-{code}": answer.note}
        fields |= {f"location-{code}": answer.location, f"level-{code}": answer.level or ""}
    return fields


def _given(found: Inspection, sent: Sent, lang: Language) -> list[GivenAnswer]:
    """The answers of a form. Raises AnswersWrong naming each field."""
    given, wrong = [], []
    for item in found.checklist.items:
        if not (value := sent.text(f"value-{item.code}")):
            continue
        told = {"item": item.code, "value": value}
        if value == AnswerValue.FAIL:
            told |= {
                name: text
                for name in ("note", "location", "level")
                if (text := sent.text(f"{name}-{item.code}"))
            }
        try:
            given.append(GivenAnswer.model_validate(told))
        except ValidationError as error:
            wrong += [
                Problem(f"{each.field}-{item.code}", f"{item.code} {each.sentence}")
                for each in problems_of(error, lang)
            ]
    if wrong:
        raise AnswersWrong(wrong)
    return given


def _photos(items: Iterable[ChecklistItem], sent: Sent, request: Request) -> dict[str, list[Photo]]:
    """The photos chosen for failed items, by the item's code."""
    return {
        item.code: photos
        for item in items
        if sent.text(f"value-{item.code}") == AnswerValue.FAIL
        and (photos := sent.photos(f"photos-{item.code}", request))
    }


@router.post("/inspections/{id}")
def work(request: Request, actor: Who, key: Key, sent: SentForm) -> Response:
    """Save answers, or save and submit them, or record the visit as missed: the pressed button says which."""
    deed = sent.text("do")
    lang = language_of(request)
    try:
        with database_of(request).transaction() as session:
            found = inspection_by_id(session, key, actor=actor, lock=True)
            code = found.campaign.code
            if deed == InspectionEvent.MISS:
                told = sent.read(Miss, "reason")
                submissions.miss(session, found, told, actor=actor, now=now_of(request))
            else:
                _answer(request, session, found, sent, actor=actor, submit=deed == InspectionEvent.SUBMIT)
    except (ValidationError, Refusal, AnswersWrong) as error:
        with database_of(request).reading() as session:
            found = inspection_by_id(session, key, actor=actor)
            form = sent.form(_problems(error, found, sent, lang))
            status = 422 if isinstance(error, AnswersWrong) else status_of(error)
            return _inspection_page(request, session, found, form, actor=actor, status=status)
    if deed == InspectionEvent.MISS:
        return see_other(f"/campaigns/{code}", done="miss")
    return see_other(f"/inspections/{key}", done="submit" if deed == InspectionEvent.SUBMIT else "answers")


def _answer(
    request: Request, session: Session, found: Inspection, sent: Sent, *, actor: Actor, submit: bool
) -> None:
    now = now_of(request)
    if given := _given(found, sent, language_of(request)):
        answers.answer(session, found, GivenAnswers(answers=given), actor=actor, now=now)
    elif not submit:
        raise BadInput("/answers", "missing", zh="请先填写检查结果。", en="Answer at least one item first.")
    if submit:
        photos = _photos(found.checklist.items, sent, request)
        listed = {code: [photo.listed for photo in each] for code, each in photos.items()}
        submissions.submit(session, found, Submission(files=listed), actor=actor, now=now)
        take(request, session, [photo for each in photos.values() for photo in each], actor=actor)


def _problems(
    error: ValidationError | Refusal | AnswersWrong, found: Inspection, sent: Sent, lang: Language
) -> Iterable[Problem]:
    if isinstance(error, AnswersWrong):
        return error.problems
    answered = {answer.item_id for answer in found.answers}
    first = next(
        (
            item.code
            for item in found.checklist.items
            if item.id not in answered and not sent.text(f"value-{item.code}")
        ),
        None,
    )
    return problems_of(error, lang, renamed={"answers": f"value-{first}" if first else ""})
