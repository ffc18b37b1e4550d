"""Batches that Firestore takes: as many documents as their weight lets in.

A commit ends at 10 MiB, and everything that it touches counts: the documents, and the index entries
that go and that come (https://firebase.google.com/docs/firestore/manage-data/transactions, under
"Transaction failure"). The emulator knows no such limit. So every batch of several items is sized
here, by what its documents can touch at the most; what is too big all the same is made smaller.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from google.api_core import exceptions

from voxshelf.adapters.documents import Fields
from voxshelf.adapters.firestore_places import Snapshot

T = TypeVar("T")

# What is left of the 10 MiB is for the documents that count the items: their voices, the account.
MAX_BATCH_BYTES = 8 * 1024**2
# Each item may bring its voice's count and an idempotency record; a batch had 500 writes at most
# for years, and the emulator still says so.
MAX_ITEMS = 150
# Of one item, as firestore.indexes.json and Firestore's own rule for single fields have it
# (tests/unit/test_batches.py compares): the indexes in which each tag stands, those in which each
# term does, and all other entries together.
TAG_INDEXES = 10
TERM_INDEXES = 1
OTHER_ENTRIES = 75
# Beside the values, of each entry: 32 bytes, the path twice with 16 bytes each, status and a time.
# https://firebase.google.com/docs/firestore/storage-size#index-entry-size
_ENTRY_BYTES = 32 + 2 * 16 + 20
# The names that stand in several entries of one item; the others are short, or in no index.
_INDEXED_TEXTS = ("name_key", "name", "voice_name", "voice_id", "language")
_MAX_INDEXED_BYTES = 1_500
# The note of a deletion, and the entries of its fields.
_NOTE_BYTES = 10_000


def weight_of(snapshot: Snapshot) -> int:
    """Return how many bytes a commit touches at the most that writes or removes a document.

    It is as stored before and after, with all index entries removed and others added.
    """
    document: Fields = snapshot.to_dict() or {}
    terms, tags = document.get("terms") or (), document.get("tags") or ()
    short = _ENTRY_BYTES + 2 * _bytes(snapshot.reference.path)
    named = short + sum(
        min(_bytes(document.get(name)), _MAX_INDEXED_BYTES) for name in _INDEXED_TEXTS
    )
    entries = (
        TERM_INDEXES * (_bytes(terms) + len(terms) * short)
        + TAG_INDEXES * (_bytes(tags) + len(tags) * named)
        + OTHER_ENTRIES * named
    )
    return 2 * (_bytes(document) + entries) + _NOTE_BYTES


def _bytes(value: Any) -> int:
    """Return the size of a value: https://firebase.google.com/docs/firestore/storage-size."""
    match value:
        case str():
            return len(value.encode("utf-8", "surrogatepass")) + 1
        case bytes():
            return len(value)
        case Mapping():
            return 32 + sum(len(name) * 4 + 1 + _bytes(each) for name, each in value.items())
        case list() | tuple():
            return sum(map(_bytes, value))
    return 8


def write_some(
    items: Sequence[T], snapshot_of: Callable[[T], Snapshot], write: Callable[[Sequence[T]], object]
) -> int:
    """Write as many of the first items as one batch takes; return how many. Raises as `write` does.

    `write` makes one commit of what it is given. It is given nothing where there are no items.
    """
    count = _fitting(weight_of(snapshot_of(item)) for item in islice(items, MAX_ITEMS))
    while True:
        try:
            write(items[:count])
        except exceptions.InvalidArgument:
            # "Transaction too big", in one of its wordings: what else it may be, one item shows.
            if count <= 1:
                raise
            count //= 2
        else:
            return count


def write_all(
    items: Sequence[T], snapshot_of: Callable[[T], Snapshot], write: Callable[[Sequence[T]], object]
) -> None:
    """Write all items, batch after batch, in their order. Raises as `write` does."""
    while items:
        items = items[write_some(items, snapshot_of, write) :]


def _fitting(weights: Iterable[int]) -> int:
    """Return how many of the first go into one batch, at least one where there is any."""
    count = total = 0
    for weight in weights:
        total += weight
        if count and total > MAX_BATCH_BYTES:
            break
        count += 1
    return count
