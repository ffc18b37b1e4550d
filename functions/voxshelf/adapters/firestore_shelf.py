"""What a decision looks at, read from Firestore in one go."""

from dataclasses import dataclass
from datetime import datetime

from google.cloud import firestore

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_places import Snapshot
from voxshelf.core.shelf import Entry, Namesake, Shelf

Snapshots = dict[str, Snapshot]


@dataclass(frozen=True, slots=True)
class Version:
    """When the two documents of a reservation were written: its mark against later writers."""

    item: datetime
    request: datetime | None


@dataclass(frozen=True, slots=True)
class Named:
    """The voices that had a name at a moment of the database's clock."""

    voices: tuple[Namesake, ...]
    read_at: datetime

    def at(self, voice_id: str) -> Namesake | None:
        """Return the one that counts for a place: its own before any other."""
        own = (one for one in self.voices if one.voice_id == voice_id)
        return next(own, self.voices[0] if self.voices else None)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read for a decision: documents by path, and who has the voice's name."""

    documents: Snapshots
    named: Named | None = None

    def __getitem__(self, path: str) -> Snapshot:
        """Return one document."""
        return self.documents[path]


@dataclass(frozen=True, slots=True)
class Place:
    """The documents that one save depends on, and the name that its voice is to have."""

    account: firestore.DocumentReference
    voice: firestore.DocumentReference
    generation: firestore.DocumentReference | None
    request: firestore.DocumentReference | None
    name: str | None = None

    @property
    def references(self) -> list[firestore.DocumentReference]:
        """Return all of them."""
        optional = (self.generation, self.request)
        return [self.account, self.voice, *(one for one in optional if one is not None)]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read for a decision, and of which documents."""

    place: Place
    seen: Seen


def shelf_of(place: Place, seen: Seen) -> Shelf:
    """Return the shelf of a place, from its documents as they were seen."""
    account = seen[place.account.path]
    request = _fields_of(place.request, seen)
    return Shelf(
        now=account.read_time,
        account=documents.to_account(account.to_dict() or {}),
        voice_id=place.voice.id,
        voice=_entry(place.voice, seen),
        generation=_entry(place.generation, seen),
        request=None if request is None else documents.to_request(request),
        generation_id=place.generation.id if place.generation else None,
        namesake=seen.named.at(place.voice.id) if seen.named else None,
    )


def _entry(reference: firestore.DocumentReference | None, seen: Seen) -> Entry | None:
    fields = _fields_of(reference, seen)
    return None if fields is None else documents.to_entry(fields)


def entry_of(snapshot: Snapshot) -> Entry | None:
    """Return an item's document as decisions see it, or None where there is none."""
    fields: documents.Fields | None = snapshot.to_dict()
    return None if fields is None else documents.to_entry(fields)


def _fields_of(
    reference: firestore.DocumentReference | None, seen: Seen
) -> documents.Fields | None:
    if reference is None:
        return None
    fields: documents.Fields | None = seen[reference.path].to_dict()
    return fields
