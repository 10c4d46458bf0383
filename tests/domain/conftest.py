"""What the tests of commands share."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.world import World


@pytest.fixture
def bureau(world_copy: World, now: datetime) -> World:
    """The world shared by the tests of one file, with a clock of this test's own: quick, but not empty."""
    return World(world_copy.database, now)
