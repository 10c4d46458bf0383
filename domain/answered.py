"""Idempotency-Key: a request repeated with the same key and body gets the first answer again (design §6)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.records import Answered
from statemachines.refusals import Refusal
from statemachines.roles import Actor


class IdempotencyKeyReused(Refusal):
    """A key belongs to one request; another body under it is a mistake of the program."""

    code, status = "idempotency-key-reused", 422
    title_zh, title_en = "幂等键已用于另一请求", "Idempotency-Key used for another request"
    zh = "Idempotency-Key“{key}”已用于另一内容不同的请求，请换一个新的键。"
    en = "The Idempotency-Key “{key}” was used for a request with another body; take a new key."


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered with: HTTP status, a JSON document, and headers worth repeating."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    replayed: bool = False


def fingerprint(call: str, body: bytes) -> str:
    """SHA-256 of the call ("POST /api/v1/findings") and its body; JSON is compared by value, not by spelling."""
    with suppress(ValueError):  # what is not JSON is compared byte by byte
        body = json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(call.encode() + b"\n" + body).hexdigest()


def answer_once(
    session: Session, key: str, seal: str, work: Callable[[], Answer], *, actor: Actor, now: datetime
) -> Answer:
    """Do `work` for the first request with this key of this person; give later ones its answer (`replayed`).

    The key is entered in the transaction of the work: both are kept or neither, so a refused request may be repeated
    with the same key. A request that comes while the first is running waits for it at the unique key.
    Raises IdempotencyKeyReused when `seal` (see `fingerprint`) is another than the first time.
    """
    entered = session.execute(
        insert(Answered)
        .values(person_id=actor.id, key=key, fingerprint=seal, headers={}, at=now)
        .on_conflict_do_nothing()
        .returning(Answered.key)
    ).one_or_none()
    mine = (Answered.person_id == actor.id, Answered.key == key)
    if entered is None:
        first = session.scalars(select(Answered).where(*mine)).one()
        if first.fingerprint != seal:
            raise IdempotencyKeyReused(key=key)
        assert first.status is not None and first.body is not None
        return Answer(first.status, first.body[0], dict(first.headers), replayed=True)
    answer = work()
    session.execute(
        update(Answered)
        .where(*mine)
        .values(status=answer.status, body=[answer.body], headers=answer.headers)
        .execution_options(synchronize_session=False)
    )
    return answer
