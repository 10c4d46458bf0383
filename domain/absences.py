"""Who is away, and who stands in (代理): recorded, ended early, listed.

Whoever stands in is told in the absent person's place, so somebody must be reachable on every day: a substitute may be
away too if they have one of their own, but nobody may end up standing in for themselves.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.sql.base import ExecutableOption

from domain import outbox
from domain.errors import BadInput, NotFound, wrong
from domain.history import record
from domain.notices import local_time
from domain.paging import Key, Page, page_of
from domain.people import person_by_login, unit_by_code
from domain.phases import Day
from domain.records import Absence, Person, RoleGrant, Unit
from domain.rights import Deed, may, must_be_allowed
from domain.visibility import absences_visible_to
from statemachines.labels import Labelled, Language, local_day
from statemachines.roles import Actor

LONGEST = timedelta(days=366)

_ALL_ABSENCES = "absences"
"""What writers of absences wait for each other by: a circle of substitutes can go through any number of people."""


class Standing(Labelled):
    """How an absence stands on a day; computed, never stored."""

    AHEAD = "ahead", "未开始", "Ahead"
    NOW = "now", "离岗中", "Away"
    OVER = "over", "已结束", "Over"


class NewAbsence(BaseModel):
    """Days on which a person is away, the first and the last included. Without `person` it is one's own."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    substitute: str = Field(min_length=1, max_length=64)
    starts_on: Day
    ends_on: Day
    reason: str = Field(default="", max_length=500)
    person: str | None = Field(default=None, min_length=1, max_length=64)

    @model_validator(mode="after")
    def _sane_days(self) -> NewAbsence:
        if self.ends_on < self.starts_on:
            raise wrong(
                "ends-before-start",
                zh=f"结束日期{self.ends_on}早于开始日期{self.starts_on}。",
                en=f"The last day {self.ends_on} is before the first day {self.starts_on}.",
            )
        if self.ends_on - self.starts_on >= LONGEST:
            raise wrong(
                "absence-too-long",
                zh=f"一次离岗最长{LONGEST.days}天；更久的请由管理员改授角色。",
                en=f"One absence lasts at most {LONGEST.days} days; for longer let an administrator move the roles.",
            )
        return self


class AbsenceFilter(BaseModel):
    """What a list is narrowed to: `unit` means people of it and all below, `on` who is away that day."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    person: Annotated[str | None, Field(max_length=64)] = None
    unit: Annotated[str | None, Field(max_length=24)] = None
    on: Day | None = None
    over: bool | None = None


def standing(absence: Absence, *, on: date) -> Standing:
    """Whether it is ahead, now, or over on that day; an absence that was ended is over."""
    if absence.ended_at is not None or absence.ends_on < on:
        return Standing.OVER
    return Standing.AHEAD if absence.starts_on > on else Standing.NOW


def record_absence(session: Session, new: NewAbsence, *, actor: Actor, now: datetime) -> Absence:
    """Record days away, one's own or those of a person of one's units; the substitute is told.

    Raises BadInput (unknown person, the days are over, unfit substitute, overlap, circle), RoleMissing.
    """
    # Two absences written at once could each be right and close a circle together.
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(_ALL_ABSENCES, 0))))
    person = _person(session, new.person, actor)
    substitute = person_by_login(session, new.substitute, pointer="/substitute")
    if new.ends_on < local_day(now):
        raise BadInput(
            "/ends_on",
            "already-over",
            zh="这些日子已经过去，代理只能登记今天及以后的。",
            en="These days are over; an absence ends today or later.",
        )
    _must_be_fit(person, substitute)
    _must_not_overlap(session, person, new)
    _must_not_be_a_circle(session, person, substitute, new)
    absence = Absence(
        person=person,
        substitute=substitute,
        starts_on=new.starts_on,
        ends_on=new.ends_on,
        reason=new.reason,
        recorded_by_id=actor.id,
        recorded_at=now,
        ended_at=None,
    )
    session.add(absence)
    session.flush()
    record(
        session,
        person,
        "absence_recorded",
        actor=actor,
        now=now,
        substitute=substitute,
        starts_on=new.starts_on,
        ends_on=new.ends_on,
        reason=new.reason or None,
    )
    _tell(session, substitute, absence, "stands_in", now=now)
    if person.id != actor.id:
        _tell(session, person, absence, "recorded", now=now)
    return absence


def end_absence(session: Session, absence: Absence, *, actor: Actor, now: datetime) -> Absence:
    """The person is back, or does not go. The row must be locked. Raises BadInput when it is over, RoleMissing."""
    if absence.person_id != actor.id:
        must_be_allowed(actor, Deed.RECORD_ABSENCE, at=absence.person.unit.path)
    if standing(absence, on=local_day(now)) is Standing.OVER:
        raise BadInput(
            "",
            "already-over",
            zh="这次离岗已经结束，无须再办。",
            en="This absence is over already; there is nothing to end.",
        )
    absence.ended_at = now
    record(
        session,
        absence.person,
        "absence_ended",
        actor=actor,
        now=now,
        substitute=absence.substitute,
        starts_on=absence.starts_on,
        ends_on=absence.ends_on,
    )
    _tell(session, absence.substitute, absence, "ended", now=now)
    if absence.person_id != actor.id:
        _tell(session, absence.person, absence, "ended", now=now)
    return absence


def may_end(absence: Absence, *, actor: Actor, on: date) -> bool:
    """Whether the actor may end it on that day: it is not over, and is theirs or of a person of their units."""
    mine = absence.person_id == actor.id
    return standing(absence, on=on) is not Standing.OVER and (
        mine or may(actor, Deed.RECORD_ABSENCE, at=absence.person.unit.path)
    )


def absence_by_id(session: Session, key: UUID, *, actor: Actor, lock: bool = False) -> Absence:
    """The absence with this id, its people loaded. Raises NotFound when it is out of the actor's sight."""
    query = select(Absence).where(Absence.id == key, absences_visible_to(actor)).options(*_whole())
    if lock:
        query = query.with_for_update(of=Absence).execution_options(populate_existing=True)
    absence = session.scalars(query).one_or_none()
    if absence is None:
        raise NotFound(what=str(key))
    return absence


