"""The last steps of a deletion in Firestore: condemned, and forgotten when the objects are gone."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import cast

from google.cloud import firestore

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_batches import write_all
from voxshelf.adapters.firestore_deletions import retried
from voxshelf.adapters.firestore_dropping import barred_speech
from voxshelf.adapters.firestore_errors import CONFLICTS, translated
from voxshelf.adapters.firestore_places import BOUNDED, Snapshot
from voxshelf.adapters.firestore_receipts import receipt_of
from voxshelf.adapters.firestore_taking import FirestoreTaking
from voxshelf.core.naming import name_digest
from voxshelf.core.trash import Trash
from voxshelf.use_cases.deletion_ports import MAX_KEYS, Deletion
from voxshelf.use_cases.ports import Garbage, Receipt


class FirestoreForgetting(FirestoreTaking):
    """Plays the purging part of `Library`."""

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

    def barred_speech(self, uid: str, voice_id: str) -> Sequence[Receipt]:
        """See `Library.barred_speech`."""
        with translated():
            found = barred_speech(self._places, uid, voice_id)
            return [receipt_of(self._places, uid, one) for one in found]

    def forget(self, *leftovers: Deletion | Garbage) -> None:
        """See `Library.forget`."""
        for start in range(0, len(leftovers), MAX_KEYS):
            some = leftovers[start : start + MAX_KEYS]
            # Repeated when a generation was counted at the voice at this very moment, say.
            retried(partial(self._forget, some))

    def _forget(self, leftovers: Sequence[Deletion | Garbage]) -> None:
        places = {self._places.item(left.uid, *left.key).path: left for left in leftovers}
        references = [self._places.client.document(path) for path in places]
        found = list(self._places.client.get_all(references, **BOUNDED))
        write_all(found, lambda one: one, lambda some: self._forget_some(some, places))

    def _forget_some(
        self, found: Sequence[Snapshot], places: Mapping[str, Deletion | Garbage]
    ) -> None:
        batch = self._places.client.batch()
        for snapshot in found:
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
                batch.update(snapshot.reference, _barred(document), option=unchanged)
            else:
                batch.delete(snapshot.reference, option=unchanged)
        batch.commit(**BOUNDED)


def _barred(document: documents.Fields) -> documents.Fields:
    """Return what is left of a voice whose consent was withdrawn: who had said what, and when.

    A save that was dropped may write its objects still: they stay noted, to be removed once more.
    """
    noted = ("garbage", "unsettled_since") if document.get("garbage") else ()
    return {
        **{name: firestore.DELETE_FIELD for name in document if name not in noted},
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
