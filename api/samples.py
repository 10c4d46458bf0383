"""The sample for the re-check: drawn from a seed, read, drawn again from its record, and checked ticket by ticket."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.campaigns import Code
from api.deps import Creates, Reads, Writes, written
from api.documented import CHANGE, CREATE, READ
from api.paging import Paged
from api.shapes import Moment
from api.tickets import Number
from domain.answered import Answer
from domain.campaigns import campaign_by_code
from domain.records import SampleDraw, SampledTicket, SampleKind
from domain.sample_checks import (
    AT_ONCE,
    CheckedTicket,
    SampleCheck,
    SampleFilter,
    SeenDraw,
    check_all_sampled,
    check_sampled,
    draw_by_id,
    draws_of,
    list_sample,
    sampled_by_number,
)
from domain.sampling import NewDraw, draw
from statemachines.labels import Level
from statemachines.ticket import TicketState

router = APIRouter(tags=["samples"])


class DrawShape(BaseModel):
    """One draw. `seed` null: added by hand, for the `reason` given. `rules` are the percentages then in force."""

    id: UUID
    kind: SampleKind
    source: str
    seed: str | None
    reason: str | None
    rules: dict[str, int]
    drawn_at: Moment
    drawn_by: str


class DrawList(BaseModel):
    """The draws of a campaign, oldest first."""

    items: list[DrawShape]


class WholeDraw(DrawShape):
    """A draw with what it was drawn from and what it gave.

    `pool` holds numbers by unit and stratum (a level; `all` when looking back); `before`: how many were in earlier
    pools and how many of them were drawn. `drawn_again` is what the seed gives today from that record: the same as
    `tickets`. Units out of the caller's sight are left out of all three.
    """

    pool: dict[str, dict[str, dict[str, Any]]]
    tickets: list[str]
    drawn_again: list[str]


class SampledShape(BaseModel):
    """A ticket of the sample. `passed` null: not checked yet; `again`: the new ticket, when it was found bad again.

    `state` of the ticket: one that is verified is checked here, one that is not gets its result from its own re-check.
    """

    ticket: str
    state: TicketState
    kind: SampleKind
    draw: UUID
    unit: str
    level: Level
    passed: bool | None
    opinion: str | None
    checked_at: Moment | None
    checked_by: str | None
    again: str | None


class SampledPage(BaseModel):
    """One page of a sample in the order it was drawn."""

    items: list[SampledShape]
    next: str | None


def _draw(made: SampleDraw) -> DrawShape:
    return DrawShape(
        id=made.id,
        kind=made.kind,
        source=made.source_campaign.code,
        seed=made.seed,
        reason=made.reason,
        rules=made.rules,
        drawn_at=made.drawn_at,
        drawn_by=made.drawn_by.login,
    )


def _whole(seen: SeenDraw) -> WholeDraw:
    return WholeDraw(
        **_draw(seen.made).model_dump(), pool=seen.pool, tickets=seen.tickets, drawn_again=seen.again
    )


def _sampled(row: SampledTicket) -> SampledShape:
    return SampledShape(
        ticket=row.ticket.number,
        state=row.ticket.state,
        kind=row.draw.kind,
        draw=row.draw_id,
        unit=row.unit.code,
        level=row.level,
        passed=row.passed,
        opinion=row.opinion,
        checked_at=row.checked_at,
        checked_by=row.checked_by.login if row.checked_by else None,
        again=row.again.number if row.again else None,
    )


@router.post(
    "/campaigns/{code}/samples",
    operation_id="drawSample",
    status_code=201,
    response_model=WholeDraw,
    responses=CREATE,
)
def make(code: Code, new: NewDraw, call: Creates) -> Response:
    """Draw what is to be checked again: of each unit all major and serious hazards reported as fixed, a share of the
    general ones, or (`look_back`) a share of what the campaign before verified. A later draw takes what has come since.
    """

    def work(session: Session) -> Answer:
        campaign = campaign_by_code(session, code, actor=call.actor, lock=True)
        made = draw(session, campaign, new, actor=call.actor, now=call.now)
        session.refresh(made, ["drawn_by"])
        seen = draw_by_id(session, campaign, made.id, actor=call.actor)
        return written(_whole(seen), status=201, location=f"/api/v1/campaigns/{code}/samples/{made.id}")

    return call.once(work)


@router.get("/campaigns/{code}/samples", operation_id="listSamples", response_model=DrawList, responses=READ)
def list_draws(code: Code, call: Reads) -> Response:
    """Who drew what, when and with which seed."""
    with call.reading() as session:
        campaign = campaign_by_code(session, code, actor=call.actor)
        shape = DrawList(items=[_draw(made) for made in draws_of(session, campaign)])
    return call.answer(shape)


@router.get(
    "/campaigns/{code}/samples/{id}",
    operation_id="readSample",
    response_model=WholeDraw,
    responses=READ,
)
def read_draw(code: Code, key: Annotated[UUID, Path(alias="id")], call: Reads) -> Response:
    """One draw with its pool, and the list the seed gives when it is drawn again from it."""
    with call.reading() as session:
        campaign = campaign_by_code(session, code, actor=call.actor)
        shape = _whole(draw_by_id(session, campaign, key, actor=call.actor))
    return call.answer(shape)


class SampleQuery(SampleFilter, Paged):
    """Which tickets of the sample, and which page of them."""


@router.get(
    "/campaigns/{code}/sampled-tickets",
    operation_id="listSampledTickets",
    response_model=SampledPage,
    responses=READ,
)
def list_tickets(code: Code, call: Reads, wanted: Annotated[SampleQuery, Query()]) -> Response:
    """The tickets of the sample in the caller's sight, and what became of each."""
    with call.reading() as session:
        campaign = campaign_by_code(session, code, actor=call.actor)
        page = list_sample(
            session, campaign, wanted, actor=call.actor, limit=wanted.limit, cursor=wanted.cursor
        )
        shape = SampledPage(items=[_sampled(row) for row in page.items], next=page.next)
    return call.answer(shape)


