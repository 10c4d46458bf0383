"""The installation a flow works on, opened from the settings for one run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from domain.database import Database
from domain.settings import Settings, SettingsWrong, read_settings


@dataclass(frozen=True, slots=True)
class Here:
    """Settings and database of this run."""

    settings: Settings
    database: Database


@contextmanager
def opened() -> Iterator[Here]:
    """Open the database the settings name and give it back at the end.

    Raises SettingsWrong without CHUNCHA_DATABASE_URL: the embedded server belongs to `chuncha serve`, which tells its
    address to the flows it starts.
    """
    settings = read_settings()
    if settings.database_url is None:
        raise SettingsWrong("CHUNCHA_DATABASE_URL: a flow needs the address of the database")
    database = Database(settings.database_url, pool_size=2)
    try:
        yield Here(settings, database)
    finally:
        database.close()
