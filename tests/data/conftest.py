"""A web server on this machine that can misbehave in the ways that real ones do."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from minigrad.data import download


class Server(ThreadingHTTPServer):
    """Serves ``files``; the other attributes say how it misbehaves, and ``requests`` what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.requests: list[str | None] = []
        self.ranges = True
        self.tell_length = True
        self.shift_range = 0
        self.cuts: list[int] = []
        self.stall = 0.0
        self.sent = 0
        self.codes: list[int] = []
        self.pause = 0.0

    def put(self, name: str, content: bytes) -> str:
        self.files["/" + name] = content
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.requests.append(wanted)
        content = self.server.files.get(self.path, b"")
        code = self.server.codes.pop(0) if self.server.codes else 200 if content else 404
        if code != 200:
            self.send_error(code)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.server.ranges else 0
        if start:
            start += self.server.shift_range
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        body = content[start:]
        if self.server.tell_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.cuts:
            body = body[: self.server.cuts.pop(0)]
        for first in range(0, len(body), 1 << 14):
            time.sleep(self.server.pause)
            try:
                self.wfile.write(body[first : first + (1 << 14)])
            except OSError:
                return
            self.server.sent += 1 << 14
        if len(body) < len(content) - start:
            time.sleep(self.server.stall)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(download, "PAUSE", 0.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()
