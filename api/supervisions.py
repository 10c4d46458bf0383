"""Orders of supervision (督办) and plans of treatment (治理方案)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.deps import Call, Reads, Writes, Writing, written
from api.documented import CHANGE, LIST, READ
from api.etag import version_tag
from api.paging import Paged
from api.shapes import Moment
from api.tickets import Number
from domain import supervisions, treatment_plans
from domain.answered import Answer
from domain.records import SupervisionOrder, TreatmentPlan
from domain.supervisions import Delisting, ProgressReport, SupervisionFilter, is_report_late, order_by_key
from domain.tickets import ticket_by_number
from domain.treatment_plans import NewPlan, PlanDecision, plan_by_id
from statemachines.supervision import SupervisionLevel, SupervisionState
from statemachines.treatment_plan import PlanState

router = APIRouter(tags=["supervision"])

OrderKey = Annotated[
    str,
    Path(alias="number", max_length=64, description="Its number or its id.", examples=["安监督〔2026〕3号"]),
]
PlanKey = Annotated[UUID, Path(alias="id")]


class ReportShape(BaseModel):
    """One report of progress."""

    reported_by: str
    reported_at: Moment
    text: str


class OrderShape(BaseModel):
    """An order of supervision. `late`: a report is awaited and `next_report_at` has passed."""

    id: UUID
    number: str
    ticket: str
    unit: str
    level: SupervisionLevel
    state: SupervisionState
    reason: str
    requirements: str
    supervisor: str
    listed_by: str
    listed_at: Moment
    report_every_days: int | None
    next_report_at: Moment | None
    late: bool
    reports: list[ReportShape]
    delisted_by: str | None
    delisted_at: Moment | None
    delist_opinion: str | None
    version: int


class OrderLine(BaseModel):
    """An order as a list shows it, without its reports."""

    id: UUID
    number: str
    ticket: str
    unit: str
    level: SupervisionLevel
    state: SupervisionState
    supervisor: str
    listed_at: Moment
    next_report_at: Moment | None
    late: bool


class OrderPage(BaseModel):
    """One page of orders, newest first."""

    items: list[OrderLine]
    next: str | None


class OrderQuery(SupervisionFilter, Paged):
    """Which orders, and which page of them."""


class PlanShape(BaseModel):
    """A plan of treatment with its six parts."""

    id: UUID
    ticket: str
    state: PlanState
    goals: str
    methods: str
    funds: str
    people: str
    schedule: str
    safety: str
    drafted_by: str
    drafted_at: Moment
    decided_by: str | None
    decided_at: Moment | None
    opinion: str | None
    version: int


class PlanList(BaseModel):
    """Every plan for a ticket, oldest first."""

    items: list[PlanShape]


def _line(order: SupervisionOrder, call: Call) -> OrderLine:
    same = {name: getattr(order, name) for name in OrderLine.model_fields if name in order.__table__.columns}
    return OrderLine(
        **same,
        ticket=order.ticket.number,
        unit=order.ticket.unit.code,
        supervisor=order.supervisor.login,
        late=is_report_late(order, call.now),
    )


def _order(order: SupervisionOrder, call: Call) -> OrderShape:
    same = {name: getattr(order, name) for name in OrderShape.model_fields if name in order.__table__.columns}
    reports = [
        ReportShape(reported_by=each.reported_by.login, reported_at=each.reported_at, text=each.text)
        for each in order.reports
    ]
    return OrderShape(
        **same,
        ticket=order.ticket.number,
        unit=order.ticket.unit.code,
        supervisor=order.supervisor.login,
        listed_by=order.listed_by.login,
        delisted_by=order.delisted_by.login if order.delisted_by else None,
        late=is_report_late(order, call.now),
        reports=reports,
    )


def _plan(plan: TreatmentPlan) -> PlanShape:
    same = {name: getattr(plan, name) for name in PlanShape.model_fields if name in plan.__table__.columns}
    return PlanShape(
        **same,
        ticket=plan.ticket.number,
        drafted_by=plan.drafted_by.login,
        decided_by=plan.decided_by.login if plan.decided_by else None,
    )


def _tag(shape: OrderShape) -> str:
    """`"3"`, and `"3-late"` once a report is overdue; writes compare the version alone."""
    return f'"{shape.version}-late"' if shape.late else version_tag(shape.version)


@router.get("/supervisions", operation_id="listSupervisions", response_model=OrderPage, responses=LIST)
def list_all(call: Reads, wanted: Annotated[OrderQuery, Query()]) -> Response:
    """Orders about tickets in the caller's sight, newest first."""
    with call.reading() as session:
        page = supervisions.list_orders(
            session, wanted, actor=call.actor, now=call.now, limit=wanted.limit, cursor=wanted.cursor
        )
        items = [_line(each, call) for each in page.items]
    return call.answer(OrderPage(items=items, next=page.next))


