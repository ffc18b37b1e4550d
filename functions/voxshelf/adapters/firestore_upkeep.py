"""What crashes left behind, found in Firestore.

Every document that has something unsettled carries `unsettled_since`, and only those do: a
small index over all users finds them, however large the library is.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_errors import translated
from voxshelf.adapters.firestore_places import Places, Snapshot
from voxshelf.adapters.firestore_receipts import receipt_of
from voxshelf.use_cases.deletion_ports import Deletion
from voxshelf.use_cases.ports import Garbage, Kind, Leftover, Renaming

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
            now = self._places.now()
            for kind in _KINDS:
                unsettled = self._places.client.collection_group(kind).where(
                    filter=FieldFilter("unsettled_since", "<", now - older_than)
                )
                for snapshot in unsettled.stream(timeout=_STREAM_TIMEOUT_S):
                    yield from self._leftovers_of(kind, snapshot, now - older_than)
            # Last, because speech that is finished above may bring an earlier name with it.
            unfinished = self._places.client.collection_group("renamings").where(
                filter=FieldFilter("since", "<", now - older_than)
            )
            for snapshot in unfinished.stream(timeout=_STREAM_TIMEOUT_S):
                yield Renaming(_owner(snapshot), snapshot.id)

    def _leftovers_of(self, kind: Kind, snapshot: Snapshot, before: datetime) -> Iterator[Leftover]:
        document: documents.Fields = snapshot.to_dict() or {}
        uid = _owner(snapshot)
        garbage = tuple(document.get("garbage", ()))
        trash = documents.to_trash(document)
        if document.get("pending"):
            yield receipt_of(self._places, uid, snapshot)
        elif trash is not None and (trash.is_busy or trash.purge_at < before):
            paths = documents.paths_of(document)
            withdrawn = bool(document.get("withdrawn"))
            yield Deletion(uid, kind, snapshot.id, trash, paths, withdrawn, snapshot.update_time)
        elif garbage:
            yield Garbage(uid, kind, snapshot.id, garbage)

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
