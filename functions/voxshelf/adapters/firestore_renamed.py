"""The notes of renames in Firestore: `users/{uid}/renamings/{voice_id}.{microseconds}`.

A rename writes its note in the same batch, and the user's own document counts the notes, so that
whoever shows generations reads them only while there are any. No rule names them: names of voices
that were renamed or removed are nobody's to read. The time in an id is the voice's `saved_at`, as
one voice may follow another under the same id while the first one's note is there.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from voxshelf.adapters.documents import Document, Fields, to_time
from voxshelf.adapters.firestore_places import BOUNDED, Places
from voxshelf.core.account import Account
from voxshelf.core.items import Voice
from voxshelf.core.renaming import Renamed

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def note_of(
    places: Places, uid: str, voice_id: str, saved_at: datetime
) -> firestore.DocumentReference:
    """Return where the note of a voice lies."""
    microseconds = (saved_at - _EPOCH) // timedelta(microseconds=1)
    note: firestore.DocumentReference = _notes(places, uid).document(f"{voice_id}.{microseconds}")
    return note


def note_renaming(
    batch: firestore.WriteBatch, places: Places, uid: str, voice: Voice, *, is_noted: bool
) -> Fields:
    """Note with a rename that generations are to be kept under the voice's new name.

    `is_noted` tells whether there is a note of this voice already: the batch fails when that has
    changed. Returns the change of the user's own document, which goes into the same batch.
    """
    note = note_of(places, uid, voice.voice_id, voice.saved_at)
    fields = {
        "voice_id": voice.voice_id,
        "saved_at": voice.saved_at,
        "until": None,
        "name": voice.name,
        "since": firestore.SERVER_TIMESTAMP,
        "after": None,
        "complete": True,
        "done": False,
    }
    if is_noted:
        batch.update(note, fields)
        return {}
    batch.create(note, fields)
    return {"renamings": firestore.Increment(1)}


def note_follower(batch: firestore.WriteBatch, places: Places, uid: str, voice: Voice) -> None:
    """Note with a new voice that what it speaks is not of those that had its id before."""
    same = _notes(places, uid).where(filter=FieldFilter("voice_id", "==", voice.voice_id))
    for snapshot in same.stream(**BOUNDED):
        if (snapshot.to_dict() or {}).get("until") is None:
            # The time of this very commit, as the voice's own `saved_at` is.
            batch.update(snapshot.reference, {"until": firestore.SERVER_TIMESTAMP})


def read_renamed(places: Places, uid: str, account: Account) -> Sequence[Renamed]:
    """Return the voices whose generations may be kept under an earlier name; mostly none."""
    if account.renamings <= 0:
        return ()
    found = _notes(places, uid).stream(**BOUNDED)
    return [one for note in found if (one := to_renamed(note.to_dict() or {})) is not None]


def to_renamed(document: Document) -> Renamed | None:
    """Return what a note says, or None where it is none that this version has written."""
    voice_id, name = document.get("voice_id"), document.get("name")
    saved_at, until = document.get("saved_at"), document.get("until")
    if not (isinstance(voice_id, str) and isinstance(name, str) and isinstance(saved_at, datetime)):
        return None
    ended = to_time(until) if isinstance(until, datetime) else None
    return Renamed(voice_id, name, to_time(saved_at), ended)


def _notes(places: Places, uid: str) -> firestore.CollectionReference:
    notes: firestore.CollectionReference = places.account(uid).collection("renamings")
    return notes
