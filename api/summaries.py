"""Summaries (总结): ask for one, read its figures, fetch its papers."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session
from starlette.background import BackgroundTask

from api.campaigns import Code
from api.deps import Creates, Reading, Reads, database, files, written
from api.documented import CHANGE, READ, Responses
from api.shapes import Moment
from domain.answered import Answer
from domain.campaigns import campaign_by_code
from domain.errors import NotFound
from domain.records import Campaign, Summary
from domain.summaries import latest_summary, list_summaries, request_summary
from papers.ledger import campaign_ledger
from papers.publishing import publish_now

router = APIRouter(tags=["summaries"])

MEDIA_TYPES = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
    "html": "text/html; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class SummaryRequest(BaseModel):
    """A draft may be asked for at any time; `final` sums the campaign up and ends it."""

    model_config = ConfigDict(extra="forbid")

    final: bool = False


class SummaryShape(BaseModel):
    """One revision. `figures` are frozen at `cut_off`; `refused_at` and `mismatches` when they do not add up."""

    campaign: str
    revision: int
    final: bool
    requested_at: Moment
    cut_off: Moment | None
    published_at: Moment | None
    refused_at: Moment | None
    mismatches: list[Any]
    figures: dict[str, Any] | None
    papers: dict[str, str] = Field(description="Where each paper is, by file ending.")


def _shape(campaign: Campaign, summary: Summary) -> SummaryShape:
    place = f"/api/v1/campaigns/{campaign.code}/summary"
    return SummaryShape(
        campaign=campaign.code,
        revision=summary.revision,
        final=summary.final,
        requested_at=summary.requested_at,
        cut_off=summary.cut_off,
        published_at=summary.published_at,
        refused_at=summary.refused_at,
        mismatches=summary.mismatches,
        figures=summary.snapshot,
        papers={ending: f"{place}.{ending}" for ending in summary.papers},
    )


@router.post(
    "/campaigns/{code}/summary",
    operation_id="requestSummary",
    status_code=202,
    response_model=SummaryShape,
    responses=CHANGE,
)
def ask(code: Code, call: Creates, told: SummaryRequest | None = None) -> Response:
    """Ask for a summary; its papers are written right after the answer. `Location` is where to look."""
    asked: list[UUID] = []

    def work(session: Session) -> Answer:
        campaign = campaign_by_code(session, code, actor=call.actor, lock=True)
        final = told is not None and told.final
        summary = request_summary(session, campaign, final=final, actor=call.actor, now=call.now)
        asked.append(summary.id)
        place = f"/api/v1/campaigns/{code}/summary?revision={summary.revision}"
        return written(_shape(campaign, summary), status=202, location=place)

    answer = call.once(work)
    if asked:
        answer.background = BackgroundTask(
            publish_now, database(call.request), files(call.request), asked[0], now=call.now
        )
    return answer


def _revision(session: Session, campaign: Campaign, revision: int | None) -> Summary:
    if revision is None:
        return latest_summary(session, campaign)
    found = [each for each in list_summaries(session, campaign) if each.revision == revision]
    if not found:
        raise NotFound(what=str(revision))
    return found[0]


@router.get(
    "/campaigns/{code}/summary", operation_id="readSummary", response_model=SummaryShape, responses=READ
)
def read(
    code: Code,
    call: Reads,
    revision: Annotated[
        int | None, Query(ge=1, le=10_000, description="Else the newest published one.")
    ] = None,
) -> Response:
    """The figures of the newest published summary, or of one revision in whatever state it is."""
    with call.reading() as session:
        campaign = campaign_by_code(session, code, actor=call.actor)
        shape = _shape(campaign, _revision(session, campaign, revision))
    return call.answer(shape)


def _paper(code: str, ending: str, call: Reading) -> Response:
    with call.reading() as session:
        campaign = campaign_by_code(session, code, actor=call.actor)
        summary = latest_summary(session, campaign)
        sha256 = summary.papers.get(ending)
    if sha256 is None:
        raise NotFound(what=f"summary.{ending}")
    name = f"{campaign.name}总结-第{summary.revision}版.{ending}"
    return call.document(
        files(call.request).get(sha256),
        MEDIA_TYPES[ending],
        tag=f'"{sha256}"',
        headers=_named(name, "attachment" if ending == "docx" else "inline"),
    )


def _named(name: str, shown: str) -> dict[str, str]:
    """The header that gives a paper its Chinese name (RFC 6266)."""
    return {"Content-Disposition": f"{shown}; filename*=UTF-8''{quote(name)}"}


def _document(ending: str) -> Responses:
    return {
        200: {"description": "The paper.", "content": {MEDIA_TYPES[ending].partition(";")[0]: {}}},
        **READ,
    }


@router.get(
    "/campaigns/{code}/summary.docx",
    operation_id="readSummaryDocx",
    response_class=Response,
    responses=_document("docx"),
)
def read_docx(code: Code, call: Reads) -> Response:
    """The newest published summary for Word."""
    return _paper(code, "docx", call)


@router.get(
    "/campaigns/{code}/summary.pdf",
    operation_id="readSummaryPdf",
    response_class=Response,
    responses=_document("pdf"),
)
def read_pdf(code: Code, call: Reads) -> Response:
    """The newest published summary for print."""
    return _paper(code, "pdf", call)


@router.get(
    "/campaigns/{code}/summary.html",
    operation_id="readSummaryHtml",
    response_class=Response,
    responses=_document("html"),
)
def read_html(code: Code, call: Reads) -> Response:
    """The newest published summary for the screen."""
    return _paper(code, "html", call)


@router.get(
    "/campaigns/{code}/ledger.xlsx",
    operation_id="readLedger",
    response_class=Response,
    responses=_document("xlsx"),
)
def read_ledger(code: Code, call: Reads) -> Response:
    """整改台账: the tickets in the caller's sight with every column of the trade, and every transition."""
    with call.reading() as session:
        campaign = campaign_by_code(session, code, actor=call.actor)
        book = campaign_ledger(session, campaign, actor=call.actor, now=call.now)
    return call.document(
        book, MEDIA_TYPES["xlsx"], headers=_named(f"{campaign.name}整改台账.xlsx", "attachment")
    )
