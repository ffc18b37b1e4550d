"""Serve the stand-in on loopback: find the row of each call, hold it to it, and note it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

from local.rehearsal.calls import QUOTA_PERMISSION, ROWS
from local.rehearsal.project import CloudProject
from local.rehearsal.protocol import (
    PERMISSION_DENIED,
    Caller,
    Json,
    Refusal,
    Request,
    Row,
)

_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Call:
    """One call that came in: what it was, and how it went."""

    method: str
    host: str
    path: str
    status: int
    # Permissions that the caller lacked; None when the call is in no row of the table.
    lacking: tuple[str, ...] | None

    def __str__(self) -> str:
        """As a person reads it."""
        return f"{self.method} {self.host}{self.path} {self.status}"


@dataclass
class StandIn:
    """Google's APIs for one project and one caller."""

    project: CloudProject
    caller: Caller
    calls: list[Call] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(
        self, method: str, host: str, target: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, Json]:
        """Answer one call; calls are answered one after the other."""
        parts = urlsplit(target)
        path, query = unquote(parts.path), dict(parse_qsl(parts.query))
        with self._lock:
            row, names = _find(method, host, path)
            if row is None:
                self.calls.append(Call(method, host, path, HTTPStatus.NOT_IMPLEMENTED, None))
                return HTTPStatus.NOT_IMPLEMENTED, {"error": {"message": "in no row of the table"}}
            lacking = self._lacking(row, names, headers)
            request = Request(method, host, path, query, names, body, self.caller)
            status, answer = self._try(row, request, lacking)
            self.calls.append(Call(method, host, path, status, lacking))
            return status, answer

    def _try(self, row: Row, request: Request, lacking: tuple[str, ...]) -> tuple[int, Json]:
        try:
            if row.needed_api and row.needed_api not in self.project.enabled:
                raise _denied(f"{row.needed_api} has not been used in this project or is disabled.")
            if lacking:
                raise _denied(_explained(request, lacking))
            return HTTPStatus.OK, row.answer(self.project, request)
        except Refusal as refusal:
            return refusal.status, refusal.body

    def _lacking(self, row: Row, names: dict[str, str], headers: dict[str, str]) -> tuple[str, ...]:
        needed = row.permissions
        if "x-goog-user-project" in headers:
            needed = (*needed, QUOTA_PERMISSION)
        on_secret = names.get("secret") in self.project.secrets
        return tuple(name for name in needed if not self.caller.may(name, on_secret=on_secret))


@contextmanager
def served(stand_in: StandIn) -> Iterator[int]:
    """Serve while the block runs; gives the port."""

    class Handler(_Handler):
        answers = stand_in

    server = ThreadingHTTPServer((_LOOPBACK, 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Small answers otherwise wait 40 ms for the acknowledgement of the one before.
    disable_nagle_algorithm = True
    answers: StandIn

    def _serve(self) -> None:
        headers = {name.lower(): text for name, text in self.headers.items()}
        host = headers["host"].split(":")[0]
        status, answer = self.answers.answer(
            self.command, host, self.path, headers, self._body(headers)
        )
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_DELETE = do_GET = do_PATCH = do_POST = do_PUT = _serve  # noqa: N815  # the base's names

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *_: object) -> None:
        """Stay silent: the calls are kept."""


def _find(method: str, host: str, path: str) -> tuple[Row | None, dict[str, str]]:
    for row in ROWS:
        if (names := row.matches(method, host, path)) is not None:
            return row, names
    return None, {}


def _denied(message: str) -> Refusal:
    return Refusal(HTTPStatus.FORBIDDEN, PERMISSION_DENIED, message)


def _explained(request: Request, lacking: tuple[str, ...]) -> str:
    if request.path.endswith(":enable"):
        return f"Permission denied to enable service [{request.names['api']}]"
    return f"Permission {', '.join(lacking)} denied on {request.path}"
