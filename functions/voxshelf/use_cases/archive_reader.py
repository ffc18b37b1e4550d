"""An export's archive, made by anybody: nothing in it is believed before it is read.

Names in it are only keys; no entry ever becomes a file of that name.
"""

import codecs
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

from voxshelf.core.archive import (
    FORMAT,
    HEADER_NAME,
    ITEMS_NAME,
    MAX_ARCHIVE_BYTES,
    MAX_LINE_BYTES,
    MAX_LINES,
    MAX_LINES_BYTES,
    VERSION,
    ArchivedFile,
)
from voxshelf.core.content import Content, Sink, Source, Upload
from voxshelf.core.errors import InvalidRequest, PayloadTooLarge
from voxshelf.use_cases.ports import ObjectStore
from voxshelf.use_cases.upload_ports import UploadSlots
from voxshelf.use_cases.uploads import check_size, is_own, no_upload, take_over_upload
from voxshelf.use_cases.zip_entries import (
    BLOCK_BYTES,
    DAMAGES,
    checked_entries,
    identity_of,
    opened_zip,
)

_MAX_HEADER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Lines:
    """How many lines an archive has, and how long the longest of them is, in bytes."""

    count: int
    longest: int


class Archive:
    """A ZIP archive that holds an export.

    `archive_id` tells it from others: it follows from the names, lengths and checksums of all that
    is in it.
    """

    def __init__(
        self,
        read: Callable[[int, int], bytes],
        size_bytes: int,
        take: Callable[[int], None],
        generation: str | None = None,
    ) -> None:
        """Read the directory and the header by `read(start, length)`, with room from `take`.

        `generation` is that of the upload, where it is one.

        Raises:
            UnsupportedMediaType: when it is no ZIP archive.
            InvalidRequest: when it holds no export, or what no export has.
            NotFound, Unavailable: see `ObjectStore.read`.
            Unavailable: also when `take` has no room for the directory.
        """
        self.generation = generation
        self._zip = opened_zip(read, size_bytes, take)
        self.archive_id = identity_of(self._zip)
        self._entries = checked_entries(self._zip)
        self._check_header()
        if self._entry(ITEMS_NAME).file_size > MAX_LINES_BYTES:
            raise InvalidRequest(f"{ITEMS_NAME} is larger than {MAX_LINES_BYTES} bytes.")

    def survey(self) -> Lines:
        """Return how many lines there are, empty ones too, after reading all of them.

        Raises:
            InvalidRequest: when there are too many, or they cannot be read.
        """
        count = longest = 0
        for line in self._lines():
            count, longest = count + 1, max(longest, len(line))
            if count > MAX_LINES:
                raise InvalidRequest(f"{ITEMS_NAME} has more than {MAX_LINES} lines.")
        return Lines(count, longest)

    def lines(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield each item's line with its number, from the line `start` on.

        A line that is too long comes cut off. What editors add, a byte order mark and empty
        lines, is left out.
        """
        for number, line in enumerate(self._lines()):
            text = line if number else line.removeprefix(codecs.BOM_UTF8)
            if number >= start and text.strip():
                yield number, text

    def _lines(self) -> Iterator[bytes]:
        with _reading(), self._zip.open(self._entry(ITEMS_NAME)) as entry:
            while line := entry.readline(MAX_LINE_BYTES):
                rest = line
                while rest and not rest.endswith(b"\n"):
                    rest = entry.readline(MAX_LINE_BYTES)
                yield line

    def check(self, file: ArchivedFile, max_bytes: int) -> None:
        """Look at a file's length before it is read.

        Raises:
            PayloadTooLarge: when it is larger than `max_bytes`.
            InvalidRequest: when it is not there, or not as long as it was said to be.
        """
        entry = self._entry(file.name)
        if entry.file_size > max_bytes:
            raise PayloadTooLarge(f"A file is larger than {max_bytes} bytes.")
        if entry.file_size != file.size_bytes:
            raise _not_as_described()

    def content(self, file: ArchivedFile, sink: Sink) -> Content:
        """Return the bytes of a file that was checked, written into `sink`.

        Raises:
            InvalidRequest: when it is other than it was said to be.
        """
        into = cast(BinaryIO, sink)
        for block in self._blocks(self._entry(file.name)):
            into.write(block)
        content = sink.content()
        if (content.size_bytes, content.sha256) != (file.size_bytes, file.sha256):
            raise _not_as_described()
        return content

    def _blocks(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        # No more than `file_size` is ever unpacked, whatever the packed bytes would become.
        with _reading(), self._zip.open(entry) as file:
            while block := file.read(BLOCK_BYTES):
                yield block

    def _entry(self, name: str) -> zipfile.ZipInfo:
        try:
            return self._entries[name]
        except KeyError:
            raise InvalidRequest(
                "The archive lacks a file of this item."
                if name != ITEMS_NAME
                else f"The archive holds no {ITEMS_NAME}."
            ) from None

    def _check_header(self) -> None:
        try:
            with _reading(), self._zip.open(self._entries[HEADER_NAME]) as file:
                text = file.read(_MAX_HEADER_BYTES)
            header = json.loads(text)
        except (KeyError, ValueError, RecursionError):
            header = None
        if not isinstance(header, dict) or header.get("format") != FORMAT:
            raise InvalidRequest(f"The archive is no export: it has no {HEADER_NAME} of one.")
        if header.get("version") != VERSION:
            raise InvalidRequest(f"This export has another version than {VERSION}.")


def open_archive(
    source: Source, uid: str, objects: ObjectStore, take: Callable[[int], None]
) -> Archive:
    """Open an archive that was sent, or that the user uploaded; its directory is held by `take`.

    Raises:
        NotFound, PayloadTooLarge: an upload is not there, or too large.
        UnsupportedMediaType, InvalidRequest, Unavailable: see `Archive`.
    """
    if isinstance(source, Content):
        return Archive(lambda start, length: _piece(source, start, length), source.size_bytes, take)
    stored = objects.stat(source.path) if is_own(source.path, uid) else None
    if stored is None:
        raise no_upload()
    check_size(stored.size_bytes, MAX_ARCHIVE_BYTES)

    def read(start: int, length: int) -> bytes:
        return objects.read(source.path, start, length)

    return Archive(read, stored.size_bytes, take, stored.generation)


def take_over_archive(
    archive: Archive, source: Source, uid: str, objects: ObjectStore, uploads: UploadSlots
) -> None:
    """Remove an uploaded archive whose items the library has, and nothing put in its place."""
    if isinstance(source, Upload) and archive.generation is not None:
        path, generation = source.path, archive.generation
        take_over_upload(
            uid, path, generation, archive.archive_id, objects=objects, uploads=uploads
        )


def _piece(content: Content, start: int, length: int) -> bytes:
    content.stream.seek(start)
    return content.stream.read(length)


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except DAMAGES:
        raise InvalidRequest("The archive is damaged.") from None


def _not_as_described() -> InvalidRequest:
    return InvalidRequest("A file is not the one that the item describes: its digest is another.")
