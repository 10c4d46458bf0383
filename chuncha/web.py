"""The web process: the application served by uvicorn on one or several processes."""

from __future__ import annotations

import uvicorn
from starlette.types import ASGIApp

from chuncha.app import create_app
from chuncha.collecting import CollectsBetween, collect_seldom
from chuncha.installation import open_installation
from domain.settings import Settings, read_settings


def application() -> ASGIApp:
    """The application of this process, from the environment; uvicorn calls it once in each process."""
    settings = read_settings()
    # The connections belong to the process and end with it.
    installation = open_installation(settings).__enter__()
    app = create_app(settings, database=installation.database, files=installation.files)
    collect_seldom()
    return CollectsBetween(app)


def run_web(settings: Settings) -> None:
    """Serve until told to stop; running requests end first."""
    uvicorn.run(
        "chuncha.web:application",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.web_processes,
        log_level="warning",
        timeout_graceful_shutdown=10,
        # A process is asked for a sign of life while it still loads; on a busy machine that takes longer than five
        # seconds, and one that is ended for it never comes up.
        timeout_worker_healthcheck=60,
        proxy_headers=True,
    )
