"""Part of a file, with other bytes in front, as a file of its own."""

import io
from typing import Any, BinaryIO


class Excerpt(io.RawIOBase):
    """Reads as `head` followed by the bytes of `stream` from `start` to `end`."""

    def __init__(self, stream: BinaryIO, head: bytes, start: int, end: int) -> None:
        """Take the parts; nothing is read before it is asked for."""
        self._stream, self._head = stream, head
        self._shift, self._size = start - len(head), len(head) + end - start
        self._position = 0

    def readable(self) -> bool:
        """See `io.IOBase`."""
        return True

    def seekable(self) -> bool:
        """See `io.IOBase`."""
        return True

    def tell(self) -> int:
        """See `io.IOBase`."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; never before the beginning, as decoders ask for that with broken offsets."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        """See `io.RawIOBase`: bytes of one part at a time."""
        view = memoryview(buffer).cast("B")
        if self._position < len(self._head):
            chunk = self._head[self._position : self._position + len(view)]
        else:
            size = min(len(view), max(0, self._size - self._position))
            self._stream.seek(self._position + self._shift)
            chunk = self._stream.read(size)
        view[: len(chunk)] = chunk
        self._position += len(chunk)
        return len(chunk)
