"""Everything that the functions have stored, as Firestore and the bucket show it.

It knows the stored format only as far as the contract says it (sections 5 and 6).
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from google.cloud import firestore

from tests.chaos.bucket import Bucket

PREFIXES = ("voice_samples/", "voice_profiles/", "tts_generations/", "uploads/")
READY, DELETING = "ready", "deleting"
Document = Mapping[str, Any]


class State(NamedTuple):
    """What one item may be: the digests of its sample and profile."""

    audio: str
    profile: str | None = None


# For each item (uid, kind, label) the states in which it may be found; None is absent.
Promises = Mapping[tuple[str, str, str], frozenset[State | None]]


@dataclass(frozen=True)
class Record:
    """A voice's or generation's document."""

    uid: str
    kind: str
    item_id: str
    fields: Document
    update_time: dt.datetime

    @property
    def name(self) -> str:
        return f"{self.kind}/{self.uid}/{self.item_id}"

    @property
    def is_ready(self) -> bool:
        return self.fields.get("status") == READY

    @property
    def pending(self) -> Document | None:
        return self.fields.get("pending") or None

    @property
    def trash(self) -> Document | None:
        """What is noted of a deleted item."""
        return self.fields["trash"] if self.fields.get("status") == DELETING else None

    @property
    def is_busy(self) -> bool:
        """Tell whether a deletion is under way: of the item for good, or of what goes with it."""
        return self.trash is not None and bool(self.trash["purging"] or self.trash["taking"])

    def can_be_restored(self, now: dt.datetime) -> bool:
        """Tell whether the item is in the trash, and its time is not over."""
        trash = self.trash
        return trash is not None and not trash["purging"] and trash["purge_at"] > now

    def is_settled(self, now: dt.datetime) -> bool:
        """Tell whether nothing is left to be done about it, now or once a lease is over."""
        if self.pending or self.fields.get("garbage"):
            return False
        return self.is_ready or (self.can_be_restored(now) and not self.is_busy)

    @property
    def files(self) -> list[Document]:
        """The files that readers are shown."""
        return _files(self.fields) if self.is_ready else []

    def needed_files(self, now: dt.datetime) -> list[Document]:
        """The files that must be there: those that are shown, or will be if it is restored."""
        needed = self.is_ready or self.can_be_restored(now)
        return _files(self.fields) if needed else []

    @property
    def owned_paths(self) -> set[str]:
        """All paths that the document names: its files, those of a save under way, garbage."""
        named = _files(self.fields) + _files((self.pending or {}).get("item") or {})
        return {file["path"] for file in named} | set(self.fields.get("garbage") or ())

    @property
    def state(self) -> State:
        sample = self.fields.get("sample") or self.fields["audio"]
        profile = self.fields.get("profile")
        return State(sample["sha256"], profile["sha256"] if profile else None)

    @property
    def audio_ms(self) -> int:
        sample = self.fields.get("sample") or self.fields["audio"]
        return round(sample["duration_s"] * 1000)

    @property
    def label(self) -> str:
        """What the harness calls the item: a voice's id, a generation's text."""
        return self.item_id if self.kind == "voices" else self.fields.get("text") or self.item_id


def _files(fields: Document) -> list[Document]:
    return [fields[name] for name in ("sample", "profile", "audio") if fields.get(name)]


@dataclass(frozen=True)
class View:
    """Everything that is stored, read at about one moment; `promised` is of just before it.

    `renamings` are the notes of renames that are not finished.
    """

    accounts: Mapping[str, Document]
    records: list[Record]
    requests: Mapping[str, Document]
    objects: frozenset[str]
    now: dt.datetime
    promised: Promises = field(default_factory=dict)
    renamings: frozenset[str] = frozenset()

    def of(self, uid: str, kind: str) -> list[Record]:
        return [record for record in self.records if (record.uid, record.kind) == (uid, kind)]

    @property
    def orphans(self) -> set[str]:
        """Objects that no document names."""
        return set(self.objects) - {path for record in self.records for path in record.owned_paths}

    @property
    def leftovers(self) -> set[str]:
        """Objects that nobody will be shown: orphans, and what unfinished work has left."""
        needed = {file["path"] for one in self.records for file in one.needed_files(self.now)}
        return set(self.objects) - needed

    @property
    def unsettled(self) -> bool:
        """Tell whether anything waits for a lease to be over."""
        if self.renamings:
            return True
        return bool(self.leftovers) or not all(r.is_settled(self.now) for r in self.records)


def read(client: firestore.Client, bucket: Bucket) -> View:
    """Read everything."""
    records, requests = [], {}
    for kind in ("voices", "generations"):
        for snapshot in client.collection_group(kind).stream():
            _, uid, _, item_id = snapshot.reference.path.split("/")
            fields = snapshot.to_dict() or {}
            records.append(Record(uid, kind, item_id, fields, snapshot.update_time))
    for snapshot in client.collection_group("requests").stream():
        requests[snapshot.reference.path] = snapshot.to_dict() or {}
    accounts = {}
    now = dt.datetime.now(dt.UTC)
    for snapshot in client.collection("users").stream():
        accounts[snapshot.id] = snapshot.to_dict() or {}
        now = snapshot.read_time
    # After the documents, so that what a save writes in between shows as a surplus object,
    # never as a missing one.
    objects = frozenset(path for prefix in PREFIXES for path in bucket.names(prefix))
    renamings = frozenset(
        one.reference.path
        for one in client.collection_group("renamings").stream()
        # For a lease, one that is done still tells the name to who has read generations before.
        if not (one.to_dict() or {}).get("done")
    )
    return View(accounts, records, requests, objects, now, renamings=renamings)
