"""A real Chromium at a real address. Without one these tests are skipped, except in CI, where they fail."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi.responses import JSONResponse
from playwright.sync_api import Browser, Page, expect, sync_playwright
from starlette.types import ASGIApp, Receive, Scope, Send

from tests import waiting

QUIET = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
SMALL_PHONE = {**PHONE, "viewport": {"width": 360, "height": 740}}
DESK = {"viewport": {"width": 1280, "height": 800}}

PATIENCE = waiting.PATIENCE * 1000
"""Milliseconds a page has for what it is asked."""

expect.set_options(timeout=PATIENCE)


def until(page: Page, ready: Callable[[], object], what: str) -> None:
    """Wait until something is so; the page goes on meanwhile."""
    waiting.until(ready, what, pause=lambda: page.wait_for_timeout(50))


def chromium_path() -> str:
    """Where Chromium is. Fails in CI and skips elsewhere when there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    why = "no Chromium on this machine (Debian: apt-get install chromium fonts-noto-cjk)"
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


@contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    """One Chromium for several people, with `more` arguments; each gets a context of their own."""
    path = chromium_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*QUIET, *more])
        try:
            yield browser
        finally:
            browser.close()


class OutOfOrder:
    """An application that, of what is posted to one path, fails at everything or keeps everybody waiting.

    The requests of a page can be held up in its browser, but not those its service worker sends for it or without it:
    what is not to arrive yet is held up here.
    """

    def __init__(self, app: ASGIApp, path: str) -> None:
        self.app, self.path = app, path
        self.failing = False
        """Answer 503."""
        self.holding = False
        """Answer once this is no longer set."""
        self.held = 0
        """How many have had to wait so far."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.app
        if scope["type"] == "http" and (scope["method"], scope["path"]) == ("POST", self.path):
            self.held += self.holding
            while self.holding:
                await asyncio.sleep(0.02)
            if self.failing:
                app = JSONResponse({"code": "unavailable", "detail": ""}, 503)
        await app(scope, receive, send)


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """The application at an address of this machine."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            waiting.until(lambda: server.started or not thread.is_alive(), "the application is served")
            assert server.started, "the application did not start; see above"
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            if isinstance(app, OutOfOrder):
                app.holding = False
            server.should_exit = True
            thread.join()


class Person:
    """Somebody at a browser. Anything the page's console complains of is kept in `complaints`."""

    def __init__(self, browser: Browser, address: str, **device: object) -> None:
        context = browser.new_context(locale="zh-CN", base_url=address, **device)  # type: ignore[arg-type]
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.complaints: list[str] = []
        self.page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type == "error" else None
        )
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def sign_in(self, login: str, password: str | None = None) -> Person:
        """Through the login form; by the password of the tests' world when none is told."""
        self.page.goto("/login")
        self.page.get_by_label("登录名").fill(login)
        self.page.get_by_label("密码").fill(password or f"{login}-chuncha")
        self.page.get_by_role("button", name="登录").click()
        self.page.wait_for_url(lambda url: "/login" not in url)
        return self

    def choose(self, field: str, *photos: Path) -> None:
        """Choose photos in a file field."""
        self.page.locator(f"input[type=file][name={field}]").set_input_files([str(each) for each in photos])
