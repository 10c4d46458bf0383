"""Reports from anybody (群众报告): sent from a sign's QR code without a login, held until a supervisor decides.

Any worker may report a hazard, by name or not (安全生产法 Art. 59, 74). The reporter gets a code and with it, without a
login, the outcome. An accepted report becomes a ticket with its words and photos; nothing is typed again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.sql.base import ExecutableOption

from domain import report_notices
from domain.chases import follow
from domain.errors import NotFound
from domain.file_store import FileStore
from domain.files import ListedFile, keep
from domain.history import record
from domain.paging import Key, Page, page_of
from domain.records import Place, Report, ReportFile, Ticket, Unit
from domain.visibility import reports_visible_to
from statemachines.chart import begin
from statemachines.refusals import Refusal
from statemachines.report import ReportState
from statemachines.roles import ANYBODY, Actor

PHOTOS_AT_MOST = 5

PHOTO_MAX_BYTES = 10 * 1024 * 1024
"""A phone's photo is below it; the installation's own limit may be lower."""

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: read aloud or copied by hand, no digit is taken for another."""
_CODE_LENGTH = 12
_MEANT = str.maketrans("OILoil", "011011")


class PlaceRetired(Refusal):
    """A sign that is no longer in use."""

    code, status = "place-out-of-use", 410
    title_zh, title_en = "检查点已停用", "The place is no longer in use"
    zh = "“{place}”的二维码已停用。发现隐患请当面或电话报告本单位安全员、值班人员。"
    en = "The code of “{place}” is no longer in use. Report the hazard in person or by telephone."


class NewReport(BaseModel):
    """What somebody reports. `key` is a random text the form was given: sending the form twice makes one report."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    key: str = Field(pattern=r"^[A-Za-z0-9_-]{22,64}$")
    text: str = Field(min_length=1, max_length=2000)
    location: str = Field(default="", max_length=200)
    reporter_name: str = Field(default="", max_length=40)
    reporter_phone: Annotated[str, Field(pattern=r"^[0-9+() -]*$", max_length=40)] = ""
    files: list[ListedFile] = Field(default_factory=list, max_length=PHOTOS_AT_MOST)

    def reply_code(self, place: Place) -> str:
        """The code the reporter keeps, 60 bits that follow from the form's key and everything said."""
        said = f"{place.code}|{self.model_dump_json()}"
        bits = int.from_bytes(hashlib.sha256(said.encode()).digest()[:8], "big") >> 4
        return _written("".join(_DIGITS[bits >> 5 * n & 31] for n in reversed(range(_CODE_LENGTH))))


def _written(digits: str) -> str:
    """In groups of four, as it stands on the slip."""
    return "-".join(digits[n : n + 4] for n in range(0, _CODE_LENGTH, 4))


def _plain(code: str) -> str:
    """The digits of a code, however it was typed."""
    return "".join(sign for sign in code.translate(_MEANT).upper() if sign in _DIGITS)


def _hash(code: str) -> bytes:
    """What is kept of a code."""
    return hashlib.sha256(_plain(code).encode()).digest()


@dataclass(frozen=True, slots=True)
class Reply:
    """The reporter's slip: the code they keep, and the report (the first one, when the form was sent twice)."""

    code: str
    report: Report


