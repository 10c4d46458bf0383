"""Reports from anybody, as the supervisors of the unit read and decide them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session

from domain import report_decisions
from domain.history import history_of
from domain.records import Report, Unit
from domain.report_decisions import Acceptance, Declining, Joining
from domain.reports import list_reports, photos_of, report_by_id
from domain.similar import Similar, Sought, similar_tickets
from forms.errors import PageRoute, error_page
from forms.fields import Form, SentForm, problems_of, status_of
from forms.findings import running_campaigns, units_to_report, usual_categories
from forms.pages import page, see_other
from forms.session import database_of, now_of, signed_in
from forms.stories import told
from forms.words import _, language_of, say
from statemachines.chart import option
from statemachines.labels import Level
from statemachines.refusals import Refusal
from statemachines.report import ReportEvent, ReportState
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]
Key = Annotated[UUID, Path(alias="id")]

PER_PAGE = 40

NAMES = {
    "campaign": _("检查活动"),
    "level": _("等级"),
    "category": _("类别"),
    "unit": _("单位"),
    "description": _("是什么隐患"),
    "location": _("在哪里"),
    "recurrence_of": _("复发自"),
    "ticket": _("隐患单"),
    "reason": _("不受理的理由"),
}

#: What a button does: the command, its input, the fields it reads.
DECISIONS: Mapping[str, tuple[Callable[..., object], type[BaseModel], tuple[str, ...]]] = {
    "accept": (
        report_decisions.accept,
        Acceptance,
        ("campaign", "level", "category", "unit", "description", "location", "recurrence_of"),
    ),
    "join": (report_decisions.join, Joining, ("ticket",)),
    "decline": (report_decisions.decline, Declining, ("reason", "ticket")),
}


@router.get("/reports")
def list_page(request: Request, actor: Who, state: str = "", cursor: str | None = None) -> Response:
    """Reports about units one watches over, newest first; those undecided unless the address says otherwise."""
    chosen = state if state in {*ReportState, "all"} else ReportState.RECEIVED.value
    with database_of(request).reading() as session:
        found = list_reports(
            session,
            actor=actor,
            state=None if chosen == "all" else ReportState(chosen),
            limit=PER_PAGE,
            cursor=cursor,
        )
        return page(
            request, "reports.html", found=found, cursor=cursor, chosen=chosen, states=tuple(ReportState)
        )


@router.get("/reports/{id}")
def one(request: Request, actor: Who, key: Key) -> Response:
    """One report with its photos, tickets it may belong to, and the decision form."""
    return _report_page(request, key, Form(), actor=actor)


def _report_page(request: Request, key: UUID, form: Form, *, actor: Actor, status: int = 200) -> Response:
    now, lang = now_of(request), language_of(request)
    with database_of(request).reading() as session:
        report = report_by_id(session, key, actor=actor)
        decides = option(report, ReportEvent.ACCEPT, actor=actor, now=now).allowed
        campaigns = running_campaigns(session, actor) if decides else []
        units = _units(session, report, campaigns, actor) if decides else []
        return page(
            request,
            "report.html",
            status=status,
            form=form,
            names={name: say(lang, words) for name, words in NAMES.items()},
            report=report,
            photos=photos_of(session, report),
            decides=decides,
            campaigns=campaigns,
            units=units,
            levels=tuple(Level),
            categories=usual_categories(session, campaigns[0]) if campaigns else [],
            similar=_similar(session, report, actor) if report.state == ReportState.RECEIVED else [],
            story=[told(row, lang, now=now, names={}) for row in history_of(session, report)],
        )


def _units(session: Session, report: Report, campaigns: list, actor: Actor) -> list[Unit]:  # type: ignore[type-arg]
    """The report's unit and those below it, as far as a running campaign covers them."""
    return [
        unit for unit in units_to_report(session, campaigns, actor) if unit.path.startswith(report.unit.path)
    ]


def _similar(session: Session, report: Report, actor: Actor) -> list[Similar]:
    sought = Sought(
        unit=report.unit.code,
        description=report.text,
        location=report.location,
        place=report.place.code,
        lat=report.place.lat,
        lon=report.place.lon,
    )
    return similar_tickets(session, sought, actor=actor)


@router.post("/reports/{id}/{decision}")
def decide(request: Request, actor: Who, key: Key, decision: str, sent: SentForm) -> Response:
    """Accept it, join it to a ticket, or say why not."""
    if decision not in DECISIONS:
        return error_page(request, 404)
    command, model, fields = DECISIONS[decision]
    try:
        told_ = sent.read(model, *fields)
        with database_of(request).transaction() as session:
            report = report_by_id(session, key, actor=actor, lock=True)
            command(session, report, told_, actor=actor, now=now_of(request))
            ticket = report.ticket
    except (ValidationError, Refusal) as error:
        problems = problems_of(error, language_of(request))
        return _report_page(request, key, sent.form(problems), actor=actor, status=status_of(error))
    if ticket is not None and decision != "decline":
        return see_other(f"/tickets/{ticket.number}", done=f"report_{decision}")
    return see_other(f"/reports/{key}", done=f"report_{decision}")
