"""The workers to be killed, and chance that says what it was."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]


class Workers:
    """The warm process of tests/faults/worker.py."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=PATIENCE)

    def run(self, *tasks: dict[str, Any]) -> list[dict[str, Any] | None]:
        """Let a process do each task, all at once; None stands for one that was killed."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(tasks) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "a worker failed by itself; see above"
        return list(json.loads(answer))


@pytest.fixture(scope="package")
def workers() -> Iterator[Workers]:
    """Workers to be killed."""
    with Workers() as warm:
        yield warm


@pytest.fixture
def chance() -> random.Random:
    """Chance; pytest shows its seed when the test fails. CHUNCHA_TEST_SEED repeats it."""
    seed = int(os.environ.get("CHUNCHA_TEST_SEED") or random.SystemRandom().randrange(10**6))
    print(f"CHUNCHA_TEST_SEED={seed}")
    return random.Random(seed)
