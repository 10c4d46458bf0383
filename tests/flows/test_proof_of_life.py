"""The dead man's switch: who is called after a sweep, and that a deaf listener stops nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from flows.proof_of_life import proof_of_life


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """A real server that notes what it is called with; `/deaf` answers with an error."""
    heard: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            self.send_response(500 if self.path.startswith("/deaf") else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", heard
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_sweep_that_ended_is_told(listener: tuple[str, list[str]]) -> None:
    address, heard = listener
    with proof_of_life(f"{address}/ping/abc"):
        assert heard == [], "only once it has ended"
    assert heard == ["/ping/abc"]


def test_a_sweep_that_broke_off_is_told_as_failed(listener: tuple[str, list[str]]) -> None:
    address, heard = listener
    with pytest.raises(ZeroDivisionError), proof_of_life(f"{address}/ping/abc"):
        _ = 1 // 0
    assert heard == ["/ping/abc/fail"]


@pytest.mark.parametrize("path", ["/deaf", None])
def test_nobody_listening_stops_nothing(listener: tuple[str, list[str]], path: str | None) -> None:
    address = listener[0] + path if path else "http://127.0.0.1:9/nobody"
    with proof_of_life(address):
        done = True
    assert done


def test_without_an_address_nobody_is_called() -> None:
    with proof_of_life(None):
        done = True
    assert done
