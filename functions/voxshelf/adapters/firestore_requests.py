"""Keys of requests in Firestore: users/{uid}/requests/{record_id}, beside those of saves."""

import contextlib
from typing import Any

from google.cloud import firestore

from voxshelf.adapters.documents import Document, Fields, to_time
from voxshelf.adapters.firestore_deletions import MAX_ROUNDS, pause
from voxshelf.adapters.firestore_errors import CONFLICTS, translated
from voxshelf.adapters.firestore_places import BOUNDED, Places
from voxshelf.core.errors import Unavailable
from voxshelf.core.keyed import Asked, KeptAnswer, KeyedRequest, decide_keyed
from voxshelf.use_cases.request_ports import Begun


class FirestoreRequests:
    """Plays `Requests`."""

    def __init__(self, client: firestore.Client) -> None:
        """Use `client`, which may be shared by threads."""
        self._places = Places(client)

    def begin(self, uid: str, record_id: str, asked: Asked) -> Begun | KeptAnswer:
        """See `Requests.begin`."""
        reference = self._reference(uid, record_id)
        for round_ in range(MAX_ROUNDS):
            with translated():
                snapshot = reference.get(**BOUNDED)
                now = to_time(snapshot.read_time)
                document = snapshot.to_dict()
                record = None if document is None else _to_record(document)
                if record is not None and record.by == asked.by:
                    # Ours, whose answer got lost.
                    return Begun(uid, record_id, asked.by, snapshot.update_time)
                answer = decide_keyed(record, asked, now)
                if answer is not None:
                    return answer
                batch = self._places.client.batch()
                begun = _from_record(KeyedRequest.begun(asked, now))
                self._places.put(batch, reference, snapshot, begun)
                try:
                    [written] = batch.commit(**BOUNDED)
                except CONFLICTS:
                    pause(round_)
                else:
                    return Begun(uid, record_id, asked.by, written.update_time)
        raise Unavailable("Too many requests with this key meet at this moment. Try again.")

    def keep(self, begun: Begun, answer: KeptAnswer) -> None:
        """See `Requests.keep`."""
        with translated(), contextlib.suppress(*CONFLICTS):
            kept = {"answer": _from_answer(answer)}
            self._reference_of(begun).update(kept, option=self._unchanged(begun), **BOUNDED)

    def free(self, begun: Begun) -> None:
        """See `Requests.free`."""
        with translated(), contextlib.suppress(*CONFLICTS):
            self._reference_of(begun).delete(self._unchanged(begun), **BOUNDED)

    def _reference(self, uid: str, record_id: str) -> firestore.DocumentReference:
        reference = self._places.request(uid, record_id)
        assert reference is not None
        return reference

    def _reference_of(self, begun: Begun) -> firestore.DocumentReference:
        return self._reference(begun.uid, begun.record_id)

    def _unchanged(self, begun: Begun) -> Any:
        version: Any = begun.version
        return self._places.unchanged(version)


def _from_record(record: KeyedRequest) -> Fields:
    """Return the fields of a record; `lease` and `item` are those of a save's, of which it is none.

    The answer of an earlier request that has expired in its place goes.
    """
    return {
        "fingerprint": record.fingerprint,
        "lease": record.by,
        "since": record.since,
        "until": record.until,
        "item": None,
        "answer": None,
        "expires_at": record.expires_at,
    }


def _to_record(document: Document) -> KeyedRequest:
    answer = document["answer"]
    return KeyedRequest(
        fingerprint=document["fingerprint"],
        by=document["lease"],
        since=to_time(document["since"]),
        until=to_time(document["until"]),
        answer=None if answer is None else KeptAnswer(**answer),
    )


def _from_answer(answer: KeptAnswer) -> Fields:
    return {"status": answer.status, "body": answer.body, "headers": dict(answer.headers)}
