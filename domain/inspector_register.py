"""The inspectors' register: who is appointed, by which paper, until when, and what they were taught (rules 3.2)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from domain.errors import BadInput, wrong
from domain.history import record
from domain.people_changes import person_in_sight
from domain.phases import Day
from domain.records import Appointment, InspectorKind, Person, RoleGrant, Training, Unit
from domain.rights import Deed, must_be_allowed
from domain.visibility import units_visible_to
from statemachines.labels import Labelled, local_day
from statemachines.roles import Actor, Role

SOON = timedelta(days=30)
"""From so long before its end an appointment is shown as running out."""


class Standing(Labelled):
    """Whether an appointment is in force."""

    IN_FORCE = "in_force", "在聘", "Appointed"
    RUNNING_OUT = "running_out", "聘期将满", "Runs out soon"
    RUN_OUT = "run_out", "聘期已满", "Run out"
    NONE = "none", "未聘任", "Not appointed"


class NewAppointment(BaseModel):
    """聘任: its paper, and from when until when; without `ends_on` until further notice."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    person: Annotated[str, Field(min_length=1, max_length=64)]
    kind: InspectorKind
    certificate: Annotated[str, Field(max_length=60)] = ""
    document: Annotated[str, Field(min_length=1, max_length=100)]
    starts_on: Day
    ends_on: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise wrong(
                "ends-before-start",
                zh="聘期的终止日期不能早于起始日期。",
                en="The appointment ends before it begins.",
            )
        return self


class NewTraining(BaseModel):
    """培训: day, subject, hours, and the score of the examination if there was one."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    person: Annotated[str, Field(min_length=1, max_length=64)]
    held_on: Day
    subject: Annotated[str, Field(min_length=1, max_length=100)]
    hours: Annotated[Decimal, Field(gt=0, le=999, max_digits=4, decimal_places=1, allow_inf_nan=False)]
    score: Annotated[Decimal, Field(ge=0, le=100, max_digits=4, decimal_places=1)] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the register: somebody who holds the role or is appointed, whether or not both."""

    person: Person
    appointment: Appointment | None
    standing: Standing
    holds_role: bool
    trainings: tuple[Training, ...]

    @property
    def hours(self) -> Decimal:
        """Hours of training in all."""
        return sum((each.hours for each in self.trainings), Decimal(0))


def standing_of(appointment: Appointment | None, *, on: date) -> Standing:
    """Whether an appointment is in force on a day."""
    if appointment is None or appointment.ended_at is not None or appointment.starts_on > on:
        return Standing.NONE
    if appointment.ends_on is None or appointment.ends_on >= on + SOON:
        return Standing.IN_FORCE
    return Standing.RUNNING_OUT if appointment.ends_on >= on else Standing.RUN_OUT


def register(session: Session, *, actor: Actor, now: datetime, unit: str | None = None) -> list[Entry]:
    """Every inspector of units in sight: who holds the role and who is appointed, by unit and login."""
    inspectors = select(RoleGrant.person_id).where(RoleGrant.role == Role.INSPECTOR)
    appointed = select(Appointment.person_id).where(Appointment.ended_at.is_(None))
    query = (
        select(Person)
        .join(Unit, Unit.id == Person.unit_id)
        .where(Person.active, units_visible_to(actor), Person.id.in_(inspectors.union(appointed)))
        .options(joinedload(Person.unit))
        .order_by(Unit.path, Person.login)
    )
    if unit is not None:
        top = select(Unit.path).where(Unit.code == unit).scalar_subquery()
        query = query.where(func.starts_with(Unit.path, top))
    people = list(session.scalars(query))
    keys = [person.id for person in people]
    papers = {each.person_id: each for each in _current(session, keys)}
    taught: defaultdict[UUID, list[Training]] = defaultdict(list)
    for each in session.scalars(
        select(Training).where(Training.person_id.in_(keys)).order_by(Training.held_on.desc())
    ):
        taught[each.person_id].append(each)
    holding = set(session.scalars(inspectors.where(RoleGrant.person_id.in_(keys))))
    today = local_day(now)
    return [
        Entry(
            person,
            papers.get(person.id),
            standing_of(papers.get(person.id), on=today),
            person.id in holding,
            tuple(taught[person.id]),
        )
        for person in people
    ]


def _current(session: Session, keys: list[UUID]) -> list[Appointment]:
    query = select(Appointment).where(Appointment.person_id.in_(keys), Appointment.ended_at.is_(None))
    return list(session.scalars(query))


def appoint(session: Session, told: NewAppointment, *, actor: Actor, now: datetime) -> Appointment:
    """聘任 somebody in sight; an appointment still in force ends with it. Raises NotFound, RoleMissing."""
    person = person_in_sight(session, told.person, actor=actor, lock=True)
    must_be_allowed(actor, Deed.REGISTER_INSPECTOR, at=person.unit.path)
    assert actor.id is not None  # people alone hold the role
    for earlier in _current(session, [person.id]):
        earlier.ended_at = now
    session.flush()
    appointment = Appointment(
        person=person, recorded_by_id=actor.id, recorded_at=now, **told.model_dump(exclude={"person"})
    )
    session.add(appointment)
    session.flush()
    record(session, person, "appointed", actor=actor, now=now, **told.model_dump(exclude={"person"}))
    return appointment


def dismiss(session: Session, login: str, *, actor: Actor, now: datetime) -> None:
    """解聘: the appointment in force ends today. Raises NotFound, BadInput when there is none, RoleMissing."""
    person = person_in_sight(session, login, actor=actor, lock=True)
    must_be_allowed(actor, Deed.REGISTER_INSPECTOR, at=person.unit.path)
    current = _current(session, [person.id])
    if not current:
        raise BadInput(
            "/person",
            "not-appointed",
            zh=f"“{person.name}”没有在聘。",
            en=f"“{person.name}” has no appointment in force.",
        )
    for each in current:
        each.ended_at = now
        record(session, person, "dismissed", actor=actor, now=now, document=each.document)
    session.flush()


def record_training(session: Session, told: NewTraining, *, actor: Actor, now: datetime) -> Training:
    """登记培训. Raises NotFound, BadInput for a day ahead, RoleMissing."""
    person = person_in_sight(session, told.person, actor=actor)
    must_be_allowed(actor, Deed.REGISTER_INSPECTOR, at=person.unit.path)
    if told.held_on > local_day(now):
        raise BadInput(
            "/held_on",
            "in-future",
            zh="培训日期不能晚于今天。",
            en="The training is recorded after it was held.",
        )
    assert actor.id is not None
    training = Training(
        person_id=person.id, recorded_by_id=actor.id, recorded_at=now, **told.model_dump(exclude={"person"})
    )
    session.add(training)
    session.flush()
    record(session, person, "trained", actor=actor, now=now, **told.model_dump(exclude={"person"}))
    return training
