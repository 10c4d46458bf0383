"""The whole application behind its gate, and people at browsers without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response

from domain.database import Database
from domain.file_store import FileStore
from domain.settings import Settings
from tests.applications import application
from tests.world import World

TOKEN = re.compile(r'name="csrf" value="([^"]+)"')


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation of this test's own."""
    return Settings(data=tmp_path)


@pytest.fixture
def app(world: World, database: Database, store: FileStore, settings: Settings) -> FastAPI:
    """The application, whose clock is the world's."""
    return application(settings, database=database, files=store, clock=lambda: world.now)


class Browser:
    """A person at a browser: cookies are kept, redirects are followed by hand, forms carry their token."""

    def __init__(self, app: FastAPI, address: str = "192.0.2.1") -> None:
        self.client = TestClient(
            app,
            follow_redirects=False,
            headers={"Accept-Language": "zh-CN"},
            client=(address, 50000),
        )

    def get(self, path: str, **more: object) -> Response:
        """A page."""
        return self.client.get(path, **more)  # type: ignore[arg-type]

    def token(self, path: str) -> str:
        """The token in a page's form."""
        found = TOKEN.search(self.get(path).text)
        assert found, f"no form at {path}"
        return found[1]

    def post(
        self, path: str, data: dict[str, str] | None = None, *, page: str | None = None, files: object = None
    ) -> Response:
        """Fill in the form on `page` (the address itself unless said) and send it."""
        filled = {"csrf": self.token(page or path), **(data or {})}
        return self.client.post(path, data=filled, files=files)  # type: ignore[arg-type]

    def sign_in(self, login: str, password: str | None = None, asked: str = "/") -> Response:
        """Through the login form."""
        told = {"login": login, "password": password or f"{login}-chuncha", "next": asked}
        return self.post("/login", told)


SignedIn = Callable[[str], Browser]


@pytest.fixture
def stranger(app: FastAPI) -> Browser:
    """Somebody who has not signed in."""
    return Browser(app)


@pytest.fixture
def browser_of(app: FastAPI) -> SignedIn:
    """`browser_of("limin")`: 李敏, signed in."""

    def signed_in(login: str) -> Browser:
        browser = Browser(app)
        answer = browser.sign_in(login)
        assert answer.status_code == 303, answer.text
        return browser

    return signed_in


def text_of(answer: Response) -> str:
    """What a page says, without tags, entities resolved, spaces joined."""
    return text_of_html(answer.text)


def text_of_html(html: str) -> str:
    """What a part of a page says, without tags, entities resolved, spaces joined."""
    body = re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def heading_of(answer: Response) -> str:
    """The page's first heading."""
    found = re.search(r"<h1[^>]*>(.*?)</h1>", answer.text, flags=re.S)
    assert found
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", found[1]))).strip()
