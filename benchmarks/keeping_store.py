"""A stand-in for Cloud Storage that keeps objects as files, so that what it holds is no memory.

`python -m benchmarks.keeping_store FOLDER` prints where it serves, and ends with its input. A file
in FOLDER is an object: its name is the object's, quoted. The Storage emulator takes no more than
130 MB at once, and holds what it takes.
"""

import base64
import contextlib
import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import google_crc32c

from local.ports import HOST

_BLOCK_BYTES = 1024**2
# What ends a multipart/related body: two line ends, the dashes and a boundary of 32 characters.
_TAIL_BYTES = 2 + 2 + 32 + 2 + 2
_RANGE = re.compile(r"bytes=(\d+)-(\d+)")
_folder = Path()


def file_of(folder: Path, name: str) -> Path:
    """Return where an object lies."""
    return folder / quote(name, safe="")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        # Whoever is killed while he reads or writes is no surprise here.
        with contextlib.suppress(ConnectionError):
            super().handle()

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        file = file_of(_folder, unquote(address.path).rsplit("/o/", 1)[-1])
        if not file.is_file():
            self._answer(404, {})
        elif "alt=media" in address.query:
            self._send(file)
        else:
            self._answer(200, _resource(file))

    def do_POST(self) -> None:
        left = int(self.headers["Content-Length"]) - _TAIL_BYTES
        left -= self._head_bytes()
        line = self.rfile.readline()
        left -= len(line) + self._head_bytes()
        file = file_of(_folder, json.loads(line)["name"])
        with file.open("wb") as kept:
            while left and (block := self.rfile.read(min(left, _BLOCK_BYTES))):
                left -= kept.write(block)
        self.rfile.read(_TAIL_BYTES)
        self._answer(200, _resource(file))

    def do_DELETE(self) -> None:
        file_of(_folder, unquote(urlsplit(self.path).path).rsplit("/o/", 1)[-1]).unlink(
            missing_ok=True
        )
        self._answer(200, {})

    def _head_bytes(self) -> int:
        taken, line = 0, b""
        while line != b"\r\n":
            line = self.rfile.readline()
            taken += len(line)
        return taken

    def _send(self, file: Path) -> None:
        size = file.stat().st_size
        asked = _RANGE.fullmatch(self.headers.get("Range", ""))
        start, end = (int(asked[1]), int(asked[2]) + 1) if asked else (0, size)
        left = min(end, size) - start
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(left))
        self.end_headers()
        with file.open("rb") as kept:
            kept.seek(start)
            while left and (block := kept.read(min(left, _BLOCK_BYTES))):
                left -= self.wfile.write(block)

    def _answer(self, status: int, body: dict[str, str]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing of each request."""


def _resource(file: Path) -> dict[str, str]:
    checksum = google_crc32c.Checksum()  # type: ignore[no-untyped-call]
    with file.open("rb") as kept:
        while block := kept.read(_BLOCK_BYTES):
            checksum.update(block)  # type: ignore[no-untyped-call]
    digest: bytes = checksum.digest()  # type: ignore[no-untyped-call]
    found = {"size": str(file.stat().st_size), "crc32c": base64.b64encode(digest).decode()}
    return {**found, "generation": "1", "name": unquote(file.name)}


def main(folder: str) -> None:
    """Serve until the input ends."""
    global _folder  # noqa: PLW0603 - one process serves one folder
    _folder = Path(folder)
    with ThreadingHTTPServer((HOST, 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"{HOST}:{server.server_port}", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