@router.get(
    "/supervisions/{number}", operation_id="readSupervision", response_model=OrderShape, responses=READ
)
def read(key: OrderKey, call: Reads) -> Response:
    """One order with its reports, by its number or id."""
    with call.reading() as session:
        shape = _order(order_by_key(session, key, actor=call.actor), call)
    return call.answer(shape, tag=_tag(shape))


@router.post(
    "/supervisions/{number}/report",
    operation_id="reportSupervision",
    response_model=OrderShape,
    responses=CHANGE,
)
def report(key: OrderKey, told: ProgressReport, call: Writes) -> Response:
    """报告督办进展: by the assignee, or a supervisor or leader of the unit; the next report's clock starts anew."""
    return _change(key, call, partial(supervisions.report, told=told))


@router.post(
    "/supervisions/{number}/delist", operation_id="delistTicket", response_model=OrderShape, responses=CHANGE
)
def delist(key: OrderKey, told: Delisting, call: Writes) -> Response:
    """摘牌, once the ticket is closed; a verified major hazard needs its approved plan of treatment."""
    return _change(key, call, partial(supervisions.delist, told=told))


def _change(key: str, call: Writing, command: Callable[..., SupervisionOrder]) -> Response:
    def work(session: Session) -> Answer:
        order = order_by_key(session, key, actor=call.actor, lock=True)
        call.must_match(order.version)
        command(session, order, actor=call.actor, now=call.now)
        session.flush()
        shape = _order(order, call)
        return written(shape, tag=_tag(shape))

    return call.once(work)


@router.get("/tickets/{number}/plans", operation_id="listPlans", response_model=PlanList, responses=READ)
def plans(number: Number, call: Reads) -> Response:
    """Every plan of treatment drafted for this ticket, oldest first."""
    with call.reading() as session:
        ticket = ticket_by_number(session, number, actor=call.actor)
        shape = PlanList(items=[_plan(each) for each in treatment_plans.plans_of(session, ticket)])
    return call.answer(shape)


@router.post(
    "/tickets/{number}/plans",
    operation_id="draftPlan",
    status_code=201,
    response_model=PlanShape,
    responses=CHANGE,
)
def draft(number: Number, told: NewPlan, call: Writes) -> Response:
    """编制治理方案: six parts, laid before the leaders; an earlier plan is replaced. If-Match is the ticket's."""

    def work(session: Session) -> Answer:
        ticket = ticket_by_number(session, number, actor=call.actor, lock=True)
        call.must_match(ticket.version)
        plan = treatment_plans.draft(session, ticket, told, actor=call.actor, now=call.now)
        session.flush()
        location = f"/api/v1/tickets/{quote(ticket.number)}/plans"
        return written(_plan(plan), status=201, tag=version_tag(plan.version), location=location)

    return call.once(work)


@router.post("/plans/{id}/approve", operation_id="approvePlan", response_model=PlanShape, responses=CHANGE)
def approve(key: PlanKey, call: Writes, told: PlanDecision | None = None) -> Response:
    """批准, by a leader who did not draft it. The body may be left out."""
    return call.once(lambda session: _decide(session, key, told or PlanDecision(), call, approved=True))


@router.post("/plans/{id}/refuse", operation_id="refusePlan", response_model=PlanShape, responses=CHANGE)
def refuse(key: PlanKey, told: PlanDecision, call: Writes) -> Response:
    """不批准, with the reason as `opinion`."""
    return call.once(lambda session: _decide(session, key, told, call, approved=False))


def _decide(session: Session, key: UUID, told: PlanDecision, call: Writing, *, approved: bool) -> Answer:
    plan = plan_by_id(session, key, actor=call.actor, lock=True)
    call.must_match(plan.version)
    decide = treatment_plans.approve if approved else treatment_plans.refuse
    decide(session, plan, told, actor=call.actor, now=call.now)
    session.flush()
    return written(_plan(plan), tag=version_tag(plan.version))
