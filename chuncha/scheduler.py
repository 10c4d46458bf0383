"""The scheduler, Prefect's server, as a process of this machine: how it is started, and the empty store it begins with.

Setting up a new store is a hundred migrations, half of what a first start takes. So `make setup` makes an empty one
(`python -m chuncha.scheduler`), and every new installation begins with a copy of it.
"""

from __future__ import annotations

import os
import runpy
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

_STORE = "prefect.db"
"""What the scheduler calls its store in its home, unless it is told of another."""


def command(port: int, *, schedules: bool = True) -> list[str]:
    """The command that runs the scheduler on a port of this machine; without `schedules` it only keeps what runs."""
    told = ["server", "start", "--host", "127.0.0.1", "--port", str(port)]
    return [sys.executable, "-m", "chuncha.scheduler", *told, *([] if schedules else ["--no-services"])]


def put_empty_store(home: Path) -> None:
    """Let a scheduler that never ran in this folder begin with the empty store, if this environment keeps one."""
    store, kept = home / _STORE, _kept()
    if store.exists() or not kept.exists():
        return
    home.mkdir(parents=True, exist_ok=True)
    part = store.with_suffix(".part")
    shutil.copyfile(kept, part)
    part.replace(store)


def keep_empty_store() -> None:
    """Make the empty store of the scheduler as it is installed, for this environment."""
    kept = _kept()
    kept.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as home:
        upgrade = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "--yes"]
        # Whatever store the environment names is somebody's own.
        here = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        quiet = {**here, "PREFECT_HOME": home, "PREFECT_LOGGING_LEVEL": "ERROR", "DO_NOT_TRACK": "1"}
        subprocess.run(upgrade, env=quiet, check=True, stdout=subprocess.DEVNULL)
        whole = Path(home) / "whole.db"
        with closing(sqlite3.connect(Path(home) / _STORE)) as made, closing(sqlite3.connect(whole)) as copy:
            made.backup(copy)
        shutil.copyfile(whole, kept.with_suffix(".part"))
    kept.with_suffix(".part").replace(kept)


def _kept() -> Path:
    return Path(sys.prefix) / "share" / "chuncha" / f"scheduler-{version('prefect')}.db"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        # As `prefect` itself, but our package has been there first (chuncha/__init__.py).
        runpy.run_module("prefect", run_name="__main__", alter_sys=True)
    else:
        keep_empty_store()
