"""Clients that take their time: each sends a body at one byte a second, and never ends it."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from local.ports import HOST

_EVERY_S = 1.0
_LOOK_EVERY_S = 0.05
# All endpoints that are measured take so much.
_BODY_BYTES = 10_000


@dataclass
class _Client:
    """One of them; without a connection it waits until `next_at` to open one."""

    head: bytes
    connection: socket.socket | None = None
    next_at: float = 0.0


class SlowClients:
    """So many such clients while the block runs; one that is let go comes back after a second.

    `answers` counts the statuses that they got; 0 is a connection closed without an answer.
    """

    def __init__(self, port: int, path: str, count: int, id_tokens: Sequence[str] = ()) -> None:
        """Prepare clients that take turns with the tokens; without any they are anonymous."""
        self._port = port
        tokens = [
            id_tokens[number % len(id_tokens)] if id_tokens else "" for number in range(count)
        ]
        self._clients = [_Client(_head(path, token)) for token in tokens]
        self.answers: Counter[int] = Counter()
        self._end = threading.Event()
        self._all_there = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        """Begin; all are connected when this returns."""
        self._thread.start()
        self._all_there.wait()
        return self

    def __exit__(self, *_error: object) -> None:
        """Go away, all at once."""
        self._end.set()
        self._thread.join()
        for client in self._clients:
            _leave(client)

    def _run(self) -> None:
        while not self._end.wait(_LOOK_EVERY_S if self._all_there.is_set() else 0):
            for client in self._clients:
                now = time.monotonic()
                if client.connection is not None:
                    self._listen(client, now)
                if client.next_at <= now:
                    self._go_on(client)
                    client.next_at = now + _EVERY_S
            self._all_there.set()

    def _listen(self, client: _Client, now: float) -> None:
        assert client.connection is not None  # noqa: S101 - the caller has looked
        try:
            answer = client.connection.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            answer = b""
        self.answers[int(answer.split(b" ", 2)[1]) if answer else 0] += 1
        _leave(client)
        client.next_at = now + _EVERY_S

    def _go_on(self, client: _Client) -> None:
        try:
            if client.connection is None:
                client.connection = socket.create_connection((HOST, self._port))
                client.connection.setblocking(False)
                client.connection.send(client.head)
            else:
                client.connection.send(b"x")
        except OSError:
            _leave(client)


def _leave(client: _Client) -> None:
    if client.connection is not None:
        client.connection.close()
        client.connection = None


def _head(path: str, id_token: str) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {HOST}",
        "Content-Type: application/json",
        f"Content-Length: {_BODY_BYTES}",
        *([f"Authorization: Bearer {id_token}"] if id_token else []),
    ]
    return "\r\n".join([*lines, "", '{"']).encode()
