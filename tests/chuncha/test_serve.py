"""`chuncha serve` as somebody starts it for the first time: everything comes up, and the schedules really run."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from chuncha.processes import free_port
from tests.waiting import PATIENCE, START, until

HOUSE = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


class Served:
    """A running `chuncha serve`."""

    def __init__(self, data: Path) -> None:
        self.data, self.port = data, free_port()
        self.said = data.parent / "said.txt"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CHUNCHA_")}
        with self.said.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "chuncha", "serve", "--data", str(data), "--port", str(self.port)],
                cwd=HOUSE,
                env=environment,
                stdout=out,
                stderr=out,
            )

    def chuncha(self, *words: str) -> str:
        """Run another command on the same installation while it serves."""
        command = [sys.executable, "-m", "chuncha", *words, "--data", str(self.data)]
        return subprocess.run(command, cwd=HOUSE, check=True, capture_output=True, text=True).stdout

    def wait(self, ready: Callable[[], bool], what: str) -> None:
        """Wait until something is so, or fail saying what was awaited and what the processes said."""

        def so() -> bool:
            assert self.process.poll() is None, self.said.read_text()
            return ready()

        def story() -> str:
            logs = [f"{log.name}:\n{log.read_text()[-1500:]}" for log in self.data.glob("logs/*.log")]
            return "\n".join([what, self.said.read_text(), *logs])

        # Twice the time of a start: the scheduler comes after the pages, and a run of its own after that.
        until(so, story, seconds=2 * START, pause=lambda: time.sleep(0.5))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    running = Served(tmp_path / "data")
    running.wait(lambda: "Everything runs" in running.said.read_text(), "everything runs")
    yield running
    tree = psutil.Process(running.process.pid).children(recursive=True)
    running.process.send_signal(signal.SIGTERM)
    running.process.wait(START)
    _, alive = psutil.wait_procs(tree, timeout=PATIENCE)
    assert not alive, f"left running: {[each.cmdline() for each in alive]}"


def test_a_first_start_serves_pages_and_calls_and_runs_its_schedules(served: Served):
    def get(path: str, **more: dict[str, str]) -> httpx.Response:
        # Right after a start everything is done for the first time, and the scheduler starts meanwhile.
        return httpx.get(f"http://127.0.0.1:{served.port}{path}", timeout=PATIENCE, **more)

    first = re.search(r"First administrator: (\S+)   one-time password: (\S+)", served.said.read_text())
    assert first, served.said.read_text()
    assert get("/readyz").json()["ready"] is True
    assert get("/").headers["location"] == "/login"
    token = served.chuncha("token", "issue", first[1]).strip()
    answer = get("/api/v1/tickets", headers={"Authorization": f"Bearer {token}"})
    assert answer.json() == {"items": [], "next": None}

    # Escalation that is configured and never runs is the worst failure of this field: a scheduled run must have ended.
    def delivered() -> bool:
        figures = get("/metrics").text
        return bool(
            re.search(r'^chuncha_flow_last_success\w*\{flow="deliver-notices"\} [1-9]', figures, re.M)
        )

    served.wait(delivered, "the schedule ran deliver-notices")
