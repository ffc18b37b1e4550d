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
    def files(self) -> list[Document]:
        """The files that readers are shown."""
        return _files(self.fields) if self.is_ready else []

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
    def label(self) -> str:
        """What the harness calls the item: a voice's id, a generation's text."""
        return self.item_id if self.kind == "voices" else self.fields.get("text") or self.item_id


def _files(fields: Document) -> list[Document]:
    return [fields[name] for name in ("sample", "profile", "audio") if fields.get(name)]


@dataclass(frozen=True)
class View:
    """Everything that is stored, read at about one moment; `promised` is of just before it."""

    accounts: Mapping[str, Document]
    records: list[Record]
    requests: Mapping[str, Document]
    objects: frozenset[str]
    now: dt.datetime
    promised: Promises = field(default_factory=dict)

    def of(self, uid: str, kind: str) -> list[Record]:
        return [record for record in self.records if (record.uid, record.kind) == (uid, kind)]

    @property
    def orphans(self) -> set[str]:
        """Objects that no document names."""
        return set(self.objects) - {path for record in self.records for path in record.owned_paths}

    @property
    def leftovers(self) -> set[str]:
        """Objects that no reader is shown: orphans, and what unfinished work has left."""
        shown = {file["path"] for record in self.records for file in record.files}
        return set(self.objects) - shown

    @property
    def unsettled(self) -> bool:
        """Tell whether anything waits for a lease to be over."""
        return bool(self.leftovers) or any(not r.is_ready or r.pending for r in self.records)


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
    return View(accounts, records, requests, objects, now)
