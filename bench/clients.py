"""Clients in a process of their own: threads with warm connections, told on standard input what to ask.

One line of JSON in (clients, host, port, requests), one line out (milliseconds of each request, seconds in all, and
the first unexpected answer, if any). The standard library's client costs a fraction of what a comfortable one does,
and client and server share the cores.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from typing import Any

Request = dict[str, Any]
"""method, path, headers, body (text or null), expect (status)."""


class Client:
    """One warm connection."""

    def __init__(self, host: str, port: int) -> None:
        self._connection = HTTPConnection(host, port, timeout=60)

    def warm(self) -> None:
        """Connect; what the server closed meanwhile is opened again."""
        try:
            self.ask({"method": "GET", "path": "/healthz", "headers": {}, "body": None})
        except (HTTPException, OSError):
            self._connection.close()
            self.ask({"method": "GET", "path": "/healthz", "headers": {}, "body": None})

    def ask(self, request: Request) -> tuple[int, bytes]:
        """Send one request and read the whole answer."""
        body = None if request["body"] is None else request["body"].encode()
        self._connection.request(request["method"], request["path"], body, request["headers"])
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def work(self, requests: list[Request]) -> tuple[list[float], str | None]:
        """Ask one after the other; milliseconds of each, and the first answer that is not the expected one."""
        took, wrong = [], None
        for request in requests:
            begun = time.perf_counter()
            status, body = self.ask(request)
            took.append((time.perf_counter() - begun) * 1000)
            if status != request["expect"]:
                wrong = wrong or f"{request['method']} {request['path']}: {status} {body[:300]!r}"
        return took, wrong


def main() -> None:
    """Answer lines until the input ends."""
    pools: dict[tuple[str, int], list[Client]] = {}
    with ThreadPoolExecutor(64) as threads:
        for line in sys.stdin:
            plan = json.loads(line)
            place = plan["host"], plan["port"]
            known = pools.setdefault(place, [])
            known += [Client(*place) for _ in range(plan["clients"] - len(known))]
            clients = known[: plan["clients"]]
            list(threads.map(Client.warm, clients))
            shares = [plan["requests"][start :: len(clients)] for start in range(len(clients))]
            begun = time.perf_counter()
            done = list(threads.map(Client.work, clients, shares))
            seconds = time.perf_counter() - begun
            said = {
                "milliseconds": [each for took, _ in done for each in took],
                "seconds": seconds,
                "wrong": next((wrong for _, wrong in done if wrong), None),
            }
            print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
