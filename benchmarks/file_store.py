"""A stand-in for Cloud Storage that has one file under every upload's name, and forgets the rest.

`python -m benchmarks.file_store FILE` prints where it serves, and ends with its input. The Storage
emulator takes no more than 130 MB at once and holds what it takes in memory; this one takes any
length and holds nothing, so that all memory that is measured is the functions'.
"""

import base64
import sys
from io import BufferedIOBase
from pathlib import Path

import google_crc32c

from benchmarks.store_handler import BLOCK_BYTES, TAIL_BYTES, StoreHandler, serve

_file = Path()
_checksum = ""


class _Handler(StoreHandler):
    def do_GET(self) -> None:  # noqa: N802 - http.server names it
        if not self.object_name.startswith("uploads/"):
            self.answer(404, {})
            return
        size = _file.stat().st_size
        if not self.is_for_bytes:
            self.answer(200, {"size": str(size), "crc32c": _checksum, "generation": "1"})
            return
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.send_header("X-Goog-Hash", f"crc32c={_checksum}")
        self.end_headers()
        with _file.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                self.wfile.write(block)

    def do_POST(self) -> None:  # noqa: N802 - http.server names it
        left = int(self.headers["Content-Length"]) - TAIL_BYTES
        for _ in range(2):
            left -= self._head_bytes()
        size, checksum = left, _checksum_of(self.rfile, left)
        self.rfile.read(TAIL_BYTES)
        self.answer(200, {"size": str(size), "crc32c": checksum})

    def do_DELETE(self) -> None:  # noqa: N802 - http.server names it
        self.answer(200, {})

    def _head_bytes(self) -> int:
        """Read a part's head, or the JSON of the first one with the head of the second."""
        taken, empty = 0, 0
        while not empty:
            line = self.rfile.readline()
            taken, empty = taken + len(line), line == b"\r\n"
        if not self._is_json_read:
            self._is_json_read = True
            line = self.rfile.readline()
            taken += len(line)
        return taken

    _is_json_read = False

    def answer(self, status: int, body: dict[str, str]) -> None:
        self._is_json_read = False
        super().answer(status, body)


def _checksum_of(file: BufferedIOBase, size: int) -> str:
    checksum = google_crc32c.Checksum()  # type: ignore[no-untyped-call]
    while size and (block := file.read(min(size, BLOCK_BYTES))):
        checksum.update(block)  # type: ignore[no-untyped-call]
        size -= len(block)
    digest: bytes = checksum.digest()  # type: ignore[no-untyped-call]
    return base64.b64encode(digest).decode()


def main(path: str) -> None:
    """Serve until the input ends."""
    global _file, _checksum  # noqa: PLW0603 - one process serves one file
    _file = Path(path)
    with _file.open("rb") as file:
        _checksum = _checksum_of(file, _file.stat().st_size)
    serve(_Handler)


if __name__ == "__main__":
    main(sys.argv[1])
