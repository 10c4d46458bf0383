"""Inspections: plan a visit, answer its checklist, hand it over, submit; failed answers become findings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.deps import Call, Creates, Reads, Writes, Writing, written
from api.documented import CHANGE, CREATE, LIST, READ
from api.etag import version_tag
from api.paging import Paged
from api.shapes import Moment, PhotoShape, photo_shape
from domain import answer_conflicts, answers, hand_overs, inspections, submissions
from domain.answer_conflicts import Choice
from domain.answered import Answer as Answered
from domain.answers import CONTENT, GivenAnswers, open_conflicts
from domain.hand_overs import HandOver
from domain.inspections import InspectionFilter, NewInspection
from domain.records import Answer, AnswerConflict, AnswerValue, Inspection
from domain.submissions import Miss, Submission
from statemachines.inspection import InspectionState
from statemachines.labels import Level
from statemachines.roles import Actor

router = APIRouter(tags=["inspections"])

Key = Annotated[UUID, Path(alias="id")]


class SaidShape(BaseModel):
    """What an answer says, who gave it and when. For a failed one `level`, `measure` and `deadline_days` are set when
    they replace the item's own.
    """

    value: AnswerValue
    note: str
    location: str
    level: Level | None
    measure: str | None
    deadline_days: int | None
    answered_by: str
    answered_at: Moment


class ConflictShape(SaidShape):
    """Another answer, given on another device without knowing the present one; `base_version` is what it knew."""

    id: UUID
    base_version: int


class AnswerShape(SaidShape):
    """The answer to one item; a failed one names the ticket it became. Send `version` as `base_version` when you change
    it. With `conflicts` the visit cannot be submitted before somebody has chosen.
    """

    item: str
    version: int
    ticket: str | None
    photos: list[PhotoShape]
    conflicts: list[ConflictShape]


class InspectionSummary(BaseModel):
    """One visit, as a list shows it."""

    id: UUID
    campaign: str
    unit: str
    checklist: str
    inspector: str | None
    planned_on: date
    state: InspectionState
    started_at: Moment | None
    submitted_at: Moment | None
    nothing_found: bool
    missed_reason: str | None
    rota: UUID | None
    instead_of: UUID | None
    version: int


class InspectionShape(InspectionSummary):
    """One visit with its answers. `score` is 合格/(合格+不合格) in percent, null when nothing was judged."""

    items: int
    answers: list[AnswerShape]
    score: str | None
    tickets: list[str]


class InspectionPage(BaseModel):
    """One page of visits by planned day."""

    items: list[InspectionSummary]
    next: str | None


class InspectionQuery(InspectionFilter, Paged):
    """Which visits, and which page of them."""


_SAME = tuple(name for name in InspectionSummary.model_fields if name in Inspection.__table__.columns)


def _summary(visit: Inspection) -> InspectionSummary:
    return InspectionSummary(
        **{name: getattr(visit, name) for name in _SAME},
        campaign=visit.campaign.code,
        unit=visit.unit.code,
        rota=visit.rota_id,
        instead_of=visit.instead_of_id,
        checklist=visit.checklist.code,
        inspector=visit.inspector.login if visit.inspector else None,
    )


def _said(said: Answer | AnswerConflict) -> dict[str, Any]:
    told = {name: getattr(said, name) for name in CONTENT}
    return {**told, "answered_by": said.answered_by.login, "answered_at": said.answered_at}


def _shape(visit: Inspection) -> InspectionShape:
    """A visit as programs read it; answers with their items and tickets must be loaded."""
    given = sorted(visit.answers, key=lambda answer: answer.item.position)
    score = inspections.score(given)
    return InspectionShape(
        **_summary(visit).model_dump(),
        items=len(visit.checklist.items),
        score=None if score is None else str(score),
        answers=[
            AnswerShape(
                **_said(answer),
                item=answer.item.code,
                version=answer.version,
                ticket=answer.ticket.number if answer.ticket else None,
                photos=[photo_shape(each) for each in answer.photos],
                conflicts=[
                    ConflictShape(**_said(other), id=other.id, base_version=other.base_version)
                    for other in open_conflicts(answer)
                ],
            )
            for answer in given
        ],
        tickets=[answer.ticket.number for answer in given if answer.ticket],
    )


def _answer(session: Session, visit: Inspection, call: Call, *, status: int = 200) -> Answered:
    session.flush()
    # Read anew: a command may have changed answers, tickets and the inspector behind the loaded relationships.
    key = visit.id
    session.expire(visit)
    shape = _shape(inspections.inspection_by_id(session, key, actor=call.actor))
    place = f"/api/v1/inspections/{shape.id}" if status == 201 else None
    return written(shape, status=status, tag=version_tag(shape.version), location=place)


def _change(call: Writing, key: UUID, command: Callable[..., object], told: BaseModel) -> Response:
    """Load the visit for writing, run the command, answer with the visit as it is then."""

    def work(session: Session) -> Answered:
        visit = inspections.inspection_by_id(session, key, actor=call.actor, lock=True)
        call.must_match(visit.version)
        command(session, visit, told, actor=call.actor, now=call.now)
        return _answer(session, visit, call)

    return call.once(work)


@router.get("/inspections", operation_id="listInspections", response_model=InspectionPage, responses=LIST)
def list_all(call: Reads, wanted: Annotated[InspectionQuery, Query()]) -> Response:
    """Visits in the caller's sight by planned day; `mine` are those the caller makes."""
    with call.reading() as session:
        page = inspections.list_inspections(
            session, wanted, actor=call.actor, limit=wanted.limit, cursor=wanted.cursor
        )
        items = [_summary(visit) for visit in page.items]
    return call.answer(InspectionPage(items=items, next=page.next))


