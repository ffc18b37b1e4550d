"""An export's archive, made by anybody: nothing in it is believed before it is read.

Names in it are only keys; no entry ever becomes a file of that name.
"""

import codecs
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, cast

from voxshelf.core.archive import (
    FORMAT,
    HEADER_NAME,
    ITEMS_NAME,
    MAX_ARCHIVE_BYTES,
    MAX_DIRECTORY_BYTES,
    MAX_ENTRIES,
    MAX_LINES_BYTES,
    VERSION,
    ArchivedFile,
)
from voxshelf.core.archive_names import leading_folder, plain_name
from voxshelf.core.content import Content, Sink, Source
from voxshelf.core.errors import InvalidRequest, PayloadTooLarge, UnsupportedMediaType
from voxshelf.use_cases.ports import ObjectStore
from voxshelf.use_cases.ranged_file import RangedFile
from voxshelf.use_cases.uploads import check_upload

_BLOCK_BYTES = 1024**2
_MAX_HEADER_BYTES = 64 * 1024
# A text of 50,000 characters and 50 parameters of 1,000, each written as an escape of 6 bytes
# or 12, and room for the rest.
_MAX_LINE_BYTES = 2 * 1024**2
_ENCRYPTED = 0x1
# All that the standard library raises at archives that are damaged on purpose or by chance.
_DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    RuntimeError,
    EOFError,
    ValueError,
    OverflowError,
    OSError,
)


class Archive:
    """A ZIP archive that holds an export."""

    def __init__(self, read: Callable[[int, int], bytes], size_bytes: int) -> None:
        """Read the directory and the header by `read(start, length)`.

        Raises:
            UnsupportedMediaType: when it is no ZIP archive.
            InvalidRequest: when it holds no export, or what no export has.
            NotFound, Unavailable: see `ObjectStore.read`.
        """
        file = RangedFile(read, size_bytes, MAX_DIRECTORY_BYTES)
        try:
            self._zip = zipfile.ZipFile(cast(IO[bytes], file))
        except _DAMAGES:
            raise UnsupportedMediaType("This is not a whole ZIP archive.") from None
        self._entries = _by_name(self._checked_entries())
        self._check_header()
        if self._entry(ITEMS_NAME).file_size > MAX_LINES_BYTES:
            raise InvalidRequest(f"{ITEMS_NAME} is larger than {MAX_LINES_BYTES} bytes.")

    def count(self) -> int:
        """Return how many lines there are, after reading all of them."""
        return sum(1 for _ in self._lines())

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
            while line := entry.readline(_MAX_LINE_BYTES):
                rest = line
                while rest and not rest.endswith(b"\n"):
                    rest = entry.readline(_MAX_LINE_BYTES)
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
            while block := file.read(_BLOCK_BYTES):
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

    def _checked_entries(self) -> list[zipfile.ZipInfo]:
        entries = self._zip.infolist()
        if len(entries) > MAX_ENTRIES:
            raise InvalidRequest(f"The archive has more than {MAX_ENTRIES} entries.")
        if any(entry.flag_bits & _ENCRYPTED for entry in entries):
            raise InvalidRequest("The archive is encrypted.")
        methods = {entry.compress_type for entry in entries}
        if methods - {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise InvalidRequest("The archive is packed by another method than deflate.")
        return entries

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


def _by_name(entries: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Return the files by the names that an export gives them, however they were packed.

    Raises:
        InvalidRequest: when two different files have one name.
    """
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        name = plain_name(entry.filename)
        if name is None:
            continue
        first = found.setdefault(name, entry)
        if (first.CRC, first.file_size) != (entry.CRC, entry.file_size):
            raise InvalidRequest("The archive has two entries of one name.")
    folder = leading_folder(found)
    return {
        name.removeprefix(folder): entry for name, entry in found.items() if name.startswith(folder)
    }


def open_archive(source: Source, uid: str, objects: ObjectStore) -> Archive:
    """Open an archive that was sent, or that the user uploaded.

    Raises:
        NotFound, PayloadTooLarge: an upload is not there, or too large.
        UnsupportedMediaType, InvalidRequest, Unavailable: see `Archive`.
    """
    if isinstance(source, Content):
        return Archive(lambda start, length: _piece(source, start, length), source.size_bytes)
    size_bytes = check_upload(source.path, uid, objects, MAX_ARCHIVE_BYTES)
    return Archive(lambda start, length: objects.read(source.path, start, length), size_bytes)


def _piece(content: Content, start: int, length: int) -> bytes:
    content.stream.seek(start)
    return content.stream.read(length)


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except _DAMAGES:
        raise InvalidRequest("The archive is damaged.") from None


def _not_as_described() -> InvalidRequest:
    return InvalidRequest("A file is not the one that the item describes: its digest is another.")
