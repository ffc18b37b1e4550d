"""Deleting in Firestore: marked first, for every reader; the document goes last."""

import random
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_changes import Changes
from voxshelf.adapters.firestore_errors import CONFLICTS, translated
from voxshelf.adapters.firestore_places import BOUNDED, Places, Snapshot
from voxshelf.adapters.firestore_receipts import receipt_of
from voxshelf.core.deletion import Manner, Removal, decide_deletion
from voxshelf.core.errors import Unavailable
from voxshelf.core.naming import name_digest
from voxshelf.core.trash import Trash
from voxshelf.use_cases.deletion_ports import MAX_KEYS, Deletion, ItemKey, Taken
from voxshelf.use_cases.ports import Garbage, Receipt

# Writes that meet each other are decided one after another; each round at least one of them
# gets through, so this many rounds serve this many at once.
MAX_ROUNDS = 40


class FirestoreDeletions:
    """Plays the deleting half of `Library`."""

    # Generations that are deleted with their voice, or brought back, in one batch.
    taken_at_once = MAX_KEYS

    def __init__(self, client: firestore.Client) -> None:
        """Use `client`, which may be shared by threads."""
        self._places = Places(client)

    def delete(
        self, uid: str, keys: Sequence[ItemKey], manner: Manner
    ) -> Mapping[ItemKey, Deletion | Receipt]:
        """See `Library.delete`."""
        for round_ in range(MAX_ROUNDS):
            with translated():
                try:
                    return self._delete(uid, keys, manner)
                except CONFLICTS:
                    pause(round_)
        raise busy()

    def _delete(
        self, uid: str, keys: Sequence[ItemKey], manner: Manner
    ) -> Mapping[ItemKey, Deletion | Receipt]:
        changes = Changes(self._places, uid)
        outcomes: dict[ItemKey, Deletion | Receipt] = {}
        removals = []
        for key, snapshot in self._seen(uid, keys).items():
            if not snapshot.exists:
                continue
            entry = documents.to_entry(snapshot.to_dict() or {})
            removal = decide_deletion(entry, manner, documents.to_time(snapshot.read_time))
            if removal is not None:
                removals.append((snapshot, removal))
                outcomes[key] = _deletion(uid, key, removal)
            elif entry.pending is not None:
                outcomes[key] = receipt_of(self._places, uid, snapshot)
        _remove(changes, removals)
        changes.commit()
        return outcomes

    def _seen(self, uid: str, keys: Sequence[ItemKey]) -> dict[ItemKey, Snapshot]:
        places = {self._places.item(uid, *key).path: key for key in keys}
        references = [self._places.client.document(path) for path in places]
        found = self._places.client.get_all(references, **BOUNDED)
        return {places[snapshot.reference.path]: snapshot for snapshot in found}

    def take_generations(self, uid: str, voice_id: str) -> Taken:
        """See `Library.take_generations`."""
        for round_ in range(MAX_ROUNDS):
            with translated():
                voice = self._places.item(uid, "voices", voice_id).get(**BOUNDED)
                trash = documents.to_trash(voice.to_dict() or {})
                if trash is None or not trash.taking:
                    return Taken((), 0 if trash is None else trash.taken, done=True)
                try:
                    return self._take(uid, voice, trash)
                except CONFLICTS:
                    pause(round_)
        raise busy()

    def _take(self, uid: str, voice: Snapshot, trash: Trash) -> Taken:
        # What is deleted for good takes along what is in the trash already.
        states = [documents.READY, *([documents.DELETING] if trash.purging else [])]
        found = list(
            self._places.account(uid)
            .collection("generations")
            .where(filter=FieldFilter("voice_id", "==", voice.id))
            .where(filter=FieldFilter("status", "in", states))
            .limit(self.taken_at_once)
            .stream(**BOUNDED)
        )
        manner = Manner(
            undo_for=trash.purge_at - trash.deleted_at,
            permanent=trash.purging,
            deleted_with=voice.id,
        )
        changes = Changes(self._places, uid)
        removals = []
        for snapshot in found:
            entry = documents.to_entry(snapshot.to_dict() or {})
            removal = decide_deletion(entry, manner, trash.deleted_at)
            assert removal is not None
            removals.append((snapshot, removal))
        _remove(changes, removals)
        done = len(found) < self.taken_at_once
        # The voice is in each batch: when it is restored meanwhile, no more of them go.
        taken: documents.Fields = {"trash.taken": firestore.Increment(len(found))}
        if done:
            taken |= {"trash.taking": False, "unsettled_since": _settled_since(voice, trash)}
        changes.item(voice, taken)
        changes.commit()
        deletions = tuple(
            _deletion(uid, ItemKey("generations", snapshot.id), removal)
            for snapshot, removal in removals
        )
        return Taken(deletions if trash.purging else (), trash.taken + len(found), done)

    def condemn(self, deletion: Deletion) -> Deletion | None:
        """See `Library.condemn`."""
        reference = self._places.item(deletion.uid, *deletion.key)
        unchanged = self._places.unchanged(cast("datetime", deletion.version))
        with translated():
            try:
                reference.update({"trash.purging": True}, option=unchanged, **BOUNDED)
            except CONFLICTS:
                return None
        return deletion

    def forget(self, *leftovers: Deletion | Garbage) -> None:
        """See `Library.forget`."""
        for start in range(0, len(leftovers), MAX_KEYS):
            some = leftovers[start : start + MAX_KEYS]
            for round_ in range(MAX_ROUNDS):
                with translated():
                    try:
                        self._forget(some)
                    except CONFLICTS:
                        # A generation was counted at the voice at this very moment, say.
                        pause(round_)
                    else:
                        break

    def _forget(self, leftovers: Sequence[Deletion | Garbage]) -> None:
        places = {self._places.item(left.uid, *left.key).path: left for left in leftovers}
        references = [self._places.client.document(path) for path in places]
        batch = self._places.client.batch()
        for snapshot in self._places.client.get_all(references, **BOUNDED):
            document: documents.Fields = snapshot.to_dict() or {}
            leftover = places[snapshot.reference.path]
            unchanged = self._places.unchanged(snapshot.update_time)
            trash = documents.to_trash(document)
            if not snapshot.exists:
                continue
            if isinstance(leftover, Garbage):
                fields = _without(document, leftover, trash)
                batch.update(snapshot.reference, fields, option=unchanged)
            elif trash is None or not trash.purging:
                continue
            elif document.get("withdrawn"):
                batch.set(snapshot.reference, _barred(document))
            else:
                batch.delete(snapshot.reference, option=unchanged)
        batch.commit(**BOUNDED)


