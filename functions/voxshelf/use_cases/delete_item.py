"""Delete voices and generations: gone at once for every reader, and in time for good.

One code path for one item and for many. An item is marked first, and what goes with a voice
after it; where nothing is to be restored, the objects go then, and the documents last. A crash in
between leaves what reconcile, or deleting again, finishes.
"""

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from voxshelf.core.deletion import Manner
from voxshelf.core.errors import Internal, NotFound, Unavailable, VoxshelfError
from voxshelf.use_cases.deletion_ports import MAX_KEYS, Deletion, ItemKey, Taken
from voxshelf.use_cases.ports import Library, ObjectStore, Receipt
from voxshelf.use_cases.shelving import undo

# A save that ends at this very moment is not there to be undone any more; then it is deleted.
_TRIES = 5
# Firebase Hosting ends a request after 60 s, and the batch that has begun by then takes its time,
# too. A voice's ten thousand generations take longer: the rest goes with reconcile, or when it is
# deleted again.
PATIENCE_S = 20.0
LATE = "There was no time for it. Send it again."


@dataclass(frozen=True, slots=True)
class Deleted:
    """What became of one item: deleted, with so many generations, or not, because of `error`.

    `restorable_until` is None where nothing is left that could be restored.
    """

    key: ItemKey
    restorable_until: datetime | None = None
    generations: int = 0
    error: VoxshelfError | None = None


def delete_item(
    uid: str, key: ItemKey, manner: Manner, *, library: Library, objects: ObjectStore
) -> Deleted:
    """Delete one item.

    Raises:
        NotFound: when there is no such item.
        Internal: when its document cannot be read.
        Unavailable: it may be gone for readers already; deleting again is safe.
    """
    (deleted,) = delete_items(uid, [key], manner, library=library, objects=objects)
    if deleted.error is not None:
        raise deleted.error
    return deleted


def delete_items(
    uid: str,
    keys: Iterable[ItemKey],
    manner: Manner,
    *,
    library: Library,
    objects: ObjectStore,
    patience_s: float = PATIENCE_S,
) -> list[Deleted]:
    """Delete items, each once, and tell what became of each, in their order.

    One that is only being saved is undone: its save cannot be confirmed any more. What is not begun
    while the patience lasts fails; at least one batch is.
    """
    unique = list(dict.fromkeys(keys))
    until = time.monotonic() + patience_s
    done: list[Deleted] = []
    for start in range(0, len(unique), MAX_KEYS):
        some = unique[start : start + MAX_KEYS]
        if done and time.monotonic() > until:
            done += [Deleted(key, error=Unavailable(LATE)) for key in some]
            continue
        try:
            done += _Deleting(uid, manner, library, objects, until).delete(some)
        except Unavailable as error:
            done += [Deleted(key, error=error) for key in some]
    return done


@dataclass(frozen=True, slots=True)
class _Deleting:
    uid: str
    manner: Manner
    library: Library
    objects: ObjectStore
    until: float

    def delete(self, keys: Sequence[ItemKey]) -> list[Deleted]:
        found = self.library.delete(self.uid, keys, self.manner)
        deletions = [one for one in found.values() if isinstance(one, Deletion)]
        taken = {one.key: self._taken(one) for one in deletions}
        # A voice that has not taken all along yet stays as the note that it has to.
        whole = [one for one in deletions if one.trash.purging and taken[one.key].done]
        purge(whole, self.library, self.objects)
        done = []
        for key in keys:
            outcome = found.get(key)
            if outcome is None:
                done.append(Deleted(key, error=NotFound("There is no such item in your library.")))
            elif isinstance(outcome, Internal):
                done.append(Deleted(key, error=outcome))
            elif isinstance(outcome, Deletion):
                trash = outcome.trash
                until = None if trash.purging else trash.purge_at
                done.append(Deleted(key, until, taken[key].total))
            else:
                done.append(self._undone(key, outcome))
        return done

    def _taken(self, deletion: Deletion) -> Taken:
        if not deletion.trash.taking:
            return Taken((), deletion.trash.taken, done=True)
        return take_generations(deletion, self.library, self.objects, self.until)

    def _undone(self, key: ItemKey, receipt: Receipt) -> Deleted:
        for _ in range(_TRIES):
            if undo(receipt, self.library, self.objects):
                return Deleted(key)
            outcome = self.library.delete(self.uid, [key], self.manner).get(key)
            if outcome is None:
                # Whoever saved it has undone it.
                return Deleted(key)
            if not isinstance(outcome, Receipt):
                return self.delete([key])[0]
            receipt = outcome
        raise Unavailable


def take_generations(
    voice: Deletion, library: Library, objects: ObjectStore, until: float = math.inf
) -> Taken:
    """Delete the generations of a voice that takes them along, at least one batch of them.

    Return how many went in all, and whether that is all. `until` is a time of the monotonic clock.
    """
    while True:
        taken = library.take_generations(voice.uid, voice.item_id)
        purge(taken.deletions, library, objects)
        if taken.done or time.monotonic() > until:
            return taken


def purge(deletions: Sequence[Deletion], library: Library, objects: ObjectStore) -> None:
    """Remove what is marked as being purged for good: words, objects, and the documents last.

    Speech of a withdrawn voice whose save was ended is undone before; what cannot be undone now,
    reconcile finds by its own document.
    """
    if deletions:
        for voice in (one for one in deletions if one.withdrawn):
            for receipt in library.barred_speech(voice.uid, voice.item_id):
                undo(receipt, library, objects)
        outputs = library.remove_words(deletions)
        paths = (path for deletion in deletions for path in deletion.object_paths)
        objects.delete([*paths, *outputs])
        library.forget(*deletions)


def settle_deletion(deletion: Deletion, library: Library, objects: ObjectStore) -> bool:
    """Go on with a deletion that was not finished, or purge one whose time is over.

    Return whether there was anything to be done.
    """
    if deletion.trash.taking:
        take_generations(deletion, library, objects)
        if not deletion.trash.purging:
            return True
    condemned = deletion if deletion.trash.purging else library.condemn(deletion)
    if condemned is None:
        return False
    purge([condemned], library, objects)
    return True
