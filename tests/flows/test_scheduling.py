"""Schedules become runs: the Prefect server this project starts really plans them."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from chuncha import scheduler
from tests.waiting import PATIENCE, START, until

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
            until(lambda: answers(environment), (home / "server.log").read_text, seconds=START)
            yield environment
        finally:
            server.terminate()
            server.wait(START)


def answers(environment: dict[str, str]) -> bool:
    try:
        return httpx.get(f"{environment['PREFECT_API_URL']}/health", timeout=PATIENCE).is_success
    except httpx.TransportError:
        return False


@pytest.mark.timeout(900)
def test_every_schedule_is_planned_ahead(tmp_path: Path) -> None:
    from flows.deployments import SCHEDULES

    with prefect_server(tmp_path) as environment:
        registered = "from flows.deployments import deployments\nfor each in deployments(): each.apply()"
        subprocess.run(
            [sys.executable, "-c", registered], env=environment, cwd=ROOT, check=True, timeout=START
        )

        def planned() -> bool:
            runs = httpx.post(
                f"{environment['PREFECT_API_URL']}/flow_runs/filter", json={"limit": 200}, timeout=PATIENCE
            )
            return len({run["deployment_id"] for run in runs.json()}) == len(SCHEDULES)

        until(planned, "every schedule is planned ahead", seconds=START)
    assert "InvalidRequestError" not in (tmp_path / "server.log").read_text()
