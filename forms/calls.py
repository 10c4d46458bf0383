"""Calls and visits (来电来访): written down for the caller, answered, called back, made a ticket of, settled."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError
from sqlalchemy.orm import Session

from domain import calls
from domain.calls import (
    CallAnswer,
    CallBack,
    CallFinding,
    NewCall,
    call_by_number,
    call_counts,
    list_calls,
)
from domain.campaigns import campaign_by_code
from domain.errors import NotFound
from domain.history import history_of
from domain.people import units_in_sight
from domain.records import CallWay, HotlineCall, Unit
from domain.rights import Deed, may
from domain.similar import Sought, similar_tickets
from forms.errors import PageRoute
from forms.fields import Form, Sent, SentForm, problems_of, status_of
from forms.findings import running_campaigns, usual_categories
from forms.pages import page, see_other
from forms.session import database_of, now_of, signed_in
from forms.stories import told
from forms.words import _, language_of, say
from statemachines.call import CallEvent, CallState
from statemachines.chart import options
from statemachines.labels import Labelled, Level
from statemachines.refusals import Refusal
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]

PER_PAGE = 40
FIELDS = ("way", "source", "unit", "campaign", "caller_name", "caller_phone", "content", "answer")
NAMES = {
    "way": _("来电还是来访"),
    "source": _("线路或窗口"),
    "unit": _("涉及单位"),
    "campaign": _("检查活动"),
    "caller_name": _("来电人"),
    "caller_phone": _("联系电话"),
    "content": _("反映的内容"),
    "received_at": _("来电时间"),
    "callback_wanted": _("要求回访"),
    "answer": _("答复"),
    "satisfied": _("是否满意"),
    "level": _("等级"),
    "category": _("类别"),
    "description": _("是什么隐患"),
    "location": _("在哪里"),
    "ticket": _("隐患单"),
}


def _names(request: Request) -> dict[str, str]:
    lang = language_of(request)
    return {name: say(lang, words) for name, words in NAMES.items()}


def _units(session: Session, actor: Actor) -> list[Unit]:
    """Units the actor may write calls down for."""
    return [unit for unit in units_in_sight(session, actor) if may(actor, Deed.RECORD_CALL, at=unit.path)]


@router.get("/calls")
def list_page(
    request: Request, actor: Who, state: str = "", campaign: str = "", cursor: str | None = None
) -> Response:
    """Calls in sight, newest first, and how those of a campaign stand."""
    chosen = state if state in set(CallState) else ""
    with database_of(request).reading() as session:
        found = list_calls(
            session,
            actor=actor,
            state=CallState(chosen) if chosen else None,
            campaign=campaign or None,
            limit=PER_PAGE,
            cursor=cursor,
        )
        counts = call_counts(session, campaign_by_code(session, campaign, actor=actor)) if campaign else None
        return page(
            request,
            "calls.html",
            campaigns=running_campaigns(session, actor),
            counts=counts,
            found=found,
            cursor=cursor,
            chosen=chosen,
            campaign=campaign,
            states=tuple(CallState),
            may_take=bool(_units(session, actor)),
        )


def _new_page(request: Request, actor: Actor, form: Form, status: int = 200) -> Response:
    with database_of(request).reading() as session:
        units = _units(session, actor)
        own = next((unit.code for unit in units if unit.id == actor.unit_id), units[0].code if units else "")
        return page(
            request,
            "call_new.html",
            status=status,
            form=form,
            names=_names(request),
            units=units,
            unit=own,
            campaigns=running_campaigns(session, actor),
            ways=tuple(CallWay),
        )


@router.get("/calls/new")
def new_form(request: Request, actor: Who) -> Response:
    """The form somebody fills in while listening."""
    return _new_page(request, actor, Form())


@router.post("/calls/new")
def take(request: Request, actor: Who, sent: SentForm) -> Response:
    """Write a call down."""
    try:
        new = sent.read(
            NewCall,
            *FIELDS,
            **sent.moment("received_at"),
            callback_wanted=bool(sent.text("callback_wanted")),
        )
        with database_of(request).transaction() as session:
            number = calls.take_call(session, new, actor=actor, now=now_of(request)).number
    except (ValidationError, Refusal) as error:
        problems = problems_of(error, language_of(request))
        return _new_page(request, actor, sent.form(problems), status_of(error))
    return see_other(f"/calls/{number}", done="call")


def _call_page(request: Request, number: str, form: Form, *, actor: Actor, status: int = 200) -> Response:
    now, lang = now_of(request), language_of(request)
    with database_of(request).reading() as session:
        call = call_by_number(session, number, actor=actor)
        may_now: dict[Labelled, bool] = {
            each.event: each.allowed for each in options(call, actor=actor, now=now)
        }
        handles = may(actor, Deed.RECORD_CALL, at=call.unit.path)
        campaigns = running_campaigns(session, actor) if handles and call.ticket_id is None else []
        return page(
            request,
            "call.html",
            status=status,
            form=form,
            names=_names(request),
            call=call,
            may_answer=may_now[CallEvent.ANSWER],
            may_call_back=may_now[CallEvent.CALL_BACK],
            settling=next(
                each for each in options(call, actor=actor, now=now) if each.event is CallEvent.SETTLE
            ),
            may_link=handles and call.ticket_id is None,
            campaigns=campaigns,
            levels=tuple(Level),
            categories=usual_categories(session, campaigns[0]) if campaigns else [],
            similar=similar_tickets(
                session, Sought(unit=call.unit.code, description=call.content), actor=actor
            )
            if handles and call.ticket_id is None
            else [],
            story=[told(row, lang, now=now, names={}) for row in history_of(session, call)],
        )


@router.get("/calls/{number}")
def one(request: Request, actor: Who, number: str) -> Response:
    """One call, and what may be done with it."""
    return _call_page(request, number, Form(), actor=actor)


@router.post("/calls/{number}/{event}")
def act(request: Request, actor: Who, number: str, event: str, sent: SentForm) -> Response:
    """Answer, call back, settle; make a ticket of it or link one."""
    try:
        with database_of(request).transaction() as session:
            call = call_by_number(session, number, actor=actor, lock=True)
            _act(session, call, event, sent, actor, request)
    except (ValidationError, Refusal) as error:
        if isinstance(error, NotFound) and event != "link":
            raise
        problems = problems_of(error, language_of(request))
        return _call_page(request, number, sent.form(problems), actor=actor, status=status_of(error))
    return see_other(f"/calls/{number}", done=f"call_{event}")


def _act(session: Session, call: HotlineCall, event: str, sent: Sent, actor: Actor, request: Request) -> None:
    now = now_of(request)
    match event:
        case "answer":
            calls.answer(session, call, sent.read(CallAnswer, "answer"), actor=actor, now=now)
        case "call_back":
            calls.call_back(session, call, sent.read(CallBack, "satisfied"), actor=actor, now=now)
        case "settle":
            calls.settle(session, call, actor=actor, now=now)
        case "ticket":
            fields = ("campaign", "level", "category", "description", "location")
            calls.to_ticket(session, call, sent.read(CallFinding, *fields), actor=actor, now=now)
        case "link":
            calls.link(session, call, sent.text("ticket"), actor=actor, now=now)
        case _:
            raise NotFound(what=event)
