"""Ladders of reminders and escalations: those of a campaign, and those of a unit for what belongs to none."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response
from sqlalchemy.orm import Session

from api.campaigns import Code
from api.deps import Creates, Reads, Writes, written
from api.documented import CHANGE, CREATE, READ
from api.etag import version_tag
from domain.answered import Answer
from domain.campaigns import campaign_by_code
from domain.ladder_changes import (
    ladders_of_campaign,
    ladders_of_unit,
    set_campaign_ladders,
    set_unit_ladders,
)
from domain.ladder_settings import Ladders
from domain.people import unit_by_code

router = APIRouter(tags=["ladders"])

UnitCode = Annotated[str, Path(max_length=24)]


@router.get(
    "/campaigns/{code}/ladders", operation_id="readCampaignLadders", response_model=Ladders, responses=READ
)
def read_campaign_ladders(code: Code, call: Reads) -> Response:
    """The steps of each matter: when, whom, how, and on which condition."""
    with call.reading() as session:
        campaign = campaign_by_code(session, code, actor=call.actor)
        shape = ladders_of_campaign(campaign)
    return call.answer(shape, tag=version_tag(campaign.version))


@router.put(
    "/campaigns/{code}/ladders", operation_id="setCampaignLadders", response_model=Ladders, responses=CHANGE
)
def put_campaign_ladders(code: Code, told: Ladders, call: Writes) -> Response:
    """Set the ladders; one left out gets the default. What is open is planned anew, nothing twice."""

    def work(session: Session) -> Answer:
        campaign = campaign_by_code(session, code, actor=call.actor, lock=True)
        call.must_match(campaign.version)
        set_campaign_ladders(session, campaign, told, actor=call.actor, now=call.now)
        session.flush()
        return written(ladders_of_campaign(campaign), tag=version_tag(campaign.version))

    return call.once(work)


@router.get("/units/{code}/ladders", operation_id="readUnitLadders", response_model=Ladders, responses=READ)
def read_unit_ladders(code: UnitCode, call: Reads) -> Response:
    """The ladders in force at a unit for tools and whatever else belongs to no campaign."""
    with call.reading() as session:
        shape = ladders_of_unit(session, unit_by_code(session, code, actor=call.actor, pointer="/code"))
    return call.answer(shape)


@router.put("/units/{code}/ladders", operation_id="setUnitLadders", response_model=Ladders, responses=CREATE)
def put_unit_ladders(code: UnitCode, told: Ladders, call: Creates) -> Response:
    """Set them for a unit and all below it."""

    def work(session: Session) -> Answer:
        unit = set_unit_ladders(session, code, told, actor=call.actor, now=call.now)
        return written(ladders_of_unit(session, unit))

    return call.once(work)
