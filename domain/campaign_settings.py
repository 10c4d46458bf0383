"""What a campaign decides for itself: deadlines by level, the ladder of reminders, who may verify, the
summary's head.

No national rule gives days for a general hazard (domain rules 0), so every number here is the
organisation's own; the defaults are those of domain rules 6.4, 6.5 and 2.8. A campaign stores all of its
settings, so that a later change of defaults never moves a deadline that was already promised.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field

from domain.ladder_settings import Ladders
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


Percent = Annotated[int, Field(ge=0, le=100)]


class Sampling(_Setting):
    """How much of what was reported as fixed is checked again on the spot, by unit of the scope.

    Percentages of each level, rounded up; of general hazards at least `at_least` (all, when there are fewer). Of what
    the campaign before verified `look_back` per cent, at least `look_back_at_least`.
    """

    major: Percent = 100
    serious: Percent = 100
    general: Percent = 30
    at_least: int = Field(default=3, ge=0, le=1000)
    look_back: Percent = 10
    look_back_at_least: int = Field(default=1, ge=0, le=1000)

    def of(self, level: Level) -> int:
        """The percentage of one level."""
        return {Level.GENERAL: self.general, Level.SERIOUS: self.serious, Level.MAJOR: self.major}[level]


class CampaignSettings(Ladders):
    """Every setting of a campaign; what a body leaves out has the default."""

    independent_team: bool = False
    """Whether the verifier must come from outside the fixing team (domain rules 2.5)."""
    deadline_days: DeadlineDays = Field(default_factory=DeadlineDays)
    sampling: Sampling = Field(default_factory=Sampling)
    extensions_at_most: int = Field(default=MOST_EXTENSIONS, ge=0, le=20)
    extension_longest: float = Field(default=LONGEST_IN_TOTAL, ge=0, le=10, allow_inf_nan=False)
    """All extensions together, as a multiple of the time first allowed."""
    missed_after_workdays: int = Field(default=3, ge=0, le=250)
    """Working days after its day in which a planned visit may still be begun; then it is recorded as missed."""
    main_recipient: str = Field(default="上级工会", min_length=1, max_length=100)
    """主送 of the summary."""
    organisation: str = Field(default="", max_length=100)
    """Who signs the summary; empty: the unit that owns the campaign."""


class HasSettings(Protocol):
    """A campaign, as far as its settings go."""

    @property
    def settings(self) -> dict[str, object]:
        """As the database keeps them."""
        ...


def settings_of(campaign: HasSettings) -> CampaignSettings:
    """The settings of a stored campaign; to be read only, because campaigns with the same settings share them."""
    return _parsed(json.dumps(campaign.settings, sort_keys=True))


@lru_cache(maxsize=256)
def _parsed(stored: str) -> CampaignSettings:
    """Every command asks for them, some more than once; validating takes ten times as long as this look."""
    return CampaignSettings.model_validate_json(stored)
