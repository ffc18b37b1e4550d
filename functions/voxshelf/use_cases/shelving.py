"""The steps that every save takes: reserve, upload, confirm.

The order is the whole point. Firestore decides what exists, so it is told first what is
going to be (with quota and idempotency record), then the objects come to be under names
that only this save owns, and one last write makes the item visible. A crash at any point
leaves either nothing visible or everything, and a record of what is to be cleaned up.
Their bytes are on the way while the reservation is written: only their ends wait for it.
"""

import contextlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from voxshelf.core.account import Policy
from voxshelf.core.content import NewObject
from voxshelf.core.errors import InProgress, Unavailable, VoxshelfError
from voxshelf.core.reservation import Decision, Item, Replay, Reservation
from voxshelf.core.shelf import Shelf
from voxshelf.use_cases.ports import (
    Garbage,
    Glance,
    Library,
    ObjectStore,
    Receipt,
    Renaming,
    Writing,
    kind_of,
)
from voxshelf.use_cases.rename_generations import rename_generations


@dataclass(frozen=True, slots=True)
class Shelved:
    """An item in the library; `replayed` when an earlier request put it there.

    `is_there` tells that the library has its bytes: it may have been deleted since.
    """

    item: Item
    replayed: bool
    is_there: bool = True


@dataclass(frozen=True, slots=True)
class Order:
    """One save: whose, by which voice, under which idempotency record, how it is decided.

    `name` is that of a voice to be saved, so that the decision sees who has it. `objects` are
    those of the item that the decision has drafted; an order that only looks has none.
    """

    uid: str
    voice_id: str
    request_key: str | None
    decide: Callable[[Shelf], Decision]
    objects: Callable[[Item], Sequence[NewObject]] = lambda _: ()
    generation_id: str | None = None
    glance: Glance | None = None
    name: str | None = None


def new_token(policy: Policy) -> str:
    """Return a download token, 256 bits that nobody can guess; empty where URLs are signed."""
    return secrets.token_urlsafe(32) if policy.download_tokens else ""


def new_lease() -> str:
    """Return a name for one attempt to save."""
    return secrets.token_hex(8)


def request_key(kind: str, idempotency_key: str | None) -> str | None:
    """Return the id of an idempotency record; keys are per user and kind of save."""
    if idempotency_key is None:
        return None
    return sha256(f"{kind}\0{idempotency_key}".encode()).hexdigest()


def look(order: Order, library: Library) -> Shelved | Order:
    """Decide on an order whose attempt only looks, before anything is fetched or decoded.

    Return what was saved before, or the order with the reading that lets it proceed.

    Raises:
        VoxshelfError: the save would be refused whatever its audio is.
    """
    seen = library.look(
        order.uid,
        order.voice_id,
        order.request_key,
        order.decide,
        generation_id=order.generation_id,
        name=order.name,
        glance=order.glance,
    )
    if isinstance(seen, Replay):
        return Shelved(seen.item, replayed=True, is_there=seen.is_there)
    return replace(order, glance=seen)


def shelve(order: Order, library: Library, objects: ObjectStore) -> Shelved:
    """Carry out one save; see the module's text for the order of steps.

    Raises:
        VoxshelfError: nothing of the save is visible then, and a retry is safe. The one
            exception is `Unavailable` from the last write, whose answer may have got lost: a
            retry with the same key or content finds out.
    """
    uploads = _Uploads(order, objects)
    try:
        outcome = library.reserve(
            order.uid,
            order.voice_id,
            order.request_key,
            uploads.decide,
            generation_id=order.generation_id,
            name=order.name,
            glance=order.glance,
        )
    except BaseException:
        uploads.cancel()
        raise
    if isinstance(outcome, Replay):
        return Shelved(outcome.item, replayed=True, is_there=outcome.is_there)
    item = outcome.reservation.pending.item
    try:
        uploads.finish()
    except VoxshelfError:
        undo(outcome, library, objects)
        raise
    try:
        library.confirm(outcome)
    except InProgress:
        # Another save took the place, so nothing will ever refer to our objects.
        if not undo(outcome, library, objects):
            with contextlib.suppress(Unavailable):
                objects.delete(item.object_paths)
        raise
    except Unavailable:
        # Were the place kept, a retry would have to wait for the end of the lease.
        undo(outcome, library, objects)
        raise
    remove_leftovers(outcome, library, objects)
    if outcome.reservation.pending.renames:
        rename_generations(Renaming(order.uid, item.item_id), library)
    return Shelved(item, replayed=False)


class _Uploads:
    """The objects of a save, sent while its reservation is written; see `Writing`."""

    def __init__(self, order: Order, objects: ObjectStore) -> None:
        self._order, self._objects = order, objects
        self._writing: Writing | None = None

    def decide(self, shelf: Shelf) -> Decision:
        """Decide as the order does, and begin to send what the decision brings."""
        self.cancel()
        decision = self._order.decide(shelf)
        if isinstance(decision, Reservation):
            self._writing = self._objects.begin(self._order.objects(decision.pending.item))
        return decision

    def finish(self) -> None:
        assert self._writing is not None
        self._writing.finish()

    def cancel(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None


def undo(receipt: Receipt, library: Library, objects: ObjectStore) -> bool:
    """Undo a reservation; tell whether it was still there to be undone.

    It is taken over first: were the objects removed while somebody else could still confirm,
    an item without its objects could become visible. When a step fails, the reservation
    stays as the note by which reconcile cleans up.
    """
    with contextlib.suppress(Unavailable):
        seized = library.seize(receipt)
        if seized is not None:
            reservation = seized.reservation
            objects.delete(reservation.pending.item.object_paths + reservation.garbage)
            library.abandon(seized)
            return True
    return False


def remove_leftovers(receipt: Receipt, library: Library, objects: ObjectStore) -> None:
    """Remove what a confirmed save has replaced.

    The save is done by then: what fails here stays noted in the document, for reconcile.
    """
    paths = receipt.reservation.leftovers
    if paths:
        item = receipt.reservation.pending.item
        with contextlib.suppress(Unavailable):
            objects.delete(paths)
            library.forget(Garbage(receipt.uid, kind_of(item), item.item_id, paths))
