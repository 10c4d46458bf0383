"""Calls to the HTTP contract, made as the people of the play."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from threading import Lock
from typing import Any, Self

import httpx

from chuncha.demo.clock import MOMENT
from chuncha.demo.people import Colleague
from chuncha.demo.photos import Shot

API = "/api/v1"


class PlayBroken(RuntimeError):
    """A call of the play was refused: the demo and the program no longer agree."""


class Client:
    """The connections of everybody; each call carries the token of whoever makes it, and the moment it is made.

    It goes to the process that has the fewest to answer, so that none waits while another has nothing to do.
    """

    def __init__(self, addresses: Sequence[str], tokens: Mapping[str, str]) -> None:
        self._busy = {httpx.Client(base_url=address, timeout=30): 0 for address in addresses}
        self._counting = Lock()
        self._headers = {login: {"Authorization": f"Bearer {token}"} for login, token in tokens.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for http in self._busy:
            http.close()

    def post(self, path: str, body: object, *, by: Colleague, at: datetime) -> Any:
        """POST JSON and return the answer. Raises PlayBroken when it is refused."""
        return self._call("POST", path, by, at, json=body).json()

    def put(self, path: str, body: object, *, by: Colleague, at: datetime) -> Any:
        """PUT JSON."""
        return self._call("PUT", path, by, at, json=body).json()

    def get(self, path: str, *, by: Colleague, at: datetime, **query: Any) -> Any:
        """GET JSON."""
        return self._call("GET", path, by, at, params=query).json()

    def paper(self, path: str, *, by: Colleague, at: datetime) -> bytes:
        """GET a document."""
        return self._call("GET", path, by, at).content

    def send(self, shots: Iterable[Shot], *, by: Colleague, at: datetime) -> None:
        """The bytes of listed photos."""
        for shot in shots:
            self._call("PUT", f"/files/{shot.sha256}", by, at, content=shot.data)

    def _call(self, method: str, path: str, by: Colleague, at: datetime, **sent: Any) -> httpx.Response:
        headers = {**self._headers[by.login], MOMENT: at.isoformat()}
        with self._least_busy() as http:
            answer = http.request(method, API + path, headers=headers, **sent)
        if answer.is_error:
            raise PlayBroken(
                f"{by.login} {method} {path}: {answer.status_code} {answer.text}\n{sent.get('json')}"
            )
        return answer

    @contextmanager
    def _least_busy(self) -> Iterator[httpx.Client]:
        with self._counting:
            http = min(self._busy, key=self._busy.__getitem__)
            self._busy[http] += 1
        try:
            yield http
        finally:
            with self._counting:
                self._busy[http] -= 1
