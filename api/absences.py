"""Absences (离岗) and who stands in (代理)."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.deps import Call, Creates, Reads, written
from api.documented import CREATE, LIST, READ
from api.paging import Paged
from api.shapes import Moment
from domain.absences import (
    AbsenceFilter,
    NewAbsence,
    Standing,
    absence_by_id,
    end_absence,
    list_absences,
    record_absence,
    standing,
)
from domain.answered import Answer
from domain.records import Absence
from statemachines.labels import local_day

router = APIRouter(tags=["absences"])

Key = Annotated[UUID, Path(alias="id")]


class AbsenceShape(BaseModel):
    """Days somebody is away, the first and last included. `standing` is how it is today."""

    id: UUID
    person: str
    unit: str
    substitute: str
    starts_on: date
    ends_on: date
    reason: str
    standing: Standing
    recorded_at: Moment
    ended_at: Moment | None


class AbsencePage(BaseModel):
    """One page of absences, those recorded last first."""

    items: list[AbsenceShape]
    next: str | None


class AbsenceQuery(AbsenceFilter, Paged):
    """Which absences, and which page of them."""


_SAME = tuple(name for name in AbsenceShape.model_fields if name in Absence.__table__.columns)


def _shape(absence: Absence, call: Call) -> AbsenceShape:
    return AbsenceShape(
        **{name: getattr(absence, name) for name in _SAME},
        person=absence.person.login,
        unit=absence.person.unit.code,
        substitute=absence.substitute.login,
        standing=standing(absence, on=local_day(call.now)),
    )


@router.post(
    "/absences",
    operation_id="recordAbsence",
    status_code=201,
    response_model=AbsenceShape,
    responses=CREATE,
)
def record(new: NewAbsence, call: Creates) -> Response:
    """Record days away and who stands in; for another person a supervisor or administrator of their unit does it."""

    def work(session: Session) -> Answer:
        absence = record_absence(session, new, actor=call.actor, now=call.now)
        return written(_shape(absence, call), status=201, location=f"/api/v1/absences/{absence.id}")

    return call.once(work)


@router.get("/absences", operation_id="listAbsences", response_model=AbsencePage, responses=LIST)
def list_all(call: Reads, wanted: Annotated[AbsenceQuery, Query()]) -> Response:
    """One's own absences, those one stands in for, and those of people one watches over."""
    with call.reading() as session:
        page = list_absences(
            session, wanted, actor=call.actor, now=call.now, limit=wanted.limit, cursor=wanted.cursor
        )
        items = [_shape(each, call) for each in page.items]
    return call.answer(AbsencePage(items=items, next=page.next))


@router.get("/absences/{id}", operation_id="readAbsence", response_model=AbsenceShape, responses=READ)
def read(key: Key, call: Reads) -> Response:
    """One absence."""
    with call.reading() as session:
        shape = _shape(absence_by_id(session, key, actor=call.actor), call)
    return call.answer(shape)


@router.post("/absences/{id}/end", operation_id="endAbsence", response_model=AbsenceShape, responses=CREATE)
def end(key: Key, call: Creates) -> Response:
    """The person is back, or does not go: from now on they are told themselves. Needs no body."""

    def work(session: Session) -> Answer:
        absence = absence_by_id(session, key, actor=call.actor, lock=True)
        end_absence(session, absence, actor=call.actor, now=call.now)
        return written(_shape(absence, call))

    return call.once(work)
