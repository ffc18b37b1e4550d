"""Deleting the generations of a voice along with it, in Firestore."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_batches import write_some
from voxshelf.adapters.firestore_changes import Changes
from voxshelf.adapters.firestore_deletions import (
    FirestoreDeletions,
    Removing,
    deletion_of,
    itself,
    retried,
)
from voxshelf.adapters.firestore_places import BOUNDED, Snapshot
from voxshelf.adapters.firestore_readable import readable_page
from voxshelf.core.deletion import Manner, decide_deletion
from voxshelf.core.trash import Trash
from voxshelf.use_cases.deletion_ports import ItemKey, Taken


class FirestoreTaking(FirestoreDeletions):
    """Plays the part of `Library` that takes generations along."""

    def take_generations(self, uid: str, voice_id: str) -> Taken:
        """See `Library.take_generations`."""
        return retried(lambda: self._take(uid, voice_id))

    def _take(self, uid: str, voice_id: str) -> Taken:
        voice, trash = self._taking(uid, voice_id)
        if trash is None or not trash.taking:
            return Taken((), 0 if trash is None else trash.taken, done=True)
        # What cannot be read is left where it is.
        removing, done = readable_page(
            self._spoken(uid, voice_id, trash),
            self.taken_at_once,
            partial(_removing, trash=trash),
        )
        purged = removing if trash.purging else []
        left, taken = [one for one in removing if one[1].changes], trash.taken
        while True:
            count = self._take_some(uid, (voice, trash), left, done=done)
            left, taken = left[count:], taken + count
            if not left:
                break
            voice, trash = self._taking(uid, voice_id)
            if trash is None or not trash.taking:
                # Restored meanwhile: no more of them go.
                return Taken((), taken, done=True)
        deletions = (
            deletion_of(uid, ItemKey("generations", one.id), removal) for one, removal in purged
        )
        return Taken(tuple(deletions), taken, done)

    def _taking(self, uid: str, voice_id: str) -> tuple[Snapshot, Trash | None]:
        voice = self._places.item(uid, "voices", voice_id).get(**BOUNDED)
        return voice, documents.to_trash(voice.to_dict() or {})

    def _spoken(self, uid: str, voice_id: str, trash: Trash) -> firestore.Query:
        # What is deleted for good takes along what is in the trash already.
        states = [documents.READY, *([documents.DELETING] if trash.purging else [])]
        spoken: firestore.Query = (
            self._places.account(uid)
            .collection("generations")
            .where(filter=FieldFilter("voice_id", "==", voice_id))
            .where(filter=FieldFilter("status", "in", states))
        )
        return spoken

    def _take_some(
        self, uid: str, voice: tuple[Snapshot, Trash], left: Sequence[Removing], *, done: bool
    ) -> int:
        """Take as many as go into one batch; `done` tells that there are no more than `left`."""
        snapshot, trash = voice

        def write(some: Sequence[Removing]) -> None:
            changes = Changes(self._places, uid)
            self._put_away(uid, changes, some)
            # The voice is in each batch: when it is restored meanwhile, this one fails.
            fields: documents.Fields = {"trash.taken": firestore.Increment(len(some))}
            if done and len(some) == len(left):
                settled = _settled_since(snapshot, trash)
                fields |= {"trash.taking": False, "unsettled_since": settled}
            changes.item(snapshot, fields)
            changes.commit()

        return write_some(left, itself, write)


def _removing(snapshot: Snapshot, trash: Trash) -> Removing:
    """Return what is to be written of a generation that goes with its voice."""
    manner = Manner(
        undo_for=trash.purge_at - trash.deleted_at,
        permanent=trash.purging,
        deleted_with=trash.item.item_id,
    )
    entry = documents.to_entry(snapshot.to_dict() or {})
    removal = decide_deletion(entry, manner, trash.deleted_at)
    assert removal is not None
    return snapshot, removal


def _settled_since(voice: Snapshot, trash: Trash) -> datetime:
    """Return when a voice that has taken its generations is to be looked at next."""
    garbage = (voice.to_dict() or {}).get("garbage")
    return trash.deleted_at if trash.purging or garbage else trash.purge_at
