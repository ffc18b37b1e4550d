"""Deleting in Firestore: marked first, for every reader; the document goes last."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from google.cloud import firestore

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_batches import write_all
from voxshelf.adapters.firestore_changes import Changes
from voxshelf.adapters.firestore_dropping import bar, records_of, speech_under_way
from voxshelf.adapters.firestore_errors import CONFLICTS, translated
from voxshelf.adapters.firestore_places import BOUNDED, Places, Snapshot
from voxshelf.adapters.firestore_receipts import receipt_of
from voxshelf.core.deletion import Manner, Removal, decide_deletion
from voxshelf.core.errors import Internal, Unavailable
from voxshelf.use_cases.deletion_ports import MAX_KEYS, Deletion, ItemKey
from voxshelf.use_cases.ports import Receipt

T = TypeVar("T")
Outcome = Deletion | Receipt | Internal
# What is to be written of an item, and the item as it was seen.
Removing = tuple[Snapshot, Removal]

# Writes that meet each other are decided one after another; each round at least one of them
# gets through, so this many rounds serve this many at once.
MAX_ROUNDS = 40


class FirestoreDeletions:
    """Plays the deleting half of `Library`."""

    # Documents that are read ahead of their batches: of the longest texts some 30 MB.
    taken_at_once = MAX_KEYS

    def __init__(self, client: firestore.Client) -> None:
        """Use `client`, which may be shared by threads."""
        self._places = Places(client)

    def delete(
        self, uid: str, keys: Sequence[ItemKey], manner: Manner
    ) -> Mapping[ItemKey, Outcome]:
        """See `Library.delete`."""
        return retried(lambda: self._delete(uid, keys, manner))

    def _delete(
        self, uid: str, keys: Sequence[ItemKey], manner: Manner
    ) -> Mapping[ItemKey, Outcome]:
        # Read before the items, and so before the speech of a voice that is to be barred.
        account = self._places.account(uid).get(**BOUNDED) if manner.withdrawn else None
        outcomes: dict[ItemKey, Outcome] = {}
        removing: list[Removing] = []
        for key, snapshot in self._seen(uid, keys).items():
            outcome = self._outcome(uid, key, snapshot, manner, removing)
            if outcome is not None:
                outcomes[key] = outcome
        if account is None:
            write_all(removing, itself, lambda some: self._remove(uid, some))
        else:
            for voice in removing:
                self._bar(uid, voice, account)
        return outcomes

    def _outcome(
        self,
        uid: str,
        key: ItemKey,
        snapshot: Snapshot,
        manner: Manner,
        removing: list[Removing],
    ) -> Outcome | None:
        """Return what becomes of an item; what has to be written for it goes into `removing`."""
        if not snapshot.exists:
            return None
        try:
            entry = documents.to_entry(snapshot.to_dict() or {})
        except documents.UNREADABLE as error:
            return unreadable(error)
        removal = decide_deletion(entry, manner, documents.to_time(snapshot.read_time))
        if removal is None:
            return None if entry.pending is None else receipt_of(self._places, uid, snapshot)
        if removal.changes:
            removing.append((snapshot, removal))
        return deletion_of(uid, key, removal)

    def _remove(self, uid: str, removing: Sequence[Removing]) -> None:
        changes = Changes(self._places, uid)
        self._put_away(uid, changes, removing)
        changes.commit()

    def _bar(self, uid: str, voice: Removing, account: Snapshot) -> None:
        """Put a voice away to which the consent was withdrawn, and bar what is under way of it.

        One commit takes its speech that is being saved from whoever saves it; a save that begins
        meanwhile changes the account, and this fails. Where there is too much of it, the first of
        them are taken before.
        """
        snapshot, _ = voice
        speech = speech_under_way(self._places, uid, snapshot.id)

        def write(some: Sequence[Snapshot]) -> None:
            changes = Changes(self._places, uid)
            bar(self._places, uid, changes, [one for one in some if one is not snapshot])
            is_last = some[-1] is snapshot
            if is_last:
                self._put_away(uid, changes, [voice])
            changes.commit(account if is_last else None)

        write_all([*speech, snapshot], lambda one: one, write)

    def _put_away(self, uid: str, changes: Changes, removing: Sequence[Removing]) -> None:
        """Have items put into the trash, counted nowhere, and the keys of dropped saves freed."""
        for snapshot, removal in removing:
            changes.item(snapshot, _removed(removal))
            changes.kept += -removal.kept
            changes.reserved += -removal.reserved
        dropped = [removal.dropped for _, removal in removing if removal.dropped is not None]
        changes.free(records_of(self._places, uid, dropped))
        # What was in the trash before is counted no more already.
        fresh = [removal.trash.item for _, removal in removing if removal.is_fresh]
        changes.count(fresh, -1)

    def _seen(self, uid: str, keys: Sequence[ItemKey]) -> dict[ItemKey, Snapshot]:
        places = {self._places.item(uid, *key).path: key for key in keys}
        references = [self._places.client.document(path) for path in places]
        found = self._places.client.get_all(references, **BOUNDED)
        return {places[snapshot.reference.path]: snapshot for snapshot in found}


def _removed(removal: Removal) -> documents.Fields:
    return {
        **(documents.from_item(removal.trash.item) if removal.is_new else {}),
        "status": documents.DELETING,
        "trash": documents.from_trash(removal.trash),
        "pending": firestore.DELETE_FIELD,
        "garbage": list(removal.garbage),
        "unsettled_since": removal.unsettled_since,
        "withdrawn": firestore.SERVER_TIMESTAMP if removal.withdrawn else None,
    }


def deletion_of(uid: str, key: ItemKey, removal: Removal) -> Deletion:
    """Return what a removal makes of an item."""
    paths = removal.garbage + removal.trash.item.object_paths
    return Deletion(uid, key.kind, key.item_id, removal.trash, paths, removal.withdrawn)


def unreadable(error: Exception) -> Internal:
    """Return the failure of a document that cannot be read, which is nobody's fault but ours."""
    failure = Internal()
    failure.__cause__ = error
    return failure


def itself(removing: Removing) -> Snapshot:
    """Return the document that is to be written."""
    return removing[0]


def retried(act: Callable[[], T]) -> T:
    """Do something anew for as long as others write first; it must be safe to repeat.

    Raises:
        Unavailable: also when that happens again and again.
    """
    for round_ in range(MAX_ROUNDS):
        with translated():
            try:
                return act()
            except CONFLICTS:
                pause(round_)
    raise busy()


def busy() -> Unavailable:
    """Return the failure of a write that others went before again and again."""
    return Unavailable("The item is being changed at this moment. Try again.")


def pause(round_: int) -> None:
    """Wait a random time, longer with each round, so that rivals do not meet again."""
    time.sleep(random.uniform(0, min(0.2, 0.01 * 2**round_)))  # noqa: S311 - not a secret
