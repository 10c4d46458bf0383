"""What answers the calls of the play: like `chuncha web`, with another clock."""

from __future__ import annotations

import multiprocessing
import os
import threading
from multiprocessing.forkserver import ensure_running

from chuncha.demo.clock import AtItsMoment, Clock
from domain.settings import Settings

ANCESTOR = multiprocessing.get_context("forkserver")
"""Makes the processes of the play. It loads once what takes each of them seconds of a processor, then parts."""
ANCESTOR.set_forkserver_preload(["chuncha.demo.backstage", "chuncha.commands", "chuncha.web"])


def wake_ancestor() -> None:
    """Let the ancestor load, beside whatever else is made ready; it knows of no installation.

    A demo never plays on a real one: whatever the environment says of one is not its own, and is forgotten.
    """
    for name in [name for name in os.environ if name.startswith("CHUNCHA_")]:
        del os.environ[name]
    ensure_running()


def serve(port: int, clock: Clock, settings: Settings) -> None:
    """A web process on a port of this machine, at the time of the clock; it ends with the process that started it."""
    # Loaded where it runs, by the ancestor: the player needs none of it.
    import uvicorn

    from chuncha.app import create_app
    from chuncha.collecting import collect_seldom
    from chuncha.installation import open_installation

    threading.Thread(target=_end_with_parent, daemon=True).start()
    with open_installation(settings) as here:
        app = AtItsMoment(create_app(here.settings, database=here.database, files=here.files, clock=clock))
        collect_seldom()
        uvicorn.run(
            app,
            host="127.0.0.1",
            port=port,
            log_level="warning",
            timeout_graceful_shutdown=2,
            # The player lets go of a connection it did not use for five seconds. Were that the server's time too, a
            # call made just then would meet a closed one.
            timeout_keep_alive=600,
        )


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
