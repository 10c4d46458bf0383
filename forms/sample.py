"""The sample for the re-check: drawn, followed to the end, and each ticket looked at again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import ValidationError
from sqlalchemy.orm import Session

from domain.campaign_settings import settings_of
from domain.campaigns import campaign_by_code
from domain.records import SampledTicket, SampleKind
from domain.rights import Deed, may
from domain.sample_checks import (
    SampleCheck,
    SampleFilter,
    check_sampled,
    counts_of,
    draw_by_id,
    draws_of,
    list_sample,
    sample_cells,
    sampled_by_number,
)
from domain.sampling import NewDraw, draw, previous_campaign
from domain.visibility import samples_visible_to
from forms.errors import PageRoute
from forms.fields import Form, Sent, SentForm, problems_of, status_of
from forms.pages import page, see_other
from forms.photos import take
from forms.session import database_of, now_of, signed_in
from forms.session import settings_of as installation_of
from forms.words import _, language_of, say
from statemachines.campaign import accepts_findings
from statemachines.refusals import Refusal
from statemachines.roles import Actor
from statemachines.spot_check import spot_check_refusal
from statemachines.ticket import TicketState

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]

PER_PAGE = 40

NAMES: Mapping[str, str] = {
    "kind": _("抽什么"),
    "seed": _("种子"),
    "source": _("回头看哪次活动"),
    "add": _("加抽的隐患单"),
    "reason": _("理由"),
    "passed": _("结果"),
    "opinion": _("抽查意见"),
    "description": _("新隐患的描述"),
    "photos": _("照片"),
}


def _filter(request: Request) -> SampleFilter:
    """What the address narrows the list to; what means nothing is left out."""
    query = request.query_params
    given = {name: query.get(name, "").strip() for name in SampleFilter.model_fields}
    try:
        return SampleFilter.model_validate({name: value for name, value in given.items() if value})
    except ValidationError as error:
        wrong = {str(fault["loc"][0]) for fault in error.errors()}
        kept = {name: value for name, value in given.items() if value and name not in wrong}
        return SampleFilter.model_validate(kept)


def _sample_page(
    request: Request, code: str, form: Form, *, actor: Actor, cursor: str | None = None, status: int = 200
) -> Response:
    wanted = _filter(request)
    with database_of(request).reading() as session:
        campaign = campaign_by_code(session, code, actor=actor)
        cells = sample_cells(session, campaign, only=samples_visible_to(actor))
        kept = wanted.model_dump(exclude_none=True, mode="json")
        address = f"/campaigns/{campaign.code}/sample"
        return page(
            request,
            "sample.html",
            status=status,
            form=form,
            names={name: say(language_of(request), words) for name, words in NAMES.items()},
            campaign=campaign,
            rules=settings_of(campaign).sampling,
            kinds=[
                (kind, counts_of(drawn), [(cell, counts_of([cell])) for cell in drawn])
                for kind in SampleKind
                if (drawn := [cell for cell in cells if cell.kind is kind])
            ],
            draws=draws_of(session, campaign),
            previous=previous_campaign(session, campaign),
            may_draw=may(actor, Deed.DRAW_SAMPLE, at=campaign.unit.path) and accepts_findings(campaign.state),
            found=list_sample(session, campaign, wanted, actor=actor, limit=PER_PAGE, cursor=cursor),
            wanted=wanted,
            address=f"{address}?{urlencode(kept)}" if kept else address,
            cursor=cursor,
        )


@router.get("/campaigns/{code}/sample")
def sample(request: Request, actor: Who, code: str, cursor: str | None = None) -> Response:
    """The campaign's sample: how far it has been checked, by unit, and every ticket of it."""
    return _sample_page(request, code, Form(), actor=actor, cursor=cursor)


