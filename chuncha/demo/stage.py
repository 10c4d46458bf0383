"""The stage: one throw-away installation with its database, pages and calls, scheduler and mail server."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread

import httpx

from chuncha import scheduler
from chuncha.demo import backstage
from chuncha.demo.clock import Clock
from chuncha.demo.mailbox import Mailbox
from chuncha.installation import Installation, open_installation
from chuncha.processes import Child, Tree, free_port, wait_for
from domain.settings import read_settings

SENDER = "春查 <chuncha@yunling.example>"
SCHEDULER = "PREFECT_API_URL"


@dataclass(frozen=True, slots=True)
class Stage:
    """What the play is played on. `ready` waits until the scheduler answers, `over` ends it."""

    installation: Installation
    mailbox: Mailbox
    ready: Callable[[], None]
    over: Callable[[], None]


@contextmanager
def stage(folder: Path, port: int, *, load: Callable[[], None]) -> Iterator[Stage]:
    """Set everything up below `folder` and take it down again; `port` is where the pages are read afterwards.

    The scheduler takes seconds to come up, so it is started first and waited for last. What `load` loads reads its
    environment, and is loaded while this process waits for its database.
    """
    backstage.wake_ancestor()
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    settings = read_settings(data=folder, port=port, public_url=f"http://127.0.0.1:{port}", mail_from=SENDER)
    tree = Tree(folder)
    with Mailbox(folder / "mailbox") as mailbox:
        os.environ["CHUNCHA_SMTP_URL"], os.environ["CHUNCHA_MAIL_FROM"] = mailbox.url, SENDER
        settings = settings.model_copy(update={"smtp_url": mailbox.url})
        scheduler_port = free_port()
        try:
            runs = _scheduler(folder, scheduler_port)
            tree.start(runs)
            Thread(target=load, daemon=True).start()
            with open_installation(settings, migrate=True, own=True) as installation:
                # The flows run in this process and read their settings as everywhere else.
                os.environ.update(
                    (name, value)
                    for name, value in installation.environment().items()
                    if name.startswith(("CHUNCHA_", "PREFECT_"))
                )
                health = f"http://127.0.0.1:{scheduler_port}/api/health"
                ready = partial(wait_for, health, runs, seconds=120)
                yield Stage(installation, mailbox, ready, partial(_over, tree))
        finally:
            _over(tree)


def _over(tree: Tree) -> None:
    """End the play's scheduler: `chuncha serve` brings its own."""
    tree.end()
    os.environ.pop(SCHEDULER, None)


def _scheduler(folder: Path, port: int) -> Child:
    os.environ[SCHEDULER] = f"http://127.0.0.1:{port}/api"
    home = (folder / "prefect").resolve()
    scheduler.put_empty_store(home)
    os.environ["PREFECT_HOME"] = str(home)
    os.environ["PREFECT_LOGGING_LEVEL"] = "WARNING"
    os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
    os.environ["DO_NOT_TRACK"] = "1"
    # The catalogue of what could be connected takes a second to write, and nobody opens it.
    os.environ["PREFECT_SERVER_REGISTER_BLOCKS_ON_START"] = "false"
    # The play calls its flows itself: what looks for scheduled runs would only take turns from it.
    return Child("prefect", scheduler.command(port, schedules=False), environment=dict(os.environ))


@dataclass(frozen=True, slots=True)
class Web:
    """Processes that answer calls. `ready` waits until they do."""

    addresses: list[str]
    ready: Callable[[], None]


@contextmanager
def web(on: Installation, clock: Clock, *, processes: int = 1) -> Iterator[Web]:
    """Serve pages and calls from processes of their own, at the time of the clock; they take seconds to come up."""
    # Whatever the environment says by now: the processes know the one their common ancestor was started with.
    settings = on.settings.model_copy(update={"database_url": on.database.url})
    ports = [free_port() for _ in range(processes)]
    started = [
        backstage.ANCESTOR.Process(
            target=backstage.serve, args=(port, clock, settings), name=f"web {port}", daemon=True
        )
        for port in ports
    ]
    for process in started:
        process.start()
    addresses = [f"http://127.0.0.1:{port}" for port in ports]
    try:
        yield Web(addresses, partial(_wait_for_all, started, addresses))
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.join(timeout=10)


def _wait_for_all(processes: Sequence[BaseProcess], addresses: Sequence[str]) -> None:
    for process, address in zip(processes, addresses, strict=True):
        _wait_for(process, f"{address}/healthz")


def _wait_for(process: BaseProcess, address: str) -> None:
    with httpx.Client(timeout=2) as client:
        for _ in range(600):
            if not process.is_alive():
                raise RuntimeError("the web application did not start")
            try:
                client.get(address)
            except httpx.HTTPError:
                time.sleep(0.1)
                continue
            return
    raise RuntimeError("the web application did not answer within a minute")
