"""What whoever fixes sends from a phone: acknowledged, progress, fixed, more time asked for; each once."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from domain.answered import Answer, answer_once, fingerprint
from domain.errors import NotFound
from domain.phone import receipt_of
from domain.remediation import Fix
from domain.tickets import ticket_by_number
from forms.field_items import Sent
from forms.json_answers import JsonRoute, answer_json
from forms.session import database_of, now_of, signed_in
from forms.ticket_actions import ACTIONS
from statemachines.roles import Actor

router = APIRouter(route_class=JsonRoute)

Who = Annotated[Actor, Depends(signed_in)]

KEPT = frozenset({"acknowledge", "progress", "fix", "request"})
"""What a phone keeps until there is a signal; whatever else is done to a ticket is done with one."""


@router.post("/field/tickets/{number}/{action}")
def act(request: Request, actor: Who, number: str, action: str, sent: Sent) -> Response:
    """One act on a ticket; sent again it is answered as the first time. The bytes of its photos follow."""
    if action not in KEPT:
        raise NotFound(what=action)
    wanted, item, now = ACTIONS[action], sent.envelope, now_of(request)
    told = sent.read(wanted.model)
    seal = fingerprint(f"{number}/{action}", json.dumps(item.body).encode())
    with database_of(request).transaction() as session:

        def work() -> Answer:
            ticket = ticket_by_number(session, number, actor=actor, lock=True)
            if isinstance(told, Fix) and told.fixed_at is None:
                # Made when it was saved on the phone, whose clock may be a little off.
                told.fixed_at = max(ticket.found_at, min(item.made_at, now))
            wanted.command(session, ticket, told, actor=actor, now=now)
            href = f"/tickets/{ticket.number}"
            return Answer(201, {"number": ticket.number, "href": href, "receipt": receipt_of(item.id)})

        answer = answer_once(session, f"field/{item.id}", seal, work, actor=actor, now=now)
    return answer_json(answer.body, 200 if answer.replayed else answer.status)
