"""The application for tests: put together once, its many routes with it, and given each test's own surroundings."""

from __future__ import annotations

from functools import cache

from fastapi import FastAPI
from starlette.datastructures import State

from chuncha.app import create_app
from domain.clock import Clock
from domain.database import Database
from domain.file_store import FileStore
from domain.settings import Settings


def application(settings: Settings, *, database: Database, files: FileStore, clock: Clock) -> FastAPI:
    """The application in these surroundings, which are all it keeps between requests; one test's at a time."""
    app = _put_together()
    app.state = State({"settings": settings, "database": database, "files": files, "clock": clock})
    return app


@cache
def _put_together() -> FastAPI:
    nowhere = Database("postgresql+psycopg://nowhere/nothing", pool_size=1)
    return create_app(Settings(), database=nowhere, files=None)  # type: ignore[arg-type]
