"""The library in Firestore: reservations by optimistic writes.

One reservation is one read of all documents that it depends on and one batch that fails
when the user's document or the item's has changed since (`update_time` preconditions). That
is two round trips; a transaction of the client library takes three. The user's document is
in every reservation, so the saves of one user are decided one after another, which is what
keeps quotas exact and names unique.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_document import DocumentSnapshot

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_errors import CONFLICTS, translated
from voxshelf.core.account import Account
from voxshelf.core.errors import InProgress, Unavailable
from voxshelf.core.items import Generation
from voxshelf.core.reservation import (
    REQUEST_LIFETIME,
    Decision,
    Replay,
    Reservation,
    Shelf,
    VoiceEntry,
)
from voxshelf.use_cases.ports import Receipt

# Saves of one user that meet each other decide one after another; each round at least one
# of them gets through, so this many rounds serve this many at once.
_MAX_ROUNDS = 40
_TIMEOUT_S = 10.0

Snapshot = DocumentSnapshot[Any]
Snapshots = dict[str, Snapshot]


@dataclass(frozen=True, slots=True)
class _Place:
    """The documents that one save touches."""

    account: firestore.DocumentReference
    voice: firestore.DocumentReference
    request: firestore.DocumentReference | None


class FirestoreLibrary:
    """Plays `Library` in Firestore."""

    def __init__(self, client: firestore.Client) -> None:
        """Use `client`, which may be shared by threads."""
        self._client = client

    def reserve(
        self,
        uid: str,
        voice_id: str,
        request_key: str | None,
        decide: Callable[[Shelf], Decision],
    ) -> Receipt | Replay:
        """See `Library.reserve`."""
        place = self._place(uid, voice_id, request_key)
        written: Reservation | None = None
        for round_ in range(_MAX_ROUNDS):
            with translated():
                snapshots = self._read(place, written)
                shelf = _shelf(place, snapshots)
                if written is not None and (version := self._own(written, uid, snapshots)):
                    return Receipt(uid, written, request_key, version)
                decision = decide(shelf)
                if isinstance(decision, Replay):
                    return decision
                written = decision
                try:
                    version = self._write(place, uid, snapshots, decision)
                except CONFLICTS:
                    _pause(round_)
                else:
                    return Receipt(uid, decision, request_key, version)
        raise Unavailable("Too many saves of this library meet at this moment. Try again.")

    def _place(self, uid: str, voice_id: str, request_key: str | None) -> _Place:
        request = None
        if request_key is not None:
            request = self._reference("users", uid, "requests", request_key)
        return _Place(
            account=self._reference("users", uid),
            voice=self._reference("users", uid, "voices", voice_id),
            request=request,
        )

    def _reference(self, *path: str) -> firestore.DocumentReference:
        reference: firestore.DocumentReference = self._client.document(*path)
        return reference

    def _item(self, uid: str, reservation: Reservation) -> firestore.DocumentReference:
        item = reservation.pending.item
        kind = "generations" if isinstance(item, Generation) else "voices"
        return self._reference("users", uid, kind, item.item_id)

    def _read(self, place: _Place, written: Reservation | None) -> Snapshots:
        references = [place.account, place.voice]
        if place.request is not None:
            references.append(place.request)
        if written is not None and isinstance(written.pending.item, Generation):
            references.append(self._item(place.account.id, written))
        found = self._client.get_all(references, timeout=_TIMEOUT_S)
        return {snapshot.reference.path: snapshot for snapshot in found}

    def _own(self, written: Reservation, uid: str, snapshots: Snapshots) -> Any:
        """Return the version of our own reservation if it was written and the answer lost."""
        snapshot = snapshots[self._item(uid, written).path]
        pending = (snapshot.to_dict() or {}).get("pending") or {}
        return snapshot.update_time if pending.get("lease") == written.pending.lease else None

    def _write(
        self, place: _Place, uid: str, snapshots: Snapshots, reservation: Reservation
    ) -> object:
        batch = self._client.batch()
        pending = documents.from_pending(reservation.pending)
        item = self._item(uid, reservation)
        self._put(batch, item, snapshots.get(item.path), {"pending": pending}, documents.PENDING)
        account = documents.from_account(reservation.account)
        self._put(batch, place.account, snapshots[place.account.path], account)
        if place.request is not None:
            batch.set(
                place.request,
                {
                    "fingerprint": reservation.pending.fingerprint,
                    "since": reservation.pending.since,
                    "item": None,
                    "expires_at": reservation.pending.since + REQUEST_LIFETIME,
                },
            )
        return batch.commit(timeout=_TIMEOUT_S)[0].update_time

    def _put(
        self,
        batch: firestore.WriteBatch,
        reference: firestore.DocumentReference,
        seen: Snapshot | None,
        fields: documents.Fields,
        status: str | None = None,
    ) -> None:
        """Write fields on condition that the document is as it was seen."""
        if seen is None or not seen.exists:
            batch.create(reference, fields if status is None else {**fields, "status": status})
        else:
            unchanged = self._client.write_option(last_update_time=seen.update_time)
            batch.update(reference, fields, option=unchanged)

    def confirm(self, receipt: Receipt) -> None:
        """See `Library.confirm`."""
        try:
            self._confirm(receipt, count=isinstance(receipt.reservation.pending.item, Generation))
        except CONFLICTS as conflict:
            if self._is_confirmed(receipt):
                return
            if self._is_taken_over(receipt):
                raise InProgress("Another save took this one's place.") from conflict
            # Only the voice that a generation counts at can be missing now: it was deleted
            # meanwhile, and its generations stay.
            with translated():
                self._confirm(receipt, count=False)

    def _confirm(self, receipt: Receipt, *, count: bool) -> None:
        reservation = receipt.reservation
        item = reservation.pending.item
        place = self._place(receipt.uid, item.voice_id, receipt.request_key)
        fields = documents.from_item(item)
        batch = self._client.batch()
        replaced = reservation.replaces.object_paths if reservation.replaces else ()
        batch.update(
            self._item(receipt.uid, reservation),
            {
                **fields,
                "status": documents.READY,
                "fingerprint": reservation.pending.fingerprint,
                "saved_by": reservation.pending.lease,
                "garbage": list(replaced),
                "pending": firestore.DELETE_FIELD,
            },
            option=self._client.write_option(last_update_time=receipt.version),
        )
        batch.update(place.account, _changes(reservation, kept=True))
        if count:
            batch.update(place.voice, {"generation_count": firestore.Increment(1)})
        if place.request is not None:
            batch.update(place.request, {"item": fields})
        with translated():
            batch.commit(timeout=_TIMEOUT_S)

    def _is_confirmed(self, receipt: Receipt) -> bool:
        fields = self._fields(receipt)
        return fields.get("saved_by") == receipt.reservation.pending.lease

    def _is_taken_over(self, receipt: Receipt) -> bool:
        pending = self._fields(receipt).get("pending") or {}
        return pending.get("lease") != receipt.reservation.pending.lease

    def _fields(self, receipt: Receipt) -> documents.Fields:
        with translated():
            snapshot = self._item(receipt.uid, receipt.reservation).get(timeout=_TIMEOUT_S)
        return snapshot.to_dict() or {}

    def abandon(self, receipt: Receipt) -> None:
        """See `Library.abandon`."""
        reservation = receipt.reservation
        place = self._place(receipt.uid, reservation.pending.item.voice_id, receipt.request_key)
        unchanged = self._client.write_option(last_update_time=receipt.version)
        batch = self._client.batch()
        if reservation.replaces is None:
            batch.delete(self._item(receipt.uid, reservation), option=unchanged)
        else:
            gone = {"pending": firestore.DELETE_FIELD}
            batch.update(self._item(receipt.uid, reservation), gone, option=unchanged)
        batch.update(place.account, _changes(reservation, kept=False))
        if place.request is not None:
            batch.delete(place.request)
        with translated():
            try:
                batch.commit(timeout=_TIMEOUT_S)
            except CONFLICTS:
                # Whoever changed the document has taken the reservation over, or undone it.
                return

    def forget_replaced(self, receipt: Receipt) -> None:
        """See `Library.forget_replaced`."""
        with translated():
            self._item(receipt.uid, receipt.reservation).update({"garbage": []}, timeout=_TIMEOUT_S)


def _shelf(place: _Place, snapshots: Snapshots) -> Shelf:
    account = snapshots[place.account.path]
    voice = snapshots[place.voice.path]
    request = None if place.request is None else snapshots[place.request.path]
    return Shelf(
        now=account.read_time,
        account=documents.to_account(account.to_dict() or {}) if account.exists else Account(),
        voice=_entry(voice),
        request=documents.to_request(request.to_dict() or {})
        if request is not None and request.exists
        else None,
    )


def _entry(snapshot: Snapshot) -> VoiceEntry | None:
    document = snapshot.to_dict() if snapshot.exists else None
    return None if document is None else documents.to_voice_entry(document)


def _changes(reservation: Reservation, *, kept: bool) -> documents.Fields:
    """Return the counters' changes when a save ends: increments, which never conflict."""
    freed = -reservation.amount
    changes = {
        "reserved.voices": firestore.Increment(freed.voices),
        "reserved.generations": firestore.Increment(freed.generations),
        "reserved.bytes": firestore.Increment(freed.size_bytes),
    }
    if kept:
        growth = reservation.growth
        changes["voices"] = firestore.Increment(growth.voices)
        changes["generations"] = firestore.Increment(growth.generations)
        changes["bytes"] = firestore.Increment(growth.size_bytes)
    return changes


def _pause(round_: int) -> None:
    """Wait a random time, longer with each round, so that rivals do not meet again."""
    time.sleep(random.uniform(0, min(0.2, 0.01 * 2**round_)))  # noqa: S311 - not a secret
