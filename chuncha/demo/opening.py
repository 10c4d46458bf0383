"""Before the curtain: the photos are drawn."""

from __future__ import annotations

from collections.abc import Iterator

from chuncha.demo.photos import Shot
from chuncha.demo.steps import Deed, Signing, Story, Submit


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
