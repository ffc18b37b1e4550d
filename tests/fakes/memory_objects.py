"""Objects in memory, with a switch that makes the next writes or deletes fail."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import BinaryIO

from tests.sounds import content
from voxshelf.core.content import NewObject, StoredName, StoredObject
from voxshelf.core.errors import NotFound, Unavailable


class MemoryObjects:
    """Plays `ObjectStore`; `stored` maps paths to what was written and its bytes."""

    def __init__(self) -> None:
        self.stored: dict[str, tuple[NewObject, bytes]] = {}
        self.created_at: dict[str, datetime] = {}
        self.generations: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self.failing_paths: set[str] = set()
        self.deletes_fail = False

    def plant(self, path: str, data: bytes, created_at: datetime | None = None) -> None:
        """Have an object that this store's user did not write: a direct upload, an orphan."""
        new = NewObject(path, content(data), "application/octet-stream", "attachment", "")
        self.stored[path] = (new, data)
        self.created_at[path] = created_at or datetime.now(UTC)
        self.generations[path] = str(next(self._numbers))

    def begin(self, objects: Sequence[NewObject]) -> "MemoryWriting":
        return MemoryWriting(self, objects)

    def write(self, objects: Sequence[NewObject]) -> None:
        for new in objects:
            if any(part in new.path for part in self.failing_paths):
                raise Unavailable
            data = new.content.rewound().read()
            found = self.stored.get(new.path)
            if found is not None and (found[1] != data or found[0].token != new.token):
                raise Unavailable("The file's name is taken by an earlier attempt. Try again.")
            self.stored[new.path] = (new, data)
            self.created_at.setdefault(new.path, datetime.now(UTC))
            if found is None:
                self.generations[new.path] = str(next(self._numbers))

    def delete(self, paths: Iterable[str]) -> None:
        if self.deletes_fail:
            raise Unavailable
        for path in paths:
            self.stored.pop(path, None)
            self.created_at.pop(path, None)

    def delete_generation(self, path: str, generation: str) -> None:
        found = self.stat(path)
        if found is not None and found.generation == generation:
            self.delete([path])

    def stat(self, path: str) -> StoredObject | None:
        if path not in self.stored:
            return None
        return StoredObject(len(self.stored[path][1]), self.generations[path])

    def size(self, path: str) -> int | None:
        found = self.stat(path)
        return None if found is None else found.size_bytes

    def download(self, path: str, into: BinaryIO) -> None:
        if path not in self.stored:
            raise NotFound("There is no such file.")
        into.write(self.stored[path][1])

    def read(self, path: str, start: int, length: int) -> bytes:
        if path not in self.stored:
            raise NotFound("There is no such file.")
        data = self.stored[path][1][start : start + length]
        if len(data) != length:
            raise Unavailable
        return data

    def names(self, prefix: str) -> Iterator[StoredName]:
        for path in sorted(self.stored):
            if path.startswith(prefix):
                created_at, found = self.created_at.get(path, datetime.now(UTC)), self.stat(path)
                yield StoredName(path, created_at, found.size_bytes, found.generation)


class MemoryWriting:
    """Plays `Writing`."""

    def __init__(self, store: MemoryObjects, objects: Sequence[NewObject]) -> None:
        self._store, self._objects = store, objects

    def finish(self) -> None:
        self._store.write(self._objects)

    def cancel(self) -> None:
        """Nothing was sent."""
