"""The summary (总结) of a campaign: asked for, looked at, taken away as a paper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.background import BackgroundTask

from domain.campaigns import campaign_by_code
from domain.errors import NotFound
from domain.rights import Deed, may
from domain.summaries import list_summaries, request_summary
from forms.errors import PageRoute
from forms.fields import Form, SentForm, problems_of
from forms.pages import page, see_other
from forms.session import database_of, files_of, now_of, signed_in
from forms.words import language_of
from papers.publishing import publish_now
from statemachines.campaign import CampaignEvent
from statemachines.chart import option
from statemachines.refusals import Refusal
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]
Ending = Literal["docx", "html", "pdf"]

MEDIA: Mapping[str, str] = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
}


def _summary_page(request: Request, code: str, form: Form, *, actor: Actor, status: int = 200) -> Response:
    with database_of(request).reading() as session:
        campaign = campaign_by_code(session, code, actor=actor)
        return page(
            request,
            "summary.html",
            status=status,
            form=form,
            campaign=campaign,
            revisions=list_summaries(session, campaign),
            endings=tuple(MEDIA),
            may_ask=may(actor, Deed.REQUEST_SUMMARY, at=campaign.unit.path),
            may_sum_up=option(campaign, CampaignEvent.SUMMARISE, actor=actor, now=now_of(request)).allowed,
        )


@router.get("/campaigns/{code}/summary")
def summary(request: Request, actor: Who, code: str) -> Response:
    """The revisions of the summary: papers to take away, or the figures that did not add up."""
    return _summary_page(request, code, Form(), actor=actor)


@router.post("/campaigns/{code}/summary")
def ask(request: Request, actor: Who, code: str, sent: SentForm) -> Response:
    """Ask for a draft, or for the final summary, which ends the campaign; papers are written right after."""
    final = bool(sent.text("final"))
    try:
        with database_of(request).transaction() as session:
            campaign = campaign_by_code(session, code, actor=actor, lock=True)
            asked = request_summary(session, campaign, final=final, actor=actor, now=now_of(request))
    except Refusal as refusal:
        form = sent.form(problems_of(refusal, language_of(request)))
        return _summary_page(request, code, form, actor=actor, status=refusal.status)
    answer = see_other(f"/campaigns/{code}/summary", done="summarise" if final else "summary")
    answer.background = BackgroundTask(
        publish_now, database_of(request), files_of(request), asked.id, now=now_of(request)
    )
    return answer


@router.get("/campaigns/{code}/summary/{ending}")
def paper(
    request: Request,
    actor: Who,
    code: str,
    ending: Ending,
    revision: Annotated[int | None, Query(ge=1)] = None,
) -> Response:
    """One paper of a published revision, the newest when none is named."""
    with database_of(request).reading() as session:
        campaign = campaign_by_code(session, code, actor=actor)
        found = next(
            (
                each
                for each in list_summaries(session, campaign)
                if each.published_at is not None and revision in (None, each.revision)
            ),
            None,
        )
    if found is None or ending not in found.papers:
        raise NotFound(what=f"{code}/summary.{ending}")
    shown = "inline" if ending == "html" else "attachment"
    return Response(
        files_of(request).get(found.papers[ending]),
        media_type=MEDIA[ending],
        headers={
            "Content-Disposition": f'{shown}; filename="{code}-summary-{found.revision}.{ending}"',
            "Cache-Control": "private, no-cache",
            "X-Content-Type-Options": "nosniff",
            # A paper brings its own style and nothing else.
            "Content-Security-Policy": (
                "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
            ),
        },
    )
