"""The checker: what must hold in Firestore and in the bucket, whatever has happened before.

It reads both by itself, past the functions and their adapters. Names of invariants are those of
hardening, section 5.
"""

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from google.cloud import firestore

from tests.chaos import stored
from tests.chaos.bucket import Bucket
from tests.chaos.ledger import Ledger
from tests.chaos.stored import Record, View
from tests.chaos.violation import Violation


class Checker:
    """Reads the emulators and tells what is wrong."""

    def __init__(self, client: firestore.Client, bucket: Bucket, ledger: Ledger) -> None:
        self._client, self._bucket, self._ledger = client, bucket, ledger

    def look(self) -> View:
        """Read everything."""
        promised = self._ledger.promises()
        return replace(stored.read(self._client, self._bucket), promised=promised)

    def always(self, view: View) -> list[Violation]:
        """Return what must hold at every moment: I1, I3, I4, I5."""
        return [
            *self._whole(view),
            *_own_paths(view),
            *_one_per_key(view),
            *self._ledger.check(view),
        ]

    def settled(self, view: View, lease_s: float) -> list[Violation]:
        """Return what must hold after `reconcile`, once every lease is over: I2 and counters."""
        return [*_clean(view, lease_s), *_counted(view)]

    def _whole(self, view: View) -> Iterable[Violation]:
        for record in view.records:
            files = record.needed_files(view.now)
            broken = [problem for file in files if (problem := self._broken(file))]
            # What was replaced or deleted since the look has lost its objects rightly.
            if broken and self._is_unchanged(record):
                yield from (Violation("I1", f"{record.name}: {problem}") for problem in broken)

    def _broken(self, file: Mapping[str, str]) -> str | None:
        content = self._bucket.read(file["path"])
        if content is None:
            return f"{file['path']} is missing"
        if hashlib.sha256(content).hexdigest() != file["sha256"]:
            return f"{file['path']} holds other bytes"
        return None

    def _is_unchanged(self, record: Record) -> bool:
        reference = self._client.document("users", record.uid, record.kind, record.item_id)
        return reference.get().to_dict() == record.fields


def _own_paths(view: View) -> Iterable[Violation]:
    seen: dict[str, str] = {}
    for record in view.records:
        for path in record.owned_paths:
            if path.split("/")[1] != record.uid:
                yield Violation("I5", f"{record.name} owns {path}")
            if seen.setdefault(path, record.name) != record.name:
                yield Violation("I5", f"{path} belongs to {seen[path]} and to {record.name}")


def _one_per_key(view: View) -> Iterable[Violation]:
    """Yield I3 where two ready items were saved under one key, or a key's answer is not there."""
    answered = Counter(
        (path.split("/")[1], item.get("generation_id") or item["voice_id"])
        for path, request in view.requests.items()
        if (item := request.get("item"))
    )
    by_lease = Counter(
        (record.uid, lease)
        for record in view.records
        if record.is_ready and (lease := record.fields.get("saved_by"))
    )
    for (uid, lease), count in by_lease.items():
        if count > 1:
            yield Violation("I3", f"{uid}: {count} items by the attempt {lease}")
    for (uid, item_id), count in answered.items():
        known = [r for r in view.records if (r.uid, r.item_id) == (uid, item_id)]
        if len(known) > 1:
            yield Violation("I3", f"{uid}/{item_id}: {count} keys, {len(known)} items")


def _clean(view: View, lease_s: float) -> Iterable[Violation]:
    for path in sorted(view.orphans):
        yield Violation("I2", f"no document names {path}")
    for path in sorted(view.renamings):
        yield Violation("I2", f"{path} is not finished")
    for record in view.records:
        yield from _under_its_name(record, view)
        over = view.now - dt.timedelta(seconds=lease_s)
        if record.is_busy or (record.trash and record.trash["purge_at"] < over):
            yield Violation("I2", f"{record.name} is still being deleted")
        garbage = set(record.fields.get("garbage") or ())
        if garbage:
            left = "; the objects are there" if garbage & view.objects else ""
            yield Violation("I2", f"{record.name} still names {len(garbage)} as garbage{left}")
        if record.pending and record.pending["since"] < view.now - dt.timedelta(seconds=lease_s):
            yield Violation("I2", f"{record.name} is pending beyond its lease")


