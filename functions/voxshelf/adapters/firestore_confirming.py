"""The last write of a save in Firestore: it makes the item the one that readers see."""

import itertools
import time
from dataclasses import replace

from google.cloud import firestore

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_counters import grown, named, released
from voxshelf.adapters.firestore_deletions import pause
from voxshelf.adapters.firestore_edits import FirestoreEdits
from voxshelf.adapters.firestore_errors import CONFLICTS, OUTAGES, translated
from voxshelf.adapters.firestore_places import BOUNDED
from voxshelf.adapters.firestore_renaming import note_renaming
from voxshelf.adapters.firestore_shelf import Version
from voxshelf.adapters.firestore_undoing import version_of
from voxshelf.adapters.firestore_usage import count_save
from voxshelf.core.account import hour_of
from voxshelf.core.errors import Unavailable
from voxshelf.core.items import Generation, Voice
from voxshelf.core.reservation import in_progress
from voxshelf.core.shelf import Pending
from voxshelf.use_cases.ports import Receipt, Renaming, kind_of

# A save whose last write fails is undone, and has to be sent again: it is worth some patience.
_CONFIRM_FOR_S = 15.0


class FirestoreConfirming(FirestoreEdits):
    """Plays the confirming part of `Library`."""

    def count_refusal(self, uid: str) -> None:
        """See `Library.count_refusal`."""
        account = self._places.account(uid)
        with translated():
            seen = account.get(**BOUNDED)
            hour = hour_of(documents.to_time(seen.read_time))
            earlier = documents.to_account(seen.to_dict() or {}).refusals
            # One of two at the same time may be lost at the turn of an hour, and nothing else.
            count = firestore.Increment(1) if earlier.hour == hour else 1
            fields = {"refusals": {"hour": hour, "count": count}}
            account.set(fields, merge=True, **BOUNDED)

    def confirm(self, receipt: Receipt) -> None:
        """See `Library.confirm`."""
        reservation = receipt.reservation
        if reservation.pending.request_key is not None and version_of(receipt).request is None:
            raise in_progress()
        is_generation = isinstance(reservation.pending.item, Generation)
        count = is_generation and reservation.replaces is None
        give_up_at = time.monotonic() + _CONFIRM_FOR_S
        for round_ in itertools.count():
            try:
                self._confirm(receipt, count=count)
            except (*CONFLICTS, *OUTAGES) as failure:
                # A conflict with no rival: a generation was counted at the voice meanwhile, or
                # the voice that this one counts at was deleted, and its generations stay.
                count &= isinstance(failure, OUTAGES)
                if time.monotonic() > give_up_at:
                    raise Unavailable from failure
                pause(round_)
            else:
                return
            if self._is_confirmed(receipt):
                return
            current = self._current(receipt)
            if current is None:
                raise in_progress()
            receipt = current

    def _confirm(self, receipt: Receipt, *, count: bool) -> None:
        reservation, version = receipt.reservation, version_of(receipt)
        pending = reservation.pending
        fields = documents.from_item(pending.item)
        if reservation.is_first:
            # Of the commit, by which it is told what counts at which voice (`counting.counts_at`).
            fields["saved_at"] = firestore.SERVER_TIMESTAMP
        # Generations may have been counted since the version that is replaced was read.
        counted = () if reservation.is_first else ("generation_count",)
        written = {name: value for name, value in fields.items() if name not in counted}
        leftovers = list(reservation.leftovers)
        batch = self._places.client.batch()
        batch.update(
            self._item(receipt.uid, pending),
            {
                **written,
                "status": documents.READY,
                "saved_by": pending.lease,
                "pending": firestore.DELETE_FIELD,
                "trash": firestore.DELETE_FIELD,
                "garbage": leftovers,
                "unsettled_since": pending.since if leftovers else firestore.DELETE_FIELD,
            },
            option=self._places.unchanged(version.item),
        )
        counters = {**released(reservation.amount), **grown(reservation.growth)}
        if pending.renames and isinstance(pending.item, Voice):
            voice_id, name = pending.item.voice_id, pending.item.name
            counters |= named(voice_id, name)
            note_renaming(batch, self._places, Renaming(receipt.uid, voice_id), name)
        batch.update(self._places.account(receipt.uid), counters)
        count_save(batch, self._places, receipt.uid, reservation)
        if count:
            voice = self._places.item(receipt.uid, "voices", pending.item.voice_id)
            batch.update(voice, {"generation_count": firestore.Increment(1)})
        request = self._places.request(receipt.uid, pending.request_key)
        if request is not None and version.request is not None:
            unchanged = self._places.unchanged(version.request)
            answer = {**fields, "saved_at": pending.item.saved_at}
            batch.update(request, {"item": answer}, option=unchanged)
        batch.commit(**BOUNDED)

    def _is_confirmed(self, receipt: Receipt) -> bool:
        pending = receipt.reservation.pending
        with translated():
            snapshot = self._item(receipt.uid, pending).get(**BOUNDED)
        fields = snapshot.to_dict() or {}
        return fields.get("saved_by") == pending.lease

    def _current(self, receipt: Receipt) -> Receipt | None:
        """Return the receipt with today's versions, or None when any part is not ours any more."""
        pending = receipt.reservation.pending
        item = self._item(receipt.uid, pending)
        request = self._places.request(receipt.uid, pending.request_key)
        references = [item] if request is None else [item, request]
        with translated():
            found = self._places.client.get_all(references, **BOUNDED)
            seen = {snapshot.reference.path: snapshot for snapshot in found}
        lease = ((seen[item.path].to_dict() or {}).get("pending") or {}).get("lease")
        if lease != pending.lease:
            return None
        request_time = None
        if request is not None:
            record = seen[request.path].to_dict() or {}
            if record.get("lease") != pending.lease or record.get("item") is not None:
                return None
            request_time = seen[request.path].update_time
        return replace(receipt, version=Version(seen[item.path].update_time, request_time))

    def _item(self, uid: str, pending: Pending) -> firestore.DocumentReference:
        return self._places.item(uid, kind_of(pending.item), pending.item.item_id)
