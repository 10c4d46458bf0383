"""Calendar feeds: made and revoked by their owner, read by any calendar program that knows the address."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from api.deps import Calls, IfNoneMatch, Reads, database, now, settings, written
from api.documented import CREATE, LIST, MEANINGS, answers
from api.etag import content_tag, unchanged
from api.problems import CONTENT
from api.shapes import Moment
from domain import feeds
from domain.feed_entries import Tasks, calendar_of
from domain.feeds import NewFeed
from domain.records import CalendarFeed

router = APIRouter(tags=["feeds"])
public = APIRouter(tags=["feeds"])

Key = Annotated[UUID, Path(alias="id")]
Secret = Annotated[str, Path(min_length=20, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]


class FeedShape(BaseModel):
    """A feed of one's own dates, or of a unit (code). `last_read_at` is right to within the hour."""

    id: UUID
    unit: str | None
    created_at: Moment
    last_read_at: Moment | None


class MadeShape(FeedShape):
    """A new feed. `address` is what the calendar program is given; it is told this once."""

    address: str


class FeedList(BaseModel):
    """The caller's feeds, oldest first."""

    items: list[FeedShape]


def _shape(feed: CalendarFeed) -> FeedShape:
    return FeedShape(
        id=feed.id,
        unit=feed.unit.code if feed.unit else None,
        created_at=feed.created_at,
        last_read_at=feed.last_read_at,
    )


@router.get("/feeds", operation_id="listFeeds", response_model=FeedList, responses=LIST)
def list_all(call: Reads) -> Response:
    """The caller's feeds that were not revoked."""
    with call.reading() as session:
        items = [_shape(feed) for feed in feeds.feeds_of(session, call.actor)]
    return call.answer(FeedList(items=items))


@router.post("/feeds", operation_id="makeFeed", status_code=201, response_model=MadeShape, responses=CREATE)
def make(new: NewFeed, call: Calls) -> Response:
    """Make a feed. The answer is not kept, so an Idempotency-Key is not read: the secret is stored nowhere."""
    with call.transaction() as session:
        made = feeds.make_feed(session, new, actor=call.actor, now=call.now)
        address = f"{settings(call.request).public_url.rstrip('/')}/calendar/{made.secret}.ics"
        answer = written(MadeShape(**_shape(made.feed).model_dump(), address=address), status=201)
    return JSONResponse(answer.body, answer.status, headers={"Cache-Control": "no-store"})


@router.delete("/feeds/{id}", operation_id="revokeFeed", status_code=204, responses=answers(404))
def revoke(key: Key, call: Calls) -> Response:
    """Revoke one of the caller's feeds: its address answers 404 from now on."""
    with call.transaction() as session:
        feeds.revoke_feed(session, key, actor=call.actor, now=call.now)
    return Response(status_code=204)


@public.get(
    "/calendar/{secret}.ics",
    operation_id="readFeed",
    response_class=Response,
    responses={
        200: {"content": {"text/calendar": {"schema": {"type": "string"}}}},
        304: {"description": MEANINGS[304]},
        404: {
            "description": "No such feed, or it was revoked.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        },
        422: {"description": MEANINGS[422], "content": CONTENT},
    },
)
def read_feed(
    secret: Secret,
    request: Request,
    tasks: Annotated[
        Tasks, Query(description="`events` for programs that show no tasks of a subscription.")
    ] = Tasks.TASKS,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The feed as RFC 5545 writes it, for whoever knows its address: what its owner may see now."""
    moment = now(request)
    with database(request).reading() as session:
        opened = feeds.open_feed(session, secret)
        if opened is None:
            return Response(
                "Not found\n", 404, media_type="text/plain", headers={"Cache-Control": "no-store"}
            )
        address = settings(request).public_url
        body = calendar_of(session, opened, now=moment, address=address, tasks=tasks)
    if not feeds.seen_lately(opened.feed, now=moment):
        with database(request).transaction() as session:
            feeds.feed_read(session, opened.feed, now=moment)
    tag = content_tag(body)
    headers = {"ETag": tag, "Cache-Control": "private, max-age=300"}
    if unchanged(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="text/calendar", headers=headers)
