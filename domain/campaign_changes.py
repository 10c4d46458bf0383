"""A campaign changed while it runs: its name, dates, scope, checklist and settings; every change stands in its history.

What was promised stays: deadlines already given are never moved by other settings, and a unit that has reported
anything does not leave the scope.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from domain.campaign_settings import CampaignSettings, settings_of
from domain.campaign_setup import UnitCode, scoped_unit, set_up_checklist
from domain.campaigns import must_be_open
from domain.coverage import coverage
from domain.errors import BadInput
from domain.history import record
from domain.phases import PhaseDates, must_be_in_order
from domain.records import Campaign, CampaignPhase, CampaignUnit, Inspection, Ticket, Unit
from domain.rights import Deed, must_be_allowed
from statemachines.campaign import CampaignState
from statemachines.roles import Actor


class CampaignChange(BaseModel):
    """What becomes of a campaign; what is left out stays. `phases` and `units` replace those there are."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: Annotated[str | None, Field(min_length=1, max_length=100)] = None
    phases: dict[CampaignState, PhaseDates] | None = None
    units: Annotated[list[UnitCode] | None, Field(min_length=1, max_length=2000)] = None
    checklist: Annotated[str | None, Field(min_length=1, max_length=64)] = None
    settings: CampaignSettings | None = None

    @field_validator("phases")
    @classmethod
    def _in_order(
        cls, phases: dict[CampaignState, PhaseDates] | None
    ) -> dict[CampaignState, PhaseDates] | None:
        if phases is not None:
            must_be_in_order(phases)
        return phases


def change_campaign(
    session: Session, campaign: Campaign, told: CampaignChange, *, actor: Actor, now: datetime
) -> Campaign:
    """Write what is told. The campaign must be loaded whole and locked.

    Raises CampaignClosed once it is summed up, BadInput (unknown unit or checklist, a unit that has reported leaving
    the scope), RoleMissing. Ladders are set apart (domain/ladder_changes.py).
    """
    must_be_allowed(actor, Deed.CHANGE_CAMPAIGN, at=campaign.unit.path)
    must_be_open(campaign)
    changed: dict[str, object] = {}
    if told.name is not None and told.name != campaign.name:
        changed["name"], campaign.name = [campaign.name, told.name], told.name
    if told.checklist is not None and told.checklist != (
        campaign.checklist.code if campaign.checklist else None
    ):
        before = campaign.checklist.code if campaign.checklist else None
        campaign.checklist = set_up_checklist(session, told.checklist, "/checklist")
        changed["checklist"] = [before, told.checklist]
    if told.phases is not None:
        changed |= _phases(session, campaign, told.phases)
    if told.units is not None:
        changed |= _scope(session, campaign, told.units, actor=actor)
    if told.settings is not None:
        changed |= _settings(campaign, told.settings)
    if changed:
        # Dates and scope are rows of their own; the campaign's version moves with them all the same.
        flag_modified(campaign, "name")
        session.flush()
        record(session, campaign, "changed", actor=actor, now=now, changed=changed)
    return campaign


def _phases(
    session: Session, campaign: Campaign, wanted: dict[CampaignState, PhaseDates]
) -> dict[str, object]:
    known = {phase.phase: phase for phase in campaign.phases}
    before = {phase.value: [row.starts_on, row.ends_on] for phase, row in known.items()}
    after = {phase.value: [dates.starts_on, dates.ends_on] for phase, dates in wanted.items()}
    if before == after:
        return {}
    for phase, dates in wanted.items():
        row = known.pop(phase, None)
        if row is None:
            campaign.phases.append(
                CampaignPhase(phase=phase, starts_on=dates.starts_on, ends_on=dates.ends_on)
            )
        else:
            row.starts_on, row.ends_on = dates.starts_on, dates.ends_on
    for row in known.values():
        campaign.phases.remove(row)
        session.delete(row)
    return {"phases": [before, after]}


def _scope(session: Session, campaign: Campaign, codes: list[str], *, actor: Actor) -> dict[str, object]:
    known = {entry.unit.code: entry for entry in campaign.scope}
    if list(dict.fromkeys(codes)) == [entry.unit.code for entry in campaign.scope]:
        return {}
    leaving = [entry for code, entry in known.items() if code not in codes]
    _may_leave(session, campaign, leaving)
    for entry in leaving:
        campaign.scope.remove(entry)
        session.delete(entry)
    for position, code in enumerate(dict.fromkeys(codes)):
        if code in known:
            known[code].position = position
        else:
            unit = scoped_unit(session, code, campaign.unit, position, actor)
            campaign.scope.append(CampaignUnit(unit=unit, position=position))
    return {"units": [sorted(known), sorted(set(codes))]}


def _may_leave(session: Session, campaign: Campaign, leaving: list[CampaignUnit]) -> None:
    """A unit leaves the scope only while nothing was heard from it and nothing is planned there."""
    reported = {report.unit.id for report in coverage(session, campaign).units if report.reported}
    for entry in leaving:
        below = select(Unit.id).where(func.starts_with(Unit.path, entry.unit.path))
        busy = session.scalar(
            select(
                exists().where(Ticket.campaign_id == campaign.id, Ticket.unit_id.in_(below))
                | exists().where(Inspection.campaign_id == campaign.id, Inspection.unit_id.in_(below))
            )
        )
        if busy or entry.unit_id in reported:
            raise BadInput(
                "/units",
                "unit-in-use",
                zh=f"“{entry.unit.name}”已有检查、隐患或零报告，不能移出检查范围。",
                en=f"“{entry.unit.name}” has visits, findings or a zero report and cannot leave the scope.",
            )


def _settings(campaign: Campaign, wanted: CampaignSettings) -> dict[str, object]:
    before = settings_of(campaign)
    # The ladders have their own page and their own checks.
    settings = wanted.model_copy(update={"ladders": before.ladders})
    old, new = before.model_dump(mode="json"), settings.model_dump(mode="json")
    different = {name: [old[name], new[name]] for name in new if old[name] != new[name]}
    if different:
        campaign.settings = new
    return {"settings": different} if different else {}
