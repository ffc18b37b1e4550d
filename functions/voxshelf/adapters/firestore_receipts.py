"""The receipt of a save that somebody else began, as its document notes it."""

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_places import BOUNDED, Places, Snapshot
from voxshelf.adapters.firestore_shelf import Version
from voxshelf.core.account import Account
from voxshelf.core.reservation import Reservation
from voxshelf.use_cases.ports import Receipt


def receipt_of(places: Places, uid: str, snapshot: Snapshot) -> Receipt:
    """Return the receipt of the save that a document holds; it can be finished or undone."""
    document: documents.Fields = snapshot.to_dict() or {}
    entry = documents.to_entry(document)
    assert entry.pending is not None
    reservation = Reservation(
        account=Account(),
        pending=entry.pending,
        replaces=entry.ready,
        garbage=entry.garbage,
        trash=entry.trash,
    )
    request_time = None
    reference = places.request(uid, entry.pending.request_key)
    if reference is not None:
        record = reference.get(**BOUNDED)
        lease = (record.to_dict() or {}).get("lease")
        # Without a record of this very attempt the key serves another save, or the undoing
        # of this one had begun: then it cannot be finished, only undone.
        request_time = record.update_time if lease == entry.pending.lease else None
    return Receipt(uid, reservation, Version(snapshot.update_time, request_time))
