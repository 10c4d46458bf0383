"""Forgetting what has served its turn: replayed answers, web logins, drafts. Never a record, its history, a notice."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Table, delete, func, select
from sqlalchemy.orm import Session

from domain.records import (
    TICKET_MOVES,
    Answered,
    BulkAct,
    DraftCopy,
    FlowRequest,
    FlowRun,
    Knock,
    LoginFailure,
    WebLogin,
)

ANSWERS_KEPT = timedelta(days=7)
"""How long a request with an Idempotency-Key gets its first answer again; phones send client ids besides."""
FAILURES_KEPT = timedelta(days=1)
RUNS_KEPT = timedelta(days=30)
ACTS_KEPT = timedelta(days=30)
"""The page that says what became of each row of an act on many; what was done stays in the history."""
KNOCKS_KEPT = timedelta(days=1)
MOVES_KEPT = timedelta(days=2)
"""Longer than a process believes its counts (domain/kept_counts.py)."""
DRAFTS_KEPT = timedelta(days=90)
"""On the server; the device that has a draft keeps its own."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many rows went, or would go."""

    answers: int
    logins: int
    failures: int
    runs: int
    knocks: int
    requests: int
    drafts: int
    acts: int
    moves: int

    def said(self) -> dict[str, int]:
        """As a heartbeat keeps it."""
        return asdict(self)


def forget_expired(session: Session, *, as_of: datetime, dry_run: bool = False) -> Forgotten:
    """Delete answers older than a week, web logins past their end, wrong passwords and tries without a login
    older than a day, what flows and acts on many tickets did, or were asked to do, more than a month ago, drafts nobody
    touched for three months, and where tickets moved more than two days ago.
    """
    old: dict[
        type[Answered | WebLogin | LoginFailure | FlowRun | Knock | FlowRequest | DraftCopy | BulkAct]
        | Table,
        ColumnElement[bool],
    ] = {
        Answered: Answered.at < as_of - ANSWERS_KEPT,
        WebLogin: WebLogin.expires_at <= as_of,
        LoginFailure: LoginFailure.last_at < as_of - FAILURES_KEPT,
        FlowRun: FlowRun.started_at < as_of - RUNS_KEPT,
        Knock: Knock.at < as_of - KNOCKS_KEPT,
        FlowRequest: FlowRequest.ended_at < as_of - RUNS_KEPT,
        DraftCopy: DraftCopy.saved_at < as_of - DRAFTS_KEPT,
        BulkAct: BulkAct.at < as_of - ACTS_KEPT,
        # By the database's own clock, which also wrote it: what is forgotten too early would be counted wrong.
        TICKET_MOVES: TICKET_MOVES.c.at < func.now() - MOVES_KEPT,
    }
    counts = []
    for table, condition in old.items():
        counts.append(session.scalar(select(func.count()).select_from(table).where(condition)) or 0)
        if not dry_run:
            session.execute(delete(table).where(condition))
    return Forgotten(*counts)
