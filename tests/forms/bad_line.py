"""A bad line to a server that can be killed: a proxy that cuts, and servers whose dying and coming back takes no time."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from chuncha.processes import free_port
from tests.waiting import until

HOUSE = Path(__file__).parents[2]
RANGE = re.compile(rb"content-range: bytes (\d+)-(\d+)/(\d+)", re.IGNORECASE)
PUT = re.compile(rb"PUT /field/files/([0-9a-f]{64})")

SERVER = """
import os, signal, sys
from pathlib import Path
import uvicorn
from chuncha.app import create_app
from domain.database import Database
from domain.file_store import FileStore
from domain.settings import Settings
url, data = sys.argv[1:]
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("ready", flush=True)
for line in sys.stdin:
    born = os.fork()
    if born == 0:
        settings = Settings(data=Path(data))
        app = create_app(settings, database=Database(url), files=FileStore.open(settings))
        uvicorn.run(app, host="127.0.0.1", port=int(line), log_level="warning")
        os._exit(0)
    print(born, flush=True)
"""


class Servers:
    """One server after the other on one database. They are born of a process that has loaded everything already."""

    def __init__(self, url: str, data: Path) -> None:
        command = [sys.executable, "-c", SERVER, url, str(data)]
        self._mother = subprocess.Popen(
            command, cwd=HOUSE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._running = 0
        self._ready = False
        self.port = 0

    def next(self) -> None:
        """Kill the one that answers, as a power cut does, and let another begin."""
        self.kill()
        if not self._ready:
            self._said("ready")
            self._ready = True
        port = free_port()
        assert self._mother.stdin
        self._mother.stdin.write(f"{port}\n")
        self._mother.stdin.flush()
        self._running = int(self._said())

        def answers() -> bool:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return True
            return False

        until(answers, "the server answers")
        self.port = port

    def kill(self) -> None:
        """SIGKILL: nothing is finished, nothing is said."""
        self.port = 0
        if self._running:
            os.kill(self._running, signal.SIGKILL)
            self._running = 0

    def stop(self) -> None:
        """End them all."""
        self.kill()
        self._mother.kill()
        self._mother.communicate()

    def _said(self, expected: str | None = None) -> str:
        assert self._mother.stdout
        said = self._mother.stdout.readline().strip()
        assert said and expected in {None, said}
        return said


class Line:
    """What lies between a phone and the servers."""

    def __init__(self, servers: Servers) -> None:
        self.servers = servers
        self.up = True
        """Whether there is a signal at all."""
        self.cut: str | None = None
        """The photo whose upload was cut off half way, once that has happened."""
        self.went_on: list[int] = []
        """Where the parts of that photo began that were sent afterwards."""
        self.cutting = False
        """Whether the next photo of several parts is to be cut off."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Hang up."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                phone, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(phone,), daemon=True).start()

    def _serve(self, phone: socket.socket) -> None:
        with suppress(OSError), phone:
            if not self.up or not self.servers.port:
                return
            with socket.create_connection(("127.0.0.1", self.servers.port)) as server:
                threading.Thread(target=_pump, args=(server, phone), daemon=True).start()
                while data := phone.recv(65536):
                    if self._half_way(data):
                        server.sendall(data[: len(data) // 2])
                        server.shutdown(socket.SHUT_RDWR)
                        return
                    server.sendall(data)

    def _half_way(self, data: bytes) -> bool:
        """Whether a part of a photo begins here that is to be cut off."""
        asked, span = PUT.match(data), RANGE.search(data)
        if not asked or not span:
            return False
        sha256, start, total = asked[1].decode(), int(span[1]), int(span[3])
        if sha256 == self.cut:
            self.went_on.append(start)
        if self.cutting and self.cut is None and start > 0 and start >= total // 2 - 65536:
            self.cut = sha256
            return True
        return False


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    # The phone is told at once that the line is gone, as the network would.
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
