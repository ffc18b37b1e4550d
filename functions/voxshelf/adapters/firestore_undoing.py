"""Undoing a reservation in Firestore: taken over first, and given back when nothing is left."""

import secrets
from dataclasses import replace
from datetime import datetime

from google.cloud import firestore

from voxshelf.adapters.firestore_counters import released
from voxshelf.adapters.firestore_errors import CONFLICTS, translated
from voxshelf.adapters.firestore_places import BOUNDED, Places
from voxshelf.adapters.firestore_shelf import Version
from voxshelf.adapters.firestore_trash import FirestoreTrash
from voxshelf.use_cases.ports import Receipt, kind_of


class FirestoreUndoing(FirestoreTrash):
    """Plays the undoing part of `Library`."""

    def seize(self, receipt: Receipt) -> Receipt | None:
        """See `Library.seize`."""
        pending = replace(receipt.reservation.pending, lease=secrets.token_hex(8))
        item = self._places.item(receipt.uid, kind_of(pending.item), pending.item.item_id)
        with translated():
            snapshot = item.get(**BOUNDED)
            held = ((snapshot.to_dict() or {}).get("pending") or {}).get("lease")
            if held != receipt.reservation.pending.lease:
                return None
            batch = self._places.client.batch()
            unchanged = self._places.unchanged(snapshot.update_time)
            batch.update(item, {"pending.lease": pending.lease}, option=unchanged)
            try:
                written = batch.commit(**BOUNDED)
            except CONFLICTS:
                return None
        reservation = replace(receipt.reservation, pending=pending)
        request_time = version_of(receipt).request
        return Receipt(receipt.uid, reservation, Version(written[0].update_time, request_time))

    def abandon(self, receipt: Receipt) -> None:
        """See `Library.abandon`."""
        reservation, version = receipt.reservation, version_of(receipt)
        pending = reservation.pending
        item = self._places.item(receipt.uid, kind_of(pending.item), pending.item.item_id)
        unchanged = self._places.unchanged(version.item)
        batch = self._places.client.batch()
        if reservation.replaces is None and reservation.trash is None:
            batch.delete(item, option=unchanged)
        else:
            gone, trash = firestore.DELETE_FIELD, reservation.trash
            settled = gone if trash is None else trash.purge_at
            fields = {"pending": gone, "garbage": [], "unsettled_since": settled}
            batch.update(item, fields, option=unchanged)
        batch.update(self._places.account(receipt.uid), released(reservation.amount))
        request = self._places.request(receipt.uid, pending.request_key)
        with translated():
            try:
                batch.commit(**BOUNDED)
            except CONFLICTS:
                # Whoever changed the document has taken the reservation over, or undone it.
                return
            if request is not None and version.request is not None:
                _delete_unchanged(self._places, request, version.request)


def version_of(receipt: Receipt) -> Version:
    """Return this adapter's mark of a reservation."""
    assert isinstance(receipt.version, Version)
    return receipt.version


def _delete_unchanged(
    places: Places, reference: firestore.DocumentReference, update_time: datetime
) -> None:
    try:
        reference.delete(option=places.unchanged(update_time), **BOUNDED)
    except CONFLICTS:
        # The key serves another save by now.
        return
