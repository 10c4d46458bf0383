"""The rotas of a running campaign: added, paused and resumed, given to other inspectors, ended."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, joinedload, selectinload
from sqlalchemy.orm.attributes import flag_modified

from domain.campaigns import must_be_open
from domain.chases import follow
from domain.errors import BadInput, NotFound, PreconditionFailed, wrong
from domain.history import record
from domain.phases import Day
from domain.records import Campaign, Inspection, Rota, RotaStop
from domain.rights import Deed, must_be_allowed
from domain.rota_setup import (
    Login,
    NewRota,
    UnitCode,
    inspectors_by_unit,
    lay_rota,
    not_in_campaign,
    scope_by_code,
)
from statemachines.chart import move
from statemachines.inspection import InspectionEvent, InspectionState
from statemachines.labels import local_day
from statemachines.refusals import Refusal
from statemachines.roles import SYSTEM, Actor


class RotaEnded(Refusal):
    """An ended rota stays as it was."""

    code, status = "rota-ended", 409
    title_zh, title_en = "定期检查已停止", "The rota has ended"
    zh = "这一定期检查已停止，不能再改；如需继续，请另加一个。"
    en = "This rota has ended and changes no more; add another one to go on."


class Pause(BaseModel):
    """No visits from one day to another; without `to` until it is resumed."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    starts_on: Day = Field(alias="from")
    ends_on: Day | None = Field(default=None, alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Pause:
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise wrong(
                "ends-before-start",
                zh=f"暂停的最后一天{self.ends_on}早于第一天{self.starts_on}。",
                en=f"The last day of the pause {self.ends_on} is before its first {self.starts_on}.",
            )
        return self


class RotaChange(BaseModel):
    """What to change of a rota; what is left out stays. `pause` null resumes it, `ended` ends it for good.

    Visits planned for days that fall away, and not yet begun, are withdrawn; a `reason` is then required. `inspectors`
    names who goes from now on, by unit code; null gives a unit back to its own inspector.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    pause: Pause | None = None
    ended: Literal[True] | None = None
    inspectors: dict[UnitCode, Login | None] = Field(default_factory=dict, max_length=2000)
    reason: str | None = Field(default=None, max_length=2000)

    @model_validator(mode="after")
    def _something(self) -> RotaChange:
        if not self.model_fields_set & {"pause", "ended", "inspectors"}:
            raise wrong(
                "nothing-changed",
                zh="请写明要改什么：pause（暂停或恢复）、ended（停止）或 inspectors（检查员）。",
                en="Say what to change: pause (or resume), ended, or inspectors.",
            )
        return self


def rotas_of(session: Session, campaign: Campaign) -> list[Rota]:
    """The rotas of a campaign in the order they were made, with checklist, stops, their units and inspectors."""
    query = select(Rota).where(Rota.campaign_id == campaign.id).options(*_whole()).order_by(Rota.id)
    return list(session.scalars(query))


def rota_by_id(
    session: Session,
    campaign: Campaign,
    key: UUID,
    *,
    lock: bool = False,
    expected_version: int | None = None,
) -> Rota:
    """One rota of a campaign the caller was let see. Raises NotFound, PreconditionFailed for another version."""
    query = select(Rota).where(Rota.id == key, Rota.campaign_id == campaign.id).options(*_whole())
    if lock:
        query = query.with_for_update(of=Rota).execution_options(populate_existing=True)
    rota = session.scalars(query).one_or_none()
    if rota is None:
        raise NotFound(what=str(key))
    if expected_version is not None and rota.version != expected_version:
        raise PreconditionFailed(expected=expected_version, current=rota.version)
    return rota


def _whole() -> tuple[Any, ...]:
    stops = selectinload(Rota.stops)
    return (
        joinedload(Rota.checklist),
        stops.joinedload(RotaStop.unit),
        stops.joinedload(RotaStop.inspector),
    )


def add_rota(session: Session, campaign: Campaign, new: NewRota, *, actor: Actor, now: datetime) -> Rota:
    """Add a scheduled check to a campaign that is not summed up; the next planning makes its visits.

    Raises RoleMissing, CampaignClosed, BadInput (see `lay_rota`; an end that has passed).
    """
    must_be_allowed(actor, Deed.PLAN_ROTA, at=campaign.unit.path)
    must_be_open(campaign)
    if new.ends_on < local_day(now):
        raise BadInput(
            "/to",
            "end-passed",
            zh=f"最后一天{new.ends_on}已过，不会再安排检查；请改为今天或以后。",
            en=f"The last day {new.ends_on} has passed and nothing would be planned; give today or later.",
        )
    rota = lay_rota(session, campaign, new)
    record(
        session, rota, "added", actor=actor, now=now, campaign=campaign, **new.model_dump(exclude_unset=True)
    )
    return rota


def change_rota(
    session: Session, campaign: Campaign, rota: Rota, told: RotaChange, *, actor: Actor, now: datetime
) -> list[Inspection]:
    """Pause or resume, end, or name other inspectors; returns the visits withdrawn. The rota must be locked.

    Raises RoleMissing, RotaEnded, ReasonMissing when visits are withdrawn without one, BadInput.
    """
    must_be_allowed(actor, Deed.PLAN_ROTA, at=campaign.unit.path)
    if rota.ended_at is not None:
        raise RotaEnded
    today = local_day(now)
    withdrawn: list[Inspection] = []
    if told.ended:
        rota.ended_at = now
        withdrawn += _withdraw(session, rota, today, None, told.reason, actor=actor, now=now)
        record(session, rota, "ended", actor=actor, now=now, reason=told.reason, withdrawn=len(withdrawn))
    elif "pause" in told.model_fields_set:
        if told.pause is None:
            rota.paused_from = rota.paused_until = None
            record(session, rota, "resumed", actor=actor, now=now, reason=told.reason)
        else:
            first, last = told.pause.starts_on, told.pause.ends_on
            rota.paused_from, rota.paused_until = first, last
            withdrawn += _withdraw(session, rota, max(first, today), last, told.reason, actor=actor, now=now)
            record(
                session,
                rota,
                "paused",
                actor=actor,
                now=now,
                paused_from=first,
                paused_until=last,
                reason=told.reason,
                withdrawn=len(withdrawn),
            )
    if told.inspectors:
        _give(session, campaign, rota, told.inspectors)
        _hand_over(session, rota, today, actor=actor, now=now)
        record(session, rota, "inspectors", actor=actor, now=now, inspectors=told.inspectors)
    session.flush()
    return withdrawn


def _coming(rota: Rota, first: date, last: date | None) -> list[ColumnElement[bool]]:
    coming = [
        Inspection.rota_id == rota.id,
        Inspection.state == InspectionState.PLANNED,
        Inspection.planned_on >= first,
    ]
    return coming if last is None else [*coming, Inspection.planned_on <= last]


def _withdraw(
    session: Session,
    rota: Rota,
    first: date,
    last: date | None,
    reason: str | None,
    *,
    actor: Actor,
    now: datetime,
) -> list[Inspection]:
    """Withdraw the visits of these days nobody has begun."""
    query = select(Inspection).where(*_coming(rota, first, last)).options(joinedload(Inspection.unit))
    visits = list(
        session.scalars(query.order_by(Inspection.planned_on, Inspection.id).with_for_update(of=Inspection))
    )
    for visit in visits:
        before = visit.state
        # The rota's change causes it: whoever may plan the campaign's rota need hold no role at each unit.
        move(visit, InspectionEvent.WITHDRAW, actor=SYSTEM, now=now, reason=reason)
        visit.missed_reason = reason
        follow(session, visit, now=now)
        record(
            session, visit, "withdraw", actor=actor, now=now, before=before, after=visit.state, reason=reason
        )
    return visits


def _give(session: Session, campaign: Campaign, rota: Rota, told: dict[str, str | None]) -> None:
    scope = scope_by_code(session, campaign)
    named = {code: login for code, login in told.items() if login is not None}
    goes = inspectors_by_unit(session, campaign, named, scope, "/inspectors")
    stops = {stop.unit.code: stop for stop in rota.stops}
    for code in told:
        if code not in scope or (code not in stops and not rota.whole_scope):
            raise not_in_campaign(code, campaign, f"/inspectors/{code}")
        if code not in stops:
            rota.stops.append(RotaStop(unit=scope[code], inspector=goes.get(code)))
        else:
            stops[code].inspector = goes.get(code)
    # Its stops are part of a rota: its version moves with them.
    session.flush()
    flag_modified(rota, "whole_scope")


def _hand_over(session: Session, rota: Rota, today: date, *, actor: Actor, now: datetime) -> None:
    """The visits already planned go to the people named now."""
    goes = {stop.unit_id: stop.inspector_id for stop in rota.stops if stop.inspector_id is not None}
    query = select(Inspection).where(*_coming(rota, today, None), Inspection.unit_id.in_(goes))
    for visit in session.scalars(query.options(joinedload(Inspection.unit)).with_for_update(of=Inspection)):
        if visit.inspector_id != goes[visit.unit_id]:
            visit.inspector_id = goes[visit.unit_id]
            record(session, visit, "handed_over", actor=actor, now=now, inspector=visit.inspector_id)