@router.post(
    "/inspections",
    operation_id="planInspection",
    status_code=201,
    response_model=InspectionShape,
    responses=CREATE,
)
def plan(new: NewInspection, call: Creates) -> Response:
    """Plan a visit to one unit against a checklist. With a client `id` it may be sent again."""

    def work(session: Session) -> Answered:
        visit = inspections.create(session, new, actor=call.actor, now=call.now)
        return _answer(session, visit, call, status=201)

    return call.once(work)


@router.get(
    "/inspections/{id}", operation_id="readInspection", response_model=InspectionShape, responses=READ
)
def read(key: Key, call: Reads) -> Response:
    """One visit with its answers."""
    with call.reading() as session:
        visit = inspections.inspection_by_id(session, key, actor=call.actor)
        shape = _shape(visit)
    return call.answer(shape, tag=version_tag(shape.version))


@router.put(
    "/inspections/{id}/answers",
    operation_id="answerInspection",
    response_model=InspectionShape,
    responses=CHANGE,
)
def answer(key: Key, told: GivenAnswers, call: Writes) -> Response:
    """Put answers by item code; the first ones start the visit, answers given before stay unless given again.

    With `base_version` an answer that somebody changed in between is kept beside theirs, in its `conflicts`.
    """
    return _change(call, key, answers.answer, told)


@router.post(
    "/inspections/{id}/conflicts/{conflict}",
    operation_id="settleConflict",
    response_model=InspectionShape,
    responses=CHANGE,
)
def settle(key: Key, conflict: UUID, told: Choice, call: Writes) -> Response:
    """Choose between two answers to one item: `present` keeps the one that stands, `other` takes this one."""

    def command(session: Session, visit: Inspection, choice: Choice, *, actor: Actor, now: datetime) -> None:
        answer_conflicts.settle(session, visit, conflict, choice, actor=actor, now=now)

    return _change(call, key, command, told)


@router.post(
    "/inspections/{id}/hand-over",
    operation_id="handOverInspection",
    response_model=InspectionShape,
    responses=CHANGE,
)
def hand_over(key: Key, told: HandOver, call: Writes) -> Response:
    """交接: a colleague goes on with the visit and is told; answers stay the word of who gave them."""
    return _change(call, key, hand_overs.hand_over, told)


@router.post(
    "/inspections/{id}/submit",
    operation_id="submitInspection",
    response_model=InspectionShape,
    responses=CHANGE,
)
def submit(key: Key, call: Writes, told: Submission | None = None) -> Response:
    """Sign and submit: each failed answer becomes a finding, once; nothing failed is the unit's zero report. The body,
    photos by item, may be left out.
    """
    return _change(call, key, submissions.submit, told or Submission())


@router.post(
    "/inspections/{id}/miss", operation_id="missInspection", response_model=InspectionShape, responses=CHANGE
)
def miss(key: Key, told: Miss, call: Writes) -> Response:
    """未检: the visit was not made, for a reason that stays in the data."""
    return _change(call, key, submissions.miss, told)
