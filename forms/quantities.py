"""Work done in bulk (工作量记录): entered in one line, listed as it was recorded."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError

from domain.campaigns import campaign_by_code
from domain.quantities import ACTIONS, NewQuantity, list_quantities, record_quantity
from domain.records import CountsAs
from domain.rights import Deed, may
from forms.errors import PageRoute
from forms.fields import Form, SentForm, problems_of, status_of
from forms.findings import units_to_report, usual_measure_units
from forms.pages import page, see_other
from forms.session import database_of, now_of, signed_in
from forms.words import _, language_of, say
from statemachines.campaign import accepts_findings
from statemachines.refusals import Refusal
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]

FIELDS = ("action", "item", "quantity", "measure_unit", "unit", "date", "counts_as", "topic")
NAMES = {
    "action": _("动作"),
    "item": _("对象"),
    "quantity": _("数量"),
    "measure_unit": _("计量单位"),
    "unit": _("单位"),
    "date": _("完成日期"),
    "counts_as": _("怎样计数"),
    "topic": _("归入总结的标题"),
}


def _quantities_page(
    request: Request, code: str, form: Form, *, actor: Actor, cursor: str | None = None, status: int = 200
) -> Response:
    lang = language_of(request)
    with database_of(request).reading() as session:
        campaign = campaign_by_code(session, code, actor=actor)
        units = [
            unit
            for unit in units_to_report(session, [campaign], actor)
            if accepts_findings(campaign.state) and may(actor, Deed.RECORD_QUANTITIES, at=unit.path)
        ]
        return page(
            request,
            "quantities.html",
            status=status,
            form=form,
            names={name: say(lang, words) for name, words in NAMES.items()},
            campaign=campaign,
            units=units,
            found=list_quantities(session, campaign, actor=actor, limit=50, cursor=cursor),
            cursor=cursor,
            actions=ACTIONS,
            counts=tuple(CountsAs),
            measure_units=usual_measure_units(session, actor),
        )


@router.get("/campaigns/{code}/quantities")
def quantities(request: Request, actor: Who, code: str, cursor: str | None = None) -> Response:
    """The records of a campaign, and the line to add one."""
    form = Form({name: text for name in ("unit", "date") if (text := request.query_params.get(name))})
    return _quantities_page(request, code, form, actor=actor, cursor=cursor)


@router.post("/campaigns/{code}/quantities")
def record(request: Request, actor: Who, code: str, sent: SentForm) -> Response:
    """Record one quantity; the next one is likely of the same unit."""
    try:
        new = sent.read(NewQuantity, *FIELDS, approximate=bool(sent.text("approximate")))
        with database_of(request).transaction() as session:
            campaign = campaign_by_code(session, code, actor=actor)
            record_quantity(session, campaign, new, actor=actor, now=now_of(request))
    except (ValidationError, Refusal) as error:
        form = sent.form(problems_of(error, language_of(request)))
        return _quantities_page(request, code, form, actor=actor, status=status_of(error))
    return see_other(f"/campaigns/{code}/quantities?unit={new.unit}", done="quantity")
