"""Reports from anybody (群众报告), held until a supervisor decides."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.deps import Creates, Creating, Reads, written
from api.documented import CREATE, LIST, READ
from api.paging import Paged
from api.shapes import Moment
from domain.answered import Answer
from domain.records import Report
from domain.report_decisions import Acceptance, Declining, Joining, accept, decline, join
from domain.reports import list_reports, photos_of, report_by_id
from statemachines.report import ReportState

router = APIRouter(tags=["reports"])

ReportKey = Annotated[UUID, Path(alias="id")]


class PublicReportLine(BaseModel):
    """A report as a list shows it. `ticket` is the one it became or joined."""

    id: UUID
    state: ReportState
    place: str
    unit: str
    text: str
    received_at: Moment
    ticket: str | None


class PublicReportShape(PublicReportLine):
    """A report with what the reporter left of themselves, if anything, and what was decided."""

    location: str
    reporter_name: str
    reporter_phone: str
    photos: list[str]
    decided_by: str | None
    decided_at: Moment | None
    reason: str | None


class PublicReportPage(BaseModel):
    """One page of reports about units the caller watches over, newest first."""

    items: list[PublicReportLine]
    next: str | None


class ReportQuery(Paged):
    """Which reports, and which page of them."""

    state: ReportState | None = None


def _line(report: Report) -> PublicReportLine:
    return PublicReportLine(
        id=report.id,
        state=report.state,
        place=report.place.code,
        unit=report.unit.code,
        text=report.text,
        received_at=report.received_at,
        ticket=report.ticket.number if report.ticket else None,
    )


def _shape(session: Session, report: Report) -> PublicReportShape:
    return PublicReportShape(
        **_line(report).model_dump(),
        location=report.location,
        reporter_name=report.reporter_name,
        reporter_phone=report.reporter_phone,
        photos=[photo.sha256 for photo in photos_of(session, report)],
        decided_by=report.decided_by.login if report.decided_by else None,
        decided_at=report.decided_at,
        reason=report.reason,
    )


@router.get("/reports", operation_id="listReports", response_model=PublicReportPage, responses=LIST)
def list_all(call: Reads, wanted: Annotated[ReportQuery, Query()]) -> Response:
    """Reports the caller may read; with `state` those that await a decision, say."""
    with call.reading() as session:
        page = list_reports(
            session, actor=call.actor, state=wanted.state, limit=wanted.limit, cursor=wanted.cursor
        )
        items = [_line(report) for report in page.items]
    return call.answer(PublicReportPage(items=items, next=page.next))


@router.get("/reports/{id}", operation_id="readReport", response_model=PublicReportShape, responses=READ)
def read(key: ReportKey, call: Reads) -> Response:
    """One report; its photos are listed by SHA-256."""
    with call.reading() as session:
        shape = _shape(session, report_by_id(session, key, actor=call.actor))
    return call.answer(shape)


def _decided(session: Session, key: UUID, told: Acceptance | Joining | Declining, call: Creating) -> Answer:
    report = report_by_id(session, key, actor=call.actor, lock=True)
    match told:
        case Acceptance():
            accept(session, report, told, actor=call.actor, now=call.now)
        case Joining():
            join(session, report, told, actor=call.actor, now=call.now)
        case Declining():
            decline(session, report, told, actor=call.actor, now=call.now)
    return written(_shape(session, report))


@router.post(
    "/reports/{id}/accept", operation_id="acceptReport", response_model=PublicReportShape, responses=CREATE
)
def accept_it(key: ReportKey, told: Acceptance, call: Creates) -> Response:
    """受理: the report becomes a ticket, found when it was reported."""
    return call.once(lambda session: _decided(session, key, told, call))


@router.post(
    "/reports/{id}/join", operation_id="joinReport", response_model=PublicReportShape, responses=CREATE
)
def join_it(key: ReportKey, told: Joining, call: Creates) -> Response:
    """并入: an open ticket has the hazard already; the photos go there."""
    return call.once(lambda session: _decided(session, key, told, call))


@router.post(
    "/reports/{id}/decline", operation_id="declineReport", response_model=PublicReportShape, responses=CREATE
)
def decline_it(key: ReportKey, told: Declining, call: Creates) -> Response:
    """不受理: with the reason the reporter reads."""
    return call.once(lambda session: _decided(session, key, told, call))
