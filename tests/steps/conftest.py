"""Every feature plays in the bureau of tests/world.py, at a moment it names, and keeps its own story."""

from datetime import datetime
from typing import Any

import pytest
from pytest_bdd import given, parsers

from statemachines.labels import LOCAL
from tests.world import World


@pytest.fixture(autouse=True)
def bureau(world: World) -> World:
    """Steps ask for the bureau one by one; said here, it stands in the database from the beginning."""
    return world


@pytest.fixture
def story(world: World, request: pytest.FixtureRequest) -> Any:
    """What a scenario remembers from step to step: the class `Story` of the file of its steps."""
    return request.module.Story(world)


@given(parsers.parse('今天是 "{when}"'))
def today(world: World, when: str) -> None:
    """The moment a scenario begins at, in Asia/Shanghai."""
    world.now = datetime.fromisoformat(when).replace(tzinfo=LOCAL)
