"""What a call needs: who asks, when, with which promises; and its one transaction, committed before the answer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Annotated, Any, cast

from fastapi import Depends, Header, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.etag import content_tag, must_match, unchanged
from api.problems import Unauthenticated
from domain.access import actor_from_token
from domain.answered import Answer, answer_once, fingerprint
from domain.database import Database
from domain.file_store import FileStore
from domain.settings import Settings
from statemachines.roles import Actor


def database(request: Request) -> Database:
    """The application's database."""
    return cast(Database, request.app.state.database)


def settings(request: Request) -> Settings:
    """The settings of this installation."""
    return cast(Settings, request.app.state.settings)


def files(request: Request) -> FileStore:
    """Where photos and papers lie."""
    return cast(FileStore, request.app.state.files)


def now(request: Request) -> datetime:
    """The moment of the request, aware; asked of the application's clock once."""
    if not hasattr(request.state, "now"):
        request.state.now = request.app.state.clock()
    return cast(datetime, request.state.now)


def actor(request: Request) -> Actor:
    """Who calls; set by the gate before any endpoint runs."""
    return cast(Actor, request.state.actor)


def bearer_actor(request: Request) -> Actor:
    """The actor of `Authorization: Bearer <token>`. Raises Unauthenticated (401)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated
    with database(request).glance() as session:
        found = actor_from_token(session, token.strip(), now=now(request))
    if found is None:
        raise Unauthenticated
    return found


class Call:
    """One call: who asks and when."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.actor = actor(request)
        self.now = now(request)

    def reading(self, *, snapshot: bool = False) -> AbstractContextManager[Session]:
        """A read-only session; with `snapshot` all of it sees the same moment."""
        return database(self.request).reading(snapshot=snapshot)

    def transaction(self) -> AbstractContextManager[Session]:
        """One transaction; it commits when the block ends, before the answer is sent."""
        return database(self.request).transaction()


class Reading(Call):
    """A call that only reads. Accepts If-None-Match."""

    def __init__(self, request: Request, if_none_match: str | None) -> None:
        super().__init__(request)
        self._if_none_match = if_none_match

    def answer(self, shape: BaseModel, *, tag: str | None = None) -> Response:
        """200 with the shape and its ETag, or 304 when the caller has it; without `tag` the content is the tag."""
        body = shape.model_dump_json(by_alias=True).encode()
        return self.document(body, "application/json", tag=tag)

    def document(
        self, body: bytes, media_type: str, *, tag: str | None = None, headers: dict[str, str] | None = None
    ) -> Response:
        """200 with these bytes and an ETag, or 304 when the caller has them."""
        tag = tag or content_tag(body)
        told = {"ETag": tag, "Cache-Control": "private, no-cache", **(headers or {})}
        if unchanged(self._if_none_match, tag):
            return Response(status_code=304, headers=told)
        return Response(body, media_type=media_type, headers=told)


class Creating(Call):
    """A call that writes something new. Accepts Idempotency-Key."""

    def __init__(self, request: Request, body: bytes, idempotency_key: str | None) -> None:
        super().__init__(request)
        self._body = body
        self._key = idempotency_key

    def once(self, work: Callable[[Session], Answer]) -> Response:
        """Do the work in one transaction, once per Idempotency-Key, and answer after the commit."""
        with self.transaction() as session:
            if self._key is None:
                answer = work(session)
            else:
                call = f"{self.request.method} {self.request.url.path}"
                seal = fingerprint(call, self._body)
                answer = answer_once(
                    session, self._key, seal, lambda: work(session), actor=self.actor, now=self.now
                )
        replayed = {"Idempotency-Replayed": "true"} if answer.replayed else {}
        return JSONResponse(answer.body, answer.status, headers=answer.headers | replayed)


class Writing(Creating):
    """A call that changes a record. Accepts If-Match and Idempotency-Key."""

    def __init__(
        self, request: Request, body: bytes, idempotency_key: str | None, if_match: str | None
    ) -> None:
        super().__init__(request, body, idempotency_key)
        self._if_match = if_match

    def must_match(self, version: int) -> None:
        """Raise PreconditionFailed (412) when If-Match names another version."""
        must_match(self._if_match, version)


# What headers a call reads. `async`, because the framework sends a plain function to another thread for its result.

IfNoneMatch = Annotated[
    str | None, Header(max_length=500, description="ETag of what you have: 304 when it is still so.")
]
IfMatch = Annotated[
    str | None, Header(max_length=500, description="ETag you worked from: 412 when it has changed.")
]
Key = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Same key and body: the first answer again. Same key, other body: 422.",
    ),
]


async def _call(request: Request) -> Call:
    return Call(request)


async def _reading(request: Request, if_none_match: IfNoneMatch = None) -> Reading:
    return Reading(request, if_none_match)


async def _creating(request: Request, idempotency_key: Key = None) -> Creating:
    return Creating(request, await request.body(), idempotency_key)


async def _writing(request: Request, idempotency_key: Key = None, if_match: IfMatch = None) -> Writing:
    return Writing(request, await request.body(), idempotency_key, if_match)


Calls = Annotated[Call, Depends(_call)]
Reads = Annotated[Reading, Depends(_reading)]
Creates = Annotated[Creating, Depends(_creating)]
Writes = Annotated[Writing, Depends(_writing)]


def written(
    shape: BaseModel, *, status: int = 200, tag: str | None = None, location: str | None = None
) -> Answer:
    """The answer of a write: the shape as JSON with its ETag and, for something new, its Location."""
    headers: dict[str, str] = {}
    if tag:
        headers["ETag"] = tag
    if location:
        headers["Location"] = location
    body: Any = shape.model_dump(mode="json", by_alias=True)
    return Answer(status, body, headers)
