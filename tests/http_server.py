"""A real HTTP server for tests: it keeps what is posted to it and answers as a test, or a messenger's rules, say."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Got:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Say:
    """One answer."""

    status: int = 200
    body: object = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class HttpServer:
    """`answer` is asked for each request; `got` keeps all of them."""

    def __init__(self, answer: Callable[[Got], Say]) -> None:
        self.got: list[Got] = []
        self.answer = answer
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                got = Got(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                server.got.append(got)
                say = server.answer(got)
                said = say.body if isinstance(say.body, str) else json.dumps(say.body)
                self.send_response(say.status)
                for name, value in say.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(said.encode())))
                self.end_headers()
                self.wfile.write(said.encode())

            def log_message(self, *said: object) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._http.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        self._http.shutdown()
        self._http.server_close()


class MessengerServer(HttpServer):
    """What the three messengers have in common: `taken`, and rates by a clock of seconds; it stands still unless given."""

    rates: tuple[tuple[int, float], ...]
    """At most so many in so many seconds."""

    def __init__(self, answer: Callable[[Got], Say], *, clock: Callable[[], float] = float) -> None:
        self.taken: list[Any] = []
        self.taken_at: list[float] = []
        self.clock = clock
        super().__init__(answer)

    def take(self, said: object) -> None:
        """Keep what was taken."""
        self.taken.append(said)
        self.taken_at.append(self.clock())

    @property
    def too_fast(self) -> bool:
        """Whether another message now would be one too many."""
        now = self.clock()
        # What a test put there or took away counts as taken just now.
        times = [*self.taken_at, *[now] * len(self.taken)][: len(self.taken)]
        return any(sum(now - at < seconds for at in times) >= most for most, seconds in self.rates)


class WeComServer(MessengerServer):
    """As 企业微信 answers: HTTP 200 always, `errcode` tells; 20 a minute, sizes in bytes."""

    rates = ((20, 60),)

    def __init__(self, *, clock: Callable[[], float] = float) -> None:
        super().__init__(self._answer, clock=clock)

    def _answer(self, got: Got) -> Say:
        said = got.json
        if "key=good" not in got.path:
            return Say(body={"errcode": 93000, "errmsg": "invalid webhook url"})
        limits = {"markdown": 4096, "text": 2048}
        kind = said["msgtype"]
        if len(said[kind]["content"].encode()) > limits[kind]:
            return Say(body={"errcode": 40058, "errmsg": f"{kind}.content exceed max length"})
        if self.too_fast:
            return Say(body={"errcode": 45009, "errmsg": "api freq out of limit"})
        self.take(said)
        return Say(body={"errcode": 0, "errmsg": "ok"})


class DingTalkServer(MessengerServer):
    """As 钉钉 answers: it checks signature and keyword, and blocks for ten minutes over 20 a minute."""

    rates = ((20, 60),)

    def __init__(
        self, *, secret: str | None = None, keyword: str = "", clock: Callable[[], float] = float
    ) -> None:
        self.secret, self.keyword = secret, keyword
        super().__init__(self._answer, clock=clock)

    def _answer(self, got: Got) -> Say:
        asked = parse_qs(urlsplit(got.path).query)
        if self.secret:
            timestamp = asked.get("timestamp", [""])[0]
            right = base64.b64encode(
                hmac.new(
                    self.secret.encode(), f"{timestamp}\n{self.secret}".encode(), hashlib.sha256
                ).digest()
            )
            if asked.get("sign", [""])[0] != right.decode():
                return Say(body={"errcode": 310000, "errmsg": "sign not match"})
        if self.keyword not in got.json["markdown"]["text"]:
            return Say(body={"errcode": 310000, "errmsg": "keywords not in content"})
        if len(got.body) > 20_000:
            return Say(body={"errcode": 460101, "errmsg": "message too long"})
        if self.too_fast:
            return Say(body={"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"})
        self.take(got.json)
        return Say(body={"errcode": 0, "errmsg": "ok"})


class FeishuServer(MessengerServer):
    """As 飞书 answers: it checks the signature, takes 100 a minute and 5 a second, and is crowded while `crowded` is set."""

    rates = ((100, 60), (5, 1))

    def __init__(self, *, secret: str | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.secret = secret
        self.crowded = False
        super().__init__(self._answer, clock=clock)

    def _answer(self, got: Got) -> Say:
        said = got.json
        if self.secret:
            key = f"{said['timestamp']}\n{self.secret}".encode()
            if said["sign"] != base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode():
                return Say(status=400, body={"code": 19021, "msg": "sign match fail"})
        if len(got.body) > 20 * 1024:
            return Say(status=400, body={"code": 9499, "msg": "Bad Request"})
        if self.crowded or self.too_fast:
            return Say(body={"code": 11232, "msg": "frequency limited psm"})
        self.take(said)
        return Say(body={"code": 0, "msg": "success", "StatusCode": 0})
