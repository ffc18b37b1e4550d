"""The end of a ZIP archive, which tells how large its directory is before anything is made of it.

The standard library makes an object for each entry before anybody can say no. What is read here
is read as it does it (APPNOTE, sections 4.3.14 to 4.3.16): where the two would differ, it finds a
directory of another length than the one that it may read.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_MAX_COMMENT_BYTES = 2**16
# No part of the end is read at once that is longer: comments have 65,535 bytes at the most.
END_BYTES = _END.size + _MAX_COMMENT_BYTES


@dataclass(frozen=True, slots=True)
class DirectorySize:
    """What an archive says of its directory; how many entries there really are shows later."""

    entries: int
    size_bytes: int


def directory_size(read: Callable[[int, int], bytes], size_bytes: int) -> DirectorySize | None:
    """Return what the end of an archive says, read by `read(start, length)`.

    None where there is no such end: it is no ZIP archive, or not a whole one.
    """
    # What stands before a comment of any length, the wide form of the end included.
    length = min(size_bytes, END_BYTES + _LOCATOR.size + _END_64.size)
    tail = read(size_bytes - length, length) if length else b""
    place = _end_of(tail)
    if place is None:
        return None
    *_, entries, directory_bytes, _, _ = _END.unpack_from(tail, place)
    wide = place - _LOCATOR.size - _END_64.size
    is_wide = tail[place - _LOCATOR.size : place].startswith(b"PK\x06\x07")
    if wide >= 0 and is_wide and tail.startswith(b"PK\x06\x06", wide):
        *_, entries, directory_bytes, _ = _END_64.unpack_from(tail, wide)
    return DirectorySize(entries, directory_bytes)


def _end_of(tail: bytes) -> int | None:
    """Return where the last record of an archive begins."""
    last = len(tail) - _END.size
    if last >= 0 and tail.startswith(b"PK\x05\x06", last) and tail.endswith(b"\0\0"):
        return last
    place = tail.rfind(b"PK\x05\x06", max(0, len(tail) - END_BYTES))
    return place if 0 <= place <= last else None
