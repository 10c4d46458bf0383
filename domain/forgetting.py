"""Forgetting what has served its turn: replayed answers, web logins. Never a record, its history or a notice."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from domain.records import Answered, BulkAct, FlowRequest, FlowRun, Knock, LoginFailure, WebLogin

ANSWERS_KEPT = timedelta(days=7)
"""How long a request with an Idempotency-Key gets its first answer again; phones send client ids besides."""
FAILURES_KEPT = timedelta(days=1)
RUNS_KEPT = timedelta(days=30)
ACTS_KEPT = timedelta(days=30)
"""The page that says what became of each row of an act on many; what was done stays in the history."""
KNOCKS_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many rows went, or would go."""

    answers: int
    logins: int
    failures: int
    runs: int
    knocks: int
    requests: int
    acts: int

    def said(self) -> dict[str, int]:
        """As a heartbeat keeps it."""
        return asdict(self)


def forget_expired(session: Session, *, as_of: datetime, dry_run: bool = False) -> Forgotten:
    """Delete answers older than a week, web logins past their end, wrong passwords and tries without a login
    older than a day, and what flows and acts on many tickets did, or were asked to do, more than a month ago.
    """
    old: dict[
        type[Answered | WebLogin | LoginFailure | FlowRun | Knock | FlowRequest | BulkAct],
        ColumnElement[bool],
    ] = {
        Answered: Answered.at < as_of - ANSWERS_KEPT,
        WebLogin: WebLogin.expires_at <= as_of,
        LoginFailure: LoginFailure.last_at < as_of - FAILURES_KEPT,
        FlowRun: FlowRun.started_at < as_of - RUNS_KEPT,
        Knock: Knock.at < as_of - KNOCKS_KEPT,
        FlowRequest: FlowRequest.ended_at < as_of - RUNS_KEPT,
        BulkAct: BulkAct.at < as_of - ACTS_KEPT,
    }
    counts = []
    for table, condition in old.items():
        counts.append(session.scalar(select(func.count()).select_from(table).where(condition)) or 0)
        if not dry_run:
            session.execute(delete(table).where(condition))
    return Forgotten(*counts)
