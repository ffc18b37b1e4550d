"""What crashes left behind, found in Firestore.

Every document that has something unsettled carries the time since when, and only those do: a
small index over all users finds them, however large the library is.
"""

import functools
import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_errors import translated
from voxshelf.adapters.firestore_pages import in_pages, owner_of, readable, unreadable
from voxshelf.adapters.firestore_places import Places, Snapshot
from voxshelf.adapters.firestore_queries import SHOWN_FIELDS
from voxshelf.adapters.firestore_receipts import receipt_of
from voxshelf.adapters.firestore_recount import FirestoreRecount
from voxshelf.adapters.firestore_renamed import to_renamed
from voxshelf.use_cases.deletion_ports import Deletion
from voxshelf.use_cases.ports import Garbage, Kind, Leftover, Renaming
from voxshelf.use_cases.unreadable import Unreadable

_KINDS: tuple[Kind, ...] = ("voices", "generations")
_STREAM_TIMEOUT_S = 60.0
_STATE_FIELDS = ("status", "pending", "garbage", "trash", "withdrawn", "name_sha256")
# Reading a receipt takes another round trip.
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class _Source:
    """One kind of documents that may have something unsettled: where, since when, and what."""

    group: str
    since: str
    fields: tuple[str, ...]
    read: Callable[[Places, Snapshot, datetime], Leftover | None]

    def query(self, client: firestore.Client, before: datetime) -> firestore.Query:
        """Return the query for all of them, of whatever user, the oldest first."""
        asked: firestore.Query = (
            client.collection_group(self.group)
            .where(filter=FieldFilter(self.since, "<", before))
            .order_by(self.since)
            .order_by("__name__")
            .select([self.since, *self.fields])
        )
        return asked


class FirestoreUpkeep(FirestoreRecount):
    """Plays `Upkeep` in Firestore."""

    # Without its text, an item takes some 2 kB.
    read_at_once = 300

    def __init__(self, client: firestore.Client) -> None:
        """Use `client`, which may be shared by threads."""
        super().__init__(client)
        self._readers = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="upkeep")

    def now(self) -> datetime:
        """See `Upkeep.now`."""
        with translated():
            return documents.to_time(self._places.now())

    def leftovers(self, older_than: timedelta) -> Iterator[Leftover | Unreadable]:
        """See `Upkeep.leftovers`."""
        with translated():
            before = self._places.now() - older_than
            for source in _SOURCES:
                asked = source.query(self._places.client, before)
                snapshots = in_pages(asked, source.since, self.read_at_once)
                while page := list(itertools.islice(snapshots, self.read_at_once)):
                    read = functools.partial(self._read, source, before)
                    found = self._readers.map(read, page)
                    yield from (leftover for leftover in found if leftover is not None)

    def _read(
        self, source: _Source, before: datetime, snapshot: Snapshot
    ) -> Leftover | Unreadable | None:
        def read(one: Snapshot) -> Leftover | None:
            return source.read(self._places, one, before)

        return readable(source.group, snapshot, read)

    def references(self, uid: str) -> frozenset[str]:
        """See `Upkeep.references`."""
        paths: set[str] = set()
        with translated():
            for kind in _KINDS:
                collection = self._places.account(uid).collection(kind)
                named = collection.select(documents.FIELDS_WITH_PATHS)
                for snapshot in named.stream(timeout=_STREAM_TIMEOUT_S):
                    try:
                        paths.update(documents.paths_of(snapshot.to_dict() or {}))
                    except Exception as error:
                        raise unreadable(kind, snapshot, error) from error
        return frozenset(paths)

    def ready_paths(self) -> Iterator[str | Unreadable]:
        """See `Upkeep.ready_paths`."""
        with translated():
            for kind in _KINDS:
                group = self._places.client.collection_group(kind)
                ready = group.where(filter=FieldFilter("status", "==", documents.READY))
                named = ready.select(documents.FIELDS_WITH_PATHS)
                for snapshot in named.stream(timeout=_STREAM_TIMEOUT_S):
                    paths = readable(kind, snapshot, _ready_paths)
                    if isinstance(paths, Unreadable):
                        yield paths
                    else:
                        yield from paths


def _item(places: Places, snapshot: Snapshot, before: datetime) -> Leftover | None:
    """Return what is left of a voice or generation, if anything is yet."""
    document: documents.Fields = snapshot.to_dict() or {}
    uid, kind = owner_of(snapshot), snapshot.reference.parent.id
    garbage = documents.garbage_of(document)
    if document.get("pending"):
        return receipt_of(places, uid, snapshot)
    trash = documents.to_trash(document)
    if trash is not None and (trash.is_busy or trash.purge_at < before):
        paths = documents.paths_of(document)
        withdrawn = bool(document.get("withdrawn"))
        return Deletion(uid, kind, snapshot.id, trash, paths, withdrawn, snapshot.update_time)
    return Garbage(uid, kind, snapshot.id, garbage) if garbage else None


def _renaming(_places: Places, snapshot: Snapshot, _before: datetime) -> Leftover:
    document: documents.Fields = snapshot.to_dict() or {}
    renamed = to_renamed(document)
    if renamed is None:
        raise TypeError
    done = bool(document.get("done"))
    return Renaming(owner_of(snapshot), renamed.voice_id, renamed.saved_at, done=done)


def _ready_paths(snapshot: Snapshot) -> tuple[str, ...]:
    return documents.ready_paths_of(snapshot.to_dict() or {})


def _fields_of(kind: Kind) -> tuple[str, ...]:
    """Return what is read of an item: not its text, which is most of a document."""
    return tuple(field for field in SHOWN_FIELDS[kind] if field != "text")


_SOURCES = (
    *(
        _Source(kind, "unsettled_since", (*_fields_of(kind), *_STATE_FIELDS), _item)
        for kind in _KINDS
    ),
    # Last, because speech that is finished above may bring an earlier name with it.
    _Source("renamings", "since", ("voice_id", "name", "saved_at", "until", "done"), _renaming),
)
