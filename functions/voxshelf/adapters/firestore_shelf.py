"""What a decision looks at, read from Firestore in one go."""

from dataclasses import dataclass
from datetime import datetime

from google.cloud import firestore

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_places import Snapshot
from voxshelf.core.shelf import Entry, Shelf

Snapshots = dict[str, Snapshot]


@dataclass(frozen=True, slots=True)
class Version:
    """When the two documents of a reservation were written: its mark against later writers."""

    item: datetime
    request: datetime | None


@dataclass(frozen=True, slots=True)
class Place:
    """The documents that one save depends on."""

    account: firestore.DocumentReference
    voice: firestore.DocumentReference
    generation: firestore.DocumentReference | None
    request: firestore.DocumentReference | None

    @property
    def references(self) -> list[firestore.DocumentReference]:
        """Return all of them."""
        optional = (self.generation, self.request)
        return [self.account, self.voice, *(one for one in optional if one is not None)]


def shelf_of(place: Place, seen: Snapshots) -> Shelf:
    """Return the shelf of a place, from its documents as they were seen."""
    account = seen[place.account.path]
    request = _fields_of(place.request, seen)
    return Shelf(
        now=account.read_time,
        account=documents.to_account(account.to_dict() or {}),
        voice=_entry(place.voice, seen),
        generation=_entry(place.generation, seen),
        request=None if request is None else documents.to_request(request),
    )


def _entry(reference: firestore.DocumentReference | None, seen: Snapshots) -> Entry | None:
    fields = _fields_of(reference, seen)
    return None if fields is None else documents.to_entry(fields)


def entry_of(snapshot: Snapshot) -> Entry | None:
    """Return an item's document as decisions see it, or None where there is none."""
    fields: documents.Fields | None = snapshot.to_dict()
    return None if fields is None else documents.to_entry(fields)


def _fields_of(
    reference: firestore.DocumentReference | None, seen: Snapshots
) -> documents.Fields | None:
    if reference is None:
        return None
    fields: documents.Fields | None = seen[reference.path].to_dict()
    return fields
