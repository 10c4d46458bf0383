"""A campaign that was played, and its snapshot."""

from __future__ import annotations

from typing import Any

import pytest

from tests.figures import frozen, play
from tests.world import World


@pytest.fixture
def played(world: World) -> World:
    """The world after a campaign with something of everything."""
    return play(world)


@pytest.fixture
def snapshot(played: World) -> dict[str, Any]:
    """Its figures as they would be frozen now."""
    return frozen(played)
