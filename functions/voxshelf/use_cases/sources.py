"""The bytes that one save brings: with its request, or as uploads that lie in the store.

An upload is more than its path: at the same path other bytes may lie by now. What tells it from
another is the store's generation of the object and the digest of its bytes, and nothing is removed
from `uploads/` unless the library has its very bytes.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO, TypeVar, cast

from voxshelf.core.content import Content, Source, Upload
from voxshelf.core.errors import NotFound
from voxshelf.core.upload_slots import MAX_AUDIO_UPLOAD_BYTES
from voxshelf.use_cases.ports import ObjectStore
from voxshelf.use_cases.shelving import Shelved
from voxshelf.use_cases.upload_ports import UploadSlots
from voxshelf.use_cases.uploads import UploadGone, check_size, is_own, no_upload, take_over_upload

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a source. `sha256` and `content` are None until the bytes were read.

    `generation` is the store's, of an upload that is there. Of one that is gone, only the digest
    is known, if a save has taken it over.
    """

    size_bytes: int
    generation: str | None = None
    sha256: str | None = None
    content: Content | None = None


class Sources:
    """Looks at each upload of one save once, and fetches it once, when its bytes are needed.

    No thread but the one that saves uses it.
    """

    def __init__(
        self,
        uid: str,
        sources: Iterable[Source | None],
        objects: ObjectStore,
        uploads: UploadSlots,
    ) -> None:
        """Look at the uploads among the sources.

        Raises:
            NotFound: when one is not there and never was, or is another user's.
            PayloadTooLarge: when one is over the limit of the contract, section 7.
            Unavailable.
        """
        self._uid, self._objects, self._slots = uid, objects, uploads
        self._uploads = {one.path: one for one in sources if isinstance(one, Upload)}
        self._known = {path: self._look(path) for path in self._uploads}

    def _look(self, path: str) -> _Known:
        if not is_own(path, self._uid):
            raise no_upload()
        stored, slot = self._objects.stat(path), self._slots.find(self._uid, path)
        taken = slot.taken if slot else None
        if stored is None:
            if taken is None:
                raise no_upload()
            return _Known(0, sha256=taken.sha256)
        check_size(stored.size_bytes, MAX_AUDIO_UPLOAD_BYTES)
        is_taken = taken is not None and taken.generation == stored.generation
        sha256 = taken.sha256 if taken is not None and is_taken else None
        return _Known(stored.size_bytes, stored.generation, sha256)

    @property
    def are_read(self) -> bool:
        """Tell whether the digests of all are known."""
        return all(known.sha256 is not None for known in self._known.values())

    def sha256(self, source: Source | None) -> str | None:
        """Return the digest (hexadecimal) of a source; None where it is unread, or missing."""
        return None if source is None else self._of(source).sha256

    def size_bytes(self, *sources: Source | None) -> int:
        """Return how long sources are together."""
        return sum(self._of(source).size_bytes for source in sources if source is not None)

    def _of(self, source: Source) -> _Known:
        if isinstance(source, Content):
            return _Known(source.size_bytes, sha256=source.sha256, content=source)
        return self._known[source.path]

    def content(self, source: Source) -> Content:
        """Return the bytes of a source, fetched from the store where they are an upload.

        Raises:
            NotFound: when the upload has gone.
            Unavailable: also when there is no room for it at the moment.
        """
        known = self._of(source)
        if known.content is None and isinstance(source, Upload):
            if known.generation is None:
                # Taken over before: it can be told again what was saved, and not be saved again.
                raise no_upload()
            # Its room is taken before its bytes come.
            sink = source.sink(known.size_bytes)
            try:
                self._objects.download(source.path, cast(BinaryIO, sink))
            except NotFound:
                raise no_upload() from None
            content = sink.content()
            if content.size_bytes != known.size_bytes:
                # Another one has come to the path since it was looked at.
                raise no_upload()
            known = replace(known, sha256=content.sha256, content=content)
            self._known[source.path] = known
        assert known.content is not None
        return known.content

    def read(self) -> None:
        """Fetch every upload whose digest is not known.

        Raises:
            NotFound, Unavailable: see `content`.
        """
        for source in self._uploads.values():
            if self.sha256(source) is None:
                self.content(source)

    def take_over(self) -> None:
        """Remove the uploads, whose bytes the library has by now, and note which they were."""
        for path, known in self._known.items():
            if known.generation is not None and known.sha256 is not None:
                take_over_upload(
                    self._uid,
                    path,
                    known.generation,
                    known.sha256,
                    objects=self._objects,
                    uploads=self._slots,
                )


def looked_at(
    uid: str,
    sources: Sequence[Source | None],
    objects: ObjectStore,
    uploads: UploadSlots,
    work: Callable[[Sources], T],
) -> tuple[Sources, T]:
    """Return sources as they are, and what `work` makes of them.

    When an upload goes meanwhile, the first of two clicks has taken it: then all begins anew, and
    by its digest it is known what was made of it.
    """
    for is_last in (False, True):
        looked = Sources(uid, sources, objects, uploads)
        try:
            made = work(looked)
        except UploadGone:
            if is_last:
                raise
        else:
            break
    return looked, made


def saved_from(
    uid: str,
    sources: Sequence[Source | None],
    objects: ObjectStore,
    uploads: UploadSlots,
    save: Callable[[Sources], Shelved],
) -> Shelved:
    """Save from sources, and take the uploads over that the library has by then."""
    looked, saved = looked_at(uid, sources, objects, uploads, save)
    if saved.is_there:
        looked.take_over()
    return saved
