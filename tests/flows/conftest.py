"""Flows work on the test's own database, told to them as `chuncha serve` does: by the environment."""

from collections.abc import Iterator

import pytest

from tests.mail_server import MailServer
from tests.waiting import START
from tests.world import World


@pytest.fixture
def installed(world: World, mail: MailServer, monkeypatch: pytest.MonkeyPatch, tmp_path) -> World:
    """The bureau as an installation with a mail server."""
    monkeypatch.setenv("CHUNCHA_DATABASE_URL", world.database.url)
    monkeypatch.setenv("CHUNCHA_SMTP_URL", mail.url)
    monkeypatch.setenv("CHUNCHA_DATA", str(tmp_path))
    return world


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A Prefect server of this session's own, with its own database."""
    from prefect.testing.utilities import prefect_test_harness

    import flows  # noqa: F401 - sets what Prefect reads when it is imported

    with prefect_test_harness(server_startup_timeout=int(START)):
        yield
