"""Objects in a Cloud Storage bucket."""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from typing import Any, BinaryIO

from voxshelf.adapters.storage_api import (
    ObjectExists,
    ObjectMissing,
    StorageApi,
    holds,
)
from voxshelf.adapters.storage_bodies import StorageUnavailable
from voxshelf.core.content import NewObject, StoredName, StoredObject
from voxshelf.core.errors import NotFound, Unavailable

CACHE_CONTROL = "private, max-age=31536000, immutable"
TOKEN_METADATA = "firebaseStorageDownloadTokens"  # noqa: S105 - the name of the field


class _Cancelled(Exception):
    """The objects are not to be written after all."""


class _Gate:
    """Where uploads wait until they may end."""

    def __init__(self) -> None:
        self._decided = threading.Event()
        self._open = False

    def decide(self, *, is_open: bool) -> None:
        self._open = is_open
        self._decided.set()

    def passed(self) -> None:
        self._decided.wait()
        if not self._open:
            raise _Cancelled


class _Writing:
    """Plays `Writing`: one thread for each object."""

    def __init__(self, gate: _Gate, uploads: Sequence[Future[None]]) -> None:
        self._gate, self._uploads = gate, uploads

    def finish(self) -> None:
        """See `Writing.finish`."""
        self._gate.decide(is_open=True)
        failures = [failure for upload in self._uploads if (failure := upload.exception())]
        if failures:
            raise failures[0]

    def cancel(self) -> None:
        """See `Writing.cancel`."""
        self._gate.decide(is_open=False)
        wait(self._uploads)


class CloudStorageObjects:
    """Plays `ObjectStore` in one bucket."""

    def __init__(self, api: StorageApi) -> None:
        """Use `api`, which may be shared by threads."""
        self._api = api
        # The 8 requests that an instance serves at once have up to three objects each: no upload
        # waits for those of another request, which may hang.
        self._threads = ThreadPoolExecutor(max_workers=24, thread_name_prefix="upload")
        # Hundreds of objects may be purged by one request, and Storage takes one at a time.
        self._removals = ThreadPoolExecutor(max_workers=8, thread_name_prefix="removal")

    def begin(self, objects: Sequence[NewObject]) -> "_Writing":
        """See `ObjectStore.begin`."""
        gate = _Gate()
        return _Writing(gate, [self._threads.submit(self._create, new, gate) for new in objects])

    def _create(self, new: NewObject, gate: "_Gate") -> None:
        resource = {
            "name": new.path,
            "contentType": new.content_type,
            "contentDisposition": new.disposition,
            "cacheControl": CACHE_CONTROL,
            # Cloud Storage refuses the upload when what arrived has another checksum.
            "crc32c": new.content.crc32c,
            "metadata": _metadata(new),
        }
        content = new.content
        try:
            self._api.create(content.rewound(), content.size_bytes, resource, gate.passed)
        except ObjectExists:
            self._check_same(new)
        except StorageUnavailable as error:
            raise _unavailable() from error

    def _check_same(self, new: NewObject) -> None:
        """Accept an object that is there already if it is ours, written by a lost answer."""
        try:
            found = self._api.resource(new.path)
        except StorageUnavailable as error:
            raise _unavailable() from error
        if found is None or not _is_same(new, found):
            raise Unavailable("The file's name is taken by an earlier attempt. Try again.")

    def delete(self, paths: Iterable[str]) -> None:
        """See `ObjectStore.delete`."""
        removals = [self._removals.submit(self._delete, path) for path in paths]
        failures = [failure for removal in removals if (failure := removal.exception())]
        if failures:
            raise failures[0]

    def _delete(self, path: str) -> None:
        try:
            self._api.delete(path)
        except StorageUnavailable as error:
            raise _unavailable() from error

    def delete_generation(self, path: str, generation: str) -> None:
        """See `ObjectStore.delete_generation`."""
        # Asked before, because the Storage emulator ignores the condition of the removal.
        found = self.stat(path)
        if found is None or found.generation != generation:
            return
        try:
            self._api.delete(path, generation)
        except StorageUnavailable as error:
            raise _unavailable() from error

    def stat(self, path: str) -> StoredObject | None:
        """See `ObjectStore.stat`."""
        try:
            found = self._api.resource(path)
        except StorageUnavailable as error:
            raise _unavailable() from error
        return None if found is None else StoredObject(int(found["size"]), found["generation"])

    def size(self, path: str) -> int | None:
        """See `ObjectStore.size`."""
        found = self.stat(path)
        return None if found is None else found.size_bytes

    def download(self, path: str, into: BinaryIO) -> None:
        """See `ObjectStore.download`."""
        try:
            self._api.download(path, into)
        except ObjectMissing as error:
            raise NotFound("There is no such file.") from error
        except StorageUnavailable as error:
            raise _unavailable() from error

    def read(self, path: str, start: int, length: int) -> bytes:
        """See `ObjectStore.read`."""
        try:
            return self._api.read(path, start, length)
        except ObjectMissing as error:
            raise NotFound("There is no such file.") from error
        except StorageUnavailable as error:
            raise _unavailable() from error

    def names(self, prefix: str) -> Iterator[StoredName]:
        """See `ObjectStore.names`."""
        try:
            for found in self._api.names(prefix):
                yield StoredName(
                    path=found["name"],
                    created_at=datetime.fromisoformat(found["timeCreated"]),
                    size_bytes=int(found["size"]),
                    generation=found["generation"],
                )
        except StorageUnavailable as error:
            raise _unavailable() from error


def _metadata(new: NewObject) -> dict[str, str]:
    """Return the custom metadata; an object without a token plays by signed URLs only."""
    token = {TOKEN_METADATA: new.token} if new.token else {}
    return {**token, "sha256": new.content.sha256}


def _is_same(new: NewObject, found: Mapping[str, Any]) -> bool:
    # The metadata is what the writer said; length and checksum are of what the store holds.
    metadata, content = found.get("metadata", {}), new.content
    same_metadata = all(metadata.get(name) == text for name, text in _metadata(new).items())
    return same_metadata and holds(found, content.crc32c, content.size_bytes)


def _unavailable() -> Unavailable:
    return Unavailable("The file store did not answer. Try again.")
