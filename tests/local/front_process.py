"""The front of the local site as a process, before an upstream that records what reaches it."""

import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from local.layout import FRONT
from local.ports import HOST

Answer = Callable[[BaseHTTPRequestHandler, bytes], None]


class Upstream(ThreadingHTTPServer):
    """Plays the Hosting emulator: notes each request, and answers with what it noted."""

    daemon_threads = True

    def __init__(self):
        super().__init__((HOST, 0), _Handler)
        self.noted: list[dict] = []
        self.answer: Answer = _echo
        self.reads_bodies = True
        self.first_bytes, self.client_gone = threading.Event(), threading.Event()

    @property
    def port(self) -> int:
        return self.server_address[1]

    def handle_error(self, request, client_address):
        """A connection that breaks is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _take(self):
        body = self._body() if self.server.reads_bodies else b""
        line, headers = self.requestline, self.headers.items()
        self.server.noted.append({"line": line, "headers": headers, "body": body})
        self.server.answer(self, body)

    def _body(self):
        size = int(self.headers.get("Content-Length", 0))
        body = bytearray()
        while len(body) < size and (piece := self.rfile.read1(min(65536, size - len(body)))):
            body += piece
            self.server.first_bytes.set()
        if len(body) < size:
            self.server.client_gone.set()
        return body

    def __getattr__(self, name):
        """Take every method: http.server looks for `do_<method>`."""
        if name.startswith("do_"):
            return self._take
        raise AttributeError(name)

    def log_message(self, *arguments):
        pass


def _echo(handler, body):
    text = json.dumps({"size": len(body)}).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(text)))
    handler.end_headers()
    handler.wfile.write(text if handler.command != "HEAD" else b"")


def raw(answer: bytes) -> Answer:
    """Answer with these bytes, and end the connection."""

    def send(handler, _body):
        handler.wfile.write(answer)
        handler.close_connection = True

    return send


@contextmanager
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def command(upstream_port: int, port: int = 0) -> list[str]:
    return ["node", str(FRONT), "--port", str(port), "--upstream", str(upstream_port)]


@contextmanager
def front(upstream_port: int) -> Iterator[int]:
    """Run the front before this port; its own port."""
    line = command(upstream_port)
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline().rpartition(":")[2])
        finally:
            process.terminate()


def exchange(port: int, request: bytes) -> bytes:
    """Send these bytes and read until the front closes the connection."""
    with socket.create_connection((HOST, port), timeout=10) as line:
        line.sendall(request)
        return b"".join(iter(lambda: line.recv(65536), b""))
