"""A thin HTTP client: what it costs counts as the function's, so it is the least there is."""

import http.client
import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

_TIMEOUT_S = 60.0
# gunicorn closes a connection after 2 s without a request.
_KEPT_ALIVE_S = 1.0


class UnexpectedAnswer(Exception):
    """The function answered otherwise than a measurement needs; the text is the answer."""


@dataclass(frozen=True)
class Request:
    """One request, encoded before the clock starts."""

    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] | None = None


def multipart(
    path: str, fields: Mapping[str, str], files: Mapping[str, tuple[str, bytes, str]]
) -> Request:
    """A form with files, each as (file name, bytes, content type)."""
    form = httpx.Request("POST", f"http://function{path}", data=dict(fields), files=dict(files))
    headers = {"Content-Type": form.headers["Content-Type"]}
    return Request("POST", path, form.read(), headers)


class Client:
    """One kept connection to one function."""

    def __init__(self, connection: socket.socket, host: str, port: int, id_token: str) -> None:
        """Go on with an open connection, as the user of the token if there is one."""
        self._http = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(_TIMEOUT_S)
        self._http.sock = connection
        self._identity = {"Authorization": f"Bearer {id_token}"} if id_token else {}
        self._last_used = time.monotonic()

    def send(self, request: Request, expected_status: int) -> bytes:
        """Send and return the body of the answer. Raises UnexpectedAnswer."""
        if time.monotonic() > self._last_used + _KEPT_ALIVE_S:
            self._http.close()
        headers = {**self._identity, **(request.headers or {})}
        self._http.request(request.method, request.path, request.body, headers)
        answer = self._http.getresponse()
        body = answer.read()
        self._last_used = time.monotonic()
        if answer.status != expected_status:
            text = body[:500].decode(errors="replace")
            raise UnexpectedAnswer(f"{request.method} {request.path}: {answer.status} {text}")
        return body

    def timed(self, request: Request, expected_status: int) -> float:
        """Send and return the seconds until the answer was read. Raises UnexpectedAnswer."""
        started = time.perf_counter()
        self.send(request, expected_status)
        return time.perf_counter() - started

    def object(self, request: Request, expected_status: int) -> dict[str, Any]:
        """Send and return the JSON object of the answer. Raises UnexpectedAnswer."""
        answer: dict[str, Any] = json.loads(self.send(request, expected_status))
        return answer
