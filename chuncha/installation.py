"""One installation: its settings, its database (embedded unless an address is given) and its files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from chuncha.postgres import start_postgres
from domain import migrations
from domain.database import Database
from domain.evidence import Tolerance
from domain.file_store import FileStore
from domain.forgetting import RUNS_KEPT
from domain.settings import Settings


@dataclass(frozen=True, slots=True)
class Installation:
    """What every command works on."""

    settings: Settings
    database: Database
    files: FileStore

    def environment(self) -> dict[str, str]:
        """The environment a child process needs to work on the same installation."""
        told = {
            "CHUNCHA_DATA": str(self.settings.data.resolve()),
            "CHUNCHA_DATABASE_URL": self.database.url,
            "CHUNCHA_HOST": self.settings.host,
            "CHUNCHA_PORT": str(self.settings.port),
            "CHUNCHA_PUBLIC_URL": self.settings.public_url,
            # The scheduler calls home unless it is told not to.
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            # Its runs are of no use for longer than ours (domain/forgetting.py), seconds.
            "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
            "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(int(RUNS_KEPT.total_seconds())),
            "PREFECT_HOME": str((self.settings.data / "prefect").resolve()),
        }
        return {**os.environ, **told}


@contextmanager
def open_installation(
    settings: Settings, *, migrate: bool = False, own: bool = False
) -> Iterator[Installation]:
    """Start or join the database, bring its schema up when `migrate`, and give everything back at the end.

    `own`: this process is the installation (`chuncha serve`); an embedded server ends with it for certain.
    """
    embedded = None
    url = settings.database_url
    if url is None:
        embedded = start_postgres(settings.data / "postgres", own=own)
        url = embedded.url
    database = Database(
        url,
        pool_size=settings.database_pool,
        largest_file=settings.file_max_bytes,
        tolerance=Tolerance(settings.evidence_minutes, settings.evidence_metres),
    )
    try:
        if migrate:
            migrations.upgrade(database)
        yield Installation(settings, database, FileStore.open(settings))
    finally:
        database.close()
        if own and embedded is not None:
            embedded.stop()
