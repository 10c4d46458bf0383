"""Supervision (督办): the list, one order with its reports and papers, and the plan of treatment (治理方案)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import ValidationError

from domain import supervisions, treatment_plans
from domain.people import units_in_sight
from domain.records import SupervisionOrder
from domain.supervisions import (
    Delisting,
    ProgressReport,
    SupervisionFilter,
    is_report_late,
    list_orders,
    order_by_key,
)
from domain.tickets import ticket_by_number
from domain.treatment_plans import NewPlan, PlanDecision, plan_by_id, plan_in_force, plans_of
from forms import dates
from forms.errors import PageRoute
from forms.fields import Form, Problem, Sent, SentForm, problems_of, status_of
from forms.findings import running_campaigns
from forms.pages import page, see_other
from forms.session import database_of, now_of, signed_in
from forms.words import _, language_of, say
from statemachines.chart import option, options
from statemachines.labels import Level, local_day
from statemachines.refusals import Refusal
from statemachines.roles import Actor
from statemachines.supervision import SupervisionEvent, SupervisionLevel, SupervisionState
from statemachines.treatment_plan import PARTS, PlanEvent, draft_refusal

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]
Key = Annotated[UUID, Path(alias="id")]
Pressed = Literal["report", "delist"]
Decided = Literal["approve", "refuse"]

PER_PAGE = 40

NAMES: Mapping[str, str] = {"text": _("进展"), "opinion": _("意见")}


def _filter(request: Request) -> tuple[SupervisionFilter, dict[str, str], list[Problem]]:
    """The list's filter from the address, what stands in its fields, and what was wrong with it."""
    chosen = {
        name: request.query_params.get(name, "").strip() for name in ("unit", "campaign", "level", "state")
    }
    chosen["late"] = "1" if request.query_params.get("late") else ""
    given: dict[str, object] = {name: value for name, value in chosen.items() if value}
    given |= {name: [given[name]] for name in ("level", "state") if name in given}
    try:
        return SupervisionFilter.model_validate(given), chosen, []
    except ValidationError as error:
        wrong = problems_of(error, language_of(request))
        kept = {name: value for name, value in given.items() if name not in {each.field for each in wrong}}
        return SupervisionFilter.model_validate(kept), chosen, wrong


@router.get("/supervisions")
def list_page(request: Request, actor: Who, cursor: str | None = None) -> Response:
    """Orders about tickets in sight, newest first."""
    wanted, chosen, wrong = _filter(request)
    now = now_of(request)
    with database_of(request).reading() as session:
        found = list_orders(session, wanted, actor=actor, now=now, limit=PER_PAGE, cursor=cursor)
        return page(
            request,
            "supervisions.html",
            status=422 if wrong else 200,
            form=Form(chosen, tuple(wrong)),
            kept={name: value for name, value in chosen.items() if value},
            found=found,
            cursor=cursor,
            late={each.id for each in found.items if is_report_late(each, now)},
            units=units_in_sight(session, actor),
            campaigns=running_campaigns(session, actor),
            levels=tuple(SupervisionLevel),
            states=tuple(SupervisionState),
        )


def _order_page(request: Request, key: UUID, form: Form, *, actor: Actor, status: int = 200) -> Response:
    now = now_of(request)
    with database_of(request).reading() as session:
        order = order_by_key(session, str(key), actor=actor)
        every = options(order, actor=actor, now=now)
        return page(
            request,
            "supervision.html",
            status=status,
            form=form,
            order=order,
            ticket=order.ticket,
            late=is_report_late(order, now),
            may=[each for each in every if each.allowed],
            may_not=[each for each in every if not each.allowed],
            plan=plan_in_force(session, order.ticket),
            may_plan=draft_refusal(order.ticket, actor=actor) is None,
            needs_plan=order.ticket.level is Level.MAJOR,
        )


@router.get("/supervisions/{id}")
def one(request: Request, actor: Who, key: Key) -> Response:
    """One order: what is required, what was reported, and just the buttons this person may press."""
    return _order_page(request, key, Form(), actor=actor)


@router.get("/supervisions/{id}/paper")
def paper(request: Request, actor: Who, key: Key) -> Response:
    """督办通知书 to print and sign; once delisted the 摘牌通知 stands below it."""
    lang = language_of(request)
    with database_of(request).reading() as session:
        order = order_by_key(session, str(key), actor=actor)

        def day(moment: object) -> str | None:
            return dates.day(local_day(moment), lang, weekday=False) if moment else None  # type: ignore[arg-type]

        return page(
            request,
            "supervision_paper.html",
            order=order,
            ticket=order.ticket,
            listed_on=day(order.listed_at),
            delisted_on=day(order.delisted_at),
            due=dates.deadline(order.ticket.due_at, lang) if order.ticket.due_at else None,
        )


