"""Escalations of a ticket: every step of the ladder, past and planned."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel

from api.deps import Reads
from api.documented import READ
from api.language import language_of
from api.shapes import Moment
from api.tickets import Number
from domain.escalations import Escalation, escalations
from domain.records import Matter
from domain.tickets import ticket_by_number
from statemachines.labels import Language

router = APIRouter(tags=["tickets"])


class SkippedDay(BaseModel):
    """A day passed over when counting working days, and why."""

    day: date
    why: str


class EscalationShape(BaseModel):
    """One step: what it does, when, whom it tells, and why then. `done_at` is null while it is planned."""

    matter: Matter
    step: str
    act: str
    due_version: int
    planned_at: Moment
    done_at: Moment | None
    whom: list[str]
    channels: list[str]
    why: str
    skipped: list[SkippedDay]


class EscalationList(BaseModel):
    """Every step of one ticket in the order of time."""

    items: list[EscalationShape]


@router.get(
    "/tickets/{number}/escalations",
    operation_id="readTicketEscalations",
    response_model=EscalationList,
    responses=READ,
)
def read_escalations(number: Number, call: Reads) -> Response:
    """Every step of the ladder, past and planned: when, whom, by which channel, and which days were skipped."""
    with call.reading() as session:
        ticket = ticket_by_number(session, number, actor=call.actor)
        steps = escalations(session, ticket, now=call.now)
    language = language_of(call.request)
    return call.answer(EscalationList(items=[_shape(step, language) for step in steps]))


def _shape(step: Escalation, language: Language) -> EscalationShape:
    return EscalationShape(
        matter=step.matter,
        step=step.step,
        act=step.act,
        due_version=step.due_version,
        planned_at=step.planned_at,
        done_at=step.done_at,
        whom=list(step.whom),
        channels=list(step.channels),
        why=step.why(language),
        skipped=[
            SkippedDay(day=each.day, why=each.zh if language == "zh" else each.en) for each in step.skipped
        ],
    )
