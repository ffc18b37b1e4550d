"""The steps that every save takes: reserve, upload, confirm.

The order is the whole point. Firestore decides what exists, so it is told first what is
going to be (with quota and idempotency record), then the objects are written under names
that only this save owns, and one last write makes the item visible. A crash at any point
leaves either nothing visible or everything, and a record of what is to be cleaned up.
"""

import contextlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from voxshelf.core.content import NewObject
from voxshelf.core.errors import InProgress, Unavailable, VoxshelfError
from voxshelf.core.reservation import Decision, Item, Replay, Shelf
from voxshelf.use_cases.ports import Library, ObjectStore, Receipt


@dataclass(frozen=True, slots=True)
class Shelved:
    """An item in the library; `replayed` when an earlier request put it there."""

    item: Item
    replayed: bool


@dataclass(frozen=True, slots=True)
class Order:
    """One save: whose, by which voice, under which idempotency record, how it is decided."""

    uid: str
    voice_id: str
    request_key: str | None
    decide: Callable[[Shelf], Decision]
    objects: Callable[[Item], Sequence[NewObject]]


def new_token() -> str:
    """Return a download token: 256 bits that nobody can guess."""
    return secrets.token_urlsafe(32)


def new_lease() -> str:
    """Return a name for one attempt to save."""
    return secrets.token_hex(8)


def request_key(kind: str, idempotency_key: str | None) -> str | None:
    """Return the id of an idempotency record; keys are per user and kind of save."""
    if idempotency_key is None:
        return None
    return sha256(f"{kind}\0{idempotency_key}".encode()).hexdigest()


def shelve(order: Order, library: Library, objects: ObjectStore) -> Shelved:
    """Carry out one save; see the module's text for the order of steps.

    Raises:
        VoxshelfError: nothing of the save is visible then, and a retry is safe.
    """
    outcome = library.reserve(order.uid, order.voice_id, order.request_key, order.decide)
    if isinstance(outcome, Replay):
        return Shelved(outcome.item, replayed=True)
    item = outcome.reservation.pending.item
    try:
        objects.create(order.objects(item))
    except VoxshelfError:
        _undo(outcome, library, objects)
        raise
    try:
        library.confirm(outcome)
    except InProgress:
        # Another save took the reservation over, so nothing refers to our objects.
        objects.delete(item.object_paths)
        raise
    _remove_replaced(outcome, library, objects)
    return Shelved(item, replayed=False)


def _undo(receipt: Receipt, library: Library, objects: ObjectStore) -> None:
    # When this fails too, the reservation stays as the note by which reconcile cleans up.
    with contextlib.suppress(Unavailable):
        objects.delete(receipt.reservation.pending.item.object_paths)
        library.abandon(receipt)


def _remove_replaced(receipt: Receipt, library: Library, objects: ObjectStore) -> None:
    replaced = receipt.reservation.replaces
    if replaced is None:
        return
    # The save is done; what fails here is noted in the document and cleaned up later.
    with contextlib.suppress(Unavailable):
        objects.delete(replaced.object_paths)
        library.forget_replaced(receipt)
