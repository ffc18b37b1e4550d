"""What goes to Cloud Storage and comes from it: bodies in blocks, whatever their size."""

import base64
import io
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO

import google_crc32c
import requests
import urllib3

BLOCK_BYTES = 256 * 1024


class StorageUnavailable(Exception):
    """The store did not answer in time, or not with what it should."""


class Passing(Exception):
    """A failure that may not be there on the next attempt."""


def write_whole(answer: requests.Response, into: BinaryIO) -> None:
    """Copy the body of an answer, and compare it with the checksum in its header.

    urllib3 compares the length: it raises when less comes than was declared.

    Raises:
        Passing.
    """
    checksum = google_crc32c.Checksum()  # type: ignore[no-untyped-call]
    for block in _blocks(answer):
        into.write(block)
        checksum.update(block)  # type: ignore[no-untyped-call]
    arrived = base64.b64encode(checksum.digest()).decode()  # type: ignore[no-untyped-call]
    if _crc32c(answer.headers.get("X-Goog-Hash", "")) not in {None, arrived}:
        raise Passing("what arrived is not what is stored")


def exactly(answer: requests.Response, length: int) -> bytes:
    """Return the body of an answer to a range of so many bytes.

    A range that ends with the object is answered shorter, and says so: to ask again is no use.

    Raises:
        StorageUnavailable: when the object ends before.
        Passing.
    """
    if int(answer.headers.get("Content-Length", length)) != length:
        raise StorageUnavailable("the object ends before")
    try:
        body: bytes = answer.raw.read(length, decode_content=False)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise Passing from error
    if len(body) != length:
        raise Passing("less came than was declared")
    return body


def _blocks(answer: requests.Response) -> Iterator[bytes]:
    # Only the network's failures are translated, not those of the file that is written.
    try:
        yield from answer.raw.stream(BLOCK_BYTES, decode_content=False)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise Passing from error


def _crc32c(header: str) -> str | None:
    """Return the base64 checksum of a header such as `crc32c=n03x6A==,md5=Ojk9...`, if any."""
    hashes = (item.strip().partition("=") for item in header.split(","))
    return next((value for name, _, value in hashes if name == "crc32c"), None)


class Related:
    """A `multipart/related` body, read in blocks: metadata, then the bytes, then the end.

    Calls `permitted` before it gives the end away.
    """

    def __init__(
        self,
        resource: Mapping[str, object],
        body: BinaryIO,
        size_bytes: int,
        permitted: Callable[[], None],
    ) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/related; boundary={boundary}"
        head = (
            f"--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n"
            f"{json.dumps(resource)}\r\n"
            f"--{boundary}\r\nContent-Type: {resource['contentType']}\r\n\r\n"
        ).encode()
        tail = f"\r\n--{boundary}--\r\n".encode()
        self._parts = [io.BytesIO(head), body, io.BytesIO(tail)]
        self._permitted = permitted
        self._length = len(head) + size_bytes + len(tail)

    def __len__(self) -> int:
        return self._length

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, of one part at a time; empty at the end."""
        while self._parts:
            block = self._parts[0].read(size)
            if block:
                return block
            del self._parts[0]
            if len(self._parts) == 1:
                self._permitted()
        return b""
