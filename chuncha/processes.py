"""`chuncha serve`: one process tree for one machine: database, pages and calls, scheduler, flow runner."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from types import FrameType

import httpx
import psutil

from chuncha import scheduler
from chuncha.installation import Installation
from domain import heartbeats
from statemachines.refusals import Refusal

STOP_WAIT = 10.0
"""Seconds a process gets to end by itself."""
LONGEST_PAUSE = 60.0
"""Seconds between two starts of a process that keeps ending."""


class PortTaken(Refusal):
    """Another program listens where the pages were to be served."""

    code, status = "port-taken", 409
    title_zh, title_en = "端口被占用", "The port is taken"
    zh = "{host}:{port} 已被其他程序占用，请用 --port 另选一个端口。"
    en = "Another program already listens on {host}:{port}; choose another port with --port."


@dataclass
class Child:
    """A process that is started again when it ends."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    pause: float = 1.0
    next_start: float = 0.0
    environment: dict[str, str] = field(default_factory=dict)

    def start(self, log: Path) -> None:
        """Start it; what it says goes to its log."""
        with log.open("ab") as out:
            self.process = subprocess.Popen(self.command, env=self.environment, stdout=out, stderr=out)
        self.started_at = time.monotonic()

    def ended(self) -> bool:
        """Whether it was started and has ended."""
        return self.process is not None and self.process.poll() is not None


class Tree:
    """The children of one installation, written down so that a tree whose root was killed can be cleared away."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._list = folder / "processes.json"
        self.children: list[Child] = []
        self.stopping = False

    def clear_leftovers(self) -> None:
        """End what an earlier, killed `serve` left running here."""
        if not self._list.exists():
            return
        try:
            noted = json.loads(self._list.read_text())
        except ValueError:
            return
        left = []
        for pid, created in noted:
            try:
                process = psutil.Process(pid)
                if abs(process.create_time() - created) < 1:
                    left += [process, *process.children(recursive=True)]
            except psutil.Error:
                continue
        _end(left)

    def start(self, child: Child) -> None:
        """Start a child and note it."""
        child.start(self._folder / "logs" / f"{child.name}.log")
        if child not in self.children:
            self.children.append(child)
        running = [each.process for each in self.children if each.process is not None and not each.ended()]
        noted = [[process.pid, psutil.Process(process.pid).create_time()] for process in running]
        self._list.write_text(json.dumps(noted))

    def watch(self, say: Callable[[str], None]) -> None:
        """Start ended children again, at growing intervals, until told to stop."""
        while not self.stopping:
            for child in self.children:
                if not child.ended():
                    continue
                now = time.monotonic()
                if child.next_start == 0.0:
                    lived = now - child.started_at
                    child.pause = 1.0 if lived > LONGEST_PAUSE else min(child.pause * 2, LONGEST_PAUSE)
                    child.next_start = now + child.pause
                    assert child.process is not None
                    code = child.process.returncode
                    say(f"{child.name} ended ({code}); starting it again. See logs/{child.name}.log")
                elif now >= child.next_start:
                    child.next_start = 0.0
                    self.start(child)
            time.sleep(0.2)

    def stop(self, *_: int | FrameType | None) -> None:
        """Ask everything to end (also a signal handler)."""
        self.stopping = True

    def end(self) -> None:
        """End the children and what they started."""
        left: list[psutil.Process] = []
        for child in self.children:
            if child.process is not None and child.process.poll() is None:
                root = psutil.Process(child.process.pid)
                left += [root, *root.children(recursive=True)]
        _end(left)
        self._list.unlink(missing_ok=True)


def _end(processes: list[psutil.Process]) -> None:
    for process in processes:
        try:
            process.terminate()
        except psutil.Error:
            continue
    _, stubborn = psutil.wait_procs(processes, timeout=STOP_WAIT)
    for process in stubborn:
        try:
            process.kill()
        except psutil.Error:
            continue


def free_port() -> int:
    """A port nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def must_be_free(host: str, port: int) -> None:
    """Raise PortTaken when somebody else listens there: their answers would be taken for ours."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(host=host, port=port) from error


class _Stopped(Exception):
    """Told to stop while something was still starting."""


def wait_for(address: str, child: Child, *, seconds: float, tree: Tree | None = None) -> None:
    """Wait until the address answers. Raises RuntimeError when the child ends or the time is over, _Stopped."""
    deadline = time.monotonic() + seconds
    # One client for all the looks: each would load the certificates of the whole world.
    with httpx.Client(timeout=2) as client:
        while time.monotonic() < deadline:
            if tree is not None and tree.stopping:
                raise _Stopped
            if child.ended():
                raise RuntimeError(f"{child.name} ended before it was ready; see its log")
            try:
                if client.get(address).status_code == HTTPStatus.OK:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
    raise RuntimeError(f"{child.name} did not answer within {seconds:.0f} s; see its log")


def serve(installation: Installation, *, say: Callable[[str], None], with_flows: bool = True) -> None:
    """Run everything until SIGINT or SIGTERM, then end it in order.

    The installation's database must be migrated. Each process logs to `logs/` in the data folder.
    """
    settings = installation.settings
    (settings.data / "logs").mkdir(parents=True, exist_ok=True)
    tree = Tree(settings.data)
    tree.clear_leftovers()
    must_be_free(settings.host, settings.port)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, tree.stop)
    environment = installation.environment()
    if with_flows:
        with installation.database.transaction() as session:
            heartbeats.expect(session, now=datetime.now(UTC))
    here = [sys.executable, "-m", "chuncha"]
    try:
        web = Child("web", [*here, "web"], environment=environment)
        tree.start(web)
        address = f"http://{'127.0.0.1' if settings.host == '0.0.0.0' else settings.host}:{settings.port}"  # noqa: S104
        wait_for(f"{address}/healthz", web, seconds=60, tree=tree)
        say(f"Pages and calls: {settings.public_url}   (API documentation: {settings.public_url}/docs)")
        if with_flows:
            port = free_port()
            scheduler.put_empty_store(Path(environment["PREFECT_HOME"]))
            prefect = Child("prefect", scheduler.command(port), environment=environment)
            tree.start(prefect)
            wait_for(f"http://127.0.0.1:{port}/api/health", prefect, seconds=120, tree=tree)
            api = {**environment, "PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}
            tree.start(Child("flows", [*here, "flows"], environment=api))
            say(f"Scheduled flows: http://127.0.0.1:{port}")
        say("Everything runs. Ctrl+C ends it.")
        tree.watch(say)
    except _Stopped:
        say("Stopped before everything ran.")
    finally:
        tree.end()
