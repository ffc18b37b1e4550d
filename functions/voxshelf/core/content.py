"""Bytes on their way into the library."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class Content:
    """Received bytes: a seekable stream, its length, and the digests taken while receiving.

    `sha256` is hexadecimal. `crc32c` is base64 of the big-endian checksum, the form in which
    Cloud Storage compares it with what arrives there.
    """

    stream: BinaryIO
    size_bytes: int
    sha256: str
    crc32c: str

    def rewound(self) -> BinaryIO:
        """Return the stream at its beginning. One reader at a time."""
        # By the end: a seek into what is buffered moves nothing but the buffer, and another process
        # that was given the file has moved the place that both share.
        self.stream.seek(0, io.SEEK_END)
        self.stream.seek(0)
        return self.stream


class Sink(Protocol):
    """Takes bytes, digests them on the way, and gives them back as content."""

    def content(self) -> Content:
        """Return all that was written."""


@dataclass(frozen=True, slots=True)
class Upload:
    """Bytes that the user put into the store himself.

    `sink(size_bytes)` makes a place to fetch them to; it raises `Unavailable` when there is no
    room.
    """

    path: str
    sink: Callable[[int], Sink]


# Where the bytes of a save come from.
Source = Content | Upload


@dataclass(frozen=True, slots=True)
class NewObject:
    """An object to be written once, with everything that it will ever carry."""

    path: str
    content: Content
    content_type: str
    disposition: str
    token: str


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object that the store holds.

    `generation` is the store's mark of just these bytes: what is put under the same name later has
    another one.
    """

    size_bytes: int
    generation: str


@dataclass(frozen=True, slots=True)
class StoredName:
    """An object that the store holds, as a listing shows it; see `StoredObject`."""

    path: str
    created_at: datetime
    size_bytes: int
    generation: str