@router.post(
    "/campaigns/{code}/sampled-tickets/{number}/check",
    operation_id="checkSampledTicket",
    response_model=SampledShape,
    responses=CHANGE,
)
def check(code: Code, number: Number, told: SampleCheck, call: Writes) -> Response:
    """抽查 of a verified ticket: passed, or found bad again, which opens a new ticket naming the old one.

    A sampled ticket that still waits for its re-check gets its result from `POST /tickets/{number}/verify`.
    """

    def work(session: Session) -> Answer:
        campaign = campaign_by_code(session, code, actor=call.actor, with_scope=False)
        row = sampled_by_number(session, campaign, number, actor=call.actor, lock=True)
        return written(_sampled(check_sampled(session, row, told, actor=call.actor, now=call.now)))

    return call.once(work)


class CheckedList(BaseModel):
    """The tickets that were checked, in the order told."""

    items: list[SampledShape]


@router.post(
    "/campaigns/{code}/sampled-tickets/checks",
    operation_id="checkSampledTickets",
    response_model=CheckedList,
    responses=CREATE,
)
def check_all(
    code: Code, told: Annotated[list[CheckedTicket], Body(min_length=1, max_length=AT_ONCE)], call: Creates
) -> Response:
    """抽查 of several tickets, as an inspector back from a station tells them: all are written, or none.

    A refusal is that of `checkSampledTicket`; it names the place in the list and the ticket.
    """

    def work(session: Session) -> Answer:
        campaign = campaign_by_code(session, code, actor=call.actor, with_scope=False)
        rows = check_all_sampled(session, campaign, told, actor=call.actor, now=call.now)
        return written(CheckedList(items=[_sampled(row) for row in rows]))

    return call.once(work)
