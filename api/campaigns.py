"""Campaigns: set up, read, and moved from phase to phase."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.orm import Session

from api.deps import Creates, Reads, Writes, written
from api.documented import CHANGE, CREATE, LIST, READ
from api.etag import version_tag
from api.language import language_of
from api.paging import Paged
from api.shapes import Moment
from domain.answered import Answer
from domain.campaign_settings import CampaignSettings, settings_of
from domain.campaigns import (
    EVENT_FACTS,
    NewCampaign,
    campaign_by_code,
    campaign_notes,
    create_campaign,
    list_campaigns,
    move_campaign,
    zero_report,
)
from domain.people import unit_by_code
from domain.records import Campaign
from domain.status import CampaignStatus, campaign_status
from domain.summaries import sum_up
from statemachines.campaign import CampaignEvent, CampaignState
from statemachines.labels import LOCAL, Language

router = APIRouter(tags=["campaigns"])

Code = Annotated[str, Path(max_length=24, examples=["CC2026"])]


class PhaseShape(BaseModel):
    """First and last day of a phase."""

    model_config = ConfigDict(populate_by_name=True)

    starts_on: date = Field(serialization_alias="from")
    ends_on: date | None = Field(serialization_alias="to")


class CampaignShape(BaseModel):
    """A campaign. `units` are the codes in scope, in order; `notes` warn of phases that begin on a day off."""

    code: str
    name: str
    kind: str
    unit: str
    units: list[str]
    state: CampaignState
    phases: dict[CampaignState, PhaseShape]
    checklist: str | None
    notice_number: str | None
    held_on: date | None
    attendance: int | None
    coverage_reason: str | None
    settings: CampaignSettings
    notes: list[str]
    version: int


class CampaignPage(BaseModel):
    """One page of campaigns, newest first."""

    items: list[CampaignShape]
    next: str | None


def campaign_shape(session: Session, campaign: Campaign, language: Language) -> CampaignShape:
    """A campaign as programs read it; unit, checklist, phases and scope must be loaded."""
    scope = sorted(campaign.scope, key=lambda entry: entry.position)
    return CampaignShape(
        code=campaign.code,
        name=campaign.name,
        kind=campaign.kind,
        unit=campaign.unit.code,
        units=[entry.unit.code for entry in scope],
        state=campaign.state,
        phases={
            phase.phase: PhaseShape(starts_on=phase.starts_on, ends_on=phase.ends_on)
            for phase in campaign.phases
        },
        checklist=campaign.checklist.code if campaign.checklist else None,
        notice_number=campaign.notice_number,
        held_on=campaign.held_on,
        attendance=campaign.attendance,
        coverage_reason=campaign.coverage_reason,
        settings=settings_of(campaign),
        notes=[note.sentence(language) for note in campaign_notes(session, campaign)],
        version=campaign.version,
    )


class CampaignQuery(Paged):
    """Which campaigns, and which page of them."""

    state: list[CampaignState] = Field(default_factory=list, max_length=len(CampaignState))


@router.get("/campaigns", operation_id="listCampaigns", response_model=CampaignPage, responses=LIST)
def list_all(call: Reads, wanted: Annotated[CampaignQuery, Query()]) -> Response:
    """Campaigns with a unit in the caller's sight, newest first."""
    language = language_of(call.request)
    with call.reading() as session:
        page = list_campaigns(
            session, actor=call.actor, state=wanted.state, limit=wanted.limit, cursor=wanted.cursor
        )
        items = [campaign_shape(session, campaign, language) for campaign in page.items]
    return call.answer(CampaignPage(items=items, next=page.next))


