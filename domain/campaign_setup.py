"""Setting a campaign up: its dates, the units in scope, the checklist, the rota of scheduled checks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from domain.campaign_settings import CampaignSettings
from domain.errors import BadInput, wrong
from domain.history import record
from domain.ladder_changes import must_reach
from domain.people import unit_by_code
from domain.phases import PhaseDates, must_be_in_order
from domain.records import Campaign, CampaignPhase, CampaignUnit, Checklist, Unit
from domain.rights import Deed, must_be_allowed
from domain.rota_setup import NewRota, lay_rota
from statemachines.campaign import CampaignState
from statemachines.chart import begin
from statemachines.roles import Actor

UnitCode = Annotated[str, Field(min_length=1, max_length=24)]


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, populate_by_name=True)


class NewCampaign(_Told):
    """A campaign to set up. `unit` owns it, `units` are the codes in scope: that unit's own or below it."""

    code: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_]{0,23}$")
    name: str = Field(min_length=1, max_length=100)
    kind: str = Field(min_length=1, max_length=40)
    unit: UnitCode
    units: list[UnitCode] = Field(min_length=1, max_length=2000)
    phases: dict[CampaignState, PhaseDates] = Field(default_factory=dict)
    checklist: str | None = Field(default=None, min_length=1, max_length=64)
    settings: CampaignSettings = Field(default_factory=CampaignSettings)
    rota: list[NewRota] = Field(default_factory=list, max_length=20)

    @field_validator("phases")
    @classmethod
    def _in_order(cls, phases: dict[CampaignState, PhaseDates]) -> dict[CampaignState, PhaseDates]:
        must_be_in_order(phases)
        return phases

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


def create_campaign(session: Session, new: NewCampaign, *, actor: Actor, now: datetime) -> Campaign:
    """Set a campaign up, in preparation; `campaign_notes` then tells which phases begin on a day off.

    Raises BadInput (code taken, unknown unit or checklist, a unit outside the owner's subtree), RoleMissing.
    """
    owner = unit_by_code(session, new.unit, actor=actor)
    must_be_allowed(actor, Deed.CREATE_CAMPAIGN, at=owner.path)
    if session.scalar(select(exists().where(Campaign.code == new.code))):
        raise BadInput(
            "/code", "code-taken", zh=f"编号“{new.code}”已被使用。", en=f"The code “{new.code}” is taken."
        )
    campaign = Campaign(
        code=new.code,
        name=new.name,
        kind=new.kind,
        unit=owner,
        checklist=set_up_checklist(session, new.checklist, "/checklist"),
        settings=new.settings.model_dump(mode="json"),
        created_at=now,
        phases=[
            CampaignPhase(phase=phase, starts_on=dates.starts_on, ends_on=dates.ends_on)
            for phase, dates in new.phases.items()
        ],
        scope=[
            CampaignUnit(unit=scoped_unit(session, code, owner, position, actor), position=position)
            for position, code in enumerate(new.units)
        ],
    )
    begin(campaign)
    session.add(campaign)
    session.flush()
    must_reach(session, new.settings, [each.unit for each in campaign.scope], "/settings")
    for position, rota in enumerate(new.rota):
        lay_rota(session, campaign, rota, pointer=f"/rota/{position}")
    record(
        session,
        campaign,
        "created",
        actor=actor,
        now=now,
        after=campaign.state,
        units=new.units,
        phases={phase.value: [dates.starts_on, dates.ends_on] for phase, dates in new.phases.items()},
        checklist=campaign.checklist,
    )
    return campaign


def scoped_unit(session: Session, code: str, owner: Unit, position: int, actor: Actor) -> Unit:
    """The unit to put into the scope of a campaign of `owner`. Raises BadInput at its place in `units`."""
    unit = unit_by_code(session, code, actor=actor, pointer=f"/units/{position}")
    if not unit.path.startswith(owner.path):
        raise BadInput(
            f"/units/{position}",
            "unit-outside-owner",
            zh=f"“{unit.name}”不属于“{owner.name}”，不能列入其检查范围。",
            en=f"“{unit.name}” is not part of “{owner.name}” and cannot be in its scope.",
        )
    return unit


def set_up_checklist(session: Session, code: str | None, pointer: str) -> Checklist | None:
    """The checklist a campaign is set up with. Raises BadInput at `pointer` for an unknown one."""
    if code is None:
        return None
    checklist = session.scalars(select(Checklist).where(Checklist.code == code)).one_or_none()
    if checklist is None:
        raise BadInput(
            pointer,
            "unknown-checklist",
            zh=f"没有代码为“{code}”的检查表，请先导入。",
            en=f"There is no checklist “{code}”; import it first.",
        )
    return checklist
