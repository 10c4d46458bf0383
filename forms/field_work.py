"""What whoever fixes sends from a phone: acknowledged, progress, fixed, more time asked for."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from domain.phone import receipt_of
from domain.phone_acts import PhoneAct, take_act
from forms.field_items import Sent
from forms.json_answers import JsonRoute, answer_json
from forms.session import database_of, now_of, signed_in
from statemachines.roles import Actor

router = APIRouter(route_class=JsonRoute)

Who = Annotated[Actor, Depends(signed_in)]


@router.post("/field/acts")
def act(request: Request, actor: Who, sent: Sent) -> Response:
    """One act on a ticket, its kind that of the item; sent again it is the same. The bytes of its photos follow."""
    told, item = sent.read(PhoneAct), sent.envelope
    with database_of(request).transaction() as session:
        ticket, created = take_act(
            session, item.id, item.kind, told, made_at=item.made_at, actor=actor, now=now_of(request)
        )
        number = ticket.number
    answer = {"number": number, "href": f"/tickets/{number}", "receipt": receipt_of(item.id)}
    return answer_json(answer, 201 if created else 200)