def submit_report(
    session: Session,
    store: FileStore,
    place: Place,
    new: NewReport,
    photos: Sequence[bytes],
    *,
    now: datetime,
) -> Reply:
    """Take a report from anybody; its photos arrive with it. Raises PlaceRetired, and what refuses a photo."""
    if place.retired_at is not None:
        raise PlaceRetired(place=place.name)
    code = new.reply_code(place)
    sealed = _hash(code)
    # The same form sent twice at the same moment: the second waits here and meets the first's report.
    session.execute(select(func.pg_advisory_xact_lock(int.from_bytes(sealed[:8], "big", signed=True))))
    known = session.scalars(select(Report).where(Report.reply_hash == sealed)).one_or_none()
    if known is not None:
        return Reply(code, known)
    report = Report(
        place=place,
        unit=place.unit,
        text=new.text,
        location=new.location,
        reporter_name=new.reporter_name,
        reporter_phone=new.reporter_phone,
        received_at=now,
        reply_hash=sealed,
        decided_by=None,
        ticket=None,
    )
    begin(report)
    session.add(report)
    session.flush()
    for sha256, listed in {
        keep(session, store, data, now=now): file for data, file in zip(photos, new.files, strict=True)
    }.items():
        session.add(ReportFile(report_id=report.id, sha256=sha256, name=listed.name, size=listed.size))
    follow(session, report, now=now, new=True)
    record(
        session,
        report,
        "received",
        actor=ANYBODY,
        now=now,
        after=report.state,
        place=place.code,
        files=len(photos),
    )
    report_notices.received(session, report, now=now)
    return Reply(code, report)


def report_by_id(session: Session, key: UUID, *, actor: Actor, lock: bool = False) -> Report:
    """A report about a unit the actor watches over, with everything named in it. Raises NotFound."""
    query = select(Report).where(Report.id == key, reports_visible_to(actor)).options(*_whole())
    if lock:
        query = query.with_for_update(of=Report).execution_options(populate_existing=True)
    report = session.scalars(query).one_or_none()
    if report is None:
        raise NotFound(what=str(key))
    return report


def _whole() -> tuple[ExecutableOption, ...]:
    return (
        joinedload(Report.place),
        joinedload(Report.unit),
        joinedload(Report.decided_by),
        joinedload(Report.ticket).joinedload(Ticket.unit),
    )


def list_reports(
    session: Session,
    *,
    actor: Actor,
    state: ReportState | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Report]:
    """One page of reports the actor may read, newest first. Raises BadInput for a wrong cursor."""
    query = select(Report).where(reports_visible_to(actor)).options(*_whole())
    if state is not None:
        query = query.where(Report.state == state)
    return page_of(session, query, Key(Report.id, UUID), limit=limit, cursor=cursor, newest_first=True)


def waiting_reports(session: Session, *, actor: Actor) -> int:
    """How many reports the actor may read await a decision."""
    waiting = select(func.count()).where(Report.state == ReportState.RECEIVED, reports_visible_to(actor))
    return session.scalar(waiting) or 0


def photos_of(session: Session, report: Report) -> list[ReportFile]:
    """The report's photos, in the order they were chosen."""
    query = select(ReportFile).where(ReportFile.report_id == report.id).order_by(ReportFile.id)
    return list(session.scalars(query))


def report_of(session: Session, ticket: Ticket, *, actor: Actor) -> list[Report]:
    """The reports a ticket came from or took in, as far as the actor may read them, oldest first."""
    query = select(Report).where(Report.ticket_id == ticket.id, reports_visible_to(actor))
    return list(session.scalars(query.options(*_whole()).order_by(Report.id)))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reply code tells: nothing about people, neither the reporter nor whoever works on it."""

    code: str
    """As it is written on the slip, however it was typed."""
    state: ReportState
    received_at: datetime
    decided_at: datetime | None
    place: str
    unit: str
    reason: str | None
    ticket: Ticket | None


def outcome_of(session: Session, code: str) -> Outcome:
    """What became of the report with this code. Raises NotFound, whatever is wrong with the code."""
    query = (
        select(Report, Place.name, Unit.name)
        .join(Place, Place.id == Report.place_id)
        .join(Unit, Unit.id == Report.unit_id)
        .where(Report.reply_hash == _hash(code))
        .options(joinedload(Report.ticket))
    )
    found = session.execute(query).one_or_none()
    if found is None:
        raise NotFound(what=code[:20])
    report: Report = found[0]
    return Outcome(
        code=_written(_plain(code)),
        state=report.state,
        received_at=report.received_at,
        decided_at=report.decided_at,
        place=found[1],
        unit=found[2],
        reason=report.reason,
        ticket=report.ticket,
    )
