"""All pages as one router, and what an application needs besides it to show them."""

from __future__ import annotations

from collections.abc import Awaitable

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Scope

from forms import (
    absences,
    account,
    administration,
    bulk,
    calendars,
    calls,
    campaign_setup,
    campaigns,
    checklists,
    comments,
    door,
    drafts,
    extensions,
    field_day,
    field_items,
    field_records,
    field_visits,
    field_work,
    findings,
    flows,
    guidance,
    home,
    import_preview,
    imports,
    inbox,
    inspections,
    inspectors,
    ladders,
    open_door,
    outlets,
    people,
    phone_files,
    photos,
    places,
    quantities,
    queue,
    reports,
    rotas,
    sample,
    shell,
    signing,
    similar,
    status,
    suggestions,
    summary,
    supervisions,
    ticket_actions,
    tickets,
    tools,
    units,
    work,
)
from forms.errors import answer, error_page
from forms.pages import STATIC
from forms.session import LoginNeeded, PasswordNeeded
from statemachines.refusals import Refusal

JSON_PATHS = ("/api/", "/openapi.json", "/docs", "/problems/", "/healthz", "/readyz", "/metrics")

router = APIRouter(include_in_schema=False)
# Order matters where a fixed word and a parameter compete: /campaigns/{code}/status before /campaigns/{code}/{event}.
for noun in (
    home,
    door,
    open_door,
    account,
    similar,
    findings,
    # Before the tickets: {number} would take "bulk" or "filters" for one.
    bulk,
    queue,
    comments,
    tickets,
    inbox,
    supervisions,
    ticket_actions,
    extensions,
    guidance,
    photos,
    status,
    sample,
    summary,
    quantities,
    rotas,
    campaigns,
    inspections,
    reports,
    places,
    import_preview,
    calls,
    work,
    signing,
    suggestions,
    absences,
    outlets,
    flows,
    shell,
    field_day,
    field_items,
    administration,
    units,
    people,
    inspectors,
    campaign_setup,
    checklists,
    imports,
    ladders,
    calendars,
    phone_files,
    drafts,
    field_visits,
    tools,
):
    router.include_router(noun.router)
router.include_router(field_records.items)
router.include_router(field_work.router)
router.include_router(field_records.pages)


class Static(StaticFiles):
    """Our own files; their addresses carry a fingerprint of the content, so browsers keep them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, kept for a year when the address has its fingerprint; a chunk has it in its name."""
        answer = await super().get_response(path, scope)
        named = bool(scope.get("query_string")) or path.startswith("built/chunks/")
        lasting = named and answer.status_code in {200, 304}
        kept = "public, max-age=31536000, immutable" if lasting else "public, max-age=300"
        answer.headers["Cache-Control"] = kept
        answer.headers["X-Content-Type-Options"] = "nosniff"
        return answer


def install(app: FastAPI) -> None:
    """Mount /static, and answer with a page where no page's route did (unknown address, wrong method).

    `app.state` must have `database`, `settings`, `clock` (callable → aware now) and `files`. JSON addresses keep the
    handler the application had before.
    """
    # Only what carries no secret is made smaller: a page's token could be guessed from the sizes of its answers.
    app.mount(
        "/static", GZipMiddleware(Static(directory=STATIC), minimum_size=800, compresslevel=6), name="static"
    )
    for kind in (HTTPException, Refusal, LoginNeeded, PasswordNeeded):
        _answer_pages(app, kind)


def _answer_pages(app: FastAPI, kind: type[Exception]) -> None:
    """Answer errors of this kind with a page where a page was asked for, else as the application did before."""
    before = app.exception_handlers.get(kind)

    async def answered(request: Request, error: Exception) -> Response:
        said: Response | None
        if before is not None and request.url.path.startswith(JSON_PATHS):
            given = before(request, error)
            said = await given if isinstance(given, Awaitable) else given
        else:
            said = await answer(request, error)
        return said if said is not None else await run_in_threadpool(error_page, request, 500)

    app.add_exception_handler(kind, answered)
