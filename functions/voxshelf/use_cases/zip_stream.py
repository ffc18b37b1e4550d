"""A ZIP archive that is made while it is sent: nothing of it is kept but its directory.

The standard library writes it to a file that cannot be sought in, which is a list of what waits
to be sent. Lengths and checksums follow each file's bytes then, as data descriptors.
"""

import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import IO, cast


class _Waiting:
    """What the archive has written and nobody has taken yet."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []

    def write(self, block: bytes) -> int:
        self._blocks.append(bytes(block))
        return len(block)

    def flush(self) -> None:
        """Everything waits until it is taken."""

    def taken(self) -> list[bytes]:
        blocks, self._blocks = self._blocks, []
        return blocks


class ZipStream:
    """Yields the bytes of an archive, file by file, then its end."""

    def __init__(self, made_at: datetime) -> None:
        """Begin an archive; `made_at` is the time of all its files."""
        self._waiting = _Waiting()
        self._zip = zipfile.ZipFile(cast(IO[bytes], self._waiting), "w", zipfile.ZIP_STORED)
        self._made_at = made_at.timetuple()[:6]

    def file(self, name: str, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield a file's bytes, of up to 2 GiB.

        When `blocks` breaks off, the file ends there, and the archive may go on.
        """
        with self._zip.open(zipfile.ZipInfo(name, self._made_at), "w") as entry:
            for block in blocks:
                entry.write(block)
                yield from self._waiting.taken()
        yield from self._waiting.taken()

    def end(self) -> Iterator[bytes]:
        """Yield the directory: the archive is whole with it."""
        self._zip.close()
        yield from self._waiting.taken()


def entry_bytes(name: str) -> int:
    """Return what a file takes beside its own bytes, at the most.

    That is its header, what follows it, and its place in the directory, in the wide form for
    archives over 4 GiB (APPNOTE, sections 4.3.7, 4.3.9, 4.3.12 and 4.5.3).
    """
    return 30 + 24 + 46 + 28 + 2 * len(name.encode())


# The ends of the directory, in both forms (APPNOTE, sections 4.3.14 to 4.3.16).
END_BYTES = 56 + 20 + 22
