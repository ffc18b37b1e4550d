"""Deleting in Firestore: marked first, for every reader; the document goes last."""

import random
import time

from google.cloud import firestore

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_counters import grown, released
from voxshelf.adapters.firestore_errors import CONFLICTS, translated
from voxshelf.adapters.firestore_places import BOUNDED, Places, Snapshot
from voxshelf.core.errors import NotFound, Unavailable
from voxshelf.core.items import Generation, Voice
from voxshelf.core.reservation import reserved_amount
from voxshelf.use_cases.ports import Deletion, Garbage, Kind

# Writes that meet each other are decided one after another; each round at least one of them
# gets through, so this many rounds serve this many at once.
MAX_ROUNDS = 40


class FirestoreDeletions:
    """Plays the deleting half of `Library`."""

    def __init__(self, client: firestore.Client) -> None:
        """Use `client`, which may be shared by threads."""
        self._places = Places(client)

    def delete(self, uid: str, kind: Kind, item_id: str, *, withdrawn: bool = False) -> Deletion:
        """See `Library.delete`."""
        reference = self._places.item(uid, kind, item_id)
        for round_ in range(MAX_ROUNDS):
            with translated():
                snapshot = reference.get(**BOUNDED)
                document: documents.Fields = snapshot.to_dict() or {}
                status = document.get("status")
                if status not in (documents.READY, documents.DELETING):
                    raise NotFound("There is no such item in your library.")
                paths = documents.paths_of(document)
                if status == documents.DELETING:
                    return Deletion(uid, kind, item_id, paths)
                try:
                    self._mark_deleting(uid, kind, snapshot, document, withdrawn=withdrawn)
                except CONFLICTS:
                    pause(round_)
                else:
                    return Deletion(uid, kind, item_id, paths)
        raise Unavailable("The item is being changed at this moment. Try again.")

    def _mark_deleting(
        self,
        uid: str,
        kind: Kind,
        snapshot: Snapshot,
        document: documents.Fields,
        *,
        withdrawn: bool,
    ) -> None:
        item = documents.to_item(document)
        paths = documents.paths_of(document)
        batch = self._places.client.batch()
        batch.update(
            self._places.item(uid, kind, snapshot.id),
            {
                "status": documents.DELETING,
                "pending": firestore.DELETE_FIELD,
                "garbage": list(paths),
                "unsettled_since": firestore.SERVER_TIMESTAMP,
                "withdrawn": firestore.SERVER_TIMESTAMP if withdrawn else None,
            },
            option=self._places.unchanged(snapshot.update_time),
        )
        counters = grown(-reserved_amount(item, None))
        if document.get("pending"):
            pending = documents.to_pending(document["pending"])
            counters |= released(reserved_amount(pending.item, item))
        batch.update(self._places.account(uid), counters)
        voice = self._counting_voice(uid, item)
        if voice is not None:
            batch.update(voice, {"generation_count": firestore.Increment(-1)})
        batch.commit(**BOUNDED)

    def _counting_voice(
        self, uid: str, item: Voice | Generation
    ) -> firestore.DocumentReference | None:
        """Return the voice that a generation counts at: not one that took the id later."""
        if not isinstance(item, Generation):
            return None
        voice = self._places.item(uid, "voices", item.voice_id)
        fields = voice.get(["status", "saved_at"], **BOUNDED).to_dict() or {}
        counts = fields.get("status") == documents.READY
        return voice if counts and fields["saved_at"] <= item.saved_at else None

    def forget(self, leftover: Deletion | Garbage) -> None:
        """See `Library.forget`."""
        for round_ in range(MAX_ROUNDS):
            with translated():
                try:
                    self._forget(leftover)
                except CONFLICTS:
                    # A generation was counted at the voice at this very moment, say.
                    pause(round_)
                else:
                    return

    def _forget(self, leftover: Deletion | Garbage) -> None:
        reference = self._places.item(leftover.uid, leftover.kind, leftover.item_id)
        snapshot = reference.get(**BOUNDED)
        if not snapshot.exists:
            return
        document: documents.Fields = snapshot.to_dict() or {}
        batch = self._places.client.batch()
        unchanged = self._places.unchanged(snapshot.update_time)
        if isinstance(leftover, Garbage):
            batch.update(reference, _without(document, leftover), option=unchanged)
        elif document["status"] != documents.DELETING:
            return
        elif document.get("withdrawn"):
            batch.set(reference, _barred(document))
        else:
            batch.delete(reference, option=unchanged)
        batch.commit(**BOUNDED)


def _barred(document: documents.Fields) -> documents.Fields:
    """Return what stays of a voice whose consent was withdrawn: who had said what, and when."""
    return {
        "status": documents.WITHDRAWN,
        "voice_id": document["voice_id"],
        "consent": {**(document["consent"] or {}), "audio": None},
        "withdrawn": document["withdrawn"],
    }


def _without(document: documents.Fields, leftover: Garbage) -> documents.Fields:
    left = [path for path in document["garbage"] if path not in leftover.object_paths]
    fields: documents.Fields = {"garbage": left}
    if not left and not document.get("pending"):
        fields["unsettled_since"] = firestore.DELETE_FIELD
    return fields


def pause(round_: int) -> None:
    """Wait a random time, longer with each round, so that rivals do not meet again."""
    time.sleep(random.uniform(0, min(0.2, 0.01 * 2**round_)))  # noqa: S311 - not a secret