@router.post("/campaigns/{code}/sample")
def draw_sample(request: Request, actor: Who, code: str, sent: SentForm) -> Response:
    """Draw by chance, or add tickets by hand."""
    try:
        with database_of(request).transaction() as session:
            campaign = campaign_by_code(session, code, actor=actor, lock=True)
            draw(session, campaign, _told(sent), actor=actor, now=now_of(request))
    except (ValidationError, Refusal) as error:
        form = sent.form(problems_of(error, language_of(request)))
        return _sample_page(request, code, form, actor=actor, status=status_of(error))
    return see_other(f"/campaigns/{code}/sample", done="drawn")


def _told(sent: Sent) -> NewDraw:
    numbers = [number for number in re.split(r"[\s,，、;；]+", sent.text("add")) if number]
    by_hand: dict[str, Any] = {"add": numbers, **sent.given("reason")} if sent.text("by_hand") else {}
    by_chance = sent.given("seed", "source") if not by_hand else {}
    return NewDraw.model_validate({**sent.given("kind"), **by_chance, **by_hand})


@router.get("/campaigns/{code}/sample/draws/{id}")
def drawn(request: Request, actor: Who, code: str, key: Annotated[UUID, Path(alias="id")]) -> Response:
    """The record of one draw: from what, with which seed, and the same list drawn again."""
    with database_of(request).reading() as session:
        campaign = campaign_by_code(session, code, actor=actor)
        return page(
            request,
            "sample_draw.html",
            campaign=campaign,
            seen=draw_by_id(session, campaign, key, actor=actor),
        )


def _check_page(
    request: Request, code: str, number: str, form: Form, *, actor: Actor, status: int = 200
) -> Response:
    now = now_of(request)
    with database_of(request).reading() as session:
        campaign = campaign_by_code(session, code, actor=actor)
        sampled = sampled_by_number(session, campaign, number, actor=actor)
        return page(
            request,
            "sample_check.html",
            status=status,
            form=form,
            names={name: say(language_of(request), words) for name, words in NAMES.items()},
            campaign=campaign,
            sampled=sampled,
            ticket=sampled.ticket,
            refusal=_refusal(session, sampled, actor=actor, now=now),
            limit_mb=installation_of(request).file_max_bytes // 2**20,
        )


def _refusal(session: Session, sampled: SampledTicket, *, actor: Actor, now: Any) -> Refusal | None:
    """Why this person may not say what the ticket looks like; None also when there is nothing left to say."""
    if sampled.passed is not None or sampled.ticket.state is not TicketState.VERIFIED:
        return None
    team_rule = settings_of(sampled.campaign).independent_team
    return spot_check_refusal(sampled.ticket, actor=actor, now=now, independent_team=team_rule)


@router.get("/campaigns/{code}/sample/{number}")
def check_form(request: Request, actor: Who, code: str, number: str) -> Response:
    """One ticket of the sample, and what was seen of it again."""
    return _check_page(request, code, number, Form(), actor=actor)


@router.post("/campaigns/{code}/sample/{number}")
def check(request: Request, actor: Who, code: str, number: str, sent: SentForm) -> Response:
    """Say what the ticket looks like on the spot; found bad again, a new ticket is opened."""
    try:
        with database_of(request).transaction() as session:
            photos = sent.photos("photos", request)
            told = SampleCheck.model_validate(
                {
                    **sent.given("passed", "opinion", "description"),
                    "files": [photo.listed for photo in photos],
                }
            )
            campaign = campaign_by_code(session, code, actor=actor)
            sampled = sampled_by_number(session, campaign, number, actor=actor, lock=True)
            check_sampled(session, sampled, told, actor=actor, now=now_of(request))
            take(request, session, photos, actor=actor)
    except (ValidationError, Refusal) as error:
        problems = problems_of(error, language_of(request), renamed={"files": "photos"})
        return _check_page(request, code, number, sent.form(problems), actor=actor, status=status_of(error))
    return see_other(f"/campaigns/{code}/sample/{number}", done="sample_checked")
