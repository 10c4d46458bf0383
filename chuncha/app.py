"""The web application: the JSON calls and the pages, mounted side by side behind one gate."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

import api
import forms
from chuncha.gate import guard
from domain.clock import Clock, real_time
from domain.database import Database
from domain.file_store import FileStore
from domain.settings import Settings

#: The documentation page of the calls brings its own scripts from elsewhere; every other page has only ours.
_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"x-frame-options": b"DENY",
    b"content-security-policy": b"default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline';"
    b" base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
}


def create_app(
    settings: Settings, *, database: Database, files: FileStore, clock: Clock = real_time
) -> FastAPI:
    """Build the application; `clock` is what "now" means for every request (the demo compresses it)."""
    app = FastAPI(title="Chuncha 春查", version="1", redoc_url=None)
    app.state.settings = settings
    app.state.database = database
    app.state.files = files
    app.state.clock = clock
    api.install(app)
    forms.install(app)
    app.include_router(api.router)
    app.include_router(forms.router)
    app.add_middleware(_Protected)
    guard(app)
    return app


class _Protected:
    """Headers that keep a page from being framed, sniffed, or running scripts that are not ours."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == "/docs":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *((name, value) for name, value in _HEADERS.items() if name not in present),
                ]
            await send(message)

        sending: Callable[[MutableMapping[str, Any]], Awaitable[None]] = with_headers
        await self._app(scope, receive, sending)
