"""Every feature plays in the bureau of tests/world.py."""

import pytest

from tests.world import World


@pytest.fixture(autouse=True)
def bureau(world: World) -> World:
    """Steps ask for the bureau one by one; said here, it stands in the database from the beginning."""
    return world
