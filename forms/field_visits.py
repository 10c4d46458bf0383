"""What a phone sends of a visit: answers as they are tapped, the signature at the end. Twice changes nothing."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response

from domain import answers, submissions
from domain.answer_conflicts import conflicts_of
from domain.answers import GivenAnswers
from domain.inspections import inspection_by_id
from domain.records import Inspection
from domain.submissions import Submission
from forms.field_items import Sent
from forms.json_answers import JsonRoute, answer_json
from forms.session import database_of, now_of, signed_in
from statemachines.inspection import InspectionState
from statemachines.roles import Actor

router = APIRouter(route_class=JsonRoute)

Who = Annotated[Actor, Depends(signed_in)]
Key = Annotated[UUID, Path(alias="id")]


def _told(found: Inspection) -> dict[str, object]:
    """How the visit stands: the version of each answer, and the items in conflict."""
    return {
        "href": f"/inspections/{found.id}",
        "state": found.state.value,
        "versions": {answer.item.code: answer.version for answer in found.answers},
        "conflicts": [answer.item.code for answer, _ in conflicts_of(found)],
    }


@router.put("/field/inspections/{id}/answers")
def answer(request: Request, actor: Who, key: Key, sent: Sent) -> Response:
    """Answers of a phone; what contradicts an answer it did not know is kept beside that one."""
    told = sent.read(GivenAnswers)
    with database_of(request).transaction() as session:
        found = inspection_by_id(session, key, actor=actor, lock=True)
        answers.answer(session, found, told, actor=actor, now=now_of(request))
        return answer_json(_told(found))


@router.post("/field/inspections/{id}/signature")
def sign(request: Request, actor: Who, key: Key, sent: Sent) -> Response:
    """The visit is signed; sent again by whoever signed it, the answer is the same."""
    told = sent.read(Submission)
    with database_of(request).transaction() as session:
        found = inspection_by_id(session, key, actor=actor, lock=True)
        signed_before = found.state is InspectionState.SUBMITTED and found.submitted_by_id == actor.id
        if not signed_before:
            submissions.submit(session, found, told, actor=actor, now=now_of(request))
        return answer_json(_told(found), 200 if signed_before else 201)