def _remove(changes: Changes, removals: Sequence[tuple[Snapshot, Removal]]) -> None:
    """Have items put into the trash, and counted nowhere."""
    for snapshot, removal in removals:
        if removal.changes:
            changes.item(snapshot, _removed(removal))
            changes.kept += -removal.kept
            changes.reserved += -removal.reserved
    # What was in the trash before is counted no more already.
    fresh = [removal.trash.item for _, removal in removals if removal.is_fresh]
    changes.count(fresh, -1)


def _removed(removal: Removal) -> documents.Fields:
    return {
        "status": documents.DELETING,
        "trash": documents.from_trash(removal.trash),
        "pending": firestore.DELETE_FIELD,
        "garbage": list(removal.garbage),
        "unsettled_since": removal.unsettled_since,
        "withdrawn": firestore.SERVER_TIMESTAMP if removal.withdrawn else None,
    }


def _deletion(uid: str, key: ItemKey, removal: Removal) -> Deletion:
    paths = removal.garbage + removal.trash.item.object_paths
    return Deletion(uid, key.kind, key.item_id, removal.trash, paths, removal.withdrawn)


def _settled_since(voice: Snapshot, trash: Trash) -> datetime:
    """Return when a voice that has taken its generations is to be looked at next."""
    garbage = (voice.to_dict() or {}).get("garbage")
    return trash.deleted_at if trash.purging or garbage else trash.purge_at


def _barred(document: documents.Fields) -> documents.Fields:
    """Return what stays of a voice whose consent was withdrawn: who had said what, and when."""
    return {
        "status": documents.WITHDRAWN,
        "voice_id": document["voice_id"],
        "name_sha256": name_digest(document["name"]),
        "consent": {**(document["consent"] or {}), "audio": None},
        "withdrawn": document["withdrawn"],
    }


def _without(
    document: documents.Fields, leftover: Garbage, trash: Trash | None
) -> documents.Fields:
    left = [path for path in document["garbage"] if path not in leftover.object_paths]
    fields: documents.Fields = {"garbage": left}
    if not left and not document.get("pending"):
        if trash is None:
            fields["unsettled_since"] = firestore.DELETE_FIELD
        elif not trash.is_busy:
            fields["unsettled_since"] = trash.purge_at
    return fields


def busy() -> Unavailable:
    """Return the failure of a write that others went before again and again."""
    return Unavailable("The item is being changed at this moment. Try again.")


def pause(round_: int) -> None:
    """Wait a random time, longer with each round, so that rivals do not meet again."""
    time.sleep(random.uniform(0, min(0.2, 0.01 * 2**round_)))  # noqa: S311 - not a secret
