"""Slots for uploads in Firestore: users/{uid}/uploads/{upload_id}, counted in the user's document.

storage.rules read a slot before they let an upload pass: the names of its fields are theirs, too.
Every slot given writes the user's own document on condition that nobody else has since it was
read, so the slots of one user are decided one after another.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from voxshelf.adapters.documents import to_account, to_time
from voxshelf.adapters.firestore_deletions import MAX_ROUNDS, pause
from voxshelf.adapters.firestore_errors import CONFLICTS, translated
from voxshelf.adapters.firestore_places import BOUNDED, Places, Snapshot
from voxshelf.adapters.upload_documents import (
    bytes_of,
    from_slot,
    from_slot_use,
    to_slot,
    to_slot_use,
)
from voxshelf.core.account import Policy
from voxshelf.core.errors import Unavailable
from voxshelf.core.upload_slots import SlotKey, Taken, UploadSlot, WantedUpload, slot_key
from voxshelf.use_cases.upload_ports import key_conflict, no_slot

_STREAM_TIMEOUT_S = 60.0


class FirestoreUploads:
    """Plays `UploadSlots` in Firestore."""

    def __init__(self, client: firestore.Client) -> None:
        """Use `client`, which may be shared by threads."""
        self._client = client
        self._places = Places(client)

    def give(
        self, uid: str, upload_id: str, wanted: WantedUpload, policy: Policy
    ) -> tuple[UploadSlot, bool]:
        """See `UploadSlots.give`."""
        key = SlotKey(uid, upload_id)
        account, reference = self._places.account(uid), self._slot(key)
        written: UploadSlot | None = None
        for round_ in range(MAX_ROUNDS):
            with translated():
                found = self._client.get_all([account, reference], **BOUNDED)
                seen = {snapshot.reference.path: snapshot for snapshot in found}
                now = to_time(seen[account.path].read_time)
                present = _slot_in(seen[reference.path])
                if present is not None and not present.is_forgotten(now):
                    if not present.is_for(wanted):
                        raise key_conflict()
                    # Ours may have been written and the answer lost.
                    return present, present != written
                fields = seen[account.path].to_dict() or {}
                limits = to_account(fields).limited(policy.limits)
                use = to_slot_use(fields).taking(wanted.size_bytes, now, limits)
                written = UploadSlot.opened(key, wanted, now, policy.upload_for)
                batch = self._client.batch()
                self._places.put(batch, reference, seen[reference.path], from_slot(written))
                self._places.put(batch, account, seen[account.path], from_slot_use(use))
                try:
                    batch.commit(**BOUNDED)
                except CONFLICTS:
                    pause(round_)
                else:
                    return written, False
        raise _busy()

    def find(self, uid: str, path: str) -> UploadSlot | None:
        """See `UploadSlots.find`."""
        with translated():
            snapshot = self._slot(slot_key(uid, path)).get(**BOUNDED)
        slot = _slot_in(snapshot)
        return slot if slot is not None and slot.is_known(snapshot.read_time) else None

    def take(self, uid: str, path: str, generation: str, sha256: str) -> None:
        """See `UploadSlots.take`."""
        key = slot_key(uid, path)
        for round_ in range(MAX_ROUNDS):
            with translated():
                snapshot = self._slot(key).get(**BOUNDED)
                now = to_time(snapshot.read_time)
                slot = _slot_in(snapshot) or UploadSlot.unasked(key, path, now)
                if slot.holds(generation, sha256):
                    return
                taken = replace(slot, taken=Taken(generation, sha256, now))
                batch = self._client.batch()
                self._places.put(batch, snapshot.reference, snapshot, from_slot(taken))
                if snapshot.exists and slot.taken is None:
                    self._count_down(batch, key, slot.size_bytes)
                try:
                    batch.commit(**BOUNDED)
                except CONFLICTS:
                    pause(round_)
                else:
                    return
        raise _busy()

    def close(self, key: SlotKey) -> None:
        """See `UploadSlots.close`."""
        for round_ in range(MAX_ROUNDS):
            with translated():
                snapshot = self._slot(key).get(**BOUNDED)
                fields = snapshot.to_dict()
                if fields is None or fields.get("taken") is not None:
                    raise no_slot()
                batch = self._client.batch()
                batch.delete(snapshot.reference, self._places.unchanged(snapshot.update_time))
                self._count_down(batch, key, bytes_of(fields))
                try:
                    batch.commit(**BOUNDED)
                except CONFLICTS:
                    pause(round_)
                else:
                    return
        raise _busy()

    def expired(self, older_than: timedelta) -> Iterator[SlotKey]:
        """See `UploadSlots.expired`."""
        with translated():
            before = self._places.now() - older_than
            # Nothing of the documents is read: one that makes no sense is removed as well.
            query = self._open_until(before).select(["__name__"])
            for snapshot in query.stream(timeout=_STREAM_TIMEOUT_S):
                yield SlotKey(snapshot.reference.path.split("/")[1], snapshot.id)

    # The query, with its index in firestore.indexes.json.

    def _open_until(self, before: datetime) -> Any:
        slots = self._client.collection_group("uploads")
        untaken = slots.where(filter=FieldFilter("taken", "==", None))
        return untaken.where(filter=FieldFilter("open_until", "<", before))

    def _slot(self, key: SlotKey) -> firestore.DocumentReference:
        reference: firestore.DocumentReference = self._client.document(
            "users", key.uid, "uploads", key.upload_id
        )
        return reference

    def _count_down(self, batch: firestore.WriteBatch, key: SlotKey, size_bytes: int) -> None:
        left = {
            "open": firestore.Increment(-1),
            "open_bytes": firestore.Increment(-size_bytes),
        }
        # Merged, not updated: the slot of a user who has been deleted must close, too.
        batch.set(self._places.account(key.uid), {"uploads": left}, merge=True)


def _slot_in(snapshot: Snapshot) -> UploadSlot | None:
    fields = snapshot.to_dict()
    return None if fields is None else to_slot(fields)


def _busy() -> Unavailable:
    return Unavailable("Too many uploads of this user meet at this moment. Try again.")
