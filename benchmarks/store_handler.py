"""What the stand-ins for Cloud Storage have in common: how they are asked, answer and serve."""

import contextlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from local.ports import HOST

BLOCK_BYTES = 1024**2
# What ends a multipart/related body: two line ends, the dashes and a boundary of 32 characters.
TAIL_BYTES = 2 + 2 + 32 + 2 + 2


class StoreHandler(BaseHTTPRequestHandler):
    """Answers one request; what is kept is the stand-in's own."""

    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        """Answer requests until the client goes."""
        # Whoever is killed while he reads or writes is no surprise here.
        with contextlib.suppress(ConnectionError):
            super().handle()

    @property
    def object_name(self) -> str:
        """Return the object that is asked for."""
        return unquote(urlsplit(self.path).path).rsplit("/o/", 1)[-1]

    @property
    def is_for_bytes(self) -> bool:
        """Tell whether the object itself is asked for, and not what is known of it."""
        return "alt=media" in urlsplit(self.path).query

    def answer(self, status: int, body: dict[str, str]) -> None:
        """Answer with JSON."""
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing of each request."""


def serve(handler: type[StoreHandler]) -> None:
    """Print where it serves, and serve until the input ends."""
    with ThreadingHTTPServer((HOST, 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"{HOST}:{server.server_port}", flush=True)
        sys.stdin.read()
