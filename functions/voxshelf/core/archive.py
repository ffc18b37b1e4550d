"""The format of an export: a ZIP archive of files, and one line of JSON for each item.

docs/export-format.md describes it for those who read it elsewhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from voxshelf.core.audio import Audio
from voxshelf.core.items import Generation, Voice
from voxshelf.core.profile import Profile

FORMAT = "voxshelf-export"
VERSION = 1
HEADER_NAME = "voxshelf-export.json"
ITEMS_NAME = "items.jsonl"

_MIB = 1024**2
# An upload's limit in storage.rules: an archive that is larger could not be brought back.
MAX_ARCHIVE_BYTES = 5 * 1024 * _MIB
MIN_PART_BYTES = _MIB
# Without asking, parts are such that they go back as the body of an import, and pass through
# Firebase Hosting, which ends a request after 60 s, over slow lines too.
DEFAULT_PART_BYTES = 24 * _MIB
# Hosting keeps a whole answer before it passes it on. This is what the platform takes in one
# piece; every item that came as a body fits.
MAX_HOSTED_BYTES = 32 * _MIB
# What one part holds at the most. Its lines are kept, packed, until its files are sent, and
# every file costs memory in whoever opens the archive.
MAX_PART_ITEMS = 10_000
MAX_PART_LINES_BYTES = 32 * _MIB
# What an import reads: more than an export makes, since other programs pack archives anew. Those
# of macOS add a folder for each item, and a second file for each of both: 10,000 speeches are
# 41,000 entries there.
MAX_ENTRIES = 50_000
# The directory is read whole, and becomes objects. The shortest entry has 47 bytes, so that this
# bounds their number before they are made.
MAX_DIRECTORY_BYTES = 4 * _MIB
# What an import holds of a directory, beside each byte of it: an entry of 47 bytes becomes objects
# of 600 (measured, tests/unit/test_archive_limits.py).
DIRECTORY_TIMES = 16
# All files unpacked: audio is packed to half of its length at the best, zeros to a thousandth.
MAX_UNPACKED_BYTES = 2 * MAX_ARCHIVE_BYTES
MAX_LINES_BYTES = 64 * _MIB
# A part's lines, and an empty one behind each, as some editors leave them.
MAX_LINES = 2 * MAX_PART_ITEMS
# A text of 50,000 characters and 50 parameters of 1,000, each written as an escape of 6 bytes
# or 12, and room for the rest.
MAX_LINE_BYTES = 2 * _MIB
# What one answer of an import tells: 300 KB of JSON. The next one goes on behind them.
MAX_RESULTS = 1_000


def stored_files(item: Voice | Generation) -> Iterator[tuple[str, str, Audio | Profile]]:
    """Yield the role, the extension and the record of each file of an item."""
    if isinstance(item, Generation):
        yield "audio", item.audio.format, item.audio
        return
    yield "sample", item.sample.format, item.sample
    if item.profile is not None:
        yield "profile", "npy", item.profile
    if item.consent is not None and item.consent.audio is not None:
        yield "consent", item.consent.audio.format, item.consent.audio


def entry_names(item: Voice | Generation, number: int) -> dict[str, str]:
    """Return the name of each file of an item by its role; nothing of a user's text is in it."""
    folder = "generations" if isinstance(item, Generation) else "voices"
    return {
        role: f"{folder}/{number}/{role}.{extension}" for role, extension, _ in stored_files(item)
    }


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """A file of an archive, as the line of its item describes it."""

    name: str
    size_bytes: int
    sha256: str