@router.post(
    "/campaigns",
    operation_id="createCampaign",
    status_code=201,
    response_model=CampaignShape,
    responses=CREATE,
)
def create(new: NewCampaign, call: Creates) -> Response:
    """Set up a campaign over units of one subtree, with the dates of its phases."""

    def work(session: Session) -> Answer:
        campaign = create_campaign(session, new, actor=call.actor, now=call.now)
        shape = campaign_shape(session, campaign, language_of(call.request))
        place = f"/api/v1/campaigns/{campaign.code}"
        return written(shape, status=201, tag=version_tag(campaign.version), location=place)

    return call.once(work)


@router.get("/campaigns/{code}", operation_id="readCampaign", response_model=CampaignShape, responses=READ)
def read(code: Code, call: Reads) -> Response:
    """One campaign."""
    with call.reading() as session:
        campaign = campaign_by_code(session, code, actor=call.actor)
        shape = campaign_shape(session, campaign, language_of(call.request))
    return call.answer(shape, tag=version_tag(shape.version))


class ZeroReport(BaseModel):
    """零报告: the unit in scope that was checked and where nothing was found."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    unit: str = Field(min_length=1, max_length=24)


class ZeroReported(BaseModel):
    """The signed record; reporting zero again changes nothing."""

    unit: str
    zero_reported_at: Moment


@router.post(
    "/campaigns/{code}/zero-reports",
    operation_id="reportZero",
    status_code=201,
    response_model=ZeroReported,
    responses=CREATE,
)
def report_zero(code: Code, told: ZeroReport, call: Creates) -> Response:
    """Sign "checked, nothing found" for a unit in scope."""

    def work(session: Session) -> Answer:
        campaign = campaign_by_code(session, code, actor=call.actor)
        unit = unit_by_code(session, told.unit, actor=call.actor)
        entry = zero_report(session, campaign, unit, actor=call.actor, now=call.now)
        return written(
            ZeroReported(unit=unit.code, zero_reported_at=entry.zero_reported_at or call.now), status=201
        )

    return call.once(work)


@router.get(
    "/campaigns/{code}/status", operation_id="readStatus", response_model=CampaignStatus, responses=READ
)
def read_status(
    code: Code, call: Reads, unit: Annotated[str | None, Query(min_length=1, max_length=24)] = None
) -> Response:
    """The figures a supervisor watches, by unit, level, category, week and age, within the caller's sight.

    `unit` narrows to one unit and those below it; its rows are then the units right below. `GET /tickets` has a filter
    for each of the figures.
    """
    with call.reading(snapshot=True) as session:
        campaign = campaign_by_code(session, code, actor=call.actor)
        now = call.now.astimezone(LOCAL)
        status = campaign_status(session, campaign, actor=call.actor, now=now, unit=unit)
    return call.answer(status)


#: Included after the calls with a fixed last word (/campaigns/{code}/quantities, /summary): an event may not hide them.
events = APIRouter(tags=["campaigns"])


@events.post(
    "/campaigns/{code}/{event}",
    operation_id="moveCampaign",
    response_model=CampaignShape,
    responses=CHANGE,
)
def move(
    code: Code,
    event: CampaignEvent,
    call: Writes,
    facts: Annotated[dict[str, Any] | None, Body(examples=[{"notice_number": "工劳监〔2026〕12号"}])] = None,
) -> Response:
    """An event of the campaign chart. Facts: mobilise `{notice_number, held_on, attendance}`, rectify `{reason?}`,
    archive `{next_campaign?}`; the others none.
    """
    try:
        told = EVENT_FACTS[event].model_validate(facts or {})
    except ValidationError as error:
        raise RequestValidationError(
            [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
        ) from error

    def work(session: Session) -> Answer:
        campaign = campaign_by_code(session, code, actor=call.actor, lock=True)
        call.must_match(campaign.version)
        if event is CampaignEvent.SUMMARISE:
            sum_up(session, campaign, actor=call.actor, now=call.now)
        else:
            move_campaign(session, campaign, event, told, actor=call.actor, now=call.now)
        session.flush()
        shape = campaign_shape(session, campaign, language_of(call.request))
        return written(shape, tag=version_tag(campaign.version))

    return call.once(work)
