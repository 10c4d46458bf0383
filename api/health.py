"""At the root, for whoever keeps the service running: alive, ready, and figures for Prometheus."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from pydantic import BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from api.deps import database, now
from domain import migrations
from domain.calendars import missing_year
from domain.dispatches import what_waits
from domain.heartbeats import heartbeats, late
from domain.records import Ticket
from domain.tickets import RUNNING, overdue

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    status: str = "alive"


class Readiness(BaseModel):
    """Whether this process may serve; `reasons` say what is wrong, empty when all is well."""

    ready: bool
    reasons: list[str] = Field(default_factory=list)


@router.get("/healthz", operation_id="isAlive", response_model=Alive)
def is_alive() -> Alive:
    """The process is alive. Asks nothing of the database: a slow database is no reason to restart this."""
    return Alive()


@router.get(
    "/readyz",
    operation_id="isReady",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "Not ready; `reasons` say why."}},
)
def is_ready(request: Request) -> Response:
    """Database reachable, migrations at head, flows on time."""
    try:
        reasons = _reasons(request)
    except SQLAlchemyError:
        reasons = ["The database cannot be reached."]
    told = Readiness(ready=not reasons, reasons=reasons)
    return JSONResponse(told.model_dump(), 503 if reasons else 200, headers={"Cache-Control": "no-store"})


def _reasons(request: Request) -> list[str]:
    current, newest = migrations.revisions(database(request))
    if current != newest:
        return [f"The schema is at {current}, the program needs {newest}: run `chuncha migrate`."]
    with database(request).reading() as session:
        # Flows beat by the real clock, whatever time the application is told it is.
        silent = late(session, now=datetime.now(UTC))
    return [
        f"The flow {each.flow} last ended {each.last or 'never'}; {each.allowed} is allowed."
        for each in silent
    ]


@router.get(
    "/metrics",
    operation_id="readMetrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def read_metrics(request: Request) -> Response:
    """Counts of the records and when each flow last came to its end, in Prometheus' text format."""
    registry = CollectorRegistry()
    with database(request).reading() as session:
        _tickets(session, registry, request)
        _flows(session, registry)
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_1_0_0})


def _tickets(session: Session, registry: CollectorRegistry, request: Request) -> None:
    by_state = Gauge("chuncha_tickets", "Tickets by state.", ["state"], registry=registry)
    for state, count in session.execute(select(Ticket.state, func.count()).group_by(Ticket.state)):
        by_state.labels(state.value).set(count)
    past_due = Gauge("chuncha_tickets_overdue", "Tickets past their deadline.", registry=registry)
    past_due.set(session.scalar(select(func.count()).where(overdue(now(request)))) or 0)
    soon = Gauge("chuncha_tickets_due", "Tickets whose deadline is within seven days.", registry=registry)
    until = Ticket.due_at.between(now(request), now(request) + timedelta(days=7))
    soon.set(session.scalar(select(func.count()).where(Ticket.state.in_(RUNNING), until)) or 0)
    missing = Gauge(
        "chuncha_calendar_year_missing",
        "The year whose working days should be known by now and are not; 0 when all is known.",
        registry=registry,
    )
    alarm = missing_year(session, now=now(request))
    missing.set(alarm.year if alarm else 0)
    unsent = Gauge("chuncha_notices_waiting", "Notices due and not sent.", registry=registry)
    waits = what_waits(session, as_of=now(request))
    unsent.set(waits.count)
    since = Gauge(
        "chuncha_notices_oldest_waiting_timestamp_seconds", "Since when the oldest waits.", registry=registry
    )
    since.set(waits.oldest.timestamp() if waits.oldest else 0)


def _flows(session: Session, registry: CollectorRegistry) -> None:
    beats = Gauge(
        "chuncha_flow_last_success_timestamp_seconds",
        "When the flow last ran to its end.",
        ["flow"],
        registry=registry,
    )
    for beat in heartbeats(session):
        if beat.finished_at is not None:
            beats.labels(beat.flow).set(beat.finished_at.timestamp())