def _event_page(
    request: Request, key: UUID, pressed: Pressed, form: Form, *, actor: Actor, status: int = 200
) -> Response:
    event = SupervisionEvent(pressed)
    with database_of(request).reading() as session:
        order = order_by_key(session, str(key), actor=actor)
        return page(
            request,
            "supervision_event.html",
            status=status,
            form=form,
            names={field: say(language_of(request), words) for field, words in NAMES.items()},
            order=order,
            ticket=order.ticket,
            event=event,
            refusal=option(order, event, actor=actor, now=now_of(request)).refusal,
        )


@router.get("/supervisions/{id}/{event}")
def event_form(request: Request, actor: Who, key: Key, event: Pressed) -> Response:
    """The form behind a button."""
    return _event_page(request, key, event, Form(), actor=actor)


def _command(sent: Sent, pressed: Pressed) -> Callable[..., SupervisionOrder]:
    if pressed == "report":
        return partial(supervisions.report, told=sent.read(ProgressReport, "text"))
    return partial(supervisions.delist, told=sent.read(Delisting, "opinion"))


@router.post("/supervisions/{id}/{event}")
def happen(request: Request, actor: Who, key: Key, event: Pressed, sent: SentForm) -> Response:
    """Do it, and come back to the order, or to the form with what is wrong."""
    try:
        command = _command(sent, event)
        with database_of(request).transaction() as session:
            order = order_by_key(session, str(key), actor=actor, lock=True)
            command(session, order, actor=actor, now=now_of(request))
    except (ValidationError, Refusal) as error:
        problems = problems_of(error, language_of(request))
        return _event_page(request, key, event, sent.form(problems), actor=actor, status=status_of(error))
    return see_other(f"/supervisions/{key}", done=f"supervision_{event}")


# The plan of treatment.


def _plan_page(request: Request, number: str, form: Form, *, actor: Actor, status: int = 200) -> Response:
    """The form to draft or revise it, filled with the plan that stands."""
    lang = language_of(request)
    with database_of(request).reading() as session:
        ticket = ticket_by_number(session, number, actor=actor)
        plans = plans_of(session, ticket)
        return page(
            request,
            "treatment_plan_new.html",
            status=status,
            form=form,
            ticket=ticket,
            parts=PARTS,
            names={part.value: part.zh if lang == "zh" else part.en for part in PARTS},
            earlier=plans[-1] if plans else None,
            refusal=draft_refusal(ticket, actor=actor),
        )


@router.get("/tickets/{number}/plan")
def plan_form(request: Request, actor: Who, number: str) -> Response:
    """The form of a plan of treatment."""
    return _plan_page(request, number, Form(), actor=actor)


@router.post("/tickets/{number}/plan")
def draft(request: Request, actor: Who, number: str, sent: SentForm) -> Response:
    """Lay the plan before the leaders."""
    try:
        told = sent.read(NewPlan, *(part.value for part in PARTS))
        with database_of(request).transaction() as session:
            ticket = ticket_by_number(session, number, actor=actor, lock=True)
            plan = treatment_plans.draft(session, ticket, told, actor=actor, now=now_of(request))
            place = f"/plans/{plan.id}"
    except (ValidationError, Refusal) as error:
        problems = problems_of(error, language_of(request))
        return _plan_page(request, number, sent.form(problems), actor=actor, status=status_of(error))
    return see_other(place, done="plan_draft")


def _decision_page(request: Request, key: UUID, form: Form, *, actor: Actor, status: int = 200) -> Response:
    now = now_of(request)
    with database_of(request).reading() as session:
        plan = plan_by_id(session, key, actor=actor)
        decisions = [
            each for each in options(plan, actor=actor, now=now) if each.event is not PlanEvent.REPLACE
        ]
        return page(
            request,
            "treatment_plan.html",
            status=status,
            form=form,
            plan=plan,
            ticket=plan.ticket,
            parts=PARTS,
            names={"opinion": say(language_of(request), NAMES["opinion"])},
            decisions=decisions,
            may_plan=draft_refusal(plan.ticket, actor=actor) is None,
        )


@router.get("/plans/{id}")
def plan(request: Request, actor: Who, key: Key) -> Response:
    """One plan with its six parts, to read, print and decide on."""
    return _decision_page(request, key, Form(), actor=actor)


@router.post("/plans/{id}/{decision}")
def decide(request: Request, actor: Who, key: Key, decision: Decided, sent: SentForm) -> Response:
    """Approve or refuse the plan."""
    command = treatment_plans.approve if decision == "approve" else treatment_plans.refuse
    try:
        told = sent.read(PlanDecision, "opinion")
        with database_of(request).transaction() as session:
            row = plan_by_id(session, key, actor=actor, lock=True)
            command(session, row, told, actor=actor, now=now_of(request))
    except (ValidationError, Refusal) as error:
        problems = problems_of(error, language_of(request), renamed={"reason": "opinion"})
        return _decision_page(request, key, sent.form(problems), actor=actor, status=status_of(error))
    return see_other(f"/plans/{key}", done=f"plan_{decision}")
