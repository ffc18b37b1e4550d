"""What crashes left behind, found in Firestore.

Every document that has something unsettled carries `unsettled_since`, and only those do: a
small index over all users finds them, however large the library is.
"""

from collections.abc import Iterator
from datetime import timedelta

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_errors import translated
from voxshelf.adapters.firestore_places import BOUNDED, Places, Snapshot
from voxshelf.adapters.firestore_shelf import Version
from voxshelf.core.account import Account
from voxshelf.core.reservation import Reservation
from voxshelf.use_cases.ports import Deletion, Garbage, Kind, Leftover, Receipt

_KINDS: tuple[Kind, ...] = ("voices", "generations")
_STREAM_TIMEOUT_S = 60.0


class FirestoreUpkeep:
    """Plays `Upkeep` in Firestore."""

    def __init__(self, client: firestore.Client) -> None:
        """Use `client`, which may be shared by threads."""
        self._places = Places(client)

    def leftovers(self, older_than: timedelta) -> Iterator[Leftover]:
        """See `Upkeep.leftovers`."""
        with translated():
            # Any read tells the time of the database, which is the one that leases run by.
            now = self._places.account("-").get(**BOUNDED).read_time
            for kind in _KINDS:
                unsettled = self._places.client.collection_group(kind).where(
                    filter=FieldFilter("unsettled_since", "<", now - older_than)
                )
                for snapshot in unsettled.stream(timeout=_STREAM_TIMEOUT_S):
                    yield from self._leftovers_of(kind, snapshot)

    def _leftovers_of(self, kind: Kind, snapshot: Snapshot) -> Iterator[Leftover]:
        document: documents.Fields = snapshot.to_dict() or {}
        uid = _owner(snapshot)
        garbage = tuple(document.get("garbage", ()))
        if document["status"] == documents.DELETING:
            yield Deletion(uid, kind, snapshot.id, garbage)
        elif document.get("pending"):
            yield self._receipt(uid, document, snapshot)
        elif garbage:
            yield Garbage(uid, kind, snapshot.id, garbage)

    def _receipt(self, uid: str, document: documents.Fields, snapshot: Snapshot) -> Receipt:
        pending = documents.to_pending(document["pending"])
        is_replacement = document["status"] == documents.READY
        reservation = Reservation(
            account=Account(),
            pending=pending,
            replaces=documents.to_item(document) if is_replacement else None,
            garbage=tuple(document.get("garbage", ())),
        )
        request_time = None
        reference = self._places.request(uid, pending.request_key)
        if reference is not None:
            record = reference.get(**BOUNDED)
            lease = (record.to_dict() or {}).get("lease")
            # Without a record of this very attempt the key serves another save, or the undoing
            # of this one had begun: then it cannot be finished, only undone.
            request_time = record.update_time if lease == pending.lease else None
        return Receipt(uid, reservation, Version(snapshot.update_time, request_time))

    def references(self, uid: str) -> frozenset[str]:
        """See `Upkeep.references`."""
        paths: set[str] = set()
        with translated():
            for kind in _KINDS:
                collection = self._places.account(uid).collection(kind)
                named = collection.select(documents.FIELDS_WITH_PATHS)
                for snapshot in named.stream(timeout=_STREAM_TIMEOUT_S):
                    paths.update(documents.paths_of(snapshot.to_dict() or {}))
        return frozenset(paths)

    def ready_paths(self) -> Iterator[str]:
        """See `Upkeep.ready_paths`."""
        with translated():
            for kind in _KINDS:
                group = self._places.client.collection_group(kind)
                ready = group.where(filter=FieldFilter("status", "==", documents.READY))
                named = ready.select(documents.FIELDS_WITH_PATHS)
                for snapshot in named.stream(timeout=_STREAM_TIMEOUT_S):
                    yield from documents.ready_paths_of(snapshot.to_dict() or {})


def _owner(snapshot: Snapshot) -> str:
    uid: str = snapshot.reference.path.split("/")[1]
    return uid
