"""The gate in front of every route: who may call what, decided by one table before a body is read.

A route that is not in the table cannot be called at all; a test walks the application against it.
"""

from __future__ import annotations

from dataclasses import dataclass

from anyio import to_thread
from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.requests import Request
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.deps import bearer_actor
from chuncha.access_table import ACCESS, PUBLIC_MOUNTS, Rule
from forms.session import LoginNeeded, actor_of_request
from statemachines.refusals import Refusal, RoleMissing

JSON_MAX_BYTES = 4 * 1024 * 1024
"""A JSON body; two hundred findings of the longest text are below it."""
FORM_MAX_FILES = 12
"""A form carries at most this many photos of the largest size."""


class RouteNotListed(Refusal):
    """Somebody added a route and forgot who may call it; nobody may."""

    code, status = "route-not-listed", 403
    title_zh, title_en = "未开放", "Not open"
    zh = "这个地址未开放。"
    en = "This address is not open to anybody."


class BodyTooLarge(Refusal):
    """More was sent than any call of this kind needs."""

    code, status = "body-too-large", 413
    title_zh, title_en = "内容过大", "Too large"
    zh = "发送的内容超过{most}字节，请分批发送。"
    en = "More than {most} bytes were sent; send it in parts."


@dataclass(frozen=True, slots=True)
class Call:
    """A route as the table names it: method and path template."""

    method: str
    path: str


class Gate:
    """ASGI: find the route, ask the table, put the actor into `request.state.actor`, pass on."""

    def __init__(self, app: ASGIApp, owner: FastAPI) -> None:
        self._app, self._owner = app, owner
        self._routes: list[RouteContext] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse by raising: the handlers of the edge the path belongs to answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        call = self._call(scope)
        # An unknown address or method is answered 404 or 405 by the router itself: there is nothing to guard.
        if call is not None:
            request = Request(scope)
            rule = ACCESS.get((call.method, call.path))
            if rule is None:
                raise RouteNotListed
            receive = self._measured(request, receive)
            await to_thread.run_sync(_admit, request, rule)
        await self._app(scope, receive, send)

    def _call(self, scope: Scope) -> Call | None:
        if self._routes is None:
            # The application's own list has one entry for each included router; this one has each route.
            self._routes = list(iter_route_contexts(self._owner.router.routes))
        for route in self._routes:
            match, _ = route.matches(scope)
            if match is Match.FULL:
                path = route.path or ""
                if path in PUBLIC_MOUNTS:
                    return None
                return Call(scope["method"], path)
        return None

    def _measured(self, request: Request, receive: Receive) -> Receive:
        """Count what arrives, so that a body without a length cannot be endless either."""
        largest = self._owner.state.settings.file_max_bytes
        if request.headers.get("content-type", "").startswith("multipart/"):
            most = FORM_MAX_FILES * largest
        elif request.url.path.startswith("/api/v1/files/"):
            most = largest + 1
        else:
            most = JSON_MAX_BYTES
        told = request.headers.get("content-length", "")
        if told.isdigit() and int(told) > most:
            raise BodyTooLarge(most=most)
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise BodyTooLarge(most=most)
            return message

        return counted


def _admit(request: Request, rule: Rule) -> None:
    """Set the actor; raise Unauthenticated, LoginNeeded or RoleMissing."""
    if rule.public:
        # A page shown to anybody still greets the person who is signed in; a call has no use for it.
        if rule.page:
            actor_of_request(request)
        return
    if rule.page:
        actor = actor_of_request(request)
        if actor is None:
            raise LoginNeeded
    else:
        actor = bearer_actor(request)
        request.state.actor = actor
    if rule.roles and not actor.roles & rule.roles:
        raise RoleMissing(event=f"{request.method} {request.url.path}", roles=tuple(sorted(rule.roles)))


def guard(app: FastAPI) -> None:
    """Put the gate before the application's router, inside its error handling."""
    app.router.middleware_stack = Gate(app.router.middleware_stack, app)
