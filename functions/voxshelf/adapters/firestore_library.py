"""The library in Firestore: reservations by optimistic writes.

One reservation is one read of all documents that it depends on and one batch that fails
when one of them has changed since (`update_time` preconditions). That is two round trips; a
transaction of the client library takes three. The user's document is in every reservation,
so the saves of one user are decided one after another, which is what keeps quotas exact and
names unique.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from google.cloud import firestore

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_confirming import FirestoreConfirming
from voxshelf.adapters.firestore_deletions import MAX_ROUNDS, pause
from voxshelf.adapters.firestore_errors import CONFLICTS, translated
from voxshelf.adapters.firestore_names import read_named
from voxshelf.adapters.firestore_places import BOUNDED
from voxshelf.adapters.firestore_shelf import Place, Reading, Seen, Version, shelf_of
from voxshelf.core.errors import Unavailable
from voxshelf.core.naming import Elsewhere
from voxshelf.core.reservation import REQUEST_LIFETIME, Decision, Replay, Reservation
from voxshelf.core.shelf import Pending, Shelf
from voxshelf.use_cases.ports import Glance, Receipt


class FirestoreLibrary(FirestoreConfirming):
    """Plays `Library` in Firestore."""

    def __init__(self, client: firestore.Client) -> None:
        """Use `client`, which may be shared by threads."""
        super().__init__(client)
        # One for each request that an instance serves at once.
        self._names = ThreadPoolExecutor(max_workers=8, thread_name_prefix="names")

    def look(
        self,
        uid: str,
        voice_id: str,
        request_key: str | None,
        decide: Callable[[Shelf], Decision],
        *,
        generation_id: str | None = None,
        name: str | None = None,
        glance: Glance | None = None,
    ) -> Replay | Glance:
        """See `Library.look`."""
        reading = _reading(glance)
        place = self._place(uid, voice_id, request_key, generation_id, name)
        if reading is not None:
            place = reading.place
        while True:
            with translated():
                seen = reading.seen if reading else self._read(place, None)
                decision = decide(shelf_of(place, seen))
            if isinstance(decision, Replay):
                return decision
            if isinstance(decision, Elsewhere):
                place = self._elsewhere(uid, decision, request_key, name)
                reading = None
                continue
            return Reading(place, seen)

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
        reading = _reading(glance)
        place = self._place(uid, voice_id, request_key, generation_id, name)
        if reading is not None:
            place = reading.place
        written: Reservation | None = None
        rounds = 0
        while rounds < MAX_ROUNDS:
            with translated():
                seen = reading.seen if reading else self._read(place, written)
                reading = None
                if written is not None and (receipt := self._own(uid, written, seen)):
                    return receipt
                decision = decide(shelf_of(place, seen))
                if isinstance(decision, Replay):
                    return decision
                if isinstance(decision, Elsewhere):
                    # Ends, as each place belongs to another voice, of which there are so many.
                    place = self._elsewhere(uid, decision, request_key, name)
                    continue
                assert isinstance(decision, Reservation)
                written = decision
                try:
                    return self._write(uid, decision, seen)
                except CONFLICTS:
                    pause(rounds)
                    rounds += 1
        raise Unavailable("Too many saves of this library meet at this moment. Try again.")

    def _elsewhere(
        self, uid: str, decision: Elsewhere, request_key: str | None, name: str | None
    ) -> Place:
        return self._place(uid, decision.voice_id, request_key, decision.generation_id, name)

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


def _reading(glance: Glance | None) -> Reading | None:
    assert glance is None or isinstance(glance, Reading)
    return glance


def _started(pending: Pending) -> documents.Fields:
    return {
        "fingerprint": pending.fingerprint,
        "lease": pending.lease,
        "since": pending.since,
        "item": None,
        "expires_at": pending.since + REQUEST_LIFETIME,
    }
