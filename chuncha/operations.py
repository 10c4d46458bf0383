"""For whoever operates an installation: each of its parts alone, as a compose file starts them; backup and restore."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from socket import gethostname
from typing import Annotated

import anyio
import typer

from chuncha.commands import Data, opened
from domain.clock import real_time
from domain.settings import Settings, read_settings
from statemachines.labels import LOCAL

parts = typer.Typer()


@parts.command()
def web(
    data: Data = None,
    port: Annotated[int | None, typer.Option(help="Where the pages are served.")] = None,
    host: Annotated[str | None, typer.Option(help="0.0.0.0 lets other machines in.")] = None,
) -> None:
    """Serve pages and calls alone; any number of machines may."""
    from chuncha.web import run_web

    run_web(_told_to_children(read_settings(data=data, port=port, host=host)))


@parts.command()
def deploy(data: Data = None) -> None:
    """Tell the Prefect server at PREFECT_API_URL the pool and every schedule of this release; once, before workers."""
    from flows.deployments import deploy_all

    _told_to_children(read_settings(data=data))
    deploy_all()


@parts.command()
def worker(
    data: Data = None,
    at_once: Annotated[int, typer.Option(min=1, help="How many runs are at work at the same time.")] = 4,
) -> None:
    """Run flows from the pool of the Prefect server at PREFECT_API_URL; any number of machines may.

    Told to end (SIGTERM) it begins no more runs and ends with those at work. PREFECT_WORKER_WEBSERVER_HOST and _PORT
    say where it answers /health.
    """
    from flows.beside import begin_beside
    from flows.deployments import POOL
    from flows.worker import work

    _told_to_children(read_settings(data=data))
    begin_beside()
    anyio.run(partial(work, POOL, name=f"{gethostname()}-{os.getpid()}", at_once=at_once))


@parts.command()
def flows(data: Data = None) -> None:
    """Run every flow by its schedule in one process tree, without a pool, against the server at PREFECT_API_URL."""
    from flows.beside import begin_beside
    from flows.deployments import serve_all

    _told_to_children(read_settings(data=data))
    begin_beside()
    serve_all()


@parts.command()
def backup(
    file: Annotated[Path | None, typer.Argument(help="chuncha-DATE-TIME.tar when left out.")] = None,
    data: Data = None,
) -> None:
    """Write database and files into one archive; everything may go on working meanwhile."""
    from chuncha.archive import back_up

    now = real_time()
    target = file or Path(f"chuncha-{now.astimezone(LOCAL):%Y%m%d-%H%M%S}.tar")
    with opened(read_settings(data=data)) as installation:
        back_up(installation, target, now=now, say=typer.echo)


@parts.command()
def restore(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="What `chuncha backup` wrote.")],
    data: Data = None,
) -> None:
    """Put a backup into an empty installation, and bring its schema up to this release."""
    from chuncha.archive import restore as put_back

    with opened(read_settings(data=data)) as installation:
        put_back(installation, file, say=typer.echo)


def _told_to_children(settings: Settings) -> Settings:
    """Web processes and runs of flows read the settings themselves, wherever they are started, with our Python."""
    os.environ["CHUNCHA_DATA"] = str(settings.data.resolve())
    os.environ["PATH"] = os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    )
    return settings
