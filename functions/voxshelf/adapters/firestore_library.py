"""The library in Firestore: reservations by optimistic writes.

One reservation is one read of all documents that it depends on and one batch that fails
when one of them has changed since (`update_time` preconditions). That is two round trips; a
transaction of the client library takes three. The user's document is in every reservation,
so the saves of one user are decided one after another, which is what keeps quotas exact and
names unique.
"""

import itertools
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from google.cloud import firestore

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_counters import grown, released
from voxshelf.adapters.firestore_deletions import MAX_ROUNDS, pause
from voxshelf.adapters.firestore_edits import FirestoreEdits
from voxshelf.adapters.firestore_errors import CONFLICTS, OUTAGES, translated
from voxshelf.adapters.firestore_names import read_named
from voxshelf.adapters.firestore_places import BOUNDED
from voxshelf.adapters.firestore_renamed import note_follower, note_of, note_renaming
from voxshelf.adapters.firestore_shelf import Place, Seen, Version, shelf_of
from voxshelf.adapters.firestore_undoing import version_of
from voxshelf.adapters.firestore_usage import count_save
from voxshelf.core.errors import Unavailable
from voxshelf.core.items import Generation, Voice
from voxshelf.core.naming import Elsewhere
from voxshelf.core.reservation import REQUEST_LIFETIME, Decision, Replay, Reservation, in_progress
from voxshelf.core.shelf import Pending, Shelf
from voxshelf.use_cases.ports import Glance, Receipt, kind_of

# A save whose last write fails is undone, and has to be sent again: it is worth some patience.
_CONFIRM_FOR_S = 15.0


