"""The library in Firestore: reservations by optimistic writes.

One reservation is one read of all documents that it depends on and one batch that fails
when one of them has changed since (`update_time` preconditions). That is two round trips; a
transaction of the client library takes three. The user's document is in every reservation,
so the saves of one user are decided one after another, which is what keeps quotas exact and
names unique.
"""

import secrets
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

from google.cloud import firestore

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_counters import grown, released
from voxshelf.adapters.firestore_deletions import MAX_ROUNDS, FirestoreDeletions, pause
from voxshelf.adapters.firestore_errors import CONFLICTS, translated
from voxshelf.adapters.firestore_places import TIMEOUT_S, Places
from voxshelf.adapters.firestore_shelf import Place, Snapshots, Version, shelf_of
from voxshelf.core.errors import Unavailable
from voxshelf.core.items import Generation
from voxshelf.core.reservation import (
    REQUEST_LIFETIME,
    Decision,
    Pending,
    Replay,
    Reservation,
    Shelf,
    in_progress,
)
from voxshelf.use_cases.ports import Glance, Receipt, kind_of


class FirestoreLibrary(FirestoreDeletions):
    """Plays `Library` in Firestore."""

    def __init__(self, client: firestore.Client) -> None:
        """Use `client`, which may be shared by threads."""
        super().__init__(client)
        # One reading for each request that an instance serves at once.
        self._aside = ThreadPoolExecutor(max_workers=8, thread_name_prefix="glance")

    def glance(self, uid: str, voice_id: str, request_key: str | None) -> Glance:
        """See `Library.glance`."""
        place = self._place(uid, voice_id, request_key, None)
        return self._aside.submit(self._read, place, None)

    def reserve(
        self,
        uid: str,
        voice_id: str,
        request_key: str | None,
        decide: Callable[[Shelf], Decision],
        *,
        generation_id: str | None = None,
        glance: Glance | None = None,
    ) -> Receipt | Replay:
        """See `Library.reserve`."""
        place = self._place(uid, voice_id, request_key, generation_id)
        written: Reservation | None = None
        for round_ in range(MAX_ROUNDS):
            with translated():
                seen = self._read(place, written) if glance is None else _result(glance)
                glance = None
                if written is not None and (receipt := self._own(uid, written, seen)):
                    return receipt
                decision = decide(shelf_of(place, seen))
                if isinstance(decision, Replay):
                    return decision
                written = decision
                try:
                    return self._write(uid, decision, seen)
                except CONFLICTS:
                    pause(round_)
        raise Unavailable("Too many saves of this library meet at this moment. Try again.")

    def _place(
        self, uid: str, voice_id: str, request_key: str | None, generation_id: str | None
    ) -> Place:
        generation = None
        if generation_id is not None:
            generation = self._places.item(uid, "generations", generation_id)
        return Place(
            account=self._places.account(uid),
            voice=self._places.item(uid, "voices", voice_id),
            generation=generation,
            request=self._places.request(uid, request_key),
        )

    def _read(self, place: Place, written: Reservation | None) -> Snapshots:
        references = place.references
        if written is not None:
            # Ours may have been written and the answer lost.
            item = self._item(place.account.id, written.pending)
            references = list({one.path: one for one in [*references, item]}.values())
        found = self._places.client.get_all(references, timeout=TIMEOUT_S)
        return {snapshot.reference.path: snapshot for snapshot in found}

    def _item(self, uid: str, pending: Pending) -> firestore.DocumentReference:
        return self._places.item(uid, kind_of(pending.item), pending.item.item_id)

    def _own(self, uid: str, written: Reservation, seen: Snapshots) -> Receipt | None:
        """Return the receipt of our own reservation if it was written and the answer lost."""
        item = seen[self._item(uid, written.pending).path]
        pending = (item.to_dict() or {}).get("pending") or {}
        if pending.get("lease") != written.pending.lease:
            return None
        request = self._places.request(uid, written.pending.request_key)
        request_time = None if request is None else seen[request.path].update_time
        return Receipt(uid, written, Version(item.update_time, request_time))

    def _write(self, uid: str, reservation: Reservation, seen: Snapshots) -> Receipt:
        pending = reservation.pending
        batch = self._places.client.batch()
        item = self._item(uid, pending)
        fields = {
            "pending": documents.from_pending(pending),
            "garbage": list(reservation.garbage),
            "unsettled_since": pending.since,
        }
        self._places.put(
            batch, item, seen.get(item.path), fields, only_new={"status": documents.PENDING}
        )
        account = self._places.account(uid)
        self._places.put(
            batch, account, seen[account.path], documents.from_account(reservation.account)
        )
        request = self._places.request(uid, pending.request_key)
        if request is not None:
            self._places.put(batch, request, seen[request.path], _started(pending))
        written = batch.commit(timeout=TIMEOUT_S)
        request_time = None if request is None else written[2].update_time
        return Receipt(uid, reservation, Version(written[0].update_time, request_time))

    def confirm(self, receipt: Receipt) -> None:
        """See `Library.confirm`."""
        reservation = receipt.reservation
        if reservation.pending.request_key is not None and _version(receipt).request is None:
            raise in_progress()
        is_generation = isinstance(reservation.pending.item, Generation)
        try:
            self._confirm(receipt, count=is_generation and reservation.replaces is None)
        except CONFLICTS as conflict:
            if self._is_confirmed(receipt):
                return
            current = self._current(receipt)
            if current is None:
                raise in_progress() from conflict
            # Nobody took the place: a generation was counted at the voice meanwhile, or the
            # voice that this generation counts at was deleted, and its generations stay.
            self._confirm_uncounted(current)

    def _confirm_uncounted(self, receipt: Receipt) -> None:
        try:
            self._confirm(receipt, count=False)
        except CONFLICTS as conflict:
            raise in_progress() from conflict

    def _confirm(self, receipt: Receipt, *, count: bool) -> None:
        reservation, version = receipt.reservation, _version(receipt)
        pending = reservation.pending
        fields = documents.from_item(pending.item)
        # Generations may have been counted since the version that is replaced was read.
        counted = ("generation_count",) if reservation.replaces is not None else ()
        written = {name: value for name, value in fields.items() if name not in counted}
        leftovers = list(reservation.leftovers)
        batch = self._places.client.batch()
        batch.update(
            self._item(receipt.uid, pending),
            {
                **written,
                "status": documents.READY,
                "fingerprint": pending.fingerprint,
                "saved_by": pending.lease,
                "pending": firestore.DELETE_FIELD,
                "garbage": leftovers,
                "unsettled_since": pending.since if leftovers else firestore.DELETE_FIELD,
            },
            option=self._places.unchanged(version.item),
        )
        batch.update(
            self._places.account(receipt.uid),
            {**released(reservation.amount), **grown(reservation.growth)},
        )
        if count:
            voice = self._places.item(receipt.uid, "voices", pending.item.voice_id)
            batch.update(voice, {"generation_count": firestore.Increment(1)})
        request = self._places.request(receipt.uid, pending.request_key)
        if request is not None and version.request is not None:
            unchanged = self._places.unchanged(version.request)
            batch.update(request, {"item": fields}, option=unchanged)
        with translated():
            batch.commit(timeout=TIMEOUT_S)

    def _is_confirmed(self, receipt: Receipt) -> bool:
        pending = receipt.reservation.pending
        with translated():
            snapshot = self._item(receipt.uid, pending).get(timeout=TIMEOUT_S)
        fields = snapshot.to_dict() or {}
        return fields.get("saved_by") == pending.lease

    def _current(self, receipt: Receipt) -> Receipt | None:
        """Return the receipt with today's versions, or None when any part is not ours any more."""
        pending = receipt.reservation.pending
        item = self._item(receipt.uid, pending)
        request = self._places.request(receipt.uid, pending.request_key)
        references = [item] if request is None else [item, request]
        with translated():
            found = self._places.client.get_all(references, timeout=TIMEOUT_S)
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

    def seize(self, receipt: Receipt) -> Receipt | None:
        """See `Library.seize`."""
        pending = replace(receipt.reservation.pending, lease=secrets.token_hex(8))
        item = self._item(receipt.uid, pending)
        with translated():
            snapshot = item.get(timeout=TIMEOUT_S)
            held = ((snapshot.to_dict() or {}).get("pending") or {}).get("lease")
            if held != receipt.reservation.pending.lease:
                return None
            batch = self._places.client.batch()
            unchanged = self._places.unchanged(snapshot.update_time)
            batch.update(item, {"pending.lease": pending.lease}, option=unchanged)
            try:
                written = batch.commit(timeout=TIMEOUT_S)
            except CONFLICTS:
                return None
        reservation = replace(receipt.reservation, pending=pending)
        request_time = _version(receipt).request
        return Receipt(receipt.uid, reservation, Version(written[0].update_time, request_time))

    def abandon(self, receipt: Receipt) -> None:
        """See `Library.abandon`."""
        reservation, version = receipt.reservation, _version(receipt)
        pending = reservation.pending
        item = self._item(receipt.uid, pending)
        unchanged = self._places.unchanged(version.item)
        batch = self._places.client.batch()
        if reservation.replaces is None:
            batch.delete(item, option=unchanged)
        else:
            gone = firestore.DELETE_FIELD
            fields = {"pending": gone, "garbage": [], "unsettled_since": gone}
            batch.update(item, fields, option=unchanged)
        batch.update(self._places.account(receipt.uid), released(reservation.amount))
        request = self._places.request(receipt.uid, pending.request_key)
        with translated():
            try:
                batch.commit(timeout=TIMEOUT_S)
            except CONFLICTS:
                # Whoever changed the document has taken the reservation over, or undone it.
                return
            if request is not None and version.request is not None:
                _delete_unchanged(self._places, request, version.request)


def _result(glance: Glance) -> Snapshots:
    assert isinstance(glance, Future)
    seen: Snapshots = glance.result()
    return seen


def _version(receipt: Receipt) -> Version:
    assert isinstance(receipt.version, Version)
    return receipt.version


def _started(pending: Pending) -> documents.Fields:
    return {
        "fingerprint": pending.fingerprint,
        "lease": pending.lease,
        "since": pending.since,
        "item": None,
        "expires_at": pending.since + REQUEST_LIFETIME,
    }


def _delete_unchanged(
    places: Places, reference: firestore.DocumentReference, update_time: datetime
) -> None:
    try:
        reference.delete(option=places.unchanged(update_time), timeout=TIMEOUT_S)
    except CONFLICTS:
        # The key serves another save by now.
        return
