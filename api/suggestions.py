"""Suggestions of the union (工会意见) and the administration's answers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.deps import Call, Creates, Reads, Writes, Writing, written
from api.documented import CHANGE, CREATE, LIST, READ
from api.etag import version_tag
from api.paging import Paged
from api.shapes import HistoryList, Moment, history_list
from domain import suggestions
from domain.answered import Answer
from domain.history import history_of
from domain.records import Suggestion
from domain.suggestions import (
    Dispute,
    Explanation,
    NewSuggestion,
    SuggestionAnswer,
    SuggestionFilter,
    is_unanswered_late,
    list_suggestions,
    suggestion_by_key,
)
from statemachines.suggestion import SuggestionState

router = APIRouter(tags=["suggestions"])

SuggestionKey = Annotated[
    str,
    Path(
        alias="number", max_length=64, description="Its number or its id.", examples=["工劳监意〔2026〕3号"]
    ),
]


class SuggestionShape(BaseModel):
    """A suggestion. `overdue`: a written answer is awaited and `answer_due_at` has passed."""

    id: UUID
    number: str
    campaign: str | None
    ticket: str | None
    unit: str
    text: str
    state: SuggestionState
    issued_by: str
    issued_at: Moment
    addressee: str
    answer_due_at: Moment
    overdue: bool
    adopted: bool | None
    answer: str | None
    answered_by: str | None
    answered_at: Moment | None
    disputed_at: Moment | None
    dispute: str | None
    explanation: str | None
    settled_at: Moment | None
    version: int


class SuggestionPage(BaseModel):
    """One page of suggestions, newest first."""

    items: list[SuggestionShape]
    next: str | None


class SuggestionQuery(SuggestionFilter, Paged):
    """Which suggestions, and which page of them."""


_SAME = tuple(name for name in SuggestionShape.model_fields if name in Suggestion.__table__.columns)


def _shape(suggestion: Suggestion, call: Call) -> SuggestionShape:
    return SuggestionShape(
        **{name: getattr(suggestion, name) for name in _SAME},
        campaign=suggestion.campaign.code if suggestion.campaign else None,
        ticket=suggestion.ticket.number if suggestion.ticket else None,
        unit=suggestion.unit.code,
        issued_by=suggestion.issued_by.login,
        addressee=suggestion.addressee.login,
        answered_by=suggestion.answered_by.login if suggestion.answered_by else None,
        overdue=is_unanswered_late(suggestion, call.now),
    )


def _tag(shape: SuggestionShape) -> str:
    """`"3"`, and `"3-late"` once the answer is overdue; writes compare the version alone."""
    return f'"{shape.version}-late"' if shape.overdue else version_tag(shape.version)


@router.post(
    "/suggestions",
    operation_id="makeSuggestion",
    status_code=201,
    response_model=SuggestionShape,
    responses=CREATE,
)
def make(new: NewSuggestion, call: Creates) -> Response:
    """Make a suggestion for the union; the answer is due in seven days, about a major hazard the next working day."""

    def work(session: Session) -> Answer:
        made = suggestions.make(session, new, actor=call.actor, now=call.now)
        shape = _shape(made, call)
        return written(
            shape, status=201, tag=_tag(shape), location=f"/api/v1/suggestions/{quote(made.number)}"
        )

    return call.once(work)


@router.get("/suggestions", operation_id="listSuggestions", response_model=SuggestionPage, responses=LIST)
def list_all(call: Reads, wanted: Annotated[SuggestionQuery, Query()]) -> Response:
    """Suggestions in the caller's sight, newest first."""
    with call.reading() as session:
        page = list_suggestions(
            session, wanted, actor=call.actor, now=call.now, limit=wanted.limit, cursor=wanted.cursor
        )
        items = [_shape(each, call) for each in page.items]
    return call.answer(SuggestionPage(items=items, next=page.next))


@router.get(
    "/suggestions/{number}", operation_id="readSuggestion", response_model=SuggestionShape, responses=READ
)
def read(key: SuggestionKey, call: Reads) -> Response:
    """One suggestion, by its number or id."""
    with call.reading() as session:
        shape = _shape(suggestion_by_key(session, key, actor=call.actor), call)
    return call.answer(shape, tag=_tag(shape))


@router.get(
    "/suggestions/{number}/history",
    operation_id="readSuggestionHistory",
    response_model=HistoryList,
    responses=READ,
)
def read_history(key: SuggestionKey, call: Reads) -> Response:
    """Everything that happened to the suggestion, oldest first."""
    with call.reading() as session:
        rows = history_of(session, suggestion_by_key(session, key, actor=call.actor))
    return call.answer(history_list(rows))


@router.post(
    "/suggestions/{number}/answer",
    operation_id="answerSuggestion",
    response_model=SuggestionShape,
    responses=CHANGE,
)
def answer(key: SuggestionKey, told: SuggestionAnswer, call: Writes) -> Response:
    """答复: adopted, or not with the reason. By the addressee or a leader of the unit."""
    return _change(key, call, partial(suggestions.answer, told=told))


@router.post(
    "/suggestions/{number}/dispute",
    operation_id="disputeSuggestion",
    response_model=SuggestionShape,
    responses=CHANGE,
)
def dispute(key: SuggestionKey, told: Dispute, call: Writes) -> Response:
    """提出异议, with the reason; a written explanation is due within seven days. By whoever made it."""
    return _change(key, call, partial(suggestions.dispute, told=told))


@router.post(
    "/suggestions/{number}/explain",
    operation_id="explainSuggestion",
    response_model=SuggestionShape,
    responses=CHANGE,
)
def explain(key: SuggestionKey, told: Explanation, call: Writes) -> Response:
    """书面说明 of a disputed answer; with `adopt` the suggestion is adopted after all."""
    return _change(key, call, partial(suggestions.explain, told=told))


@router.post(
    "/suggestions/{number}/settle",
    operation_id="settleSuggestion",
    response_model=SuggestionShape,
    responses=CHANGE,
)
def settle(key: SuggestionKey, call: Writes) -> Response:
    """了结: the union accepts the answer. By whoever made it; needs no body."""
    return _change(key, call, suggestions.settle)


def _change(key: str, call: Writing, command: Callable[..., Suggestion]) -> Response:
    def work(session: Session) -> Answer:
        row = suggestion_by_key(session, key, actor=call.actor, lock=True)
        call.must_match(row.version)
        command(session, row, actor=call.actor, now=call.now)
        session.flush()
        shape = _shape(row, call)
        return written(shape, tag=_tag(shape))

    return call.once(work)
