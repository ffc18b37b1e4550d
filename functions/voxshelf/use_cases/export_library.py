"""Take a library along: archives that are sent while their files are read, a part at a time.

What goes into a part is decided before its first byte, from the metadata alone, since the headers
of the answer already say where the next part begins.
"""

import hashlib
import itertools
import json
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from voxshelf.core.archive import (
    FORMAT,
    HEADER_NAME,
    ITEMS_NAME,
    MAX_PART_ITEMS,
    MAX_PART_LINES_BYTES,
    VERSION,
    entry_names,
    stored_files,
)
from voxshelf.core.audio import Audio
from voxshelf.core.errors import NotFound
from voxshelf.core.items import Generation, Voice
from voxshelf.core.profile import Profile
from voxshelf.use_cases.library_walk import START, Place, Walk
from voxshelf.use_cases.ports import ObjectStore
from voxshelf.use_cases.zip_stream import END_BYTES, ZipStream, entry_bytes

# What an item shows of itself; the archive adds the names of its files.
Describe = Callable[[Voice | Generation], Mapping[str, object]]

# Read at once: a block waits in memory some three times over while it is sent.
_BLOCK_BYTES = 2 * 1024**2
# What each entry of an archive is until its directory is written: an object, its name, and its
# place in that (measured, tests/unit/test_moving.py).
_ENTRY_HELD_BYTES = 1024
# How often an item may be replaced while its files are read.
_MAX_VERSIONS = 5


class DamagedFile(Exception):
    """A file of the library is not the one that its record describes.

    It ends an archive in the middle: one that looks whole must be whole.
    """


@dataclass(frozen=True, slots=True)
class Part:
    """One archive: the `items` after `start` up to `end`; `following` is where the next starts.

    `number` counts from 1. Only items count that were there when it was planned. It will have
    `size_bytes` at the most. Until it is sent, it holds `held_bytes` beside what is being read.
    """

    number: int
    start: Place
    end: Place
    items: int
    size_bytes: int
    held_bytes: int
    following: Place | None


def plan_part(walk: Walk, number: int, start: Place, max_bytes: int, describe: Describe) -> Part:
    """Decide on a part of at most `max_bytes`, or of a single item that is larger.

    Raises:
        NotFound: when nothing is there of what was selected.
        Unavailable.
    """
    end, items, lines_bytes, held, planned_held = start, 0, 0, 0, 0
    size_bytes = END_BYTES + entry_bytes(ITEMS_NAME) + entry_bytes(HEADER_NAME)
    size_bytes += len(_header(number, datetime.now(UTC), is_last=False))
    planned = size_bytes
    for place, item in walk.after(start):
        names = entry_names(item, MAX_PART_ITEMS)
        line_bytes = len(_line(item, names, describe))
        lines_bytes += line_bytes
        # Texts of many letters that differ are packed to no less than they are.
        held += line_bytes + len(names) * _ENTRY_HELD_BYTES
        size_bytes += item.size_bytes + line_bytes
        size_bytes += sum(map(entry_bytes, names.values()))
        fits = size_bytes <= max_bytes and lines_bytes <= MAX_PART_LINES_BYTES
        if items and (not fits or items == MAX_PART_ITEMS):
            return Part(number, start, end, items, planned, planned_held, following=end)
        end, items, planned, planned_held = place, items + 1, size_bytes, held
    if not items and start == START and not walk.selection.is_everything:
        raise NotFound("There are no such items in your library.")
    return Part(number, start, end, items, planned, planned_held, following=None)


def archive_of(
    part: Part, walk: Walk, objects: ObjectStore, describe: Describe, made_at: datetime
) -> Iterator[bytes]:
    """Yield the bytes of a part's archive.

    An item that vanishes meanwhile is left out, one that is replaced is taken as it is then.

    Raises:
        DamagedFile, Unavailable: the archive ends in the middle.
    """
    archive, lines = ZipStream(made_at), _PackedLines()
    header = _header(part.number, made_at, is_last=part.following is None)
    yield from archive.file(HEADER_NAME, [header])
    numbers = itertools.count(1)
    for place, item in walk.after(part.start):
        if place > part.end:
            break
        line = yield from _add(item, numbers, archive, walk, objects, describe)
        lines.add(line)
    yield from archive.file(ITEMS_NAME, lines.blocks())
    yield from archive.end()


def _header(number: int, made_at: datetime, *, is_last: bool) -> bytes:
    header = {
        "format": FORMAT,
        "version": VERSION,
        "created_at": made_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "part": number,
        "is_last_part": is_last,
    }
    return _json(header)


def _add(
    item: Voice | Generation,
    numbers: Iterator[int],
    archive: ZipStream,
    walk: Walk,
    objects: ObjectStore,
    describe: Describe,
) -> Generator[bytes, None, bytes]:
    """Send an item's files; return its line, or nothing when it is gone."""
    current: Voice | Generation | None = item
    for _ in range(_MAX_VERSIONS):
        if current is None:
            return b""
        names = entry_names(current, next(numbers))
        try:
            for role, _, stored in stored_files(current):
                yield from archive.file(names[role], _checked(stored, objects))
        except NotFound:
            # Deleted for good, or replaced: what was sent of it stands in the archive without a
            # line that names it.
            before, current = current, walk.current(current)
            if current is not None and current.object_paths == before.object_paths:
                raise DamagedFile from None
        else:
            return _line(current, names, describe)
    raise DamagedFile


def _checked(stored: Audio | Profile, objects: ObjectStore) -> Iterator[bytes]:
    """Yield a file's bytes; raise at its end when they are not those of its record."""
    digest = hashlib.sha256()
    for start in range(0, stored.size_bytes, _BLOCK_BYTES):
        length = min(_BLOCK_BYTES, stored.size_bytes - start)
        block = objects.read(stored.path, start, length)
        digest.update(block)
        yield block
    if digest.hexdigest() != stored.sha256:
        raise DamagedFile


def _line(item: Voice | Generation, names: Mapping[str, str], describe: Describe) -> bytes:
    return _json({**describe(item), "files": names})


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


class _PackedLines:
    """Lines that wait for the end of the archive, packed: texts can be long, and many."""

    def __init__(self) -> None:
        self._packer, self._packed = zlib.compressobj(1), list[bytes]()

    def add(self, line: bytes) -> None:
        if packed := self._packer.compress(line):
            self._packed.append(packed)

    def blocks(self) -> Iterator[bytes]:
        unpacker = zlib.decompressobj()
        for packed in [*self._packed, self._packer.flush()]:
            left = packed
            while left:
                yield unpacker.decompress(left, _BLOCK_BYTES)
                left = unpacker.unconsumed_tail