def _whole() -> tuple[ExecutableOption, ...]:
    return (
        joinedload(Absence.person).joinedload(Person.unit),
        joinedload(Absence.substitute).joinedload(Person.unit),
    )


def list_absences(
    session: Session,
    wanted: AbsenceFilter,
    *,
    actor: Actor,
    now: datetime,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Absence]:
    """One page of absences the actor may see, those recorded last first. Raises BadInput (cursor, unit)."""
    query = select(Absence).where(absences_visible_to(actor)).options(*_whole())
    if wanted.person:
        query = query.where(Absence.person_id.in_(select(Person.id).where(Person.login == wanted.person)))
    if wanted.unit:
        top = unit_by_code(session, wanted.unit, actor=actor)
        people = select(Person.id).join(Unit).where(Unit.path.startswith(top.path, autoescape=True))
        query = query.where(Absence.person_id.in_(people))
    if wanted.on is not None:
        query = query.where(
            Absence.ended_at.is_(None), Absence.starts_on <= wanted.on, Absence.ends_on >= wanted.on
        )
    if wanted.over is not None:
        ahead = Absence.ended_at.is_(None) & (Absence.ends_on >= local_day(now))
        query = query.where(~ahead if wanted.over else ahead)
    return page_of(session, query, Key(Absence.id, UUID), limit=limit, cursor=cursor, newest_first=True)


def possible_substitutes(session: Session, person: Person) -> list[Person]:
    """Who can stand in for this person: active people with a role in their unit or above it, nearest first."""
    query = (
        select(Person)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .join(Unit, Unit.id == RoleGrant.unit_id)
        .where(Person.active, Person.id != person.id, func.starts_with(person.unit.path, Unit.path))
        .order_by(func.length(Unit.path).desc(), Person.login)
        .options(joinedload(Person.unit))
    )
    return list(dict.fromkeys(session.scalars(query)))


def _person(session: Session, login: str | None, actor: Actor) -> Person:
    if login is None or login == actor.login:
        return person_by_login(session, actor.login, pointer="/person")
    person = person_by_login(session, login, pointer="/person")
    must_be_allowed(actor, Deed.RECORD_ABSENCE, at=person.unit.path)
    return person


