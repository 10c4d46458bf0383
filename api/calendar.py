"""Calendars: which days are worked, why a period ends when it does, and what a new calendar would move."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.deps import Creates, Reads, database, written
from api.documented import CREATE, LIST, answers
from api.language import language_of
from api.shapes import Moment
from domain import calendar_import
from domain.answered import Answer
from domain.calendar_import import Move, NewCalendar
from domain.calendars import calendar_of, editions, period, special_days
from domain.people import unit_by_code
from domain.phases import Day
from domain.records import Unit
from domain.workdays import Workday
from statemachines.labels import Language
from statemachines.roles import Actor

router = APIRouter(tags=["calendar"])


class DayShape(BaseModel):
    """A day: whether people work, what it is called, and which calendar says so ("" for the nation's usual one)."""

    day: date
    working: bool
    name: str
    source: str
    provisional: bool


class ExplainShape(BaseModel):
    """Where a period ends, and why there. `provisional`: the notice of that year is not known yet."""

    start: date
    days: int
    workdays: bool
    end: date
    skipped: list[DayShape]
    provisional: bool


class EditionShape(BaseModel):
    """One calendar that was put in force; `superseded_at` is null while it is."""

    name: str
    year: int | None
    edition: int
    source: str
    cycle: list[bool] | None
    imported_at: Moment
    superseded_at: Moment | None


class CalendarShape(BaseModel):
    """The days of a year on which it is otherwise than the weekday says, and the calendars that say so."""

    unit: str | None
    year: int
    days: list[DayShape]
    editions: list[EditionShape]


class MoveShape(BaseModel):
    """A deadline a calendar moves."""

    number: str
    unit: str
    before: Moment
    after: Moment
    skipped: list[DayShape]


class ImportShape(BaseModel):
    """What a calendar moves, or would move; `edition` is null in a preview."""

    edition: int | None
    moves: list[MoveShape]


class ExplainQuery(BaseModel):
    """The day a period is counted from, how many days, and for whom; `workdays`: only working days count."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    start: Day = Field(alias="from")
    days: int = Field(ge=-3660, le=3660)
    unit: Annotated[str | None, Field(max_length=24)] = None
    workdays: bool = False


class CalendarQuery(BaseModel):
    """Whose year."""

    model_config = ConfigDict(extra="forbid")

    year: int = Field(ge=2004, le=2100)
    unit: Annotated[str | None, Field(max_length=24)] = None


def _unit(session: Session, code: str | None, actor: Actor) -> Unit | None:
    return unit_by_code(session, code, actor=actor) if code else None


def _day(day: Workday, language: Language) -> DayShape:
    return DayShape(
        day=day.day,
        working=day.working,
        name=day.name(language),
        source=day.source,
        provisional=day.provisional,
    )


@router.get("/calendar/explain", operation_id="explainPeriod", response_model=ExplainShape, responses=LIST)
def explain_period(call: Reads, asked: Annotated[ExplainQuery, Query()]) -> Response:
    """Where so many days from a day end for a unit, and which days were skipped and why."""
    language = language_of(call.request)
    with call.reading() as session:
        unit = _unit(session, asked.unit, call.actor)
        calendar = calendar_of(session, unit.path if unit else "/")
    found = period(calendar, asked.start, asked.days, workdays=asked.workdays)
    shape = ExplainShape(
        start=found.start,
        days=found.days,
        workdays=asked.workdays,
        end=found.end,
        skipped=[_day(each, language) for each in found.skipped],
        provisional=found.provisional,
    )
    return call.answer(shape)


@router.get("/calendar", operation_id="readCalendar", response_model=CalendarShape, responses=LIST)
def read_calendar(call: Reads, asked: Annotated[CalendarQuery, Query()]) -> Response:
    """The special days of a year for the nation or a unit, and every edition of that calendar."""
    language = language_of(call.request)
    with call.reading() as session:
        unit = _unit(session, asked.unit, call.actor)
        shape = CalendarShape(
            unit=unit.code if unit else None,
            year=asked.year,
            days=[_day(each, language) for each in special_days(session, unit, asked.year)],
            editions=[
                EditionShape(
                    name=each.name,
                    year=each.year,
                    edition=each.edition,
                    source=each.source,
                    cycle=each.cycle,
                    imported_at=each.imported_at,
                    superseded_at=each.superseded_at,
                )
                for each in editions(session, unit=unit)
                if each.year in (None, asked.year)
            ],
        )
    return call.answer(shape)


@router.post(
    "/calendar/preview",
    operation_id="previewCalendar",
    response_model=ImportShape,
    responses=answers(400, 403, 413),
)
def preview_calendar(new: NewCalendar, call: Reads) -> Response:
    """Which open deadlines this calendar would move; nothing is written."""
    # The trial needs a transaction that may write; what it wrote is rolled back before this returns.
    with database(call.request).transaction() as session:
        moves = calendar_import.preview(session, new, actor=call.actor, now=call.now)
    return call.answer(_imported(None, moves, language_of(call.request)))


@router.post(
    "/calendar/import",
    operation_id="importCalendar",
    response_model=ImportShape,
    status_code=201,
    responses=CREATE,
)
def import_calendar(new: NewCalendar, call: Creates) -> Response:
    """Put a calendar in force: a new edition; the open deadlines it moves are moved with history and notice."""

    def work(session: Session) -> Answer:
        calendar, moves = calendar_import.put_calendar(session, new, actor=call.actor, now=call.now)
        session.flush()
        return written(_imported(calendar.edition, moves, language_of(call.request)), status=201)

    return call.once(work)


def _imported(edition: int | None, moves: list[Move], language: Language) -> ImportShape:
    return ImportShape(edition=edition, moves=[_move(each, language) for each in moves])


def _move(move: Move, language: Language) -> MoveShape:
    skipped = [
        DayShape(day=each.day, working=False, name=each.why(language), source="", provisional=False)
        for each in move.due.explanation
    ]
    return MoveShape(
        number=move.number, unit=move.unit, before=move.before, after=move.due.at, skipped=skipped
    )
