"""交接: a visit under way goes on in a colleague's hands; what was answered stays the word of who answered it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from domain import inspection_notices
from domain.chases import follow
from domain.history import history_of, record
from domain.inspections import INSPECTING, inspector_by_login
from domain.records import Inspection, Person, RoleGrant, Unit
from statemachines.chart import move
from statemachines.inspection import InspectionEvent
from statemachines.roles import Actor


class HandOver(BaseModel):
    """To whom (login), and why if there is something to say."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    to: Annotated[str, Field(min_length=1, max_length=64)]
    reason: Annotated[str, Field(max_length=500)] = ""


@dataclass(frozen=True, slots=True)
class HandedOver:
    """One hand-over that was made, names as they were then."""

    at: datetime
    by: str
    before: str | None
    after: str
    reason: str


def hand_over(
    session: Session, inspection: Inspection, told: HandOver, *, actor: Actor, now: datetime
) -> Inspection:
    """Give the visit to another inspector, who is told. Its inspector must be loaded.

    Raises BadInput for somebody who does not inspect there, SameInspector, WrongState, RoleMissing.
    """
    person = inspector_by_login(session, told.to, unit=inspection.unit, pointer="/to")
    before = inspection.inspector
    move(inspection, InspectionEvent.HAND_OVER, actor=actor, now=now, inspector=person.id)
    inspection.inspector = person
    follow(session, inspection, now=now)
    record(
        session,
        inspection,
        "hand_over",
        actor=actor,
        now=now,
        before=inspection.state,
        after=inspection.state,
        previous=before.name if before else None,
        inspector=person.name,
        answered=len(inspection.answers),
        reason=told.reason or None,
    )
    session.flush()
    inspection_notices.handed_over(session, inspection, person, by=actor, reason=told.reason, now=now)
    return inspection


def hand_overs_of(session: Session, inspection: Inspection) -> list[HandedOver]:
    """Every hand-over of the visit, oldest first."""
    return [
        HandedOver(
            at=row.at,
            by=row.actor_name,
            before=row.facts.get("previous"),
            after=str(row.facts.get("inspector")),
            reason=str(row.facts.get("reason") or ""),
        )
        for row in history_of(session, inspection)
        if row.event == "hand_over"
    ]


def who_may_take_over(session: Session, inspection: Inspection) -> list[Person]:
    """Everybody who inspects the visited unit, but for the present inspector, by name."""
    inspectors = (
        select(RoleGrant.person_id)
        .join(Unit, Unit.id == RoleGrant.unit_id)
        .where(RoleGrant.role.in_(INSPECTING), func.starts_with(inspection.unit.path, Unit.path))
    )
    query = select(Person).where(Person.active, Person.id.in_(inspectors)).options(joinedload(Person.unit))
    if inspection.inspector_id is not None:
        query = query.where(Person.id != inspection.inspector_id)
    return list(session.scalars(query.order_by(Person.name, Person.login)))
