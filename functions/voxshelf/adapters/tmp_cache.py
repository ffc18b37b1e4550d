"""Objects kept near in files under /tmp, named by the SHA-256 of what they hold.

/tmp is memory on Cloud Functions: the files count against the memory of the instance, and end
with it. Where several processes share a machine, as in the Functions emulator, they share the
folder; the order of use is kept in the files' own times. So a file may vanish, or hold anything,
at any moment: what is read is digested each time, which takes about a millisecond a megabyte.
"""

import contextlib
import hashlib
import io
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path

from voxshelf.core.errors import Unavailable
from voxshelf.use_cases.ports import ObjectStore

# A file in memory takes whole pages: a thousand profiles of 600 bytes are 4 MB.
PAGE_BYTES = 4096
_NOTHING_YET = {"hits": 0, "misses": 0, "evictions": 0, "fetched_bytes": 0}


class TmpCache:
    """Plays `ContentCache` over an object store, in a folder of at most `max_bytes`."""

    def __init__(self, objects: ObjectStore, folder: Path, max_bytes: int) -> None:
        """Read what is not in `folder` from `objects`; with `max_bytes` 0 that is everything."""
        self._objects, self._folder, self._max_bytes = objects, folder, max_bytes
        self._figures = Counter(_NOTHING_YET)
        self._readings: dict[tuple[str, str], Future[bytes]] = {}
        # The first guards the two fields above, the second the folder against other threads.
        self._noting, self._storing = threading.Lock(), threading.Lock()

    @property
    def figures(self) -> Mapping[str, int]:
        """See `ContentCache.figures`."""
        with self._noting:
            return dict(self._figures)

    def read(self, path: str, sha256: str) -> bytes:
        """See `ContentCache.read`."""
        mine: Future[bytes] = Future()
        with self._noting:
            reading = self._readings.setdefault((path, sha256), mine)
        if reading is mine:
            self._read_for_all(mine, path, sha256)
        else:
            self._count("hits")
        return reading.result()

    def _read_for_all(self, reading: Future[bytes], path: str, sha256: str) -> None:
        """Read an object once for all threads that ask for it at this moment."""
        try:
            data = self._kept(sha256)
            if data is None:
                data = self._fetched(path, sha256)
                self._keep(sha256, data)
            reading.set_result(data)
        except BaseException as failure:
            reading.set_exception(failure)
        finally:
            with self._noting:
                del self._readings[path, sha256]

    def _kept(self, sha256: str) -> bytes | None:
        if not self._max_bytes:
            return None
        file = self._folder / sha256
        try:
            data = file.read_bytes()
        except OSError:
            return None
        if not _is(data, sha256):
            return None
        with contextlib.suppress(OSError):
            _mark_used(file)
        self._count("hits")
        return data

    def _fetched(self, path: str, sha256: str) -> bytes:
        buffer = io.BytesIO()
        self._objects.download(path, buffer)
        data = buffer.getvalue()
        self._count("misses")
        self._count("fetched_bytes", len(data))
        if not _is(data, sha256):
            raise Unavailable("The file arrived damaged. Try again.")
        return data

    def _keep(self, sha256: str, data: bytes) -> None:
        """Keep what was fetched, if there is room; otherwise the next reader fetches it again."""
        if _occupied(len(data)) > self._max_bytes:
            return
        # /tmp may be full of other things, and other processes remove files, too.
        with self._storing, contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._make_room(_occupied(len(data)))
            self._write(self._folder / sha256, data)

    def _make_room(self, size_bytes: int) -> None:
        """Remove what was not used for longest, until so much more is within the bound.

        What a process that died left half written goes in the same way.
        """
        files = sorted(_files(self._folder))
        taken = sum(occupied for _, occupied, _ in files)
        for _, occupied, file in files:
            if taken + size_bytes <= self._max_bytes:
                return
            file.unlink(missing_ok=True)
            taken -= occupied
            self._count("evictions")

    def _write(self, file: Path, data: bytes) -> None:
        """Write a file that is there whole, or not at all."""
        descriptor, name = tempfile.mkstemp(dir=self._folder)
        half = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
            _mark_used(half)
            half.replace(file)
        finally:
            half.unlink(missing_ok=True)

    def _count(self, figure: str, number: int = 1) -> None:
        with self._noting:
            self._figures[figure] += number


def _is(data: bytes, sha256: str) -> bool:
    return hashlib.sha256(data).hexdigest() == sha256


def _mark_used(file: Path) -> None:
    # The time that the system itself sets goes in steps of some milliseconds.
    now_ns = time.time_ns()
    os.utime(file, ns=(now_ns, now_ns))


def _files(folder: Path) -> Iterator[tuple[int, int, Path]]:
    """Yield when each file was used, what it takes, and where it is."""
    with os.scandir(folder) as entries:
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            yield status.st_mtime_ns, _occupied(status.st_size), Path(entry.path)


def _occupied(size_bytes: int) -> int:
    return -(-size_bytes // PAGE_BYTES) * PAGE_BYTES
