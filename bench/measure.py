"""Rounds of a subject and its baseline in turn, so that both meet the same machine, and what they come to."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Self

import psutil
import psycopg

from bench.clients import Request

HOUSE = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Round:
    """Some repetitions: milliseconds of each, seconds from the first to the last, and seconds of processor time.

    `cpu` is the working process's own (the web process; of plain SQL nothing, the database's is not counted).
    """

    milliseconds: list[float]
    seconds: float
    cpu: float = 0.0


Subject = Callable[[], Round]


@dataclass(slots=True)
class Figures:
    """Everything measured of one subject."""

    rounds: list[Round] = field(default_factory=list)

    @property
    def p50(self) -> float:
        """Milliseconds."""
        return median(each for one in self.rounds for each in one.milliseconds)

    @property
    def medians(self) -> list[float]:
        """Milliseconds, round by round."""
        return [median(one.milliseconds) for one in self.rounds]

    @property
    def p95(self) -> float:
        """Milliseconds."""
        return quantiles((each for one in self.rounds for each in one.milliseconds), n=20)[-1]

    @property
    def per_second(self) -> float:
        """Median over the rounds."""
        return median(len(one.milliseconds) / one.seconds for one in self.rounds)

    @property
    def cpu(self) -> float:
        """Milliseconds of processor time for each; hardly moved by what else the machine does."""
        return median(one.cpu * 1000 / len(one.milliseconds) for one in self.rounds)


@dataclass(slots=True)
class Compared:
    """A subject beside its baseline."""

    name: str
    baseline: str
    clients: int
    subject: Figures = field(default_factory=Figures)
    bare: Figures = field(default_factory=Figures)

    @property
    def ratios(self) -> list[float]:
        """How many times the baseline's median time the subject takes, round by round."""
        pairs = zip(self.subject.rounds, self.bare.rounds, strict=True)
        return [median(one.milliseconds) / median(two.milliseconds) for one, two in pairs]

    @property
    def ratio(self) -> float:
        """The median over the rounds."""
        return median(self.ratios)


def in_turn(
    name: str, subject: Subject, baseline: str, bare: Subject, *, clients: int, rounds: int
) -> Compared:
    """Run both once to warm up, then round by round, each going first every other time."""
    found = Compared(name, baseline, clients)
    subject(), bare()
    for number in range(rounds):
        turns = [(found.subject, subject), (found.bare, bare)]
        for figures, run in turns if number % 2 else reversed(turns):
            figures.rounds.append(run())
    return found


@dataclass(frozen=True, slots=True)
class Server:
    """A process that answers."""

    port: int
    pid: int

    def cpu(self) -> float:
        """Seconds of processor time it has used."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)


class Load:
    """The process that asks (bench/clients.py)."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.clients"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=HOUSE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=10)

    def ask(self, server: Server, requests: Sequence[Request], *, clients: int) -> Round:
        """Let so many clients ask all of the requests. Raises RuntimeError for an unexpected answer."""
        assert self._process.stdin and self._process.stdout
        plan = {"clients": clients, "host": "127.0.0.1", "port": server.port, "requests": requests}
        before = server.cpu()
        self._process.stdin.write(json.dumps(plan) + "\n")
        self._process.stdin.flush()
        said = json.loads(self._process.stdout.readline())
        if said["wrong"]:
            raise RuntimeError(said["wrong"])
        return Round(said["milliseconds"], said["seconds"], server.cpu() - before)


def timed(work: Callable[[], object], times: int) -> Round:
    """Call it so many times."""
    took = []
    begun, cpu = time.perf_counter(), time.process_time()
    for _ in range(times):
        one = time.perf_counter()
        work()
        took.append((time.perf_counter() - one) * 1000)
    return Round(took, time.perf_counter() - begun, time.process_time() - cpu)


class PlainSql:
    """One statement on connections of its own, nothing but the driver in between."""

    def __init__(self, url: str, statement: str, given: Mapping[str, object], *, clients: int) -> None:
        address = url.replace("postgresql+psycopg", "postgresql")
        self._connections = [psycopg.connect(address, autocommit=True) for _ in range(clients)]
        self._statement, self._given = statement, given

    def run(self, times: int) -> Round:
        """Every connection its share of so many executions, all rows fetched."""
        share = -(-times // len(self._connections))

        def work(connection: psycopg.Connection) -> Round:
            return timed(lambda: connection.execute(self._statement, self._given).fetchall(), share)

        begun = time.perf_counter()
        with ThreadPoolExecutor(len(self._connections)) as threads:
            done = list(threads.map(work, self._connections))
        return Round([each for one in done for each in one.milliseconds], time.perf_counter() - begun)

    def close(self) -> None:
        """Give the connections back."""
        for connection in self._connections:
            connection.close()
