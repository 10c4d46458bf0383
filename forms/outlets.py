"""Ways out beside e-mail, as those who look after them see them: how they do, a test, off and on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from sqlalchemy.orm import Session

from domain import outlets
from domain.delivery import send_test
from domain.errors import NotFound
from domain.outlets import Health, health, masked, outlet_by_id
from domain.records import DeliveryAttempt, Outlet
from domain.rights import RIGHTS, Deed
from forms.errors import PageRoute
from forms.fields import SentForm
from forms.pages import page, see_other
from forms.session import database_of, now_of, settings_of, signed_in
from statemachines.refusals import RoleMissing
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]
Key = Annotated[UUID, Path(alias="id")]


@dataclass(frozen=True, slots=True)
class Line:
    """An outlet as the list shows it; its address is masked."""

    outlet: Outlet
    address: str
    health: Health
    last: DeliveryAttempt | None


@router.get("/outlets")
def list_page(request: Request, actor: Who) -> Response:
    """Every way out of one's units, with the answer to its latest message. Raises RoleMissing."""
    if not actor.roles & set(RIGHTS[Deed.MANAGE_OUTLET]):
        raise RoleMissing(roles=RIGHTS[Deed.MANAGE_OUTLET], event=Deed.MANAGE_OUTLET)
    with database_of(request).reading() as session:
        found = outlets.list_outlets(session, actor=actor)
        last = outlets.last_attempts(session, found)
        lines = [Line(each, masked(each.url), health(each), last.get(each.id)) for each in found]
        return page(request, "outlets.html", lines=lines)


Switch = Callable[[Session, Outlet, Actor, datetime], object]

SWITCHES: Mapping[str, Switch] = {
    "on": lambda session, outlet, actor, now: outlets.switch_on(session, outlet, actor=actor, now=now),
    "off": lambda session, outlet, actor, now: outlets.switch_off(session, outlet, actor=actor, now=now),
}


@router.post("/outlets/{id}/{event}")
def press(request: Request, actor: Who, key: Key, event: str, sent: SentForm) -> Response:
    """Test it, or switch it off or on; back to the list either way."""
    database, now = database_of(request), now_of(request)
    if event == "test":
        tried = send_test(database, settings_of(request), key, actor=actor, now=now)
        return see_other("/outlets", done="outlet_taken" if tried.taken else "outlet_not_taken")
    switch = SWITCHES.get(event)
    if switch is None:
        raise NotFound(what=event)
    with database.transaction() as session:
        switch(session, outlet_by_id(session, key, actor=actor, lock=True), actor, now)
    return see_other("/outlets", done=f"outlet_{event}")
