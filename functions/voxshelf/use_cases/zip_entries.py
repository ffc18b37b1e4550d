"""The entries of a ZIP archive that somebody sent: looked at before anything is made of them."""

import hashlib
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, cast

from voxshelf.core.archive import (
    DIRECTORY_TIMES,
    MAX_DIRECTORY_BYTES,
    MAX_ENTRIES,
    MAX_UNPACKED_BYTES,
)
from voxshelf.core.archive_names import leading_folder, plain_name
from voxshelf.core.errors import InvalidRequest, UnsupportedMediaType
from voxshelf.use_cases.ranged_file import RangedFile
from voxshelf.use_cases.zip_directory import END_BYTES, directory_size

# How much of an archive is read at once. A directory is read whole, but is no longer than this or
# than it was said to be: what the end of an archive was misread to say costs no more.
BLOCK_BYTES = 256 * 1024
_ENCRYPTED = 0x1
# What every entry has before its bytes, without its name (APPNOTE, section 4.3.7).
_HEAD_BYTES = 30
# All that the standard library raises at archives that are damaged on purpose or by chance.
DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    RuntimeError,
    EOFError,
    ValueError,
    OverflowError,
    OSError,
)


def opened_zip(
    read: Callable[[int, int], bytes], size_bytes: int, take: Callable[[int], None]
) -> zipfile.ZipFile:
    """Return an archive whose directory is read, with room from `take`.

    Raises:
        UnsupportedMediaType: when it is no ZIP archive.
        InvalidRequest: when its directory is larger than any export's.
        NotFound, Unavailable: see `ObjectStore.read`; or there is no room.
    """
    size = directory_size(read, size_bytes)
    if size is None:
        raise _no_archive()
    if size.entries > MAX_ENTRIES:
        raise _too_many_entries()
    if size.size_bytes > MAX_DIRECTORY_BYTES:
        raise InvalidRequest(f"The archive's directory is over {MAX_DIRECTORY_BYTES} bytes.")
    longest = max(size.size_bytes, BLOCK_BYTES)
    take(END_BYTES + DIRECTORY_TIMES * size.size_bytes)
    try:
        return zipfile.ZipFile(cast(IO[bytes], RangedFile(read, size_bytes, longest)))
    except DAMAGES:
        raise _no_archive() from None


def _no_archive() -> UnsupportedMediaType:
    return UnsupportedMediaType("This is not a whole ZIP archive.")


def _too_many_entries() -> InvalidRequest:
    return InvalidRequest(f"The archive has more than {MAX_ENTRIES} entries.")


def checked_entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the files by the names that an export gives them, however they were packed.

    Raises:
        InvalidRequest: when there is something that no export has.
    """
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise _too_many_entries()
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise InvalidRequest("The archive is encrypted.")
    methods = {entry.compress_type for entry in entries}
    if methods - {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise InvalidRequest("The archive is packed by another method than deflate.")
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
        raise InvalidRequest(f"The archive unpacks to more than {MAX_UNPACKED_BYTES} bytes.")
    _check_apart(entries, archive.start_dir)
    return _by_name(entries)


def identity_of(archive: zipfile.ZipFile) -> str:
    """Return what tells an archive from others: a digest of names, lengths and checksums."""
    digest = hashlib.sha256()
    for entry in archive.infolist():
        said = f"{entry.filename}\0{entry.CRC}\0{entry.file_size}\n"
        digest.update(said.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _check_apart(entries: list[zipfile.ZipInfo], end: int) -> None:
    """Refuse entries that share bytes: a few could be unpacked as any number of files."""
    places = sorted((entry.header_offset, entry.compress_size) for entry in entries)
    for place, size_bytes in reversed(places):
        if place + _HEAD_BYTES + size_bytes > end:
            raise InvalidRequest("The archive has entries that overlap.")
        end = place


def _by_name(entries: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Return the files by plain names; raise when two different ones have the same."""
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
