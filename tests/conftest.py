"""A real PostgreSQL for every test: one embedded server, migrated templates, a copy as new for each test."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from chuncha.collecting import collect_seldom
from chuncha.postgres import start_postgres
from domain import migrations
from domain.database import Database
from domain.file_store import FileStore
from tests.databases import Shelf, administering, named
from tests.mail_server import MailServer
from tests.world import World, build_world

NOW = datetime.fromisoformat("2026-04-01T10:00:00+08:00")

# How long an example takes says something about the machine only.
settings.register_profile(
    "chuncha", parent=settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("chuncha")

LONGEST_FIRST = [
    "tests/spread/test_spread.py",
    "tests/demo/test_demo.py",
    "tests/forms/test_accessibility_browser.py",
    "tests/demo/test_kindergarten.py",
    "tests/faults/test_web_killed.py",
    "tests/chuncha/test_serve.py",
    "tests/forms/test_offline_browser.py",
    "tests/flows/test_flows.py",
]
"""Files that take a minute or so each: where several are worked at side by side, none is waited for alone at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files; the others as they stand."""
    place = {name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: place.get(item.nodeid.partition("::")[0], len(place)))


def pytest_collection_finish() -> None:
    """Let the collector of cycles leave what was loaded alone, as in a web process."""
    collect_seldom()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The server's address (database `postgres`), with a migrated database `template_chuncha` to copy.

    Durability is switched off: a test's database need not survive the machine. Nothing is vacuumed or analysed while
    tests run, so that plans do not depend on who ran before.
    """
    folder = Path(tempfile.mkdtemp(prefix="chuncha-test-"))
    careless = dict.fromkeys(("fsync", "full_page_writes", "synchronous_commit", "autovacuum"), "off")
    server = start_postgres(folder / "postgres", own=True, settings=careless)
    url = server.url
    with administering(url) as admin:
        admin.execute("CREATE DATABASE template_chuncha")
    template = Database(named(url, "template_chuncha"), pool_size=1)
    migrations.upgrade(template)
    template.close()
    yield url
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def empty_databases(postgres_url: str) -> Shelf:
    """Migrated databases without a row of anybody's."""
    return Shelf(postgres_url, "template_chuncha")


@pytest.fixture(scope="session")
def world_databases(postgres_url: str) -> Shelf:
    """Databases that hold the bureau of tests/world.py, built once."""
    with administering(postgres_url) as admin:
        admin.execute("CREATE DATABASE template_world TEMPLATE template_chuncha")
    template = Database(named(postgres_url, "template_world"), pool_size=1)
    build_world(template, now=NOW)
    template.close()
    return Shelf(postgres_url, "template_world")


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A migrated database of this test's own: empty, or with the bureau in it when the test asks for `world`."""
    shelf = "world_databases" if "world" in request.fixturenames else "empty_databases"
    with request.getfixturevalue(shelf).lend() as own:
        yield own


@pytest.fixture(scope="module")
def world_copy(world_databases: Shelf) -> Iterator[World]:
    """A world shared by the tests of one file, for those that ask much and care little what happened before."""
    with world_databases.lend() as own:
        yield World(own, NOW)


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    """A file store in a folder of this test's own."""
    return FileStore.in_folder(tmp_path / "files", max_bytes=20 * 1024 * 1024)


@pytest.fixture
def now() -> datetime:
    """The moment most tests happen at: Wednesday 1 April 2026, 10:00 in Shanghai."""
    return NOW


@pytest.fixture
def world(database: Database) -> World:
    """A bureau with two stations, a team, people in every role, a campaign under way (tests/world.py)."""
    return World(database, NOW)


@pytest.fixture
def mail() -> Iterator[MailServer]:
    """A real SMTP server on a free port, with an empty mailbox."""
    server = MailServer()
    server.start()
    yield server
    server.stop()
