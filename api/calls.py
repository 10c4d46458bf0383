"""Calls and visits (来电来访): taken, answered, called back, settled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.deps import Creates, Creating, Reads, written
from api.documented import CREATE, LIST, READ
from api.paging import Paged
from api.shapes import Moment
from domain import calls
from domain.answered import Answer
from domain.calls import (
    CallAnswer,
    CallBack,
    CallFinding,
    NewCall,
    call_by_number,
    call_counts,
    list_calls,
    take_call,
)
from domain.campaigns import campaign_by_code
from domain.records import CallWay, HotlineCall
from statemachines.call import CallState

router = APIRouter(tags=["calls"])

CallNumber = Annotated[str, Path(alias="number", max_length=64, examples=["LF2026-0007"])]


class CallShape(BaseModel):
    """A call, visit or letter, with what became of it."""

    id: UUID
    number: str
    way: CallWay
    source: str
    state: CallState
    unit: str
    campaign: str | None
    caller_name: str
    caller_phone: str
    content: str
    received_at: Moment
    recorded_by: str
    callback_wanted: bool
    answer: str | None
    answered_at: Moment | None
    called_back_at: Moment | None
    satisfied: bool | None
    settled_at: Moment | None
    ticket: str | None


class CallPage(BaseModel):
    """One page of calls the caller may read, newest first."""

    items: list[CallShape]
    next: str | None


class CallFigures(BaseModel):
    """How a campaign's calls stand. `asked` is how many callers said whether they are satisfied."""

    campaign: str
    received: int
    answered: int
    settled: int
    satisfied: int
    asked: int


class CallQuery(Paged):
    """Which calls, and which page of them."""

    state: CallState | None = None
    campaign: str | None = Field(default=None, max_length=24)


class LinkedTicket(BaseModel):
    """The ticket a call is about."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    ticket: str = Field(min_length=1, max_length=64)


def _shape(found: HotlineCall) -> CallShape:
    named = {"unit", "campaign", "recorded_by", "ticket"}
    same = {name: getattr(found, name) for name in CallShape.model_fields if name not in named}
    return CallShape(
        **same,
        unit=found.unit.code,
        campaign=found.campaign.code if found.campaign else None,
        recorded_by=found.recorded_by.login,
        ticket=found.ticket.number if found.ticket else None,
    )


@router.post("/calls", operation_id="takeCall", status_code=201, response_model=CallShape, responses=CREATE)
def take(new: NewCall, call: Creates) -> Response:
    """Write a call down on behalf of whoever called."""

    def work(session: Session) -> Answer:
        made = take_call(session, new, actor=call.actor, now=call.now)
        return written(_shape(made), status=201, location=f"/api/v1/calls/{made.number}")

    return call.once(work)


@router.get("/calls", operation_id="listCalls", response_model=CallPage, responses=LIST)
def list_all(call: Reads, wanted: Annotated[CallQuery, Query()]) -> Response:
    """Calls in the caller's sight."""
    with call.reading() as session:
        page = list_calls(session, actor=call.actor, **wanted.model_dump())
        items = [_shape(found) for found in page.items]
    return call.answer(CallPage(items=items, next=page.next))


@router.get("/calls/{number}", operation_id="readCall", response_model=CallShape, responses=READ)
def read(number: CallNumber, call: Reads) -> Response:
    """One call."""
    with call.reading() as session:
        shape = _shape(call_by_number(session, number, actor=call.actor))
    return call.answer(shape)


@router.get(
    "/campaigns/{code}/call-figures",
    operation_id="readCallFigures",
    response_model=CallFigures,
    responses=READ,
)
def figures(code: Annotated[str, Path(max_length=64)], call: Reads) -> Response:
    """How many calls a campaign had, how many are answered and settled, how many callers were satisfied."""
    with call.reading() as session:
        campaign = campaign_by_code(session, code, actor=call.actor)
        found = call_counts(session, campaign)
    return call.answer(
        CallFigures(
            campaign=code,
            received=found.received,
            answered=found.answered,
            settled=found.settled,
            satisfied=found.satisfied,
            asked=found.asked,
        )
    )


def _done(call: Creating, number: str, act: Callable[[Session, HotlineCall], object]) -> Response:
    def work(session: Session) -> Answer:
        found = call_by_number(session, number, actor=call.actor, lock=True)
        act(session, found)
        return written(_shape(found))

    return call.once(work)


@router.post("/calls/{number}/answer", operation_id="answerCall", response_model=CallShape, responses=CREATE)
def answer(number: CallNumber, told: CallAnswer, call: Creates) -> Response:
    """答复: what the caller was told."""
    return _done(
        call,
        number,
        lambda session, found: calls.answer(session, found, told, actor=call.actor, now=call.now),
    )


@router.post("/calls/{number}/call-back", operation_id="callBack", response_model=CallShape, responses=CREATE)
def call_back(number: CallNumber, told: CallBack, call: Creates) -> Response:
    """回访: the caller was called back, and whether they are satisfied."""
    return _done(
        call,
        number,
        lambda session, found: calls.call_back(session, found, told, actor=call.actor, now=call.now),
    )


@router.post("/calls/{number}/settle", operation_id="settleCall", response_model=CallShape, responses=CREATE)
def settle(number: CallNumber, call: Creates) -> Response:
    """办结."""
    return _done(
        call, number, lambda session, found: calls.settle(session, found, actor=call.actor, now=call.now)
    )


@router.post(
    "/calls/{number}/ticket", operation_id="ticketOfCall", response_model=CallShape, responses=CREATE
)
def ticket(number: CallNumber, told: CallFinding, call: Creates) -> Response:
    """A hazard told by telephone becomes a ticket, once."""
    return _done(
        call,
        number,
        lambda session, found: calls.to_ticket(session, found, told, actor=call.actor, now=call.now),
    )


@router.post("/calls/{number}/link", operation_id="linkCall", response_model=CallShape, responses=CREATE)
def link(number: CallNumber, told: LinkedTicket, call: Creates) -> Response:
    """The call is about a ticket that is there already."""
    return _done(
        call,
        number,
        lambda session, found: calls.link(session, found, told.ticket, actor=call.actor, now=call.now),
    )
