"""Places (检查点): made, changed, retired; found by the code that stands on their QR sign."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from domain.errors import BadInput, NotFound, wrong
from domain.files import Latitude, Longitude
from domain.history import record
from domain.paging import Key, Page, page_of
from domain.people import unit_by_code
from domain.records import Place, Unit
from domain.rights import Deed, must_be_allowed
from domain.visibility import places_visible_to
from statemachines.refusals import Refusal
from statemachines.roles import Actor

PlaceCode = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,31}$")]

SHEET_AT_MOST = 500
"""Codes on one printed sheet; more are printed in parts."""


class PlaceCodeTaken(Refusal):
    """Two places cannot share a code: it stands on a sign."""

    code, status = "place-code-taken", 409
    title_zh, title_en = "检查点代码已被使用", "The code of the place is taken"
    zh = "代码“{place}”已被另一个检查点使用（停用的也算），请换一个代码。"
    en = "The code “{place}” belongs to another place, perhaps a retired one; choose another."


class PlaceFacts(BaseModel):
    """What may be changed of a place. `lat` and `lon` are degrees (WGS 84), given together or not at all."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: str = Field(min_length=1, max_length=100)
    unit: str = Field(min_length=1, max_length=24)
    lat: Latitude | None = None
    lon: Longitude | None = None
    note: str = Field(default="", max_length=500)

    @model_validator(mode="after")
    def _whole_position(self) -> PlaceFacts:
        if (self.lat is None) != (self.lon is None):
            raise wrong("position-incomplete", zh="经纬度须同时填写。", en="Give lat and lon together.")
        return self


class NewPlace(PlaceFacts):
    """A place to add; its code stands on the sign and never changes."""

    code: PlaceCode

    @field_validator("code")
    @classmethod
    def _no_page(cls, code: str) -> str:
        if code.lower() == "new":
            raise wrong("code-reserved", zh="代码不能是“new”。", en="The code cannot be “new”.")
        return code


def add_place(session: Session, new: NewPlace, *, actor: Actor, now: datetime) -> Place:
    """Add a place. Raises BadInput for an unknown unit, RoleMissing, PlaceCodeTaken."""
    unit = unit_by_code(session, new.unit, actor=actor)
    must_be_allowed(actor, Deed.MANAGE_PLACES, at=unit.path)
    if place_with_code(session, new.code) is not None:
        raise PlaceCodeTaken(place=new.code)
    place = Place(
        code=new.code,
        name=new.name,
        unit=unit,
        lat=new.lat,
        lon=new.lon,
        note=new.note,
        created_at=now,
        retired_at=None,
    )
    session.add(place)
    session.flush()
    record(session, place, "added", actor=actor, now=now, name=new.name, unit=unit, lat=new.lat, lon=new.lon)
    return place


def change_place(session: Session, place: Place, facts: PlaceFacts, *, actor: Actor, now: datetime) -> bool:
    """Bring a place up to date; return whether anything changed. Findings made there stay where they were."""
    unit = unit_by_code(session, facts.unit, actor=actor)
    for path in (place.unit.path, unit.path):
        must_be_allowed(actor, Deed.MANAGE_PLACES, at=path)
    wanted: dict[str, Any] = {"name": facts.name, "lat": facts.lat, "lon": facts.lon, "note": facts.note}
    if place.unit_id == unit.id and all(getattr(place, name) == value for name, value in wanted.items()):
        return False
    place.unit = unit
    for name, value in wanted.items():
        setattr(place, name, value)
    session.flush()
    record(session, place, "changed", actor=actor, now=now, unit=unit, **wanted)
    return True


def retire_place(session: Session, place: Place, *, retired: bool, actor: Actor, now: datetime) -> None:
    """Take a place out of use, or into use again: the sign then leads to a page that says so."""
    must_be_allowed(actor, Deed.MANAGE_PLACES, at=place.unit.path)
    if (place.retired_at is not None) == retired:
        return
    place.retired_at = now if retired else None
    session.flush()
    record(session, place, "retired" if retired else "restored", actor=actor, now=now)


def place_with_code(session: Session, code: str) -> Place | None:
    """The place with this code, whoever asks, with its unit."""
    query = select(Place).where(Place.code == code).options(joinedload(Place.unit, innerjoin=True))
    return session.scalars(query).one_or_none()


def place_on_sign(session: Session, code: str) -> Place:
    """The place whose sign somebody scanned, whoever they are; retired ones too. Raises NotFound."""
    place = place_with_code(session, code)
    if place is None:
        raise NotFound(what=code)
    return place


def place_by_code(session: Session, code: str, *, actor: Actor, lock: bool = False) -> Place:
    """The place with this code in the actor's sight. Raises NotFound."""
    query = (
        select(Place)
        .where(Place.code == code, places_visible_to(actor))
        .options(joinedload(Place.unit, innerjoin=True))
    )
    if lock:
        query = query.with_for_update(of=Place).execution_options(populate_existing=True)
    place = session.scalars(query).one_or_none()
    if place is None:
        raise NotFound(what=code)
    return place


def place_of_finding(session: Session, code: str, *, actor: Actor) -> Place:
    """The place a finding names. Raises BadInput when it is unknown, out of sight or retired."""
    try:
        place = place_by_code(session, code, actor=actor)
    except NotFound as missing:
        raise BadInput(
            "/place",
            "unknown-place",
            zh=f"没有代码为“{code}”的检查点，或您无权查看；可不填检查点，写明地点。",
            en=f"There is no place “{code}” in your sight; leave it out and describe the location.",
        ) from missing
    if place.retired_at is not None:
        raise BadInput(
            "/place",
            "place-retired",
            zh=f"检查点“{place.name}”已停用；可不填检查点，写明地点。",
            en=f"The place “{place.name}” is no longer in use; leave it out and describe the location.",
        )
    return place


def list_places(
    session: Session,
    *,
    actor: Actor,
    unit: str | None = None,
    retired: bool = False,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Place]:
    """One page of places in sight by code; with `unit` those of it and below. Raises BadInput for an unknown unit."""
    query = select(Place).where(places_visible_to(actor)).options(joinedload(Place.unit, innerjoin=True))
    if not retired:
        query = query.where(Place.retired_at.is_(None))
    if unit:
        top = unit_by_code(session, unit, actor=actor)
        below = select(Unit.id).where(Unit.path.startswith(top.path, autoescape=True))
        query = query.where(Place.unit_id.in_(below))
    return page_of(session, query, Key(Place.code, str), limit=limit, cursor=cursor)


def places_to_print(
    session: Session, *, actor: Actor, unit: str | None = None, codes: Sequence[str] = ()
) -> list[Place]:
    """The places of a sheet of codes: those named, else all in use of a unit and below, at most SHEET_AT_MOST."""
    query = (
        select(Place)
        .where(places_visible_to(actor), Place.retired_at.is_(None))
        .options(joinedload(Place.unit, innerjoin=True))
        .order_by(Place.code)
        .limit(SHEET_AT_MOST)
    )
    if codes:
        query = query.where(Place.code.in_(codes))
    elif unit:
        top = unit_by_code(session, unit, actor=actor)
        query = query.where(
            Place.unit_id.in_(select(Unit.id).where(Unit.path.startswith(top.path, autoescape=True)))
        )
    return list(session.scalars(query))
