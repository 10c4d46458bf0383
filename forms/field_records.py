"""What a phone sends besides findings and visits: tests of tools, and work done in bulk; and the form of the latter."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError

from domain.campaigns import campaign_by_code
from domain.phone import PhoneQuantity, PhoneToolTest, receipt_of, take_quantity, take_tool_test
from domain.quantities import ACTIONS, NewQuantity, record_quantity
from domain.rights import Deed, may
from domain.tools import shown_status
from forms.errors import PageRoute
from forms.field_items import Sent
from forms.field_words import RECORD, words_for
from forms.fields import Form, SentForm, problems_of, status_of
from forms.findings import running_campaigns, units_to_report, usual_measure_units
from forms.json_answers import JsonRoute, answer_json
from forms.pages import page, see_other
from forms.quantities import FIELDS, NAMES
from forms.session import database_of, now_of, signed_in
from forms.tools import path_of
from forms.words import language_of, say
from statemachines.labels import label, local_day
from statemachines.refusals import Refusal
from statemachines.roles import Actor

items = APIRouter(route_class=JsonRoute)
pages = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]


@items.post("/field/tool-tests")
def take_test(request: Request, actor: Who, sent: Sent) -> Response:
    """The test of a tool, kept on a phone; sent again it is the same one. Says when the next is due."""
    told, key = sent.read(PhoneToolTest), sent.envelope.id
    with database_of(request).transaction() as session:
        test, created = take_tool_test(session, key, told, actor=actor, now=now_of(request))
        tool = test.tool
        shown = shown_status(tool, on=local_day(now_of(request)))
        answer = {
            "number": tool.number,
            "href": path_of(tool.number),
            "receipt": receipt_of(key),
            "next_test_on": tool.next_test_on.isoformat() if tool.next_test_on else None,
            "status": shown.value,
            "status_name": label(shown, language_of(request)),
        }
    return answer_json(answer, 201 if created else 200)


@items.post("/field/quantities")
def take_work(request: Request, actor: Who, sent: Sent) -> Response:
    """Work done in bulk, kept on a phone; sent again it is the same record."""
    told, key = sent.read(PhoneQuantity), sent.envelope.id
    with database_of(request).transaction() as session:
        _made, created = take_quantity(session, key, told, actor=actor, now=now_of(request))
    answer = {"href": f"/campaigns/{told.campaign}/quantities", "receipt": receipt_of(key)}
    return answer_json(answer, 201 if created else 200)


def _quantity_page(request: Request, actor: Actor, form: Form, status: int = 200) -> Response:
    lang = language_of(request)
    with database_of(request).reading() as session:
        campaigns = running_campaigns(session, actor)
        units = [
            unit
            for unit in units_to_report(session, campaigns, actor)
            if may(actor, Deed.RECORD_QUANTITIES, at=unit.path)
        ]
        own = next((unit.code for unit in units if unit.id == actor.unit_id), "")
        return page(
            request,
            "quantity.html",
            status=status,
            form=form,
            names={name: say(lang, words) for name, words in NAMES.items()},
            campaigns=campaigns,
            units=units,
            unit=own or (units[0].code if len(units) == 1 else ""),
            actions=ACTIONS,
            measure_units=usual_measure_units(session, actor),
            words=words_for(lang, RECORD),
        )


@pages.get("/field/quantity")
def quantity_form(request: Request, actor: Who) -> Response:
    """Work done in bulk, in one short form that a phone keeps."""
    return _quantity_page(request, actor, Form())


@pages.post("/field/quantity")
def quantity(request: Request, actor: Who, sent: SentForm) -> Response:
    """Record one quantity where the browser keeps nothing."""
    code = sent.text("campaign")
    try:
        new = sent.read(NewQuantity, *FIELDS, approximate=bool(sent.text("approximate")))
        with database_of(request).transaction() as session:
            campaign = campaign_by_code(session, code, actor=actor, pointer="/campaign")
            record_quantity(session, campaign, new, actor=actor, now=now_of(request))
    except (ValidationError, Refusal) as error:
        problems = problems_of(error, language_of(request))
        return _quantity_page(request, actor, sent.form(problems), status_of(error))
    return see_other("/field/quantity", done="quantity")
