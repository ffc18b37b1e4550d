"""Delete voices and generations: gone at once for every reader, and in time for good.

One code path for one item and for many. An item is marked first, and what goes with a voice
after it; where nothing is to be restored, the objects go then, and the documents last. A crash in
between leaves what reconcile, or deleting again, finishes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from voxshelf.core.deletion import Manner
from voxshelf.core.errors import NotFound, Unavailable, VoxshelfError
from voxshelf.use_cases.deletion_ports import MAX_KEYS, Deletion, ItemKey
from voxshelf.use_cases.ports import Library, ObjectStore, Receipt
from voxshelf.use_cases.shelving import undo

# A save that ends at this very moment is not there to be undone any more; then it is deleted.
_TRIES = 5


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
        Unavailable: it may be gone for readers already; deleting again is safe.
    """
    (deleted,) = delete_items(uid, [key], manner, library=library, objects=objects)
    if deleted.error is not None:
        raise deleted.error
    return deleted


def delete_items(
    uid: str, keys: Iterable[ItemKey], manner: Manner, *, library: Library, objects: ObjectStore
) -> list[Deleted]:
    """Delete items, each once, and tell what became of each, in their order.

    One that is only being saved is undone: its save cannot be confirmed any more.
    """
    unique = list(dict.fromkeys(keys))
    done: list[Deleted] = []
    for start in range(0, len(unique), MAX_KEYS):
        some = unique[start : start + MAX_KEYS]
        try:
            done += _Deleting(uid, manner, library, objects).delete(some)
        except Unavailable as error:
            done += [Deleted(key, error=error) for key in some]
    return done


@dataclass(frozen=True, slots=True)
class _Deleting:
    uid: str
    manner: Manner
    library: Library
    objects: ObjectStore

    def delete(self, keys: Sequence[ItemKey]) -> list[Deleted]:
        found = self.library.delete(self.uid, keys, self.manner)
        deletions = [one for one in found.values() if isinstance(one, Deletion)]
        taken = {one.key: self._taken(one) for one in deletions}
        purge([one for one in deletions if one.trash.purging], self.library, self.objects)
        done = []
        for key in keys:
            outcome = found.get(key)
            if outcome is None:
                done.append(Deleted(key, error=NotFound("There is no such item in your library.")))
            elif isinstance(outcome, Deletion):
                trash = outcome.trash
                until = None if trash.purging else trash.purge_at
                done.append(Deleted(key, until, taken[key]))
            else:
                done.append(self._undone(key, outcome))
        return done

    def _taken(self, deletion: Deletion) -> int:
        if not deletion.trash.taking:
            return deletion.trash.taken
        return take_generations(deletion, self.library, self.objects)

    def _undone(self, key: ItemKey, receipt: Receipt) -> Deleted:
        for _ in range(_TRIES):
            if undo(receipt, self.library, self.objects):
                return Deleted(key)
            outcome = self.library.delete(self.uid, [key], self.manner).get(key)
            if outcome is None:
                # Whoever saved it has undone it.
                return Deleted(key)
            if isinstance(outcome, Deletion):
                return self.delete([key])[0]
            receipt = outcome
        raise Unavailable


def take_generations(voice: Deletion, library: Library, objects: ObjectStore) -> int:
    """Delete all generations of a voice that takes them along; return how many went in all."""
    while True:
        taken = library.take_generations(voice.uid, voice.item_id)
        purge(taken.deletions, library, objects)
        if taken.done:
            return taken.total


def purge(deletions: Sequence[Deletion], library: Library, objects: ObjectStore) -> None:
    """Remove what is marked as being purged for good: words, objects, and the documents last."""
    if deletions:
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
