"""The campaign (春查…): from preparation to the archive, with a guard at each step (domain rules 10)."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from statemachines.chart import Law, RecordChart, blank, by, stage
from statemachines.labels import Labelled
from statemachines.refusals import (
    CoverageIncomplete,
    FiguresMismatch,
    MobiliseFactsMissing,
    OpenTicketsNeedNext,
    TicketsUnassigned,
)
from statemachines.roles import Role

__all__ = ["CampaignChart", "CampaignEvent", "CampaignFacts", "CampaignState", "accepts_findings"]


class CampaignState(Labelled):
    """The phase a campaign is in."""

    PREPARING = "preparing", "筹备", "Preparing"
    MOBILISED = "mobilised", "动员", "Mobilised"
    INSPECTING = "inspecting", "自查", "Inspecting"
    RECTIFYING = "rectifying", "整改", "Rectifying"
    RECHECKING = "rechecking", "复查", "Rechecking"
    SUMMARISED = "summarised", "总结", "Summarised"
    ARCHIVED = "archived", "归档", "Archived"


class CampaignEvent(Labelled):
    """What moves a campaign into its next phase."""

    MOBILISE = "mobilise", "动员部署", "Mobilise"
    INSPECT = "inspect", "开始自查", "Begin the inspections"
    RECTIFY = "rectify", "转入整改", "Begin the rectification"
    RECHECK = "recheck", "转入复查", "Begin the re-check"
    SUMMARISE = "summarise", "总结", "Summarise"
    ARCHIVE = "archive", "归档", "Archive"


class CampaignFacts(Protocol):
    """What the chart reads of a campaign."""

    @property
    def state(self) -> CampaignState:
        """The phase."""
        ...

    @property
    def unit_path(self) -> str:
        """The unit that runs the campaign; whoever leads it holds a role there."""
        ...


def mobilisation_told(
    *,
    notice_number: str | None = None,
    held_on: date | None = None,
    attendance: int | None = None,
) -> None:
    """Notice number, date of the meeting and an attendance above 0."""
    facts = {"notice_number": notice_number, "held_on": held_on, "attendance": attendance}
    missing = tuple(name for name, value in facts.items() if blank(value))
    if attendance is not None and attendance <= 0:
        missing = (*missing, "attendance")
    if missing:
        raise MobiliseFactsMissing(missing=missing)


# The lists below have no default: a command that forgot to look would otherwise pass every guard.


def all_reported(*, unreported: Sequence[str], reason: str | None = None) -> None:
    """Every unit in scope has reported, or a reason."""
    if unreported and blank(reason):
        raise CoverageIncomplete(missing=("reason",), units=tuple(unreported))


def all_assigned(*, unassigned: Sequence[str]) -> None:
    """No ticket without its three fixed."""
    if unassigned:
        raise TicketsUnassigned(numbers=tuple(unassigned))


def figures_agree(*, mismatches: Sequence[str]) -> None:
    """Every figure of the summary adds up."""
    if mismatches:
        raise FiguresMismatch(figures=tuple(mismatches))


def open_tickets_have_a_next(*, open_tickets: Sequence[str], next_campaign: object = None) -> None:
    """A next campaign for open tickets."""
    if open_tickets and blank(next_campaign):
        raise OpenTicketsNeedNext(missing=("next_campaign",), numbers=tuple(open_tickets))


BY_A_PERSON = by(Role.SUPERVISOR, Role.LEADER, Role.ADMINISTRATOR)
OR_BY_THE_CLOCK = by(Role.SUPERVISOR, Role.LEADER, Role.ADMINISTRATOR, clock=True)

LAWS: dict[Labelled, Law] = {
    CampaignEvent.MOBILISE: Law(may=(BY_A_PERSON,), needs=(mobilisation_told,)),
    CampaignEvent.INSPECT: Law(may=(OR_BY_THE_CLOCK,)),
    CampaignEvent.RECTIFY: Law(may=(OR_BY_THE_CLOCK,), needs=(all_reported,)),
    CampaignEvent.RECHECK: Law(may=(OR_BY_THE_CLOCK,), needs=(all_assigned,)),
    CampaignEvent.SUMMARISE: Law(may=(OR_BY_THE_CLOCK,), needs=(figures_agree,)),
    CampaignEvent.ARCHIVE: Law(may=(BY_A_PERSON,), needs=(open_tickets_have_a_next,)),
}


class CampaignChart(RecordChart):
    """The phases of a campaign, one after the other, each entered once."""

    states_enum = CampaignState
    events_enum = CampaignEvent
    laws = LAWS

    preparing = stage(CampaignState.PREPARING, initial=True)
    mobilised = stage(CampaignState.MOBILISED)
    inspecting = stage(CampaignState.INSPECTING)
    rectifying = stage(CampaignState.RECTIFYING)
    rechecking = stage(CampaignState.RECHECKING)
    summarised = stage(CampaignState.SUMMARISED)
    archived = stage(CampaignState.ARCHIVED, final=True)

    mobilise = preparing.to(mobilised, validators="lawful")
    inspect = mobilised.to(inspecting, validators="lawful")
    rectify = inspecting.to(rectifying, validators="lawful")
    recheck = rectifying.to(rechecking, validators="lawful")
    summarise = rechecking.to(summarised, validators="lawful")
    archive = summarised.to(archived, validators="lawful")


def accepts_findings(state: CampaignState) -> bool:
    """Whether findings may still be submitted: until the campaign is summed up and its figures stand."""
    return state not in (CampaignState.SUMMARISED, CampaignState.ARCHIVED)
