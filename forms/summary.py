"""The summary (总结) of a campaign: asked for, looked at, taken away as a paper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.campaigns import campaign_by_code
from domain.errors import NotFound
from domain.records import Campaign, Summary
from domain.summaries import request_summary
from forms.campaigns import campaign_page
from forms.errors import PageRoute
from forms.fields import SentForm, problems_of
from forms.navigation import WATCHERS
from forms.pages import page, see_other
from forms.session import database_of, files_of, now_of, signed_in
from forms.words import language_of
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


def revisions_of(session: Session, campaign: Campaign) -> list[Summary]:
    """Every revision, the newest first."""
    query = select(Summary).where(Summary.campaign_id == campaign.id).order_by(Summary.revision.desc())
    return list(session.scalars(query))


@router.get("/campaigns/{code}/summary")
def summary(request: Request, actor: Who, code: str) -> Response:
    """The revisions of the summary: papers to take away, or the figures that did not add up."""
    with database_of(request).reading() as session:
        campaign = campaign_by_code(session, code, actor=actor)
        revisions = revisions_of(session, campaign)
        return page(
            request,
            "summary.html",
            campaign=campaign,
            revisions=revisions,
            endings=tuple(MEDIA),
            may_ask=actor.holds(*WATCHERS, at=campaign.unit.path),
        )


@router.post("/campaigns/{code}/summary")
def ask(request: Request, actor: Who, code: str, sent: SentForm) -> Response:
    """Ask for a summary; it is frozen and written by the clock's next round."""
    try:
        with database_of(request).transaction() as session:
            campaign = campaign_by_code(session, code, actor=actor, lock=True)
            request_summary(
                session, campaign, final=bool(sent.text("final")), actor=actor, now=now_of(request)
            )
    except Refusal as refusal:
        with database_of(request).reading() as session:
            campaign = campaign_by_code(session, code, actor=actor)
            form = sent.form(problems_of(refusal, language_of(request)))
            return campaign_page(
                request, session, campaign, actor=actor, form=form, status=refusal.status
            )
    return see_other(f"/campaigns/{code}/summary", done="summary")


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
                for each in revisions_of(session, campaign)
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
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'",
        },
    )
