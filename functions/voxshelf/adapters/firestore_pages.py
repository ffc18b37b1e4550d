"""Documents of all users, as `reconcile` reads them: page by page, and whatever they hold.

Memory does not grow with their number, and one that cannot be read does not keep the others.
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from google.api_core.exceptions import GoogleAPIError

from voxshelf.adapters.firestore_places import BOUNDED, Snapshot
from voxshelf.use_cases.unreadable import Unreadable

T = TypeVar("T")


def in_pages(asked: Any, field: str, at_once: int) -> Iterator[Snapshot]:
    """Yield what a query over all users finds that is ordered by `field`, and then by name."""
    page = list(asked.limit(at_once).stream(**BOUNDED))
    while page:
        yield from page
        if len(page) < at_once:
            return
        place = {field: page[-1].get(field), "__name__": page[-1].reference}
        page = list(asked.limit(at_once).start_after(place).stream(**BOUNDED))


def readable(kind: str, snapshot: Snapshot, read: Callable[[Snapshot], T]) -> T | Unreadable:
    """Return what a document of this collection holds, or that it cannot be read."""
    try:
        return read(snapshot)
    except GoogleAPIError:
        # The database did not answer, which says nothing of the document.
        raise
    except Exception as error:
        # Whatever it is, it must not keep the others.
        return unreadable(kind, snapshot, error)


def unreadable(kind: str, snapshot: Snapshot, error: Exception) -> Unreadable:
    """Return how a document is named that cannot be read."""
    # An id may be made of a name: in a log stands its digest alone.
    digest = hashlib.sha256(snapshot.reference.path.encode()).hexdigest()
    return Unreadable(kind, digest, type(error).__name__)


def owner_of(snapshot: Snapshot) -> str:
    """Return whose a document is; one that lies elsewhere than we write is nobody's."""
    path: str = snapshot.reference.path
    users, uid, _, _ = path.split("/")
    if users != "users":
        raise LookupError
    return uid
