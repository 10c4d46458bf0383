"""Ways out beside e-mail: group robots and webhooks. Addresses are shown masked, secrets never but when made here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.deps import Calls, Creates, Reads, settings, written
from api.deps import database as database_of
from api.documented import CREATE, LIST, READ
from api.shapes import Moment
from domain import outlets
from domain.answered import Answer
from domain.delivery import Tried, send_test
from domain.outlets import Health, NewOutlet, NewSecret, OutletChange, health, masked, outlet_by_id
from domain.records import DeliveryAttempt, Outlet, OutletKind

router = APIRouter(tags=["outlets"])

Key = Annotated[UUID, Path(alias="id")]


class LastTry(BaseModel):
    """What came of the latest message."""

    at: Moment
    outcome: str
    answer: str


class OutletShape(BaseModel):
    """A way out. `url` shows the host and the end of the address; `secrets` counts those in use."""

    id: UUID
    kind: OutletKind
    name: str
    unit: str
    owner: str
    url: str
    secrets: int
    keyword: str
    private_allowed: bool
    health: Health
    created_at: Moment
    failing_since: Moment | None
    blocked_until: Moment | None
    switched_off_at: Moment | None
    switched_off_why: str | None
    last: LastTry | None


class OutletMade(OutletShape):
    """As it stands now; `secret` is the one made for a webhook, shown this once."""

    secret: str | None


class OutletList(BaseModel):
    """Every way out of your units."""

    items: list[OutletShape]


_SAME = tuple(
    name
    for name in OutletShape.model_fields
    if name in Outlet.__table__.columns and name not in {"url", "secrets"}
)


def _facts(outlet: Outlet, last: DeliveryAttempt | None) -> dict[str, object]:
    return {
        **{name: getattr(outlet, name) for name in _SAME},
        "unit": outlet.unit.code,
        "owner": outlet.owner.login,
        "url": masked(outlet.url),
        "secrets": len(outlet.secrets),
        "health": health(outlet),
        "last": LastTry(at=last.at, outcome=last.outcome, answer=last.answer) if last else None,
    }


def _shape(session: Session, outlet: Outlet) -> OutletShape:
    last = outlets.last_attempts(session, [outlet]).get(outlet.id)
    return OutletShape.model_validate(_facts(outlet, last))


def _made(session: Session, outlet: Outlet, secret: str | None) -> OutletMade:
    last = outlets.last_attempts(session, [outlet]).get(outlet.id)
    return OutletMade.model_validate({**_facts(outlet, last), "secret": secret})


@router.post(
    "/outlets", operation_id="addOutlet", status_code=201, response_model=OutletMade, responses=CREATE
)
def add(new: NewOutlet, call: Creates) -> Response:
    """Add a group robot or a webhook for a unit and all below it, in use at once."""

    def work(session: Session) -> Answer:
        outlet, secret = outlets.add_outlet(session, new, actor=call.actor, now=call.now)
        return written(_made(session, outlet, secret), status=201, location=f"/api/v1/outlets/{outlet.id}")

    return call.once(work)


@router.get("/outlets", operation_id="listOutlets", response_model=OutletList, responses=LIST)
def list_all(call: Reads) -> Response:
    """Every way out of the units you look after, by unit and name."""
    with call.reading() as session:
        found = outlets.list_outlets(session, actor=call.actor)
        last = outlets.last_attempts(session, found)
        items = [OutletShape.model_validate(_facts(each, last.get(each.id))) for each in found]
    return call.answer(OutletList(items=items))


@router.get("/outlets/{id}", operation_id="readOutlet", response_model=OutletShape, responses=READ)
def read(key: Key, call: Reads) -> Response:
    """One way out."""
    with call.reading() as session:
        shape = _shape(session, outlet_by_id(session, key, actor=call.actor))
    return call.answer(shape)


def _change(key: UUID, call: Creates, command: Callable[[Session, Outlet], object]) -> Response:
    def work(session: Session) -> Answer:
        outlet = outlet_by_id(session, key, actor=call.actor, lock=True)
        command(session, outlet)
        session.flush()
        return written(_shape(session, outlet))

    return call.once(work)


@router.patch("/outlets/{id}", operation_id="changeOutlet", response_model=OutletShape, responses=CREATE)
def change(key: Key, told: OutletChange, call: Creates) -> Response:
    """Change its name, address, owner or keyword; what is left out stays."""
    return _change(
        key,
        call,
        lambda session, outlet: outlets.change_outlet(session, outlet, told, actor=call.actor, now=call.now),
    )


@router.post(
    "/outlets/{id}/rotate", operation_id="rotateOutletSecret", response_model=OutletMade, responses=CREATE
)
def rotate(key: Key, told: NewSecret, call: Creates) -> Response:
    """Sign with a new secret. A webhook signs with the one before too for 24 hours, so that the receiver can follow."""

    def work(session: Session) -> Answer:
        outlet = outlet_by_id(session, key, actor=call.actor, lock=True)
        secret = outlets.rotate_secret(session, outlet, told, actor=call.actor, now=call.now)
        session.flush()
        return written(_made(session, outlet, secret))

    return call.once(work)


@router.post(
    "/outlets/{id}/switch-on", operation_id="switchOutletOn", response_model=OutletShape, responses=CREATE
)
def switch_on(key: Key, call: Creates) -> Response:
    """Use it again; a webhook goes on where it stopped. Needs no body."""
    return _change(
        key, call, lambda session, outlet: outlets.switch_on(session, outlet, actor=call.actor, now=call.now)
    )


@router.post(
    "/outlets/{id}/switch-off", operation_id="switchOutletOff", response_model=OutletShape, responses=CREATE
)
def switch_off(key: Key, call: Creates) -> Response:
    """Use it no longer; people are told their own way. Needs no body."""
    return _change(
        key, call, lambda session, outlet: outlets.switch_off(session, outlet, actor=call.actor, now=call.now)
    )


class TriedShape(BaseModel):
    """What came of the test: whether it was taken, and the other side's own words."""

    taken: bool
    answer: str


@router.post("/outlets/{id}/test", operation_id="testOutlet", response_model=TriedShape, responses=CREATE)
def test(key: Key, call: Calls) -> Response:
    """Send a test message now and say what was answered. Every call sends one. Needs no body."""
    tried: Tried = send_test(
        database_of(call.request), settings(call.request), key, actor=call.actor, now=call.now
    )
    return Response(
        TriedShape(taken=tried.taken, answer=tried.answer).model_dump_json(), media_type="application/json"
    )
