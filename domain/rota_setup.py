"""Laying a rota down: what is told of it, and the rows it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import BadInput, wrong
from domain.people import person_by_login
from domain.phases import Day, PhaseDates
from domain.records import Campaign, CampaignUnit, Checklist, Person, Rota, RotaEvery, RotaStop, Unit
from statemachines.roles import Role

UnitCode = Annotated[str, Field(min_length=1, max_length=24)]
Login = Annotated[str, Field(min_length=1, max_length=64)]

INSPECTING = (Role.INSPECTOR, Role.SUPERVISOR)
"""Who may make a visit (statemachines/inspection.py)."""


class NewRota(BaseModel):
    """A scheduled check with the campaign's checklist when none is named.

    `every`: once (spread over the working days from `from` to `to`), weekly, or monthly; `weekday` (1 Monday … 7
    Sunday) or `day_of_month` chooses the day, else it is that of `from`; a month without that day has its last. `units`
    narrows it to some of the campaign's; `inspectors` names by unit code who goes, elsewhere it is the unit's own.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, populate_by_name=True)

    checklist: str | None = Field(default=None, min_length=1, max_length=64)
    every: RotaEvery = RotaEvery.ONCE
    starts_on: Day = Field(alias="from")
    ends_on: Day = Field(alias="to")
    weekday: int | None = Field(default=None, ge=1, le=7)
    day_of_month: int | None = Field(default=None, ge=1, le=31)
    units: list[UnitCode] = Field(default_factory=list, max_length=2000)
    inspectors: dict[UnitCode, Login] = Field(default_factory=dict, max_length=2000)

    @field_validator("units")
    @classmethod
    def _each_once(cls, units: list[str]) -> list[str]:
        if twice := sorted({code for code in units if units.count(code) > 1}):
            raise wrong(
                "unit-twice",
                zh=f"单位重复：{'、'.join(twice)}。",
                en=f"Units named twice: {', '.join(twice)}.",
            )
        return units

    @model_validator(mode="after")
    def _day_of_its_kind(self) -> NewRota:
        PhaseDates(starts_on=self.starts_on, ends_on=self.ends_on)
        if self.weekday is not None and self.every is not RotaEvery.WEEKLY:
            raise wrong(
                "weekday-not-weekly",
                zh="只有每周一次的检查（weekly）才能指定星期几（weekday）。",
                en="Only a weekly check has a `weekday`; set `every` to weekly or leave it out.",
            )
        if self.day_of_month is not None and self.every is not RotaEvery.MONTHLY:
            raise wrong(
                "day-not-monthly",
                zh="只有每月一次的检查（monthly）才能指定几号（day_of_month）。",
                en="Only a monthly check has a `day_of_month`; set `every` to monthly or leave it out.",
            )
        return self


def lay_rota(session: Session, campaign: Campaign, new: NewRota, *, pointer: str = "") -> Rota:
    """Write the rows of a rota; `pointer` is where it stands in what was sent. The campaign's checklist must be loaded.

    Raises BadInput: no checklist or an unknown one, a unit outside the campaign, a person who does not inspect there.
    """
    checklist = _checklist(session, campaign, new.checklist, f"{pointer}/checklist")
    scope = scope_by_code(session, campaign)
    for position, code in enumerate(new.units):
        if code not in scope:
            raise not_in_campaign(code, campaign, f"{pointer}/units/{position}")
    goes = inspectors_by_unit(session, campaign, new.inspectors, scope, f"{pointer}/inspectors")
    if new.units and (outside := sorted(new.inspectors.keys() - set(new.units))):
        raise BadInput(
            f"{pointer}/inspectors/{outside[0]}",
            "unit-not-in-rota",
            zh=f"“{scope[outside[0]].name}”不在本轮检查的单位（units）里，请列入或删去其检查员。",
            en=f"“{scope[outside[0]].name}” is not among this rota's `units`; add it or leave its inspector out.",
        )
    rota = Rota(
        campaign_id=campaign.id,
        checklist=checklist,
        every=new.every,
        starts_on=new.starts_on,
        ends_on=new.ends_on,
        weekday=new.weekday,
        day_of_month=new.day_of_month,
        whole_scope=not new.units,
        stops=[
            RotaStop(unit=scope[code], inspector=goes.get(code))
            for code in (new.units or list(new.inspectors))
        ],
    )
    session.add(rota)
    session.flush()
    return rota


def scope_by_code(session: Session, campaign: Campaign) -> dict[str, Unit]:
    """The units of the campaign by code, in its order."""
    units = session.scalars(
        select(Unit)
        .join(CampaignUnit, CampaignUnit.unit_id == Unit.id)
        .where(CampaignUnit.campaign_id == campaign.id)
        .order_by(CampaignUnit.position)
    )
    return {unit.code: unit for unit in units}


def inspectors_by_unit(
    session: Session, campaign: Campaign, told: Mapping[str, str], scope: Mapping[str, Unit], pointer: str
) -> dict[str, Person]:
    """The people named for units. Raises BadInput at the unit's code: not in the campaign, or no inspector there."""
    goes: dict[str, Person] = {}
    for code, login in told.items():
        if code not in scope:
            raise not_in_campaign(code, campaign, f"{pointer}/{code}")
        person = person_by_login(session, login, pointer=f"{pointer}/{code}")
        unit = scope[code]
        if not any(
            each.role in INSPECTING and unit.path.startswith(each.unit.path) for each in person.grants
        ):
            raise BadInput(
                f"{pointer}/{code}",
                "not-an-inspector",
                zh=f"“{person.name}”不是“{unit.name}”的检查员，请另选。",
                en=f"“{person.name}” is not an inspector for “{unit.name}”; choose another person.",
            )
        goes[code] = person
    return goes


def not_in_campaign(code: str, campaign: Campaign, pointer: str) -> BadInput:
    """The refusal of a unit the campaign does not cover."""
    return BadInput(
        pointer,
        "unit-not-in-campaign",
        zh=f"“{code}”不在“{campaign.name}”的检查范围内。",
        en=f"“{code}” is not in the scope of “{campaign.name}”.",
    )


def _checklist(session: Session, campaign: Campaign, code: str | None, pointer: str) -> Checklist:
    if code is None:
        if campaign.checklist is None:
            raise BadInput(
                pointer,
                "checklist-missing",
                zh="定期检查须写明检查表，或由活动指定检查表。",
                en="A scheduled check needs a checklist, its own or the campaign's.",
            )
        return campaign.checklist
    checklist = session.scalars(select(Checklist).where(Checklist.code == code)).one_or_none()
    if checklist is None:
        raise BadInput(
            pointer,
            "unknown-checklist",
            zh=f"没有代码为“{code}”的检查表，请先导入。",
            en=f"There is no checklist “{code}”; import it first.",
        )
    return checklist
