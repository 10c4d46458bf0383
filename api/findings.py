"""Findings: one at a time, and the offline queue of a phone in one go."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from api.deps import Creates, Creating, written
from api.documented import CREATE
from api.etag import ticket_tag
from api.language import language_of
from api.problems import Problem, Unstorable, WrongField, input_refusal, problem
from api.shapes import TicketShape, ticket_path, ticket_shape
from domain.answered import Answer
from domain.findings import NewFinding, submit_finding
from statemachines.refusals import Refusal

router = APIRouter(tags=["findings"])

FINDINGS_PER_BATCH = 200


@router.post(
    "/findings",
    operation_id="submitFinding",
    status_code=201,
    response_model=TicketShape,
    responses={
        200: {"model": TicketShape, "description": "The same finding had been sent before."},
        **CREATE,
    },
)
def submit(finding: NewFinding, call: Creates) -> Response:
    """A finding becomes a ticket. With a client `id` it may be sent again; other content under it is refused (409)."""
    return call.once(lambda session: _submitted(session, finding, call))


def _submitted(session: Session, finding: NewFinding, call: Creating) -> Answer:
    made = submit_finding(session, finding, actor=call.actor, now=call.now)
    shape = ticket_shape(session, made.ticket, now=call.now)
    tag, place = ticket_tag(made.ticket, call.now), ticket_path(made.ticket)
    return written(shape, status=201 if made.created else 200, tag=tag, location=place)


class BatchItem(BaseModel):
    """What became of one finding: the ticket, or the problem; `status` is what it would have been alone."""

    status: int
    ticket: TicketShape | None = None
    problem: Problem | None = None


class BatchResult(BaseModel):
    """One item for each finding sent, in the same order."""

    items: list[BatchItem]


@router.post(
    "/findings/batch",
    operation_id="submitFindings",
    status_code=207,
    response_model=BatchResult,
    response_model_exclude_none=True,
    responses=CREATE,
)
def submit_batch(
    findings: Annotated[list[dict[str, Any]], Body(max_length=FINDINGS_PER_BATCH)], call: Creates
) -> Response:
    """An offline queue: each item has the form of `submitFinding` and its own fate; give ids to send it twice."""
    items = [_one(position, finding, call) for position, finding in enumerate(findings)]
    return JSONResponse({"items": items}, 207)


def _one(position: int, sent: dict[str, Any], call: Creating) -> dict[str, Any]:
    """One finding of a batch in its own transaction: what is refused here leaves the others as they are."""
    language = language_of(call.request)
    errors: list[WrongField] = []
    try:
        finding = NewFinding.model_validate(sent)
        with call.transaction() as session:
            answer = _submitted(session, finding, call)
        return {"status": answer.status, "ticket": answer.body}
    except ValidationError as error:
        refusal, errors = input_refusal(error.errors(), language, located=False)
    except DataError:
        refusal = Unstorable()
    except Refusal as error:
        refusal = error
    instance = f"{call.request.url.path}#/{position}"
    return {"status": refusal.status, "problem": problem(refusal, language, instance, errors)}
