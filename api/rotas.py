"""Rotas: the scheduled checks of a campaign, added while it runs, paused, resumed, handed over, ended."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.campaigns import Code
from api.deps import Creates, Reads, Writes, written
from api.documented import CHANGE, CREATE, READ
from api.etag import version_tag
from api.shapes import HistoryList, Moment, history_list
from domain import rotas
from domain.answered import Answer
from domain.campaigns import campaign_by_code
from domain.history import history_of
from domain.records import Campaign, Rota, RotaEvery
from domain.rota_setup import NewRota
from domain.rotas import RotaChange

router = APIRouter(tags=["rotas"])

Key = Annotated[UUID, Path(alias="id")]


class PauseShape(BaseModel):
    """Days without visits; `to` null: until it is resumed."""

    model_config = ConfigDict(populate_by_name=True)

    starts_on: date = Field(serialization_alias="from")
    ends_on: date | None = Field(serialization_alias="to")


class RotaShape(BaseModel):
    """A scheduled check. `units` null: every unit of the campaign; `inspectors` are the logins named, by unit code."""

    model_config = ConfigDict(populate_by_name=True)

    id: UUID
    campaign: str
    checklist: str
    every: RotaEvery
    starts_on: date = Field(serialization_alias="from")
    ends_on: date = Field(serialization_alias="to")
    weekday: int | None
    day_of_month: int | None
    units: list[str] | None
    inspectors: dict[str, str]
    pause: PauseShape | None
    ended_at: Moment | None
    version: int


class RotaList(BaseModel):
    """The rotas of a campaign in the order they were made."""

    items: list[RotaShape]


class RotaChanged(RotaShape):
    """The rota as it is now, and how many planned visits were withdrawn."""

    withdrawn: int


class RotaRead(RotaShape):
    """One rota with what happened to it."""

    history: HistoryList


def rota_shape(campaign: Campaign, rota: Rota) -> RotaShape:
    """A rota as programs read it; checklist and stops with their units and inspectors must be loaded."""
    return RotaShape(
        id=rota.id,
        campaign=campaign.code,
        checklist=rota.checklist.code,
        every=rota.every,
        starts_on=rota.starts_on,
        ends_on=rota.ends_on,
        weekday=rota.weekday,
        day_of_month=rota.day_of_month,
        units=None if rota.whole_scope else sorted(stop.unit.code for stop in rota.stops),
        inspectors={stop.unit.code: stop.inspector.login for stop in rota.stops if stop.inspector},
        pause=PauseShape(starts_on=rota.paused_from, ends_on=rota.paused_until) if rota.paused_from else None,
        ended_at=rota.ended_at,
        version=rota.version,
    )


@router.get("/campaigns/{code}/rotas", operation_id="listRotas", response_model=RotaList, responses=READ)
def list_all(code: Code, call: Reads) -> Response:
    """The scheduled checks of a campaign."""
    with call.reading() as session:
        campaign = campaign_by_code(session, code, actor=call.actor)
        items = [rota_shape(campaign, rota) for rota in rotas.rotas_of(session, campaign)]
    return call.answer(RotaList(items=items))


@router.post(
    "/campaigns/{code}/rotas",
    operation_id="addRota",
    status_code=201,
    response_model=RotaShape,
    responses=CREATE,
)
def add(code: Code, new: NewRota, call: Creates) -> Response:
    """Add a scheduled check to a running campaign; the next run of plan-inspections plans its visits."""

    def work(session: Session) -> Answer:
        campaign = campaign_by_code(session, code, actor=call.actor)
        rota = rotas.add_rota(session, campaign, new, actor=call.actor, now=call.now)
        place = f"/api/v1/campaigns/{campaign.code}/rotas/{rota.id}"
        shape = rota_shape(campaign, rota)
        return written(shape, status=201, tag=version_tag(rota.version), location=place)

    return call.once(work)


@router.get("/campaigns/{code}/rotas/{id}", operation_id="readRota", response_model=RotaRead, responses=READ)
def read(code: Code, key: Key, call: Reads) -> Response:
    """One scheduled check and its history."""
    with call.reading() as session:
        campaign = campaign_by_code(session, code, actor=call.actor)
        rota = rotas.rota_by_id(session, campaign, key)
        shape = RotaRead(
            **rota_shape(campaign, rota).model_dump(), history=history_list(history_of(session, rota))
        )
    return call.answer(shape, tag=version_tag(shape.version))


@router.patch(
    "/campaigns/{code}/rotas/{id}",
    operation_id="changeRota",
    response_model=RotaChanged,
    responses=CHANGE,
)
def change(code: Code, key: Key, told: RotaChange, call: Writes) -> Response:
    """Pause or resume it, end it, or name other inspectors. Visits whose days fall away are withdrawn."""

    def work(session: Session) -> Answer:
        campaign = campaign_by_code(session, code, actor=call.actor)
        rota = rotas.rota_by_id(session, campaign, key, lock=True)
        call.must_match(rota.version)
        withdrawn = rotas.change_rota(session, campaign, rota, told, actor=call.actor, now=call.now)
        shape = RotaChanged(**rota_shape(campaign, rota).model_dump(), withdrawn=len(withdrawn))
        return written(shape, tag=version_tag(rota.version))

    return call.once(work)
