"""The working calendar: a year's special days, a day set otherwise, a notice imported after a look at what it moves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import UploadFile

from domain.calendar_import import NewCalendar, preview, put_calendar, read_days
from domain.calendars import editions, missing_year, special_days
from domain.errors import BadInput
from domain.people import unit_by_code, units_in_sight
from domain.records import Calendar, CalendarDay, Unit
from domain.rights import Deed, may
from forms.errors import PageRoute
from forms.fields import Form, Sent, SentForm, problems_of, status_of
from forms.pages import page, see_other
from forms.session import database_of, now_of, signed_in
from forms.words import _, language_of, say
from statemachines.labels import local_day
from statemachines.refusals import Refusal
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]

NAMES: Mapping[str, str] = {
    "unit": _("单位"),
    "year": _("年份"),
    "name": _("名称"),
    "file": _("文件"),
    "day": _("日期"),
    "working": _("上班还是休息"),
}


def _year(request: Request, given: str) -> int:
    named = len(given) == 4 and given.isdecimal() and 2004 <= int(given) <= 2100
    return int(given) if named else local_day(now_of(request)).year


@router.get("/admin/calendars")
def year_page(request: Request, actor: Who, unit: str = "", year: str = "") -> Response:
    """The special days of a year for the nation or a unit, and every edition of its calendar."""
    return _year_page(request, Form(), actor=actor, unit_code=unit, year=_year(request, year))


def _year_page(
    request: Request, form: Form, *, actor: Actor, unit_code: str, year: int, status: int = 200
) -> Response:
    lang = language_of(request)
    with database_of(request).reading() as session:
        unit = unit_by_code(session, unit_code, actor=actor) if unit_code else None
        return page(
            request,
            "calendars.html",
            status=status,
            form=form,
            names={name: say(lang, words) for name, words in NAMES.items()},
            unit=unit,
            year=year,
            days=[(each, each.name(lang)) for each in special_days(session, unit, year)],
            editions=[each for each in editions(session, unit=unit) if each.year in (None, year)],
            units=units_in_sight(session, actor),
            may_change=may(actor, Deed.IMPORT_CALENDAR, at=unit.path if unit else "/"),
            missing=missing_year(session, now=now_of(request)),
        )


def _own_days(session: Session, unit: Unit | None, year: int) -> list[dict[str, Any]]:
    """The days of the edition in force, to which another is added."""
    rows = session.execute(
        select(CalendarDay.day, CalendarDay.working, CalendarDay.name)
        .join(Calendar, Calendar.id == CalendarDay.calendar_id)
        .where(
            Calendar.unit_id == unit.id if unit else Calendar.unit_id.is_(None),
            Calendar.year == year,
            Calendar.superseded_at.is_(None),
        )
    )
    return [{"day": day, "working": working, "name": name} for day, working, name in rows]


def _one_day(session: Session, sent: Sent, unit: Unit | None) -> tuple[int, list[dict[str, Any]]]:
    """The year and its days once the day of the form is set."""
    told = sent.text("day")
    try:
        day = date.fromisoformat(told)
    except ValueError:
        raise BadInput("/day", "date", zh="请选择日期。", en="Choose a day.") from None
    kept = [each for each in _own_days(session, unit, day.year) if each["day"] != day]
    working = sent.text("working")
    if working in ("yes", "no"):
        kept.append({"day": day, "working": working == "yes", "name": sent.text("day_name")})
    return day.year, kept


def _from_file(sent: Sent) -> list[dict[str, Any]]:
    file = sent.data.get("file")
    data = file.file.read() if isinstance(file, UploadFile) else b""
    if not data:
        raise BadInput("/file", "missing", zh="请先选择文件。", en="Choose the file first.")
    return [each.model_dump() for each in read_days(data)]


@router.post("/admin/calendars/preview")
def look(request: Request, actor: Who, sent: SentForm) -> Response:
    """Which open deadlines a new edition would move, before it is put in force."""
    code, year = sent.text("unit"), _year(request, sent.text("year"))
    try:
        with database_of(request).transaction() as session:
            unit = unit_by_code(session, code, actor=actor) if code else None
            if sent.text("day") or not sent.data.get("file"):
                year, days = _one_day(session, sent, unit)
                name = sent.text("name") or (unit.name if unit else say("zh", _("放假安排")))
            else:
                days, name = _from_file(sent), sent.text("name")
            new = NewCalendar.model_validate(
                {
                    "name": name,
                    "unit": code or None,
                    "year": year,
                    "days": days,
                    "source": sent.text("source"),
                }
            )
            moves = preview(session, new, actor=actor, now=now_of(request))
            return page(
                request,
                "calendar_preview.html",
                new=new,
                unit=unit,
                moves=moves,
                body=json.dumps(new.model_dump(mode="json"), ensure_ascii=False),
            )
    except (ValidationError, Refusal) as error:
        form = sent.form(problems_of(error, language_of(request)))
        return _year_page(request, form, actor=actor, unit_code=code, year=year, status=status_of(error))


@router.post("/admin/calendars")
def put(request: Request, actor: Who, sent: SentForm) -> Response:
    """Put the edition that was looked at in force, and move the deadlines it moves."""
    try:
        new = NewCalendar.model_validate_json(sent.text("body") or "{}")
        with database_of(request).transaction() as session:
            put_calendar(session, new, actor=actor, now=now_of(request))
    except (ValidationError, Refusal) as error:
        form = sent.form(problems_of(error, language_of(request)))
        return _year_page(
            request, form, actor=actor, unit_code="", year=_year(request, ""), status=status_of(error)
        )
    return see_other(f"/admin/calendars?unit={new.unit or ''}&year={new.year}", done="calendar_put")
