"""Saves that a deletion ends, in Firestore: their keys are free, and nobody can confirm them."""

import secrets
from collections.abc import Sequence

from google.cloud.firestore_v1.base_query import FieldFilter

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_changes import Changes
from voxshelf.adapters.firestore_places import BOUNDED, Places, Snapshot
from voxshelf.core.deletion import NO_REQUEST
from voxshelf.core.shelf import Pending


def records_of(places: Places, uid: str, dropped: Sequence[Pending]) -> list[Snapshot]:
    """Return the idempotency records of saves, those that no other attempt has taken over."""
    leases = {pending.request_key: pending.lease for pending in dropped if pending.request_key}
    references = [places.request(uid, key) for key in leases]
    if not references:
        return []
    found = places.client.get_all(references, **BOUNDED)
    return [one for one in found if (one.to_dict() or {}).get("lease") == leases[one.id]]


def speech_under_way(places: Places, uid: str, voice_id: str) -> list[Snapshot]:
    """Return the speech of a voice that is being saved, but for what is barred already."""
    found = _pending(places, uid)
    return [one for one in found if _noted(one) == (voice_id, False)]


def barred_speech(places: Places, uid: str, voice_id: str) -> list[Snapshot]:
    """Return the speech of a voice whose save was ended by `bar`, and has to be undone."""
    found = _pending(places, uid)
    return [one for one in found if _noted(one) == (voice_id, True)]


def _pending(places: Places, uid: str) -> Sequence[Snapshot]:
    generations = places.account(uid).collection("generations")
    query = generations.where(filter=FieldFilter("status", "==", documents.PENDING))
    return list(query.stream(**BOUNDED))


def _noted(snapshot: Snapshot) -> tuple[str | None, bool]:
    """Return of which voice a speech is that is being saved, and whether it is barred."""
    pending = (snapshot.to_dict() or {}).get("pending") or {}
    voice_id = (pending.get("item") or {}).get("voice_id")
    return voice_id, pending.get("request_key") == NO_REQUEST


def bar(places: Places, uid: str, changes: Changes, speech: Sequence[Snapshot]) -> None:
    """Have saves taken from those who run them, such that they can only be undone."""
    pending = [documents.to_pending((one.to_dict() or {})["pending"]) for one in speech]
    changes.free(records_of(places, uid, pending))
    for one in speech:
        fields = {"pending.lease": secrets.token_hex(8), "pending.request_key": NO_REQUEST}
        changes.item(one, fields)
