"""Ladders set anew for a campaign or a unit: every step must reach somebody, and what is open is planned anew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from domain.campaign_settings import settings_of
from domain.chases import UnitLadders, forget_unit_ladders, hold, replan_all
from domain.errors import BadInput
from domain.history import record
from domain.ladder_settings import Ladder, Ladders, LadderStep, Told, default_ladders, named
from domain.people import unit_by_code
from domain.recipients import unit_and_above
from domain.records import (
    Campaign,
    CampaignUnit,
    Channel,
    Chase,
    Matter,
    Outlet,
    OutletKind,
    Person,
    Replanning,
    RoleGrant,
    Unit,
)
from domain.rights import Deed, must_be_allowed
from statemachines.labels import Level
from statemachines.roles import Actor, Role
from statemachines.ticket import APPROVERS

#: The roles of which one holder at or above the unit is enough; words for named people are always reachable.
_NEEDS: dict[Told, tuple[Role, ...]] = {
    Told.UNIT_LEADER: (Role.LEADER, Role.SUPERVISOR),
    Told.SUPERVISOR: (Role.SUPERVISOR,),
    Told.LEADER: (Role.LEADER,),
    Told.APPROVER: APPROVERS[Level.GENERAL],
}


def ladders_of_campaign(campaign: Campaign) -> Ladders:
    """The ladders of a loaded campaign."""
    return Ladders(ladders=settings_of(campaign).ladders)


def ladders_of_unit(session: Session, unit: Unit) -> Ladders:
    """The ladders in force at a unit for what belongs to no campaign: its own, those above, the defaults."""
    return Ladders(ladders=UnitLadders(session).of(unit.path))


def set_campaign_ladders(
    session: Session, campaign: Campaign, told: Ladders, *, actor: Actor, now: datetime
) -> Campaign:
    """Set a campaign's ladders and plan its open matters anew: no step is lost or repeated.

    Raises BadInput naming the step and the unit in which it would reach nobody, RoleMissing.
    """
    must_be_allowed(actor, Deed.SET_LADDERS, at=campaign.unit.path)
    before = settings_of(campaign)
    units = session.scalars(
        select(Unit)
        .join(CampaignUnit, CampaignUnit.unit_id == Unit.id)
        .where(CampaignUnit.campaign_id == campaign.id)
    ).all()
    must_reach(session, told, units)
    settings = before.model_copy(update={"ladders": told.ladders})
    campaign.settings = settings.model_dump(mode="json")
    session.flush()
    _changed(session, campaign, before.ladders, told.ladders, actor=actor, now=now)
    session.add(Replanning(campaign_id=campaign.id))
    campaign_again(session, campaign.id, now=now)
    return campaign


def set_unit_ladders(session: Session, code: str, told: Ladders, *, actor: Actor, now: datetime) -> Unit:
    """Set the ladders of a unit and all below it for tools and whatever else belongs to no campaign.

    Raises BadInput for an unknown unit or a step that reaches nobody, RoleMissing.
    """
    unit = unit_by_code(session, code, actor=actor, pointer="/code")
    must_be_allowed(actor, Deed.SET_LADDERS, at=unit.path)
    before = ladders_of_unit(session, unit).ladders
    must_reach(session, told, [unit])
    unit.ladders = told.model_dump(mode="json")["ladders"]
    session.flush()
    forget_unit_ladders(session)
    _changed(session, unit, before, told.ladders, actor=actor, now=now)
    session.add(Replanning(unit_id=unit.id))
    unit_again(session, unit, now=now)
    return unit


def campaign_again(session: Session, campaign_id: UUID, *, now: datetime) -> None:
    """Plan the open matters of a campaign anew."""
    _replan(session, Chase.campaign_id == campaign_id, now=now)


def unit_again(session: Session, unit: Unit, *, now: datetime) -> None:
    """Plan what belongs to no campaign anew, at a unit and all below it."""
    below = select(Unit.id).where(func.starts_with(Unit.path, unit.path))
    _replan(session, Chase.campaign_id.is_(None) & Chase.unit_id.in_(below), now=now)


def _changed(
    session: Session,
    row: Campaign | Unit,
    before: dict[Matter, Ladder],
    after: dict[Matter, Ladder],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    changed = {
        matter.value: [step.model_dump(mode="json", exclude_defaults=True) for step in ladder]
        for matter, ladder in after.items()
        if ladder != before[matter]
    }
    record(session, row, "ladders_set", actor=actor, now=now, ladders=changed)


def _replan(session: Session, which: ColumnElement[bool], *, now: datetime) -> None:
    replan_all(session, which, hold(session, which), now=now)


# Whether every step reaches somebody.


def must_reach(session: Session, told: Ladders, units: Sequence[Unit], pointer: str = "") -> None:
    """Raise BadInput for the first step that, in one of these units, would tell nobody or by no channel.

    `pointer` is where the ladders stand in what was sent.
    """
    usual = default_ladders()
    steps = [
        (matter, place, step)
        for matter, ladder in told.ladders.items()
        for place, step in enumerate(ladder)
        # The defaults are written for every bureau; a small one need not have every role.
        if step not in usual[matter]
    ]
    if not steps:
        return
    held = _held(session, units)
    for matter, place, step in steps:
        at = f"{pointer}/ladders/{matter}/{place}"
        _named_exist(session, step, f"{at}/to")
        for unit in units:
            if not any(_reaches(word, held, unit) for word in step.to):
                raise BadInput(
                    f"{at}/to",
                    "ladder-reaches-nobody",
                    zh=f"“{step.code}”在“{unit.name}”找不到可通知的人，请先授予角色或改通知对象。",
                    en=f"“{step.code}” would reach nobody in “{unit.name}”; grant a role there or tell others.",
                )
            if Channel.ROBOT in step.channels and not _has_robot(session, unit):
                raise BadInput(
                    f"{at}/channels",
                    "ladder-no-robot",
                    zh=f"“{step.code}”要用群机器人，但“{unit.name}”及上级没有启用的机器人。",
                    en=f"“{step.code}” uses a group robot, but “{unit.name}” and the units above have none.",
                )


def _held(session: Session, units: Iterable[Unit]) -> set[tuple[Role, str]]:
    paths = {path for unit in units for path in unit_and_above(unit.path)}
    rows = session.execute(
        select(RoleGrant.role, Unit.path)
        .join(Unit, Unit.id == RoleGrant.unit_id)
        .join(Person, Person.id == RoleGrant.person_id)
        .where(Unit.path.in_(paths), Person.active)
    )
    return {(role, path) for role, path in rows}


def _reaches(word: str, held: set[tuple[Role, str]], unit: Unit) -> bool:
    if named(word) is not None:
        return True
    roles = _NEEDS.get(Told(word))
    return roles is None or any((role, path) in held for role in roles for path in unit_and_above(unit.path))


def _named_exist(session: Session, step: LadderStep, pointer: str) -> None:
    for word in step.to:
        about = named(word)
        if about is None:
            continue
        kind, key = about
        if kind == "person":
            known = session.scalar(select(Person.id).where(Person.login == key, Person.active))
        else:
            known = session.scalar(select(Unit.id).where(Unit.code == key))
        if known is None:
            raise BadInput(
                pointer,
                "ladder-unknown-name",
                zh=f"“{step.code}”：没有“{word}”，请核对登录名或单位代码。",
                en=f"“{step.code}”: there is no “{word}”; check the login or the unit's code.",
            )


def _has_robot(session: Session, unit: Unit) -> bool:
    found = session.scalar(
        select(Outlet.id)
        .join(Unit, Unit.id == Outlet.unit_id)
        .where(
            or_(*(Unit.path == path for path in unit_and_above(unit.path))),
            Outlet.kind != OutletKind.WEBHOOK,
            Outlet.switched_off_at.is_(None),
        )
        .limit(1)
    )
    return found is not None
