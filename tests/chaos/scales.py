"""What Firestore refuses and its emulator does not: commits that touch more than 10 MiB.

By https://firebase.google.com/docs/firestore/manage-data/transactions ("Transaction failure"):
the documents, and the index entries that go and that come. Counted on the safe side: a document
that is changed counts as it was and as it will be.
"""

import json
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import grpc
from google.cloud.firestore_v1 import _helpers
from google.cloud.firestore_v1.field_path import FieldPath
from google.cloud.firestore_v1.types import (
    BatchGetDocumentsRequest,
    BatchGetDocumentsResponse,
    CommitRequest,
)

from benchmarks.index_entries import IndexedDocument, document_bytes
from local.layout import ROOT

MAX_BYTES = 10 * 1024**2
MAX_WRITES = 500
TOO_BIG = "Transaction too big. Decrease transaction size."
TOO_MANY = "maximum 500 writes allowed per request"
_INDEXES = json.loads((ROOT / "firestore.indexes.json").read_text())
# No document of ours, with all its entries twice, comes near to a fifth of the limit.
_ALWAYS_LIGHT = 5
_MISSING = object()
_Fields = dict[str, Any]


class Scales:
    """Weighs commits by what the emulator behind `channel` holds; for threads.

    `commits` has the weight in bytes of each that was weighed, `refused` counts those above.
    """

    def __init__(self, channel: grpc.Channel, max_bytes: int = MAX_BYTES) -> None:
        self._look_up = channel.unary_stream("/google.firestore.v1.Firestore/BatchGetDocuments")
        self._lock = threading.Lock()
        self.max_bytes = max_bytes
        self.commits: list[int] = []
        self.refused = 0

    def refusal(self, request: bytes, metadata: Sequence[tuple[str, str]]) -> str | None:
        """Return why Firestore would refuse a commit, if it would."""
        commit = CommitRequest.pb(CommitRequest.deserialize(request))
        if len(commit.writes) > MAX_WRITES:
            return TOO_MANY
        if len(commit.writes) <= _ALWAYS_LIGHT:
            return None
        weight = self._weight(commit, metadata)
        is_too_big = max(weight, len(request)) > self.max_bytes
        with self._lock:
            self.commits.append(weight)
            self.refused += is_too_big
        return TOO_BIG if is_too_big else None

    def _weight(self, commit: Any, metadata: Sequence[tuple[str, str]]) -> int:
        before = self._stored(commit, metadata)
        after = dict(before)
        for write in commit.writes:
            name = write.delete or write.update.name
            after[name] = None if write.delete else _changed(after.get(name) or {}, write)
        return sum(_touched(name, before.get(name), fields) for name, fields in after.items())

    def _stored(
        self, commit: Any, metadata: Sequence[tuple[str, str]]
    ) -> dict[str, _Fields | None]:
        names = {write.delete or write.update.name for write in commit.writes}
        request = BatchGetDocumentsRequest(database=commit.database, documents=sorted(names))
        answers = self._look_up(BatchGetDocumentsRequest.serialize(request), metadata=metadata)
        stored: dict[str, _Fields | None] = dict.fromkeys(names)
        for answer in answers:
            found = BatchGetDocumentsResponse.pb(
                BatchGetDocumentsResponse.deserialize(answer)
            ).found
            if found.name:
                stored[found.name] = _helpers.decode_dict(found.fields, None)
        return stored


def _changed(fields: _Fields, write: Any) -> _Fields:
    """Return the fields of a document after a write."""
    given = _helpers.decode_dict(write.update.fields, None)
    if write.HasField("update_mask"):
        changed = _copied(fields)
        for path in write.update_mask.field_paths:
            parts = FieldPath.from_api_repr(path).parts
            _put(changed, parts, _at(given, parts))
    else:
        changed = given
    for transform in write.update_transforms:
        parts = FieldPath.from_api_repr(transform.field_path).parts
        earlier, by = _at(changed, parts), transform.increment.integer_value
        is_sum = transform.HasField("increment") and isinstance(earlier, int)
        _put(changed, parts, (earlier + by) if is_sum else datetime.now(UTC))
    return changed


def _copied(fields: _Fields) -> _Fields:
    """Return a copy whose maps can be changed."""
    return {
        name: _copied(value) if isinstance(value, dict) else value for name, value in fields.items()
    }


def _at(fields: _Fields, parts: Sequence[str]) -> Any:
    value: Any = fields
    for part in parts:
        value = value.get(part, _MISSING) if isinstance(value, dict) else _MISSING
    return value


def _put(fields: _Fields, parts: Sequence[str], value: Any) -> None:
    """Set a field; one that a write names and does not give is removed."""
    for part in parts[:-1]:
        nested = fields.get(part)
        fields[part] = nested if isinstance(nested, dict) else {}
        fields = fields[part]
    if value is _MISSING:
        fields.pop(parts[-1], None)
    else:
        fields[parts[-1]] = value


def _touched(name: str, before: _Fields | None, after: _Fields | None) -> int:
    path = name.split("/documents/", 1)[1]
    there = [fields for fields in (before, after) if fields is not None]
    entries = [IndexedDocument(path, fields, _INDEXES).entries() for fields in there]
    moved = set(entries[0]) ^ set(entries[1]) if len(entries) > 1 else set(*entries)
    sizes = {entry: size for some in entries for entry, size in some.items()}
    return sum(sizes[entry] for entry in moved) + sum(document_bytes(path, one) for one in there)
