"""Places: what a QR code on a pole, a cabinet or a door stands for."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from api.deps import Creates, Reads, written
from api.documented import CREATE, LIST, READ
from api.paging import Paged
from api.shapes import Moment
from domain.answered import Answer
from domain.places import NewPlace, add_place, list_places, place_by_code
from domain.records import Place

router = APIRouter(tags=["places"])

PlaceCode = Annotated[str, Path(max_length=32, examples=["LL01-27"])]


class PlaceShape(BaseModel):
    """A place. Its sign leads to /p/{code}, which anybody may open."""

    code: str
    name: str
    unit: str
    lat: float | None
    lon: float | None
    note: str
    created_at: Moment
    retired_at: Moment | None
    sign: str = Field(description="The path its QR code leads to.")


class PlacePage(BaseModel):
    """One page of places, by code; `next` is the cursor of the following one, null at the end."""

    items: list[PlaceShape]
    next: str | None


class PlaceQuery(Paged):
    """Which places: those of a unit and all below it, those no longer in use too."""

    unit: str | None = Field(default=None, max_length=24)
    retired: bool = False


def _shape(place: Place) -> PlaceShape:
    same = {name: getattr(place, name) for name in PlaceShape.model_fields if name not in {"unit", "sign"}}
    return PlaceShape(**same, unit=place.unit.code, sign=f"/p/{place.code}")


@router.post("/places", operation_id="addPlace", status_code=201, response_model=PlaceShape, responses=CREATE)
def add(new: NewPlace, call: Creates) -> Response:
    """Add a place; its code stands on its sign and never changes."""

    def work(session: Session) -> Answer:
        place = add_place(session, new, actor=call.actor, now=call.now)
        return written(_shape(place), status=201, location=f"/api/v1/places/{place.code}")

    return call.once(work)


@router.get("/places", operation_id="listPlaces", response_model=PlacePage, responses=LIST)
def list_all(call: Reads, wanted: Annotated[PlaceQuery, Query()]) -> Response:
    """Places in the caller's sight."""
    with call.reading() as session:
        page = list_places(
            session,
            actor=call.actor,
            unit=wanted.unit,
            retired=wanted.retired,
            limit=wanted.limit,
            cursor=wanted.cursor,
        )
        items = [_shape(place) for place in page.items]
    return call.answer(PlacePage(items=items, next=page.next))


@router.get("/places/{code}", operation_id="readPlace", response_model=PlaceShape, responses=READ)
def read(code: PlaceCode, call: Reads) -> Response:
    """One place."""
    with call.reading() as session:
        place = place_by_code(session, code, actor=call.actor)
    return call.answer(_shape(place))
