"""Deleting and restoring in memory: the part of the library of `memory_library.py` that does it."""

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from tests.fakes.memory_jobs import MemoryJobs
from voxshelf.core.account import Account, Limits
from voxshelf.core.amounts import kept_amount
from voxshelf.core.deletion import NO_REQUEST, Manner, Removal, decide_deletion
from voxshelf.core.items import Generation, Voice
from voxshelf.core.naming import name_digest
from voxshelf.core.reservation import Item, Reservation
from voxshelf.core.restoring import Verdict, decide_bringing, decide_restoring
from voxshelf.core.shelf import Entry, Pending, RequestRecord
from voxshelf.use_cases.deletion_ports import MAX_KEYS, Brought, Deletion, ItemKey, Taken
from voxshelf.use_cases.ports import Garbage, Kind, Receipt


class MemoryTrash:
    """Plays `DeletionLibrary`."""

    taken_at_once = MAX_KEYS
    jobs: MemoryJobs
    now: Callable[[], datetime]
    accounts: dict[str, Account]
    records: dict[tuple[str, Kind, str], Any]
    requests: dict[tuple[str, str], RequestRecord]
    _versions: "itertools.count[int]"
    _lock: threading.RLock
    _entry: Callable[[str, Kind, str | None], Entry | None]
    _count: Callable[[str, Item, int], None]

    def delete(
        self, uid: str, keys: Sequence[ItemKey], manner: Manner
    ) -> Mapping[ItemKey, Deletion | Receipt]:
        assert len(keys) <= MAX_KEYS
        with self._lock:
            outcomes: dict[ItemKey, Deletion | Receipt] = {}
            for key in keys:
                removal = decide_deletion(self._entry(uid, *key), manner, self.now())
                record = self.records.get((uid, *key))
                if removal is not None:
                    outcomes[key] = self._remove(uid, key, removal)
                elif record is not None and record.pending is not None:
                    outcomes[key] = self._receipt(uid, record)
            return outcomes

    def _remove(self, uid: str, key: ItemKey, removal: Removal) -> Deletion:
        record = self.records[uid, *key]
        if removal.changes:
            if removal.dropped is not None:
                self._free(uid, removal.dropped)
            if removal.withdrawn:
                self._bar(uid, key.item_id)
            record.trash, record.garbage = removal.trash, removal.garbage
            record.withdrawn, record.since = removal.withdrawn, removal.unsettled_since
            record.ready = record.pending = None
            record.version = next(self._versions)
            account = self.accounts[uid].releasing(removal.reserved)
            self.accounts[uid] = replace(account, kept=account.kept + -removal.kept)
        if removal.is_fresh:
            self._count(uid, removal.trash.item, -1)
        return self._deletion(uid, key)

    def _free(self, uid: str, dropped: Pending) -> None:
        request = self.requests.get((uid, dropped.request_key or ""))
        if request is not None and request.lease == dropped.lease:
            del self.requests[uid, dropped.request_key or ""]

    def _bar(self, uid: str, voice_id: str) -> None:
        for record in self._new_speech(uid, voice_id):
            self._free(uid, record.pending)
            lease = f"barred {record.pending.lease}"
            record.pending = replace(record.pending, lease=lease, request_key=NO_REQUEST)
            record.version = next(self._versions)

    def _new_speech(self, uid: str, voice_id: str) -> list[Any]:
        return [
            record
            for (owner, kind, _), record in self.records.items()
            if (owner, kind) == (uid, "generations")
            and record.pending is not None
            and record.ready is None
            and record.pending.item.voice_id == voice_id
        ]

    def barred_speech(self, uid: str, voice_id: str) -> Sequence[Receipt]:
        with self._lock:
            return [
                self._receipt(uid, record)
                for record in self._new_speech(uid, voice_id)
                if record.pending.request_key == NO_REQUEST
            ]

    def _deletion(self, uid: str, key: ItemKey) -> Deletion:
        record = self.records[uid, *key]
        paths, withdrawn = record.paths, record.withdrawn
        return Deletion(uid, key.kind, key.item_id, record.trash, paths, withdrawn, record.version)

    def _receipt(self, uid: str, record: Any) -> Receipt:
        reservation = Reservation(
            Account(), record.pending, record.ready, record.garbage, record.trash
        )
        return Receipt(uid, reservation, record.version)

    def take_generations(self, uid: str, voice_id: str) -> Taken:
        with self._lock:
            voice = self.records.get((uid, "voices", voice_id))
            trash = voice.trash if voice is not None else None
            if trash is None or not trash.taking:
                return Taken((), trash.taken if trash else 0, done=True)
            found = [
                ItemKey("generations", item_id)
                for (owner, kind, item_id), record in self.records.items()
                if (owner, kind) == (uid, "generations")
                and _spoken_by(record, voice_id, trashed=trash.purging)
            ][: self.taken_at_once]
            manner = Manner(trash.purge_at - trash.deleted_at, trash.purging, deleted_with=voice_id)
            for key in found:
                removal = decide_deletion(self._entry(uid, *key), manner, trash.deleted_at)
                assert removal is not None
                self._remove(uid, key, removal)
            done = len(found) < self.taken_at_once
            taken = trash.taken + len(found)
            voice.trash = replace(voice.trash, taken=taken, taking=not done)
            voice.version = next(self._versions)
            if done:
                busy = trash.purging or voice.garbage
                voice.since = trash.deleted_at if busy else trash.purge_at
            deletions = tuple(self._deletion(uid, key) for key in found) if trash.purging else ()
            return Taken(deletions, taken, done)

    def condemn(self, deletion: Deletion) -> Deletion | None:
        with self._lock:
            record = self.records.get((deletion.uid, *deletion.key))
            if record is None or record.trash is None or record.version != deletion.version:
                return None
            record.trash = replace(record.trash, purging=True)
            return deletion

    def remove_words(self, deletions: Sequence[Deletion]) -> tuple[str, ...]:
        return self.jobs.remove_words(deletions)

    def forget(self, *leftovers: Deletion | Garbage) -> None:
        with self._lock:
            for leftover in leftovers:
                key = (leftover.uid, *leftover.key)
                record = self.records.get(key)
                if record is None:
                    continue
                if isinstance(leftover, Garbage):
                    _without(record, leftover)
                elif record.trash is not None and record.trash.purging:
                    del self.records[key]
                    if record.withdrawn:
                        digest = name_digest(record.trash.item.name)
                        self.records[key] = type(record)(
                            withdrawn=True,
                            withdrawn_name=digest,
                            garbage=record.garbage,
                            since=record.since if record.garbage else None,
                        )

    def restore(
        self, uid: str, keys: Sequence[ItemKey], limits: Limits
    ) -> Mapping[ItemKey, Verdict]:
        assert len(keys) <= MAX_KEYS
        with self._lock:
            account = self.accounts.get(uid, Account())
            entries = [self._entry(uid, *key) for key in keys]
            taken = self._taken_names(uid, entries)
            verdicts = decide_restoring(account, entries, self.now(), limits, taken)
            for key, verdict in zip(keys, verdicts, strict=True):
                if verdict == "restored":
                    self._bring_back(uid, key)
            return dict(zip(keys, verdicts, strict=True))

    def bring_generations(self, uid: str, voice_id: str, limits: Limits) -> Brought:
        with self._lock:
            key = ItemKey("voices", voice_id)
            entry = self._entry(uid, *key)
            found = [
                ItemKey("generations", item_id)
                for (owner, kind, item_id), record in self.records.items()
                if (owner, kind) == (uid, "generations")
                and entry is not None
                and _deleted_with(record, entry, voice_id)
            ][: self.taken_at_once]
            generations = [one for other in found if (one := self._entry(uid, *other))]
            account = self.accounts.get(uid, Account())
            taken = self._taken_names(uid, [entry])
            verdict = decide_bringing(account, entry, generations, self.now(), limits, taken)
            if verdict != "with_generations":
                return Brought(0, verdict)
            for other in found:
                self._bring_back(uid, other)
            if len(found) < self.taken_at_once:
                self._bring_back(uid, key)
                return Brought(len(found), "restored")
            voice = self.records[uid, *key]
            voice.trash = replace(voice.trash, taking=False)
            voice.version = next(self._versions)
            return Brought(len(found), verdict)

    def _taken_names(self, uid: str, entries: Sequence[Entry | None]) -> set[str]:
        deleted = [entry.trash.item for entry in entries if entry and entry.trash]
        names = {item.name for item in deleted if isinstance(item, Voice)}
        return {name for name in names if self._named(uid, name)}

    def _bring_back(self, uid: str, key: ItemKey) -> None:
        record = self.records[uid, *key]
        if record.trash is None:
            return
        item, account = record.trash.item, self.accounts[uid]
        self.accounts[uid] = replace(account, kept=account.kept + kept_amount(item))
        record.ready, record.trash = item, None
        record.since = self.now() if record.garbage else None
        record.version = next(self._versions)
        self._count(uid, item, 1)


def _spoken_by(record: Any, voice_id: str, *, trashed: bool) -> bool:
    item = record.ready or (record.trash.item if trashed and record.trash else None)
    return isinstance(item, Generation) and item.voice_id == voice_id


def _deleted_with(record: Any, entry: Entry, voice_id: str) -> bool:
    trash = record.trash
    return (
        trash is not None
        and entry.trash is not None
        and isinstance(entry.trash.item, Voice)
        and (trash.deleted_with, trash.deleted_at) == (voice_id, entry.trash.deleted_at)
        and not trash.purging
    )


def _without(record: Any, leftover: Garbage) -> None:
    left = tuple(path for path in record.garbage if path not in leftover.object_paths)
    record.garbage = left
    if not left and record.pending is None:
        if record.trash is None:
            record.since = None
        elif not record.trash.is_busy:
            record.since = record.trash.purge_at
