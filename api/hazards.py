"""The library of standard hazards (标准隐患库), searched as people type."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel

from api.deps import Reads
from api.documented import LIST, READ
from api.paging import Paged
from domain.hazards import HazardFilter, hazard_by_code, list_hazards
from domain.records import StandardHazard
from statemachines.labels import Level

router = APIRouter(tags=["standard hazards"])


class HazardShape(BaseModel):
    """One standard hazard: what a finding is filled in from. `pinyin` has a syllable for each sign, `days` are natural
    days; `photo` is the SHA-256 of the guidance photo.
    """

    code: str
    version: int
    category: str
    title: str
    pinyin: str
    initials: str
    criterion: str
    level: Level
    measure: str
    days: int
    photo_required: bool
    after_photo_required: bool
    photo: str | None


class HazardPage(BaseModel):
    """One page of hazards by code, or the best fits of a search."""

    items: list[HazardShape]
    next: str | None


class HazardQuery(HazardFilter, Paged):
    """Which hazards, and which page of them."""


_SAME = tuple(name for name in HazardShape.model_fields if name in StandardHazard.__table__.columns)


def hazard_shape(hazard: StandardHazard) -> HazardShape:
    """A standard hazard as programs and the picker of the pages read it."""
    same = {name: getattr(hazard, name) for name in _SAME}
    return HazardShape(**same, days=hazard.deadline_days, photo=hazard.guidance_photo)


@router.get(
    "/standard-hazards", operation_id="listStandardHazards", response_model=HazardPage, responses=LIST
)
def list_all(call: Reads, wanted: Annotated[HazardQuery, Query()]) -> Response:
    """The library by code; with `q` (signs, pinyin, initials or code) the best fits first, 50 at most."""
    with call.reading() as session:
        page = list_hazards(session, wanted, limit=wanted.limit, cursor=wanted.cursor)
        items = [hazard_shape(each) for each in page.items]
    return call.answer(HazardPage(items=items, next=page.next))


@router.get(
    "/standard-hazards/{code}",
    operation_id="readStandardHazard",
    response_model=HazardShape,
    responses=READ,
)
def read(code: Annotated[str, Path(max_length=32)], call: Reads) -> Response:
    """One standard hazard as it stands now."""
    with call.reading() as session:
        shape = hazard_shape(hazard_by_code(session, code))
    return call.answer(shape)
