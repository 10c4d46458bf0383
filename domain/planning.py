"""What is planned by the calendar: visits from a campaign's rota, and phases that begin on their day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import exists, insert, select
from sqlalchemy.dialects.postgresql import insert as insert_once
from sqlalchemy.orm import Session, joinedload, selectinload
from uuid_utils.compat import uuid7

from domain import outbox
from domain.calendars import calendar_of
from domain.campaigns import event_due, move_campaign
from domain.chases import follow_all
from domain.people import holders
from domain.records import (
    Campaign,
    CampaignPhase,
    CampaignUnit,
    History,
    Inspection,
    Person,
    RoleGrant,
    Rota,
    RotaEvery,
    RotaStop,
    Unit,
)
from domain.records.inspections import OF_A_ROTA
from domain.rounds import on_a_workday, paused_on, rounds, spread
from domain.workdays import ONE_DAY
from statemachines.campaign import CampaignEvent, CampaignState, accepts_findings
from statemachines.inspection import InspectionState
from statemachines.labels import Language, label, local_day
from statemachines.refusals import Refusal
from statemachines.roles import SYSTEM, Role

HORIZON = timedelta(days=14)
"""How far ahead weekly and monthly checks are planned."""

BY_THE_CLOCK = (CampaignEvent.INSPECT, CampaignEvent.RECTIFY, CampaignEvent.RECHECK)
"""Phases the calendar begins. Mobilising needs its notice and meeting, summing up its checked figures."""


# Visits.


@dataclass(frozen=True, slots=True)
class Visit:
    """One planned visit: campaign and unit by code, the day, and the login of whoever goes."""

    campaign: str
    unit: str
    day: date
    inspector: str | None = None


@dataclass(slots=True)
class Plan:
    """The visits planned, or that would be."""

    visits: list[Visit] = field(default_factory=list)

    def said(self) -> dict[str, int]:
        """As a heartbeat keeps it."""
        return {"planned": len(self.visits)}


@dataclass(frozen=True, slots=True)
class _Wanted:
    unit: Unit
    day: date
    inspector: Person | None


def plan_inspections(session: Session, *, as_of: datetime, dry_run: bool = False) -> Plan:
    """Plan the visits of every rota of the campaigns under way.

    Once: the units not yet planned are spread evenly over the working days left of the rota. Weekly and monthly: every
    unit, on its day or the next working day of its round, up to HORIZON ahead; a round in which the unit does not work
    any more, and one that falls into a pause, has no visit. A visit is planned once, however often this runs, for the
    person the rota names, else for the inspector nearest the unit (several there take turns).
    """
    query = (
        select(Rota, Campaign.code)
        .join(Campaign, Campaign.id == Rota.campaign_id)
        .where(
            Campaign.state.in_([state for state in CampaignState if accepts_findings(state)]),
            Rota.ends_on >= local_day(as_of),
            Rota.ended_at.is_(None),
        )
        .options(selectinload(Rota.stops).joinedload(RotaStop.inspector))
        .order_by(Rota.starts_on, Rota.id)
    )
    if not dry_run:
        # One planner at a time for each rota: two would spread the same units over different days.
        query = query.with_for_update(of=Rota)
    plan = Plan()
    for rota, code in session.execute(query).all():
        wanted = _wanted(session, rota, today=local_day(as_of))
        if not dry_run:
            wanted = _write(session, rota, wanted, now=as_of)
        plan.visits += [
            Visit(code, each.unit.code, each.day, each.inspector.login if each.inspector else None)
            for each in wanted
        ]
    return plan


def _wanted(session: Session, rota: Rota, *, today: date) -> list[_Wanted]:
    units = session.scalars(
        select(Unit)
        .join(CampaignUnit, CampaignUnit.unit_id == Unit.id)
        .where(CampaignUnit.campaign_id == rota.campaign_id)
        .order_by(CampaignUnit.position)
    ).all()
    if not rota.whole_scope:
        named = {stop.unit_id for stop in rota.stops}
        units = [unit for unit in units if unit.id in named]
    planned: dict[UUID, set[date]] = {}
    for unit_id, day in session.execute(
        select(Inspection.unit_id, Inspection.planned_on).where(
            Inspection.rota_id == rota.id, Inspection.state != InspectionState.WITHDRAWN
        )
    ):
        planned.setdefault(unit_id, set()).add(day)
    if rota.every is RotaEvery.ONCE:
        wanted = _once(session, rota, [unit for unit in units if unit.id not in planned], today)
    else:
        wanted = _each_round(session, rota, units, planned, today)
    goes = _inspectors(session, rota, units) if wanted else {}
    return [_Wanted(unit, day, goes.get(unit.id)) for unit, day in wanted]


def _once(session: Session, rota: Rota, left: Sequence[Unit], today: date) -> list[tuple[Unit, date]]:
    first = max(rota.starts_on, today)
    if paused_on(rota, first):
        if rota.paused_until is None or rota.paused_until >= rota.ends_on:
            return []
        first = rota.paused_until + ONE_DAY
    # The visits are one plan of the unit that owns the campaign, so its working days count.
    owner = session.scalars(
        select(Unit.path).join(Campaign, Campaign.unit_id == Unit.id).where(Campaign.id == rota.campaign_id)
    ).one()
    days = spread(len(left), first, rota.ends_on, calendar_of(session, owner).is_workday)
    return list(zip(left, days, strict=True))


def _each_round(
    session: Session, rota: Rota, units: Sequence[Unit], planned: Mapping[UUID, set[date]], today: date
) -> list[tuple[Unit, date]]:
    wanted = []
    for first, until in rounds(rota):
        if first > today + HORIZON:
            break
        last = min(until - ONE_DAY, rota.ends_on)
        for unit in units:
            day = on_a_workday(first, last, calendar_of(session, unit.path).is_workday)
            if day is None or not today <= day <= today + HORIZON or paused_on(rota, day):
                continue
            # Already planned for this round, even if the calendar has moved its day since.
            if not any(first <= known < until or known == day for known in planned.get(unit.id, ())):
                wanted.append((unit, day))
    return wanted


def _inspectors(session: Session, rota: Rota, units: Sequence[Unit]) -> dict[UUID, Person]:
    """Who goes to each unit: the active person the rota names, else the inspectors nearest it in turn."""
    goes = {stop.unit_id: stop.inspector for stop in rota.stops if stop.inspector and stop.inspector.active}
    held: dict[str, list[Person]] = {}
    for path, person in session.execute(
        select(Unit.path, Person)
        .join(RoleGrant, RoleGrant.unit_id == Unit.id)
        .join(Person, Person.id == RoleGrant.person_id)
        .where(RoleGrant.role == Role.INSPECTOR, Person.active)
        .order_by(Person.login)
    ):
        held.setdefault(path, []).append(person)
    turn: Counter[str] = Counter()
    for unit in units:
        nearest = max((path for path in held if unit.path.startswith(path)), key=len, default=None)
        if unit.id not in goes and nearest is not None:
            people = held[nearest]
            goes[unit.id] = people[turn[nearest] % len(people)]
            turn[nearest] += 1
    return goes


def _write(session: Session, rota: Rota, wanted: Sequence[_Wanted], *, now: datetime) -> list[_Wanted]:
    if not wanted:
        return []
    by_id = {uuid7(): each for each in wanted}
    rows: list[dict[str, Any]] = [
        {
            "id": key,
            "campaign_id": rota.campaign_id,
            "unit_id": each.unit.id,
            "checklist_id": rota.checklist_id,
            "inspector_id": each.inspector.id if each.inspector else None,
            "rota_id": rota.id,
            "planned_on": each.day,
            "state": InspectionState.PLANNED,
            "nothing_found": False,
            "created_at": now,
            "version": 1,
        }
        for key, each in by_id.items()
    ]
    once = insert_once(Inspection).on_conflict_do_nothing(
        index_elements=["rota_id", "unit_id", "planned_on"],
        index_where=OF_A_ROTA,
    )
    written = session.scalars(once.returning(Inspection.id), rows).all()
    session.execute(
        insert(History),
        [
            {
                "subject": "inspection",
                "subject_id": key,
                "at": now,
                "actor_id": SYSTEM.id,
                "actor_name": SYSTEM.name,
                "event": "planned",
                "to_state": InspectionState.PLANNED.value,
                "facts": {"unit": by_id[key].unit.code, "planned_on": by_id[key].day.isoformat()},
            }
            for key in written
        ],
    )
    visits = session.scalars(
        select(Inspection)
        .where(Inspection.id.in_(written))
        .options(joinedload(Inspection.unit), joinedload(Inspection.campaign))
    )
    follow_all(session, visits.all(), now=now, new=True)
    return [by_id[key] for key in written]


# Phases.


@dataclass(slots=True)
class Advance:
    """Campaigns moved on ("CC2026 inspect"), and those the rules held back ("CC2026 rectify: …")."""

    moved: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)

    def said(self) -> dict[str, list[str]]:
        """As a heartbeat keeps it."""
        return {"moved": self.moved, "held": self.held}


def advance_campaigns(session: Session, *, as_of: datetime, dry_run: bool = False) -> Advance:
    """Begin every phase whose day has come. Where a rule refuses, the supervisors are told once what is missing.

    Several phases may be due at once (after a pause of the clock): each is begun in its turn. A dry run tells the first
    step of each campaign.
    """
    query = (
        select(Campaign)
        .where(
            Campaign.state.in_([CampaignState.MOBILISED, CampaignState.INSPECTING, CampaignState.RECTIFYING]),
            exists().where(
                CampaignPhase.campaign_id == Campaign.id, CampaignPhase.starts_on <= local_day(as_of)
            ),
        )
        .options(
            joinedload(Campaign.unit),
            joinedload(Campaign.checklist),
            selectinload(Campaign.phases),
            selectinload(Campaign.scope).joinedload(CampaignUnit.unit),
        )
        .order_by(Campaign.code)
    )
    if not dry_run:
        query = query.with_for_update(skip_locked=True, of=Campaign, key_share=True)
    advance = Advance()
    for campaign in session.scalars(query).all():
        _begin_phases(session, campaign, advance, as_of=as_of, dry_run=dry_run)
    return advance


def _begin_phases(
    session: Session, campaign: Campaign, advance: Advance, *, as_of: datetime, dry_run: bool
) -> None:
    while (event := event_due(campaign, now=as_of)) in BY_THE_CLOCK:
        try:
            with session.begin_nested() as attempt:
                move_campaign(session, campaign, event, {}, actor=SYSTEM, now=as_of)
                if dry_run:
                    attempt.rollback()
        except Refusal as refusal:
            advance.held.append(f"{campaign.code} {event}: {refusal.sentence('zh')}")
            if not dry_run:
                _tell_what_is_missing(session, campaign, event, refusal, now=as_of)
            return
        advance.moved.append(f"{campaign.code} {event}")
        if dry_run:
            return


def _tell_what_is_missing(
    session: Session, campaign: Campaign, event: CampaignEvent, refusal: Refusal, *, now: datetime
) -> None:
    for person in holders(session, Role.SUPERVISOR, campaign.unit.path):
        language: Language = "en" if person.language == "en" else "zh"
        step = label(event, language)
        zh = language == "zh"
        outbox.tell(
            session,
            person,
            key=f"{campaign.id}:{event}:held",
            kind="phase_held",
            subject=f"{campaign.name}：未能{step}" if zh else f"{campaign.name}: held before “{step}”",
            body="\n".join(
                [
                    f"按计划今日应{step}，因下列原因未能进行："
                    if zh
                    else f"“{step}” was due by the calendar and could not happen:",
                    refusal.sentence("zh" if zh else "en"),
                    "",
                    "补齐后系统会自动继续，也可在活动页面办理。"
                    if zh
                    else "Once that is put right it goes on by itself; it can also be done on the campaign's page.",
                ]
            ),
            now=now,
            campaign=campaign,
        )
