"""Many tickets in one call: a row is done or refused by itself, as its command alone would have done or refused it."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from api.deps import Writes, Writing, written
from api.documented import CREATE
from api.language import language_of
from api.problems import Problem, problem
from api.shapes import Moment
from domain import bulk
from domain.answered import Answer
from domain.bulk import (
    Bulk,
    BulkAssignment,
    BulkDecisions,
    BulkReassignment,
    BulkVerification,
    Outcome,
)
from statemachines.labels import Language, local_day
from statemachines.ticket import TicketState

router = APIRouter(tags=["bulk"])


class SkippedDay(BaseModel):
    """A day the deadline did not stay on, and why."""

    day: date
    why: str


class BulkItem(BaseModel):
    """What became of one row, or would: `status` is what it would have been alone, `problem` why it was refused.

    `due_skipped` are the days passed over when the deadline was computed.
    """

    key: str
    number: str
    status: int
    state: TicketState | None = None
    assignee: str | None = None
    due: date | None = None
    due_at: Moment | None = None
    due_skipped: list[SkippedDay] = Field(default_factory=list)
    version: int | None = None
    problem: Problem | None = None


class BulkResult(BaseModel):
    """One item for each row asked for, in the same order. With `preview` nothing was written."""

    preview: bool
    done: int
    refused: int
    items: list[BulkItem]


def _item(outcome: Outcome, language: Language, instance: str) -> BulkItem:
    if outcome.refusal is not None:
        told = problem(outcome.refusal, language, instance)
        return BulkItem(
            key=outcome.key,
            number=outcome.number,
            status=outcome.refusal.status,
            problem=Problem.model_validate(told | {"errors": []}),
        )
    return BulkItem(
        key=outcome.key,
        number=outcome.number,
        status=200,
        state=outcome.state,
        assignee=outcome.assignee,
        due=local_day(outcome.due_at) if outcome.due_at else None,
        due_at=outcome.due_at,
        due_skipped=[
            SkippedDay(day=each.day, why=each.why(language))
            for each in (outcome.due.explanation if outcome.due else ())
        ],
        version=outcome.version,
    )


def _act(call: Writing, wanted: Bulk) -> Response:
    def work(session: Session) -> Answer:
        outcomes = bulk.act(session, wanted, actor=call.actor, now=call.now)
        done, refused = bulk.counts(outcomes)
        language, path = language_of(call.request), call.request.url.path
        items = [_item(each, language, f"{path}#/{place}") for place, each in enumerate(outcomes)]
        return written(BulkResult(preview=wanted.preview, done=done, refused=refused, items=items))

    return call.once(work)


@router.post(
    "/tickets/bulk/assign", operation_id="assignTickets", response_model=BulkResult, responses=CREATE
)
def assign(facts: BulkAssignment, call: Writes) -> Response:
    """三定 for many tickets: one person, each ticket its own deadline. `preview` says what would become of each."""
    return _act(call, facts)


@router.post(
    "/tickets/bulk/reassign", operation_id="reassignTickets", response_model=BulkResult, responses=CREATE
)
def reassign(facts: BulkReassignment, call: Writes) -> Response:
    """改派 of many tickets to one person, with one reason."""
    return _act(call, facts)


@router.post(
    "/tickets/bulk/verify", operation_id="verifyTickets", response_model=BulkResult, responses=CREATE
)
def verify(facts: BulkVerification, call: Writes) -> Response:
    """复查 of many tickets, each with a verdict of its own."""
    return _act(call, facts)


@router.post(
    "/tickets/bulk/extension-decisions",
    operation_id="decideExtensions",
    response_model=BulkResult,
    responses=CREATE,
)
def decide(facts: BulkDecisions, call: Writes) -> Response:
    """Decisions on many requests for more time, each of its own; `id` is the request's."""
    return _act(call, facts)
