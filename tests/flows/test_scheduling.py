"""Schedules become runs: the Prefect server this project starts really plans them."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from chuncha import scheduler

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.prefect


@contextmanager
def prefect_server(home: Path) -> Iterator[dict[str, str]]:
    """The server as `chuncha serve` starts it; yields the environment of its clients."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
    }
    scheduler.put_empty_store(home)
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            scheduler.command(port),
            env=environment,
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
        try:
            until(lambda: httpx.get(f"{environment['PREFECT_API_URL']}/health").is_success)
            yield environment
        finally:
            server.terminate()
            server.wait(30)


def until(true, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if true():
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    pytest.fail("it did not happen in time")


@pytest.mark.timeout(240)
def test_every_schedule_is_planned_ahead(tmp_path: Path) -> None:
    from flows.deployments import SCHEDULES

    with prefect_server(tmp_path) as environment:
        registered = "from flows.deployments import deployments\nfor each in deployments(): each.apply()"
        subprocess.run([sys.executable, "-c", registered], env=environment, cwd=ROOT, check=True, timeout=90)

        def planned() -> bool:
            runs = httpx.post(f"{environment['PREFECT_API_URL']}/flow_runs/filter", json={"limit": 200})
            return len({run["deployment_id"] for run in runs.json()}) == len(SCHEDULES)

        until(planned)
    assert "InvalidRequestError" not in (tmp_path / "server.log").read_text()
