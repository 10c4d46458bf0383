"""What a campaign decides for itself: deadlines by level, the ladder of reminders, who may verify, the
summary's head.

No national rule gives days for a general hazard (domain rules 0), so every number here is the
organisation's own; the defaults are those of domain rules 6.4, 6.5 and 2.8. A campaign stores all of its
settings, so that a later change of defaults never moves a deadline that was already promised.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, field_validator

from domain.errors import wrong
from statemachines.extension import LONGEST_IN_TOTAL, MOST_EXTENSIONS
from statemachines.labels import Level

Days = Annotated[int, Field(ge=0, le=3650)]


class _Setting(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class DeadlineDays(_Setting):
    """Natural days from finding to deadline by level: 0 = the same day, 1 = 24 hours (domain/deadlines.py)."""

    general: Days = 15
    serious: Days = 7
    major: Days = 1

    def of(self, level: Level) -> int:
        """The days of one level."""
        return {Level.GENERAL: self.general, Level.SERIOUS: self.serious, Level.MAJOR: self.major}[level]


class Told(StrEnum):
    """Whom a step of the ladder tells."""

    ASSIGNEE = "assignee"
    UNIT_LEADER = "unit_leader"
    """The leader, else the supervisor, nearest above the ticket's unit."""
    SUPERVISOR = "supervisor"
    INSPECTOR = "inspector"
    LEADER = "leader"


class Act(StrEnum):
    """Remind before the deadline, escalate after it."""

    REMIND = "remind"
    ESCALATE = "escalate"


class LadderStep(_Setting):
    """One step of the ladder, climbed once for each deadline of a ticket.

    `after_workdays` counts working days from the deadline: negative before it, 0 the moment it has passed.
    `levels` are the hazard levels it is for; all when left out.
    """

    code: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")
    after_workdays: int = Field(ge=-60, le=250)
    to: list[Told] = Field(min_length=1, max_length=5)
    act: Act
    levels: list[Level] = Field(default_factory=lambda: list(Level), min_length=1, max_length=3)

    def is_for(self, level: Level) -> bool:
        """Whether tickets of this level climb the step."""
        return level in self.levels


def default_ladder() -> list[LadderStep]:
    """Domain rules 6.5: warn the person responsible, then their leader, then the union, then propose 督办.

    A major hazard climbs in half the days (rounded up), so its steps are its own.
    """
    lesser = [Level.GENERAL, Level.SERIOUS]
    major = [Level.MAJOR]
    above = [Told.SUPERVISOR, Told.LEADER]
    return [
        LadderStep(code="due-in-3", after_workdays=-3, to=[Told.ASSIGNEE], act=Act.REMIND, levels=lesser),
        LadderStep(
            code="major-due-in-2", after_workdays=-2, to=[Told.ASSIGNEE], act=Act.REMIND, levels=major
        ),
        LadderStep(code="due-in-1", after_workdays=-1, to=[Told.ASSIGNEE, Told.UNIT_LEADER], act=Act.REMIND),
        LadderStep(code="overdue", after_workdays=0, to=[Told.SUPERVISOR, Told.INSPECTOR], act=Act.ESCALATE),
        LadderStep(
            code="major-overdue-2", after_workdays=2, to=[Told.LEADER], act=Act.ESCALATE, levels=major
        ),
        LadderStep(code="overdue-3", after_workdays=3, to=[Told.LEADER], act=Act.ESCALATE, levels=lesser),
        LadderStep(code="major-overdue-4", after_workdays=4, to=above, act=Act.ESCALATE, levels=major),
        LadderStep(code="overdue-7", after_workdays=7, to=above, act=Act.ESCALATE, levels=lesser),
        LadderStep(code="overdue-15", after_workdays=15, to=above, act=Act.ESCALATE, levels=[Level.SERIOUS]),
    ]


class CampaignSettings(_Setting):
    """Every setting of a campaign; what a body leaves out has the default."""

    independent_team: bool = False
    """Whether the verifier must come from outside the fixing team (domain rules 2.5)."""
    deadline_days: DeadlineDays = Field(default_factory=DeadlineDays)
    ladder: list[LadderStep] = Field(default_factory=default_ladder, max_length=20)
    """From the earliest step to the latest; an empty ladder reminds nobody."""
    extensions_at_most: int = Field(default=MOST_EXTENSIONS, ge=0, le=20)
    extension_longest: float = Field(default=LONGEST_IN_TOTAL, ge=0, le=10, allow_inf_nan=False)
    """All extensions together, as a multiple of the time first allowed."""
    missed_after_workdays: int = Field(default=3, ge=0, le=250)
    """Working days after its day in which a planned visit may still be begun; then it is recorded as missed."""
    main_recipient: str = Field(default="上级工会", min_length=1, max_length=100)
    """主送 of the summary."""
    organisation: str = Field(default="", max_length=100)
    """Who signs the summary; empty: the unit that owns the campaign."""

    @field_validator("ladder")
    @classmethod
    def _climbs(cls, ladder: list[LadderStep]) -> list[LadderStep]:
        codes = [step.code for step in ladder]
        if twice := sorted({code for code in codes if codes.count(code) > 1}):
            raise wrong(
                "ladder-code-twice",
                zh=f"催办步骤代号重复：{'、'.join(twice)}。",
                en=f"Steps of the ladder share a code: {', '.join(twice)}.",
            )
        for earlier, later in pairwise(ladder):
            if later.after_workdays < earlier.after_workdays:
                raise wrong(
                    "ladder-order",
                    zh=f"催办步骤须由早到晚：“{later.code}”早于“{earlier.code}”。",
                    en=f"Steps go from early to late: “{later.code}” is before “{earlier.code}”.",
                )
        for step in ladder:
            if (step.act is Act.REMIND) != (step.after_workdays < 0):
                raise wrong(
                    "ladder-act",
                    zh=f"“{step.code}”：到期前只能提醒（remind），到期后只能升级（escalate）。",
                    en=f"“{step.code}”: a step before the deadline reminds, one at or after it escalates.",
                )
        return ladder


class HasSettings(Protocol):
    """A campaign, as far as its settings go."""

    @property
    def settings(self) -> dict[str, object]:
        """As the database keeps them."""
        ...


def settings_of(campaign: HasSettings) -> CampaignSettings:
    """The settings of a stored campaign."""
    return CampaignSettings.model_validate(campaign.settings)
