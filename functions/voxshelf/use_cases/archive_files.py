"""The files of an archive that are held while their item is brought in."""

import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Self

from voxshelf.core.archive import ArchivedFile
from voxshelf.core.content import Content, Sink
from voxshelf.core.errors import InvalidRequest
from voxshelf.core.profile import MAX_PROFILE_BYTES
from voxshelf.core.upload_slots import MAX_AUDIO_UPLOAD_BYTES
from voxshelf.use_cases.archive_reader import Archive
from voxshelf.use_cases.archived_items import ArchivedItem


class ArchiveFiles:
    """Unpacks one item's files at a time; those that the item before it had, too, only once."""

    def __init__(
        self, archive: Archive, sink: Callable[[int], contextlib.AbstractContextManager[Sink]]
    ) -> None:
        """Hold nothing yet; `sink(size_bytes)` makes a place, or raises `Unavailable`."""
        self._archive, self._sink = archive, sink
        self._held: dict[ArchivedFile, tuple[Content, contextlib.ExitStack]] = {}

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of everything."""
        self._keep(frozenset())

    def of(self, item: ArchivedItem) -> dict[str, Content]:
        """Return an item's files by their roles; they are good until the next item's are wanted.

        Raises:
            InvalidRequest: when one is not what its line says, or has two roles: each is read by
                itself.
            PayloadTooLarge: when one is larger than its role allows.
            Unavailable: when there is no room at the moment.
        """
        if len({file.name for file in item.files.values()}) < len(item.files):
            raise InvalidRequest("The line names one file for two purposes.")
        for role, file in item.files.items():
            max_bytes = MAX_PROFILE_BYTES if role == "profile" else MAX_AUDIO_UPLOAD_BYTES
            self._archive.check(file, max_bytes)
        self._keep(frozenset(item.files.values()))
        return {role: self._content(file) for role, file in item.files.items()}

    def _keep(self, wanted: frozenset[ArchivedFile]) -> None:
        for file in self._held.keys() - wanted:
            _, ends = self._held.pop(file)
            ends.close()

    def _content(self, file: ArchivedFile) -> Content:
        if file not in self._held:
            with contextlib.ExitStack() as stack:
                sink = stack.enter_context(self._sink(file.size_bytes))
                content = self._archive.content(file, sink)
                self._held[file] = content, stack.pop_all()
        return self._held[file][0]
