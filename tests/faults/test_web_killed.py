"""SIGKILL while people submit: what was acknowledged is there exactly once, and the installation starts again."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from uuid import uuid4

import httpx
import psutil
import pytest
from sqlalchemy import select

from chuncha.processes import free_port
from domain.records import Ticket
from tests.api.conftest import finding
from tests.waiting import PATIENCE, START, until
from tests.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

HOUSE = Path(__file__).parents[2]
PHONES = 6
FINDINGS_PER_PHONE = 40
KILLS = 3


class Web:
    """`chuncha web` on one port, to be killed and started again."""

    def __init__(self, world: World, data: Path) -> None:
        self.port, self.data = free_port(), data
        self.address = f"http://127.0.0.1:{self.port}"
        self.environment = {**os.environ, "CHUNCHA_DATABASE_URL": world.database.url}
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "chuncha", "web", "--data", str(self.data), "--port", str(self.port)]
        self.process = subprocess.Popen(command, cwd=HOUSE, env=self.environment)
        until(self.answers, "the web process answers", seconds=START)

    def answers(self) -> bool:
        assert self.process.poll() is None, "the web process ended by itself"
        try:
            return httpx.get(f"{self.address}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def web(world: World, tmp_path: Path) -> Iterator[Web]:
    running = Web(world, tmp_path / "data")
    yield running
    running.kill()


class Phone:
    """Sends its queue one by one and each finding again until it is acknowledged, as an offline queue does."""

    def __init__(self, address: str, headers: dict[str, str], units: list[str]) -> None:
        self.address, self.headers = address, headers
        self.queue = [
            finding(id=str(uuid4()), unit=unit, description=f"隐患{place}")
            for place, unit in enumerate(units)
        ]
        self.acknowledged: dict[str, str] = {}
        self.cut_off = 0

    def send_all(self, give_up: Event) -> None:
        with httpx.Client(headers=self.headers, timeout=10) as client:
            for each in self.queue:
                while each["id"] not in self.acknowledged and not give_up.is_set():
                    try:
                        answer = client.post(f"{self.address}/api/v1/findings", json=each)
                    except httpx.TransportError:
                        self.cut_off += 1
                        time.sleep(0.05)
                        continue
                    assert answer.status_code in {200, 201}, answer.text
                    self.acknowledged[each["id"]] = answer.json()["number"]


def test_a_web_process_killed_during_a_burst_loses_and_doubles_nothing(world: World, web: Web) -> None:
    chance = random.Random(2026)
    phones = [
        Phone(
            web.address,
            world.bearer(who),
            [chance.choice(["LL01", "SQ02"]) for _ in range(FINDINGS_PER_PHONE)],
        )
        for who in ["limin", "zhangqiang", "zhaozhuren"] * (PHONES // 3)
    ]
    total = PHONES * FINDINGS_PER_PHONE

    def acknowledged() -> int:
        return sum(len(phone.acknowledged) for phone in phones)

    give_up, kept_through_kills = Event(), []
    with ThreadPoolExecutor(PHONES) as pool:
        sending = [pool.submit(phone.send_all, give_up) for phone in phones]
        try:
            for kill in range(1, KILLS + 1):
                until(lambda n=kill: acknowledged() >= total * n // (KILLS + 1), "the burst", seconds=START)
                time.sleep(chance.uniform(0, 0.05))
                web.kill()
                kept_through_kills.append(
                    {key: value for p in phones for key, value in p.acknowledged.copy().items()}
                )
                web.start()
        except BaseException:
            give_up.set()
            raise
        for each in sending:
            each.result(timeout=START)

    assert sum(phone.cut_off for phone in phones) >= KILLS, "no request was cut off; the test shows nothing"
    with world.database.reading() as session:
        tickets = {str(key): number for key, number in session.execute(select(Ticket.id, Ticket.number))}
    promised = {key: number for phone in phones for key, number in phone.acknowledged.items()}
    assert len(promised) == total
    assert tickets == promised, "every acknowledged finding under the number it was told, and nothing besides"
    for earlier in kept_through_kills:
        assert earlier.items() <= tickets.items(), "what was acknowledged before a kill outlived it"
    for unit in ("LL01", "SQ02"):
        mine = sorted(number for number in tickets.values() if f"-{unit}-" in number)
        assert mine == [f"CC2026-{unit}-{place:04d}" for place in range(1, len(mine) + 1)], (
            "no gap, none twice"
        )


class Serving:
    """`chuncha serve` on a data folder."""

    def __init__(self, data: Path, port: int, said: Path) -> None:
        self.data, self.said = data, said
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CHUNCHA_")}
        with said.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "chuncha", "serve", "--data", str(data), "--port", str(port)],
                cwd=HOUSE,
                env=environment,
                stdout=out,
                stderr=out,
            )

    def wait_until_pages_are_served(self) -> None:
        def served() -> bool:
            assert self.process.poll() is None, self.said.read_text()
            return "Pages and calls" in self.said.read_text()

        until(served, "pages are served", seconds=START)

    def children(self) -> list[psutil.Process]:
        return [psutil.Process(pid) for pid, _ in json.loads((self.data / "processes.json").read_text())]


def test_serve_killed_outright_starts_again_on_the_same_folder(tmp_path: Path) -> None:
    data, port = tmp_path / "data", free_port()
    first = Serving(data, port, tmp_path / "first.txt")
    second = None
    try:
        first.wait_until_pages_are_served()
        until(lambda: len(first.children()) >= 2, "the scheduler is started")
        orphans = [each for child in first.children() for each in (child, *child.children(recursive=True))]
        first.process.kill()
        first.process.wait()
        assert any(each.is_running() for each in orphans), "nothing was left behind; the test shows nothing"

        second = Serving(data, port, tmp_path / "second.txt")
        second.wait_until_pages_are_served()
        _, alive = psutil.wait_procs(orphans, timeout=PATIENCE)
        assert [each.cmdline() for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []
        assert httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE).status_code == 200
        assert "First administrator" in first.said.read_text()
        assert "First administrator" not in second.said.read_text(), (
            "the database is the one of the first start"
        )
    finally:
        for each in (second, first):
            if each is not None and each.process.poll() is None:
                each.process.send_signal(signal.SIGTERM)
                each.process.wait(START)

    def left() -> list[psutil.Process]:
        every = psutil.process_iter(["cmdline"])
        return [each for each in every if str(data) in " ".join(each.info["cmdline"] or ())]

    until(lambda: not left(), lambda: f"nothing is left running, but {left()}")
    assert re.search(r"Pages and calls: http://127\.0\.0\.1:\d+", (tmp_path / "second.txt").read_text())
