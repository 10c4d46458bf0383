"""One HTTP POST to an address somebody typed in: bounded in time and size, never into a private network unasked.

The address is judged after it was resolved, and the connection goes to the very address that was judged: a name that
answers differently the second time gains nothing. Redirects are not followed, proxies of the environment not used.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from typing import Any

import httpcore

from domain.dispatches import ChannelDown, NotDelivered

TIMEOUT = 10.0
"""Seconds to wait at each step."""
MOST_READ = 64 * 1024
"""Bytes of an answer that are read."""


class PrivateAddress(Exception):
    """The name leads into a private network, and that was not allowed."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the other side answered."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> dict[str, Any]:
        """The body as an object; empty when it is none."""
        try:
            body = json.loads(self.text)
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}

    def __str__(self) -> str:
        return f"{self.status} {' '.join(self.text.split())[:300]}".strip()


def is_public(address: str) -> bool:
    """Whether this IP address is one of the public internet: no loopback, private, link-local, shared or reserved."""
    parsed = ip_address(address)
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return mapped.is_global and not mapped.is_multicast


class _Judging(httpcore.SyncBackend):
    """Connects to addresses it has resolved and judged itself."""

    def __init__(self, *, private_allowed: bool) -> None:
        self._private_allowed = private_allowed

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of the host that answers; every one of them must be allowed."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(f"{host}: {error.strerror or error}") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not self._private_allowed:
            for address in addresses:
                if not is_public(address):
                    raise PrivateAddress(f"{host} is {address}, an address of a private network")
        refused: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                refused = error
        raise refused


@cache
def _authorities() -> ssl.SSLContext:
    """Reading every authority of the machine takes a fortieth of a second: once."""
    return ssl.create_default_context()


def post(
    url: str,
    body: bytes,
    *,
    headers: Mapping[str, str],
    private_allowed: bool = False,
    timeout: float = TIMEOUT,
) -> Heard:
    """POST `body` and return the answer, whatever its status.

    Raises ChannelDown when nobody answers, NotDelivered when the address may not be used or the line broke.
    """
    limits = dict.fromkeys(("connect", "read", "write", "pool"), timeout)
    try:
        with (
            httpcore.ConnectionPool(
                ssl_context=_authorities(), network_backend=_Judging(private_allowed=private_allowed)
            ) as pool,
            pool.stream(
                "POST",
                url,
                headers=[(name, value) for name, value in headers.items()],
                content=body,
                extensions={"timeout": limits},
            ) as answer,
        ):
            return Heard(
                answer.status,
                {name.decode().lower(): value.decode("latin-1") for name, value in answer.headers},
                _some(answer.iter_stream()).decode(errors="replace"),
            )
    except PrivateAddress as error:
        raise NotDelivered(str(error), permanent=True) from error
    except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
        raise ChannelDown(f"{type(error).__name__}: {error}") from error
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        raise NotDelivered(f"{type(error).__name__}: {error}", permanent=False) from error
    except (httpcore.UnsupportedProtocol, UnicodeError) as error:
        raise NotDelivered(f"{type(error).__name__}: {error}", permanent=True) from error


def _some(chunks: Iterable[bytes]) -> bytes:
    """The beginning of an answer; an endless one costs no more."""
    read = b""
    for chunk in chunks:
        read += chunk
        if len(read) >= MOST_READ:
            break
    return read[:MOST_READ]