def _under_its_name(record: Record, view: View) -> Iterable[Violation]:
    """Yield I2 where a voice or generation is kept under another name than it is shown."""
    names = view.accounts.get(record.uid, {}).get("names", {})
    kept = record.fields.get("name" if record.kind == "voices" else "voice_name")
    if kept is None:
        # Of a voice whose consent was withdrawn no name is kept.
        return
    shown = names.get(record.fields.get("voice_id"), kept)
    if kept != shown:
        yield Violation("I2", f"{record.name} is kept under {kept}, and shown under {shown}")


def _counted(view: View) -> Iterable[Violation]:
    uids = {record.uid for record in view.records} | set(view.accounts)
    for uid in sorted(uids):
        account = view.accounts.get(uid, {})
        ready = [record for record in view.records if record.uid == uid and record.is_ready]
        kinds = Counter(record.kind for record in ready)
        kept = {
            "voices": kinds["voices"],
            "generations": kinds["generations"],
            "bytes": sum(file["size_bytes"] for record in ready for file in record.files),
            "audio_ms": sum(record.audio_ms for record in ready),
        }
        counted = {name: account.get(name, 0) for name in kept}
        if counted != kept:
            yield Violation("counters", f"{uid} counts {counted}, has {kept}")
        if any(record.uid == uid and record.pending for record in view.records):
            # What is reserved for a save that runs is checked once it has ended.
            continue
        reserved = account.get("reserved") or {}
        if any(reserved.values()):
            yield Violation("counters", f"{uid} reserves {dict(reserved)} for nothing")
        deleted = [record for record in view.records if record.uid == uid and record.trash]
        yield from _counted_speech(uid, ready, [*ready, *deleted])


def _counted_speech(
    uid: str, ready: Collection[Record], counting: Collection[Record]
) -> Iterable[Violation]:
    for record in counting:
        if record.kind != "voices":
            continue
        # What an earlier voice of this id has spoken stays, and is not this one's.
        spoken = sum(
            other.kind == "generations"
            and other.fields["voice_id"] == record.item_id
            and other.fields["saved_at"] >= record.fields["saved_at"]
            for other in ready
        )
        if record.fields["generation_count"] != spoken:
            counted = record.fields["generation_count"]
            text = f"{uid}/{record.item_id} counts {counted} generations, has {spoken}"
            yield Violation("counters", text)


def lost_to_reconcile(before: View, after: View) -> list[Violation]:
    """Return I8: what was there, or to be restored, before `reconcile` and is gone after it.

    Generations whose voice was taking them along are no loss.
    """
    taken = {(r.uid, r.item_id) for r in before.records if r.trash and r.trash["taking"]}
    kept = {(record.uid, record.kind, record.item_id): record for record in after.records}
    violations = []
    for record in before.records:
        if not record.is_ready and not record.can_be_restored(after.now):
            continue
        if record.kind == "generations" and (record.uid, record.fields["voice_id"]) in taken:
            continue
        now = kept.get((record.uid, record.kind, record.item_id))
        if now is None or (not now.is_ready and (record.is_ready or now.trash is None)):
            violations.append(Violation("I8", f"{record.name} is gone"))
            continue
        needed = {file["path"] for file in now.needed_files(after.now)}
        lost = needed & set(before.objects) - set(after.objects)
        violations += [Violation("I8", f"{record.name} lost {path}") for path in sorted(lost)]
    return violations


def changed(before: View, after: View, uid: str) -> list[Violation]:
    """Return I5 where the documents of a user who did nothing are not as they were."""

    def documents(view: View) -> dict[str, dt.datetime]:
        return {record.name: record.update_time for record in view.records if record.uid == uid}

    if documents(before) == documents(after):
        return []
    return [Violation("I5", f"{uid} did nothing, and the documents differ")]
