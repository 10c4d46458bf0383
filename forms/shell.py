"""What makes the pages an app on a phone: manifest, service worker, and the page for where there is no signal."""

from __future__ import annotations

import json
from functools import cache
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from forms.errors import PageRoute
from forms.field_words import FIELD, words_for
from forms.findings import NAMES
from forms.pages import STATIC, page, static
from forms.session import signed_in
from forms.words import language_of
from statemachines.roles import Actor, Role

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]

#: What a phone keeps from the first visit on, besides what was bundled.
_OURS = ("chuncha.css", "walk.css", "work.css", "inlets.css", "icons.svg", "mark.svg", "icons/192.png")

MANIFEST = {
    "id": "/",
    "name": "春查 安全大检查",
    "short_name": "春查",
    "description": "安全大检查，从发现到销号。没有信号也能检查、拍照、上报。",
    "lang": "zh-CN",
    "dir": "ltr",
    "start_url": "/",
    "scope": "/",
    "display": "standalone",
    "background_color": "#f6f7f5",
    "theme_color": "#0b6e69",
    "categories": ["business", "productivity"],
    "shortcuts": [
        {"name": "报隐患", "url": "/findings/new"},
        {"name": "本机待发", "url": "/field"},
    ],
}


@router.get("/manifest.webmanifest")
def manifest() -> Response:
    """How the app is called and looks on a home screen."""
    icons = [
        {"src": static("mark.svg"), "sizes": "any", "type": "image/svg+xml"},
        {"src": static("icons/192.png"), "sizes": "192x192", "type": "image/png"},
        {"src": static("icons/512.png"), "sizes": "512x512", "type": "image/png"},
        {"src": static("icons/maskable.png"), "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
    ]
    body = json.dumps({**MANIFEST, "icons": icons}, ensure_ascii=False)
    return Response(
        body, media_type="application/manifest+json", headers={"Cache-Control": "public, max-age=3600"}
    )


@cache
def _service_worker() -> str:
    """The bundled worker, with the addresses of our files before it: another file, another worker."""
    files = [{"url": static(name), "revision": None} for name in (*_OURS, *_entries())]
    files += [{"url": f"/static/{name}", "revision": None} for name in _chunks()]
    version = static("built/forms.js").rsplit("?", 1)[-1]
    files.append({"url": "/offline", "revision": version})
    return f"self.__CHUNCHA_FILES={json.dumps(files)};\n" + (
        STATIC / "built" / "service-worker.js"
    ).read_text(encoding="utf-8")


def _entries() -> list[str]:
    """Bundles that pages load; every file of the same folder but the worker itself."""
    found = sorted((STATIC / "built").glob("*.js"))
    return [f"built/{path.name}" for path in found if path.name != "service-worker.js"]


def _chunks() -> list[str]:
    """What bundles share; a chunk has its fingerprint in its name."""
    return [f"built/chunks/{path.name}" for path in sorted((STATIC / "built" / "chunks").glob("*.js"))]


@router.get("/service-worker.js")
def service_worker() -> Response:
    """The service worker of all pages. It is served from the root, because it may answer for what lies below."""
    return Response(
        _service_worker(),
        media_type="text/javascript",
        headers={"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"},
    )


@router.get("/offline")
def offline(request: Request) -> Response:
    """Shown where a page was asked for that is not on the phone, and there is no signal."""
    return page(request, "offline.html")


@router.get("/field")
def field(request: Request, actor: Who) -> Response:
    """What is kept on this phone; our code in the browser fills it in."""
    words = words_for(
        language_of(request), {**FIELD, **{f"field-{name}": said for name, said in NAMES.items()}}
    )
    return page(request, "field.html", words=words, may_import=Role.SUPERVISOR in actor.roles)
