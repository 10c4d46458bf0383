"""The engine's own name server: a service's name is the addresses of its running containers. A records, UDP."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from threading import Thread


class NameServer:
    """`living` says the addresses behind a name at the moment it is asked."""

    def __init__(self, address: str, living: Callable[[str], list[str]]) -> None:
        self.address, self._living = address, living
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 0))
        self.port: int = self._socket.getsockname()[1]

    def start(self) -> None:
        """Answer from now on."""
        Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        """Answer no more."""
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                asked, whom = self._socket.recvfrom(512)
                self._socket.sendto(self._answer(asked), whom)
            except OSError:
                return

    def _answer(self, asked: bytes) -> bytes:
        labels, at = [], 12
        while (length := asked[at]) != 0:
            labels.append(asked[at + 1 : at + 1 + length].decode())
            at += 1 + length
        question = asked[12 : at + 5]
        (kind,) = struct.unpack("!H", asked[at + 1 : at + 3])
        found = self._living(labels[0]) if kind == 1 else []
        # An answer to a standard question: same id, one question, so many answers, each good for a second.
        head = asked[:2] + struct.pack("!HHHHH", 0x8180, 1, len(found), 0, 0)
        records = [struct.pack("!HHHIH", 0xC00C, 1, 1, 1, 4) + socket.inet_aton(address) for address in found]
        return head + question + b"".join(records)
