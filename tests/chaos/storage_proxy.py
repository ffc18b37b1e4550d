"""A faulty HTTP proxy in front of the Storage emulator."""

import contextlib
import http.client
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.chaos import faults
from tests.chaos.faults import Call, Switchboard

HOST = "127.0.0.1"
# The head of a multipart upload names the object; it is far shorter than this.
_HEAD_BYTES = 4096
_BLOCK_BYTES = 16 * 1024
_TIMEOUT_S = 90.0
_NAME = re.compile(rb'"name":\s*"([^"]+)"')
_OBJECT = re.compile(r"/(?:storage/v1|v0|download/storage/v1)/b/[^/]+/o/([^/?]+)")
# They belong to one connection (RFC 9110, section 7.6.1).
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


class _Broken(Exception):
    """The connection to the client has to be reset."""


class StorageProxy:
    """Forwards to `upstream` (host:port) whatever the board lets pass."""

    def __init__(self, upstream: str, board: Switchboard) -> None:
        """Listen on a free port."""
        self._upstream, self._board = upstream, board
        self._server = self._listen(0)
        self.port: int = self._server.server_address[1]

    @property
    def address(self) -> str:
        """Return `host:port`."""
        return f"{HOST}:{self.port}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """Refuse every connection while the block runs, and break those that are open."""
        self.close()
        self._server.reset_all()
        try:
            yield
        finally:
            self._server = self._listen(self.port)

    def _listen(self, port: int) -> "_Server":
        server = _Server((HOST, port), self._upstream, self._board)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server


class _Server(ThreadingHTTPServer):
    # Threads that wait for a dead peer must not outlive the program.
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], upstream: str, board: Switchboard) -> None:
        self.upstream, self.board = upstream, board
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        # The base class sends an orderly end first, where a reset may be wanted.
        self._open.discard(request)
        request.close()

    def reset_all(self) -> None:
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that die are what this is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        head = self.rfile.read(min(length, _HEAD_BYTES))
        body = _Body(head, self.rfile, length)
        call = _call(self.command, self.path, head)
        entry, action = self.server.board.arrive(call)
        try:
            self._carry_out(call, action, body)
        except (_Broken, OSError, http.client.HTTPException):
            self._reset()
        finally:
            self.server.board.leave(entry)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve  # noqa: N815 - the base class's names

    def _carry_out(self, call: Call, action: faults.Action | None, body: "_Body") -> None:
        match action:
            case faults.Hold(gate, answered):
                if answered:
                    self._forward(body)
                gate.wait(call)
                raise _Broken
            case faults.Answer(status, forwarded):
                if forwarded:
                    self._forward(body)
                else:
                    body.drain()
                self._answer(status, [], b'{"error": {"message": "injected"}}')
            case faults.Reset(after_bytes):
                body.skip(after_bytes)
                raise _Broken
            case faults.Cut(after_bytes):
                self._forward(body, cut_after=min(after_bytes, body.length // 2))
            case faults.LoseAnswer():
                self._forward(body)
                raise _Broken
            case faults.Throttle(bytes_per_s):
                self._answer(*self._forward(body, bytes_per_s=bytes_per_s))
            case faults.Slow(seconds):
                time.sleep(seconds)
                self._answer(*self._forward(body))
            case _:
                self._answer(*self._forward(body))

    def _forward(
        self, body: "_Body", *, cut_after: int | None = None, bytes_per_s: float | None = None
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = http.client.HTTPConnection(self.server.upstream, timeout=_TIMEOUT_S)
        with contextlib.closing(upstream):
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    upstream.putheader(name, value)
            upstream.putheader("Content-Length", str(body.length))
            upstream.endheaders()
            sent = 0
            for block in body.blocks():
                if cut_after is not None and sent + len(block) > cut_after:
                    upstream.send(block[: cut_after - sent])
                    raise _Broken
                upstream.send(block)
                sent += len(block)
                if bytes_per_s:
                    time.sleep(len(block) / bytes_per_s)
            answer = upstream.getresponse()
            return answer.status, answer.getheaders(), answer.read()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _reset(self) -> None:
        self.close_connection = True
        # With a linger time of 0 the close is a reset: what was sent is not delivered any more.
        with contextlib.suppress(OSError):
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


class _Body:
    """A request's body, of which the head has been read."""

    def __init__(self, head: bytes, rest: Any, length: int) -> None:
        self._head, self._rest, self.length = head, rest, length

    def blocks(self) -> Iterator[bytes]:
        if self._head:
            yield self._head
        left = self.length - len(self._head)
        while left > 0:
            block = self._rest.read(min(left, _BLOCK_BYTES))
            if not block:
                raise _Broken
            left -= len(block)
            yield block

    def drain(self) -> None:
        self.skip(self.length)

    def skip(self, size_bytes: int) -> None:
        passed = 0
        for block in self.blocks():
            passed += len(block)
            if passed >= size_bytes:
                return


def _call(method: str, target: str, head: bytes) -> Call:
    url = urlsplit(target)
    if url.path.startswith("/upload/"):
        named = _NAME.search(head)
        path = named.group(1).decode() if named else ""
        return Call(faults.UPLOAD, _uid(path), path)
    found = _OBJECT.match(url.path)
    path = unquote(found.group(1)) if found else ""
    if method == "DELETE":
        return Call(faults.DELETE, _uid(path), path)
    if method == "GET" and found:
        kind = faults.DOWNLOAD if "alt=media" in url.query else faults.LOOK
        return Call(kind, _uid(path), path)
    if method == "GET" and url.path.endswith("/o"):
        return Call(faults.LIST, None, url.query)
    return Call(faults.OTHER, _uid(path), f"{method} {target}")


def _uid(path: str) -> str | None:
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else None
