"""A real PostgreSQL for every test: one embedded server, one migrated template, one fresh copy per test."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from chuncha.postgres import start_postgres
from domain import migrations
from domain.database import Database
from domain.file_store import FileStore
from tests.mail_server import MailServer
from tests.world import World, build_world

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


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    """A migrated, empty database of this test's own."""
    name = f"t_{os.getpid()}_{next(_copies)}"
    admin = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template_chuncha STRATEGY FILE_COPY"))
    own = Database(_named(postgres_url, name))
    yield own
    own.close()
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    """A file store in a folder of this test's own."""
    return FileStore.in_folder(tmp_path / "files", max_bytes=20 * 1024 * 1024)


@pytest.fixture
def now() -> datetime:
    """The moment most tests happen at: Wednesday 1 April 2026, 10:00 in Shanghai."""
    return datetime.fromisoformat("2026-04-01T10:00:00+08:00")


@pytest.fixture
def world(database: Database, now: datetime) -> World:
    """A bureau with two stations, a team, people in every role, a campaign under way (tests/world.py)."""
    return build_world(database, now=now)


@pytest.fixture
def mail() -> Iterator[MailServer]:
    """A real SMTP server on a free port, with an empty mailbox."""
    server = MailServer()
    server.start()
    yield server
    server.stop()
