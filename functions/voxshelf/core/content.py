"""Bytes on their way into the library."""

from dataclasses import dataclass
from typing import BinaryIO


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
        self.stream.seek(0)
        return self.stream


@dataclass(frozen=True, slots=True)
class NewObject:
    """An object to be written once, with everything that it will ever carry."""

    path: str
    content: Content
    content_type: str
    disposition: str
    token: str
