"""Quantity records (工作量记录): work done in bulk, one record per action, item, quantity and unit of measure."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from api.campaigns import Code
from api.deps import Creates, Reads, written
from api.documented import CREATE, READ
from api.paging import Paged
from api.shapes import Moment, Number
from domain.answered import Answer
from domain.campaigns import campaign_by_code
from domain.quantities import AT_ONCE, NewQuantity, list_quantities, record_quantities, record_quantity
from domain.records import CountsAs, QuantityRecord

router = APIRouter(tags=["quantities"])


class QuantityShape(BaseModel):
    """One record of work done; `counts_as` says whether it is added up."""

    id: UUID
    unit: str
    date: date
    action: str
    item: str
    quantity: Number
    measure_unit: str
    approximate: bool
    counts_as: CountsAs
    topic: str
    recorded_at: Moment


class QuantityPage(BaseModel):
    """One page of quantity records in the order they were made."""

    items: list[QuantityShape]
    next: str | None


def _shape(row: QuantityRecord) -> QuantityShape:
    return QuantityShape(
        id=row.id,
        unit=row.unit.code,
        date=row.done_on,
        action=row.action,
        item=row.item,
        quantity=row.quantity,
        measure_unit=row.measure_unit,
        approximate=row.approximate,
        counts_as=row.counts_as,
        topic=row.topic,
        recorded_at=row.recorded_at,
    )


@router.post(
    "/campaigns/{code}/quantities",
    operation_id="recordQuantity",
    status_code=201,
    response_model=QuantityShape,
    responses=CREATE,
)
def record(code: Code, new: NewQuantity, call: Creates) -> Response:
    """Record work done at `unit` on `date` (today when left out)."""

    def work(session: Session) -> Answer:
        campaign = campaign_by_code(session, code, actor=call.actor, with_scope=False)
        row = record_quantity(session, campaign, new, actor=call.actor, now=call.now)
        return written(_shape(row), status=201)

    return call.once(work)


class QuantityList(BaseModel):
    """The records that were made, in the order told."""

    items: list[QuantityShape]


@router.post(
    "/campaigns/{code}/quantities/batch",
    operation_id="recordQuantities",
    status_code=201,
    response_model=QuantityList,
    responses=CREATE,
)
def record_batch(
    code: Code, told: Annotated[list[NewQuantity], Body(min_length=1, max_length=AT_ONCE)], call: Creates
) -> Response:
    """Record several quantities, as a station sends those of a day: all are written, or none.

    A refusal is that of `recordQuantity`; it names the place in the list.
    """

    def work(session: Session) -> Answer:
        campaign = campaign_by_code(session, code, actor=call.actor, with_scope=False)
        rows = record_quantities(session, campaign, told, actor=call.actor, now=call.now)
        return written(QuantityList(items=[_shape(row) for row in rows]), status=201)

    return call.once(work)


class QuantityQuery(Paged):
    """Which records, and which page of them; `unit` means the unit and all below it."""

    unit: str | None = Field(default=None, max_length=24)


@router.get(
    "/campaigns/{code}/quantities",
    operation_id="listQuantities",
    response_model=QuantityPage,
    responses=READ,
)
def list_all(code: Code, call: Reads, wanted: Annotated[QuantityQuery, Query()]) -> Response:
    """The campaign's quantity records in the caller's sight."""
    with call.reading() as session:
        campaign = campaign_by_code(session, code, actor=call.actor)
        page = list_quantities(
            session,
            campaign,
            actor=call.actor,
            unit=wanted.unit,
            limit=wanted.limit,
            cursor=wanted.cursor,
        )
        shape = QuantityPage(items=[_shape(row) for row in page.items], next=page.next)
    return call.answer(shape)