def _must_be_fit(person: Person, substitute: Person) -> None:
    if substitute.id == person.id:
        raise BadInput(
            "/substitute",
            "own-substitute",
            zh="代理人须是另一个人。",
            en="Somebody else must stand in.",
        )
    if not any(person.unit.path.startswith(grant.unit.path) for grant in substitute.grants):
        raise BadInput(
            "/substitute",
            "unfit-substitute",
            zh=f"“{substitute.name}”在“{person.unit.name}”及其上级单位没有角色，请另选代理人，或由管理员授予角色。",
            en=f"“{substitute.name}” holds no role at “{person.unit.name}” or above it; choose somebody who does, or"
            " let an administrator grant one.",
        )


def _must_not_overlap(session: Session, person: Person, new: NewAbsence) -> None:
    other = next(iter(_away(session, person.id, new.starts_on, new.ends_on)), None)
    if other is not None:
        raise BadInput(
            "/starts_on",
            "overlapping",
            zh=f"“{person.name}”{other.starts_on}至{other.ends_on}已登记离岗，请先提前结束那一次，或另选日期。",
            en=f"“{person.name}” is already recorded as away from {other.starts_on} to {other.ends_on};"
            " end that absence first, or choose other days.",
        )


def _away(session: Session, person_id: UUID, first: date, last: date) -> list[Absence]:
    """The absences of a person that touch these days, in their order."""
    query = select(Absence).where(
        Absence.person_id == person_id,
        Absence.ended_at.is_(None),
        Absence.starts_on <= last,
        Absence.ends_on >= first,
    )
    return list(session.scalars(query.order_by(Absence.starts_on)))


def _must_not_be_a_circle(session: Session, person: Person, substitute: Person, new: NewAbsence) -> None:
    """Follow who stands in for the substitute, day by day: on no day may it come back to the person."""
    waiting = [(substitute.id, new.starts_on, new.ends_on)]
    while waiting:
        away_id, first, last = waiting.pop()
        for absence in _away(session, away_id, first, last):
            begins, ends = max(first, absence.starts_on), min(last, absence.ends_on)
            if absence.substitute_id == person.id:
                raise BadInput(
                    "/substitute",
                    "circle-of-substitutes",
                    zh=f"{begins}至{ends}“{substitute.name}”也离岗，其代理又回到“{person.name}”，无人在岗。请另选代理人。",
                    en=f"From {begins} to {ends} “{substitute.name}” is away too, and who stands in for them is"
                    f" “{person.name}” again: nobody would be there. Choose another substitute.",
                )
            waiting.append((absence.substitute_id, begins, ends))


#: kind → (Chinese subject, English subject, Chinese sentence, English sentence)
_TOLD = {
    "stands_in": (
        "请您代理{person}",
        "You stand in for {person}",
        "这些日子的通知、提醒和催办由您代收，请代为办理。",
        "Notices and reminders for {person} come to you on these days; please act on them.",
    ),
    "recorded": (
        "已为您登记离岗",
        "An absence of yours was recorded",
        "这些日子的通知、提醒和催办由代理人代收。",
        "Notices and reminders go to your substitute on these days.",
    ),
    "ended": (
        "{person}的离岗已结束",
        "The absence of {person} has ended",
        "通知、提醒和催办恢复发给本人，无须再代理。",
        "Notices and reminders go to {person} again; nobody stands in.",
    ),
}


def _tell(session: Session, person: Person, absence: Absence, kind: str, *, now: datetime) -> None:
    zh_subject, en_subject, zh_act, en_act = _TOLD[kind]
    language: Language = "en" if person.language == "en" else "zh"
    name = absence.person.name
    days = f"{absence.starts_on} – {absence.ends_on}"
    if language == "zh":
        lines = [f"离岗：{name}，{days}", f"代理人：{absence.substitute.name}"]
        if kind == "ended" and absence.ended_at:
            lines.append(f"结束于：{local_time(absence.ended_at, language)}")
    else:
        lines = [f"Away: {name}, {days}", f"Substitute: {absence.substitute.name}"]
        if kind == "ended" and absence.ended_at:
            lines.append(f"Ended: {local_time(absence.ended_at, language)}")
    subject, act = (zh_subject, zh_act) if language == "zh" else (en_subject, en_act)
    outbox.tell(
        session,
        person,
        key=f"absence:{absence.id}:{kind}",
        kind=f"absence_{kind}",
        subject=subject.format(person=name),
        body="\n".join([act.format(person=name), "", *lines]),
        now=now,
        personal=True,
    )
