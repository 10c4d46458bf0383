"""The API as a program meets it: the whole application, a real database, a bearer token per person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import func, select

from domain.file_store import FileStore
from domain.records import Base
from domain.settings import Settings
from tests.applications import application
from tests.world import World

API = "/api/v1"


@pytest.fixture
def app(world: World, store: FileStore, tmp_path: Path) -> FastAPI:
    """The application over this test's world; its clock is the world's."""
    settings = Settings(data=tmp_path)
    return application(settings, database=world.database, files=store, clock=lambda: world.now)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """An HTTP client without a token."""
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@dataclass
class Caller:
    """A program that calls as one person."""

    client: TestClient
    headers: dict[str, str]

    def __call__(self, method: str, path: str, **said: Any) -> Response:
        headers = self.headers | said.pop("headers", {})
        return self.client.request(
            method, path if path.startswith("/api") else API + path, headers=headers, **said
        )

    def get(self, path: str, **said: Any) -> Response:
        return self("GET", path, **said)

    def post(self, path: str, json: Any = None, **said: Any) -> Response:
        return self("POST", path, json={} if json is None else json, **said)

    def put(self, path: str, **said: Any) -> Response:
        return self("PUT", path, **said)

    def submit(self, **said: Any) -> Response:
        """Submit a finding; what is not said is a general oil leak at 柳林所."""
        return self.post("/findings", finding(**said))

    def send(self, data: bytes, sha256: str, **headers: str) -> Response:
        """Send a file's bytes."""
        return self.put(f"/files/{sha256}", content=data, headers=headers)


def finding(**said: Any) -> dict[str, Any]:
    """A whole finding."""
    return {
        "campaign": "CC2026",
        "unit": "LL01",
        "description": "27# 变台变压器渗漏油",
        "level": "general",
        "category": "生产设备/变压器台区",
        **said,
    }


@pytest.fixture
def calling(client: TestClient, world: World) -> Callable[[str], Caller]:
    """`calling("limin")`: a program with this person's token."""
    return lambda login: Caller(client, world.bearer(login))


@pytest.fixture
def inspector(calling: Callable[[str], Caller]) -> Caller:
    return calling("limin")


@pytest.fixture
def supervisor(calling: Callable[[str], Caller]) -> Caller:
    return calling("zhaozhuren")


@pytest.fixture
def assignee(calling: Callable[[str], Caller]) -> Caller:
    return calling("wangjianguo")


def rows(world: World) -> dict[str, int]:
    """How many rows every table holds: what "nothing half-written" is measured by."""
    with world.database.reading() as session:
        return {
            name: session.scalar(select(func.count()).select_from(table)) or 0
            for name, table in Base.metadata.tables.items()
        }


THREE_FIXED = {"assignee": "wangjianguo", "duty": "负责停电处理", "measure": "停电更换密封垫"}


@pytest.fixture
def administrator(calling: Callable[[str], Caller]) -> Caller:
    return calling("guanli")
