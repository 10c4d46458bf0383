"""A real PostgreSQL for every test: one embedded server, one migrated template, one fresh copy per test."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, text

from chuncha.postgres import start_postgres
from domain import migrations
from domain.database import Database
from domain.file_store import FileStore
from tests.mail_server import MailServer
from tests.world import World, build_world

NOW = datetime.fromisoformat("2026-04-01T10:00:00+08:00")

_copies = itertools.count()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The server's address (database `postgres`), with a migrated database `template_chuncha` to copy.

    Durability is switched off: a test's database need not survive the machine.
    """
    folder = Path(tempfile.mkdtemp(prefix="chuncha-test-"))
    careless = dict.fromkeys(("fsync", "full_page_writes", "synchronous_commit"), "off")
    server = start_postgres(folder / "postgres", own=True, settings=careless)
    url = server.url
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE template_chuncha"))
    engine.dispose()
    template = Database(_named(url, "template_chuncha"), pool_size=1)
    migrations.upgrade(template)
    template.close()
    yield url
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


def _named(url: str, database: str) -> str:
    return url.replace("/postgres?", f"/{database}?", 1)


@pytest.fixture(scope="session")
def world_template(postgres_url: str) -> str:
    """The name of a database that holds the bureau of tests/world.py, made once: hashing its passwords takes seconds."""
    with _administering(postgres_url) as admin:
        admin.execute(text("CREATE DATABASE template_world TEMPLATE template_chuncha STRATEGY FILE_COPY"))
    template = Database(_named(postgres_url, "template_world"), pool_size=1)
    build_world(template, now=NOW)
    template.close()
    return "template_world"


@contextmanager
def _administering(url: str) -> Iterator[Connection]:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@contextmanager
def _copy(url: str, template: str) -> Iterator[Database]:
    name = f"t_{os.getpid()}_{next(_copies)}"
    with _administering(url) as admin:
        admin.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"))
    own = Database(_named(url, name))
    yield own
    own.close()
    with _administering(url) as admin:
        admin.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def database(postgres_url: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A migrated database of this test's own: empty, or with the bureau in it when the test asks for `world`."""
    template = "template_chuncha"
    if "world" in request.fixturenames:
        template = request.getfixturevalue("world_template")
    with _copy(postgres_url, template) as own:
        yield own


@pytest.fixture(scope="module")
def world_copy(postgres_url: str, world_template: str) -> Iterator[World]:
    """A world shared by the tests of one file, for those that ask much and care little what happened before."""
    with _copy(postgres_url, world_template) as own:
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
