"""What has been received and not yet understood: bytes in a spool, and texts that are long."""

import base64
import hashlib
import quopri
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import google_crc32c

from voxshelf.core.content import Content
from voxshelf.http.resources import Resources

# More than this goes from memory to /tmp (which is memory on Cloud Functions, but held once).
_SPOOL_BYTES = 500_000
# What clients send. Python knows more, some of which takes quadratic time, and it remembers every
# name that it does not know for ever.
_CHARSETS = {
    **dict.fromkeys(("", "utf-8", "utf8", "us-ascii", "ascii"), "utf-8"),
    **dict.fromkeys(("iso-8859-1", "latin-1", "latin1"), "iso-8859-1"),
    **{name: name for name in ("iso-8859-15", "windows-1252", "utf-16", "utf-16le", "utf-16be")},
}
_DECODERS: Mapping[str, Callable[[bytes], bytes]] = {
    "base64": lambda data: base64.b64decode(data, validate=False),
    "quoted-printable": quopri.decodestring,
}
# The longest text of the contract is 50,000 characters, four bytes each at the most.
_LONG_TEXT_BYTES = 256 * 1024


class Spool(tempfile.SpooledTemporaryFile[bytes]):
    """Bytes in memory or /tmp, digested while they arrive."""

    def __init__(self) -> None:
        super().__init__(max_size=_SPOOL_BYTES, mode="w+b")
        self._begin()

    def _begin(self) -> None:
        self.size_bytes = 0
        self._sha256 = hashlib.sha256()
        self._crc32c = google_crc32c.Checksum()  # type: ignore[no-untyped-call]

    def write(self, chunk: Any) -> int:
        """Append bytes."""
        self._sha256.update(chunk)
        self._crc32c.update(bytes(chunk))  # type: ignore[no-untyped-call]
        self.size_bytes += len(chunk)
        return super().write(chunk)

    def truncate(self, size: int | None = None) -> int:
        """Drop all that was written: what comes next is digested from the start.

        Raises:
            ValueError: when only a part is to be dropped, which the digests cannot follow.
        """
        if size or (size is None and self.tell()):
            raise ValueError(size)
        self._begin()
        return super().truncate(0)

    def content(self) -> Content:
        """Return all that was written, as content."""
        digest: bytes = self._crc32c.digest()  # type: ignore[no-untyped-call]
        checksum = base64.b64encode(digest).decode()
        return Content(cast(BinaryIO, self), self.size_bytes, self._sha256.hexdigest(), checksum)

    def text(self) -> "LongText":
        """Return all that was written, as text that is read in pieces."""

        def piece(start: int, end: int) -> bytes:
            self.seek(start)
            return self.read(end - start)

        return LongText(self.size_bytes, piece, self.close)


class NotText(Exception):
    """The bytes of a part are no text of the encoding that it names, or of UTF-8."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a form, as it came: its field decides whether it is a text or a file.

    `file_name` is None where the part has none, which says little: a shell sends files without,
    browsers send texts with one. `encoding` is what its Content-Transfer-Encoding says.
    """

    spool: Spool
    file_name: str | None = None
    charset: str = "utf-8"
    encoding: str = ""

    @property
    def is_base64(self) -> bool:
        """Tell whether its header says that it is base64."""
        return self.encoding == "base64"

    def head(self, size: int) -> bytes:
        """Return the first bytes."""
        self.spool.seek(0)
        return self.spool.read(size)

    def text(self) -> "str | LongText":
        """Return it as a text; one that is too long for any field but a file's is left as it is.

        Raises:
            NotText.
        """
        if self.spool.size_bytes > _LONG_TEXT_BYTES:
            return self.spool.text()
        charset = _CHARSETS.get(self.charset.lower().replace("_", "-"))
        try:
            data = _DECODERS.get(self.encoding, bytes)(self.head(_LONG_TEXT_BYTES))
            if charset is not None:
                return data.decode(charset)
        except ValueError:
            pass  # It is no base64, or no text of that encoding.
        raise NotText


def spool_in(resources: Resources, size_bytes: int = 0) -> Spool:
    """Return a new spool that ends with `resources`, with room for so many bytes.

    Those of a request's body have their room already.
    """
    resources.take(size_bytes)
    return resources.enter_context(Spool())


@contextmanager
def brief_spool(resources: Resources, size_bytes: int) -> Iterator[Spool]:
    """Yield a new spool with room for so many bytes; both go at the end of the block."""
    resources.take(size_bytes)
    try:
        with Spool() as spool:
            yield spool
    finally:
        resources.give_back(size_bytes)


@dataclass(frozen=True, slots=True)
class LongText:
    """A text too long to be copied about: base64 of a file. `piece(start, end)` reads bytes.

    After `drop` it holds nothing any more, and cannot be read.
    """

    size_bytes: int
    piece: Callable[[int, int], bytes]
    drop: Callable[[], None]

    @classmethod
    def of(cls, text: bytes | memoryview) -> "LongText":
        """Return a text that lies in memory; it is not copied."""
        view = memoryview(text)
        return cls(len(view), lambda start, end: bytes(view[start:end]), view.release)

    @classmethod
    def of_text(cls, text: str) -> "LongText":
        """Return a text that lies in memory as characters; those beyond ASCII read as '?'."""
        return cls(
            len(text), lambda start, end: text[start:end].encode("ascii", "replace"), lambda: None
        )
