"""JSON for programs: the HTTP contract, version 1 (design §6)."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

from api import (
    absences,
    bulk,
    calendar,
    calls,
    campaigns,
    comments,
    corrections,
    escalations,
    extensions,
    feeds,
    files,
    findings,
    hazards,
    health,
    inspections,
    ladders,
    notices,
    outlets,
    places,
    problems,
    quantities,
    reports,
    rotas,
    samples,
    similar,
    suggestions,
    summaries,
    supervisions,
    tickets,
    tools,
)
from api.documented import document

router = APIRouter()
_v1 = APIRouter(prefix="/api/v1")
for _noun in (
    findings,
    files,
    # Before the tickets: {number} would take "similar" or "bulk" for one.
    similar,
    bulk,
    tickets,
    places,
    corrections,
    comments,
    escalations,
    extensions,
    campaigns,
    rotas,
    samples,
    quantities,
    summaries,
    tools,
    hazards,
    inspections,
    calendar,
    ladders,
    suggestions,
    supervisions,
    absences,
    reports,
    calls,
    feeds,
    notices,
    outlets,
):
    _v1.include_router(_noun.router)
_v1.include_router(campaigns.events)
router.include_router(_v1)
router.include_router(health.router)
router.include_router(feeds.public)
router.include_router(problems.router)


def install(app: FastAPI) -> None:
    """Let the application answer every error with a problem and describe itself completely at /openapi.json.

    `app.state` holds `database`, `settings`, `files` (FileStore) and `clock` (callable → aware now); a gate sets
    `request.state.actor` from `api.deps.bearer_actor` before a call under /api/v1 runs.
    """
    problems.handle_problems(app)
    document(app)


__all__ = ["install", "router"]