class FirestoreLibrary(FirestoreEdits):
    """Plays `Library` in Firestore."""

    def __init__(self, client: firestore.Client) -> None:
        """Use `client`, which may be shared by threads."""
        super().__init__(client)
        # One reading for each request that an instance serves at once.
        self._aside = ThreadPoolExecutor(max_workers=8, thread_name_prefix="glance")
        # Of its own: a reading waits for it.
        self._names = ThreadPoolExecutor(max_workers=8, thread_name_prefix="names")

    def glance(
        self,
        uid: str,
        voice_id: str,
        request_key: str | None,
        *,
        generation_id: str | None = None,
        name: str | None = None,
    ) -> Glance:
        """See `Library.glance`."""
        place = self._place(uid, voice_id, request_key, generation_id, name)
        return self._aside.submit(self._read, place, None)

    def reserve(
        self,
        uid: str,
        voice_id: str,
        request_key: str | None,
        decide: Callable[[Shelf], Decision],
        *,
        generation_id: str | None = None,
        name: str | None = None,
        glance: Glance | None = None,
    ) -> Receipt | Replay:
        """See `Library.reserve`."""
        place = self._place(uid, voice_id, request_key, generation_id, name)
        written: Reservation | None = None
        rounds = 0
        while rounds < MAX_ROUNDS:
            with translated():
                seen = self._read(place, written) if glance is None else _result(glance)
                glance = None
                if written is not None and (receipt := self._own(uid, written, seen)):
                    return receipt
                decision = decide(shelf_of(place, seen))
                if isinstance(decision, Replay):
                    return decision
                if isinstance(decision, Elsewhere):
                    # Ends, as each place belongs to another voice, of which there are so many.
                    place = self._place(
                        uid, decision.voice_id, request_key, decision.generation_id, name
                    )
                    continue
                written = decision
                try:
                    return self._write(uid, decision, seen)
                except CONFLICTS:
                    pause(rounds)
                    rounds += 1
        raise Unavailable("Too many saves of this library meet at this moment. Try again.")

    def _place(
        self,
        uid: str,
        voice_id: str,
        request_key: str | None,
        generation_id: str | None,
        name: str | None,
    ) -> Place:
        generation = None
        if generation_id is not None:
            generation = self._places.item(uid, "generations", generation_id)
        return Place(
            account=self._places.account(uid),
            voice=self._voice(uid, voice_id),
            generation=generation,
            request=self._places.request(uid, request_key),
            name=name,
        )

    def _voice(self, uid: str, voice_id: str) -> firestore.DocumentReference:
        return self._places.item(uid, "voices", voice_id)

    def _read(self, place: Place, written: Reservation | None) -> Seen:
        references = place.references
        if written is not None:
            # Ours may have been written and the answer lost.
            item = self._item(place.account.id, written.pending)
            references = list({one.path: one for one in [*references, item]}.values())
        voices = place.account.collection("voices")
        asked = place.name and self._names.submit(read_named, voices, place.name)
        found = self._places.client.get_all(references, **BOUNDED)
        seen = {snapshot.reference.path: snapshot for snapshot in found}
        if not (place.name and asked):
            return Seen(seen)
        named, account = asked.result(), seen[place.account.path]
        if account.exists and named.read_at < account.update_time:
            # Names may have changed between the two: what is read from now on is no older.
            named = read_named(voices, place.name)
        return Seen(seen, named)

    def _item(self, uid: str, pending: Pending) -> firestore.DocumentReference:
        return self._places.item(uid, kind_of(pending.item), pending.item.item_id)

    def _own(self, uid: str, written: Reservation, seen: Seen) -> Receipt | None:
        """Return the receipt of our own reservation if it was written and the answer lost."""
        item = seen[self._item(uid, written.pending).path]
        pending = (item.to_dict() or {}).get("pending") or {}
        if pending.get("lease") != written.pending.lease:
            return None
        request = self._places.request(uid, written.pending.request_key)
        request_time = None if request is None else seen[request.path].update_time
        return Receipt(uid, written, Version(item.update_time, request_time))

    def _write(self, uid: str, reservation: Reservation, seen: Seen) -> Receipt:
        pending = reservation.pending
        batch = self._places.client.batch()
        item = self._item(uid, pending)
        fields = {
            "pending": documents.from_pending(pending),
            "garbage": list(reservation.garbage),
            "unsettled_since": pending.since,
        }
        self._places.put(
            batch,
            item,
            seen.documents.get(item.path),
            fields,
            only_new={"status": documents.PENDING},
        )
        account = self._places.account(uid)
        self._places.put(
            batch, account, seen[account.path], documents.from_account(reservation.account)
        )
        request = self._places.request(uid, pending.request_key)
        if request is not None:
            self._places.put(batch, request, seen[request.path], _started(pending))
        written = batch.commit(**BOUNDED)
        request_time = None if request is None else written[2].update_time
        return Receipt(uid, reservation, Version(written[0].update_time, request_time))

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
        # Generations may have been counted since the version that is replaced was read.
        is_new = reservation.replaces is None and reservation.trash is None
        counted = () if is_new else ("generation_count",)
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
                "trash": firestore.DELETE_FIELD,
                "garbage": leftovers,
                "unsettled_since": pending.since if leftovers else firestore.DELETE_FIELD,
            },
            option=self._places.unchanged(version.item),
        )
        counters = {**released(reservation.amount), **grown(reservation.growth)}
        if pending.renames and isinstance(pending.item, Voice):
            counters |= self._note_name(batch, receipt, pending.item)
        batch.update(self._places.account(receipt.uid), counters)
        count_save(batch, self._places, receipt.uid, reservation)
        if count:
            voice = self._places.item(receipt.uid, "voices", pending.item.voice_id)
            batch.update(voice, {"generation_count": firestore.Increment(1)})
        request = self._places.request(receipt.uid, pending.request_key)
        if request is not None and version.request is not None:
            unchanged = self._places.unchanged(version.request)
            batch.update(request, {"item": fields}, option=unchanged)
        batch.commit(**BOUNDED)

    def _note_name(
        self, batch: firestore.WriteBatch, receipt: Receipt, voice: Voice
    ) -> documents.Fields:
        if receipt.reservation.replaces is None:
            note_follower(batch, self._places, receipt.uid, voice)
            return {}
        note = note_of(self._places, receipt.uid, voice.voice_id, voice.saved_at)
        is_noted = note.get(**BOUNDED).exists
        return note_renaming(batch, self._places, receipt.uid, voice, is_noted=is_noted)

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


def _result(glance: Glance) -> Seen:
    assert isinstance(glance, Future)
    seen: Seen = glance.result()
    return seen


def _started(pending: Pending) -> documents.Fields:
    return {
        "fingerprint": pending.fingerprint,
        "lease": pending.lease,
        "since": pending.since,
        "item": None,
        "expires_at": pending.since + REQUEST_LIFETIME,
    }
