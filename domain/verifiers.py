"""Who may re-check a ticket: the rules of independence, told before somebody runs into them (domain rules 2.5)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, literal, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from domain.access import actor_of
from domain.campaign_settings import settings_of
from domain.records import Person, RoleGrant, Ticket, Unit
from statemachines.labels import Language, spoken
from statemachines.refusals import Refusal
from statemachines.roles import Grant, Role
from statemachines.ticket import verifier_refusal

VERIFYING = (Role.INSPECTOR, Role.SUPERVISOR)
"""The roles that re-check (statemachines/ticket.py)."""

PROPOSED = 10
"""How many people are proposed when nobody may."""


@dataclass(frozen=True, slots=True)
class Excluded:
    """Somebody with the role whom a rule of independence keeps from this ticket."""

    person: Person
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Verifiers:
    """Who may re-check a ticket, nearest first, and who may not and why.

    When nobody may, `could_be` are people whom only the role is missing, and `granted_by` those who can give it.
    """

    may: tuple[Person, ...]
    may_not: tuple[Excluded, ...] = ()
    could_be: tuple[Person, ...] = ()
    granted_by: tuple[Person, ...] = ()

    def advice(self) -> dict[Language, str]:
        """Who could do it, as a refusal says it."""
        names = [f"{each.name}（{each.unit.name}）" for each in self.may or self.could_be]
        zh, en = spoken(names, "zh"), spoken(names, "en")
        if self.may:
            return {"zh": f"可复查的人：{zh}。", "en": f"These people may: {en}."}
        by_zh, by_en = (
            spoken([each.name for each in self.granted_by], language) for language in ("zh", "en")
        )
        if not names:
            return {
                "zh": "目前没有人可以复查，请管理员给整改班组以外的人员授予“检查员”角色。",
                "en": "Nobody may at present; let an administrator grant the role inspector to somebody from outside"
                " the fixing team.",
            }
        return {
            "zh": f"目前没有人可以复查；可请管理员（{by_zh or '—'}）授予检查员角色的人：{zh}。",
            "en": f"Nobody may at present; an administrator ({by_en or '—'}) could make one of these people"
            f" an inspector: {en}.",
        }


def eligible_verifiers(session: Session, ticket: Ticket, *, now: datetime) -> Verifiers:
    """Who may re-check this ticket now. Unit, campaign and fixing team must be loaded.

    Photos that have not arrived keep nobody out: they keep everybody waiting.
    """
    team_rule = settings_of(ticket.campaign).independent_team
    may, may_not = [], []
    for person in _holders(session, ticket.unit.path, *VERIFYING):
        refusal = verifier_refusal(ticket, actor=actor_of(person), now=now, independent_team=team_rule)
        if refusal is None:
            may.append(person)
        else:
            may_not.append(Excluded(person, refusal))
    if may:
        return Verifiers(tuple(may), tuple(may_not))
    given = Grant(Role.INSPECTOR, ticket.unit.path)
    could_be = [
        person
        for person in _colleagues(session, ticket.unit.path)
        if verifier_refusal(
            ticket, actor=replace(actor_of(person), grants=(given,)), now=now, independent_team=team_rule
        )
        is None
    ]
    granted_by = _holders(session, ticket.unit.path, Role.ADMINISTRATOR)
    return Verifiers((), tuple(may_not), tuple(could_be[:PROPOSED]), tuple(granted_by[:PROPOSED]))


def _holders(session: Session, path: str, *roles: Role) -> list[Person]:
    """Active people who hold one of the roles at the unit or above it, those nearest first."""
    nearest = (
        select(RoleGrant.person_id, func.max(func.length(Unit.path)).label("depth"))
        .join(Unit, Unit.id == RoleGrant.unit_id)
        .where(RoleGrant.role.in_(roles), literal(path).like(Unit.path.concat("%")))
        .group_by(RoleGrant.person_id)
        .subquery()
    )
    query = (
        select(Person)
        .join(nearest, nearest.c.person_id == Person.id)
        .where(Person.active)
        .order_by(nearest.c.depth.desc(), Person.login)
        .options(joinedload(Person.unit), selectinload(Person.grants).joinedload(RoleGrant.unit))
    )
    return list(session.scalars(query))


def _colleagues(session: Session, path: str) -> list[Person]:
    """Active people of the unit, of those above it and of their other teams, those nearest first."""
    station = "/".join(path.split("/")[:-2]) + "/"
    around = station if station != "/" else path
    query = (
        select(Person)
        .join(Unit, Unit.id == Person.unit_id)
        .where(
            Person.active,
            Unit.path != "/",
            or_(literal(path).like(Unit.path.concat("%")), Unit.path.startswith(around, autoescape=True)),
        )
        .order_by(
            literal(path).like(Unit.path.concat("%")).desc(), func.length(Unit.path).desc(), Person.login
        )
        .limit(200)
        .options(joinedload(Person.unit), selectinload(Person.grants).joinedload(RoleGrant.unit))
    )
    return list(session.scalars(query))
