"""A stand-in for Cloud Storage that keeps objects as files, so that what it holds is no memory.

`python -m benchmarks.keeping_store FOLDER` prints where it serves, and ends with its input. A file
in FOLDER is an object: its name is the object's, quoted. The Storage emulator takes no more than
130 MB at once, and holds what it takes.
"""

import base64
import json
import re
import sys
from pathlib import Path
from urllib.parse import quote, unquote

import google_crc32c

from benchmarks.store_handler import BLOCK_BYTES, TAIL_BYTES, StoreHandler, serve

_RANGE = re.compile(r"bytes=(\d+)-(\d+)")
_folder = Path()


def file_of(folder: Path, name: str) -> Path:
    """Return where an object lies."""
    return folder / quote(name, safe="")


class _Handler(StoreHandler):
    def do_GET(self) -> None:  # noqa: N802 - http.server names it
        file = file_of(_folder, self.object_name)
        if not file.is_file():
            self.answer(404, {})
        elif self.is_for_bytes:
            self._send(file)
        else:
            self.answer(200, _resource(file))

    def do_POST(self) -> None:  # noqa: N802 - http.server names it
        left = int(self.headers["Content-Length"]) - TAIL_BYTES
        left -= self._head_bytes()
        line = self.rfile.readline()
        left -= len(line) + self._head_bytes()
        file = file_of(_folder, json.loads(line)["name"])
        with file.open("wb") as kept:
            while left and (block := self.rfile.read(min(left, BLOCK_BYTES))):
                left -= kept.write(block)
        self.rfile.read(TAIL_BYTES)
        self.answer(200, _resource(file))

    def do_DELETE(self) -> None:  # noqa: N802 - http.server names it
        file_of(_folder, self.object_name).unlink(missing_ok=True)
        self.answer(200, {})

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
            while left and (block := kept.read(min(left, BLOCK_BYTES))):
                left -= self.wfile.write(block)


def _resource(file: Path) -> dict[str, str]:
    checksum = google_crc32c.Checksum()  # type: ignore[no-untyped-call]
    with file.open("rb") as kept:
        while block := kept.read(BLOCK_BYTES):
            checksum.update(block)  # type: ignore[no-untyped-call]
    digest: bytes = checksum.digest()  # type: ignore[no-untyped-call]
    found = {"size": str(file.stat().st_size), "crc32c": base64.b64encode(digest).decode()}
    return {**found, "generation": "1", "name": unquote(file.name)}


def main(folder: str) -> None:
    """Serve until the input ends."""
    global _folder  # noqa: PLW0603 - one process serves one folder
    _folder = Path(folder)
    serve(_Handler)


if __name__ == "__main__":
    main(sys.argv[1])
