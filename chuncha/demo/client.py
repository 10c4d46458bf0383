"""Calls to the HTTP contract, made as the people of the play."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

import httpx

from chuncha.demo.people import Colleague
from chuncha.demo.photos import Shot

API = "/api/v1"


class PlayBroken(RuntimeError):
    """A call of the play was refused: the demo and the program no longer agree."""


class Client:
    """One connection for everybody; each call carries the token of whoever makes it."""

    def __init__(self, address: str, tokens: Mapping[str, str]) -> None:
        self._http = httpx.Client(base_url=address, timeout=30)
        self._headers = {login: {"Authorization": f"Bearer {token}"} for login, token in tokens.items()}
        self.calls = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def post(self, path: str, body: object, *, by: Colleague) -> Any:
        """POST JSON and return the answer. Raises PlayBroken when it is refused."""
        return self._call("POST", path, by, json=body).json()

    def put(self, path: str, body: object, *, by: Colleague) -> Any:
        """PUT JSON."""
        return self._call("PUT", path, by, json=body).json()

    def get(self, path: str, *, by: Colleague, **query: Any) -> Any:
        """GET JSON."""
        return self._call("GET", path, by, params=query).json()

    def paper(self, path: str, *, by: Colleague) -> bytes:
        """GET a document."""
        return self._call("GET", path, by).content

    def send(self, shots: Iterable[Shot], *, by: Colleague) -> None:
        """The bytes of listed photos."""
        for shot in shots:
            self._call("PUT", f"/files/{shot.sha256}", by, content=shot.data)

    def _call(self, method: str, path: str, by: Colleague, **sent: Any) -> httpx.Response:
        self.calls += 1
        answer = self._http.request(method, API + path, headers=self._headers[by.login], **sent)
        if answer.is_error:
            raise PlayBroken(
                f"{by.login} {method} {path}: {answer.status_code} {answer.text}\n{sent.get('json')}"
            )
        return answer
