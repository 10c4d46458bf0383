"""Before the curtain: the photos are drawn, and the planner warns of the holiday in the dates it was first given."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console

from chuncha.demo import days
from chuncha.demo.photos import Shot
from chuncha.demo.steps import Deed, Signing, Story, Submit
from domain.phases import holiday_notes
from domain.records import CampaignPhase
from statemachines.campaign import CampaignState


def draw_photos(story: Story) -> int:
    """Draw every photo now, so that the play only sends them; returns how many there are."""
    return sum(len(shot.data) > 0 for shot in _shots(story))


def _shots(story: Story) -> Iterator[Shot]:
    for step in story.steps:
        match step:
            case Submit():
                yield from (shot for hazard in step.hazards for shot in hazard.photos)
            case Signing():
                yield from (shot for hazard in step.failed.values() for shot in hazard.photos)
            case Deed():
                yield from step.photos


def warn_of_holiday(console: Console) -> None:
    """The re-check of the original was on 6–8 April; in 2026 that begins on a holiday, and other days are proposed."""
    first, last = days.CHECKED_BEFORE
    wanted = CampaignPhase(phase=CampaignState.RECHECKING, starts_on=first, ends_on=last)
    for note in holiday_notes([wanted]):
        console.print(f"计划提示：{note.sentence('zh')}已采用建议日期。", highlight=False)
