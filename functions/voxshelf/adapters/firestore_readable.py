"""Documents that can be read, among others that cannot: what is odd keeps nothing else waiting."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from google.cloud import firestore

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_places import BOUNDED, Snapshot

T = TypeVar("T")


def readable_page(
    query: firestore.Query, limit: int, read: Callable[[Snapshot], T]
) -> tuple[list[T], bool]:
    """Return what `read` makes of the next documents, and whether there are no more of them.

    At most `limit`, and at least one where there is any that can be read.
    """
    query = query.order_by("__name__").limit(limit)
    while True:
        found = list(query.stream(**BOUNDED))
        done, is_last = _readable(found, read), len(found) < limit
        if done or is_last:
            return done, is_last
        query = query.start_after({"__name__": found[-1].reference})


def _readable(found: Sequence[Snapshot], read: Callable[[Snapshot], T]) -> list[T]:
    done = []
    for snapshot in found:
        try:
            done.append(read(snapshot))
        except documents.UNREADABLE:
            continue
    return done
