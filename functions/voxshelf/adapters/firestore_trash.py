"""Bringing deleted items back in Firestore: counted, and checked against the limits, as a save is.

The batch fails when the account has changed since it was read, which keeps the quota exact.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_batches import write_all, write_some
from voxshelf.adapters.firestore_changes import Changes
from voxshelf.adapters.firestore_deletions import retried
from voxshelf.adapters.firestore_names import read_named
from voxshelf.adapters.firestore_places import BOUNDED, Snapshot
from voxshelf.adapters.firestore_readable import readable_page
from voxshelf.adapters.firestore_shelf import entry_of
from voxshelf.adapters.firestore_words import FirestoreWords
from voxshelf.core.account import Limits
from voxshelf.core.amounts import kept_amount
from voxshelf.core.items import Voice
from voxshelf.core.restoring import Verdict, decide_bringing, decide_restoring
from voxshelf.core.shelf import Entry
from voxshelf.core.trash import Trash
from voxshelf.use_cases.deletion_ports import Brought, ItemKey

K = TypeVar("K")
_NAMES_AT_ONCE = 8


class FirestoreTrash(FirestoreWords):
    """Plays the restoring part of `Library`."""

    def restore(
        self, uid: str, keys: Sequence[ItemKey], limits: Limits
    ) -> Mapping[ItemKey, Verdict]:
        """See `Library.restore`."""
        return retried(lambda: self._restore(uid, keys, limits))

    def _restore(
        self, uid: str, keys: Sequence[ItemKey], limits: Limits
    ) -> Mapping[ItemKey, Verdict]:
        seen = self._seen(uid, keys)
        verdicts: dict[ItemKey, Verdict] = {}

        def write(some: Sequence[ItemKey]) -> None:
            verdicts.update(self._restore_some(uid, {key: seen[key] for key in some}, limits))

        write_all(list(dict.fromkeys(keys)), lambda key: seen[key], write)
        return verdicts

    def _restore_some(
        self, uid: str, seen: Mapping[ItemKey, Snapshot], limits: Limits
    ) -> Mapping[ItemKey, Verdict]:
        account = self._places.account(uid).get(**BOUNDED)
        entries, unreadable = _entries(seen)
        now = documents.to_time(account.read_time)
        counters = documents.to_account(account.to_dict() or {})
        taken = self._taken_names(uid, list(entries.values()))
        decided = decide_restoring(counters, list(entries.values()), now, limits, taken)
        verdicts = dict(zip(entries, decided, strict=True))
        changes = Changes(self._places, uid)
        self._bring_back(
            changes,
            [
                seen[key]
                for key, entry in entries.items()
                if verdicts[key] == "restored" and entry is not None and entry.trash is not None
            ],
        )
        changes.commit(account)
        return verdicts | dict.fromkeys(unreadable, "unreadable")

    def bring_generations(self, uid: str, voice_id: str, limits: Limits) -> Brought:
        """See `Library.bring_generations`."""
        return retried(lambda: self._bring_generations(uid, voice_id, limits))

    def _bring_generations(self, uid: str, voice_id: str, limits: Limits) -> Brought:
        entry = entry_of(self._read_voice(uid, voice_id))
        left: list[Snapshot] = []
        is_all = True
        if entry is not None and entry.trash is not None:
            left, is_all = self._deleted_with(uid, voice_id, entry.trash)
        step, brought = Brought(0, "with_generations"), 0

        def write(some: Sequence[Snapshot]) -> None:
            nonlocal step
            last = is_all and len(some) == len(left)
            step = self._bring_some(uid, voice_id, some, limits, last=last)

        while True:
            left = left[write_some(left, lambda one: one, write) :]
            brought += step.generations
            if not left or step.verdict != "with_generations":
                return Brought(brought, step.verdict)

    def _bring_some(
        self, uid: str, voice_id: str, found: Sequence[Snapshot], limits: Limits, *, last: bool
    ) -> Brought:
        account = self._places.account(uid).get(**BOUNDED)
        voice = self._read_voice(uid, voice_id)
        entry = entry_of(voice)
        now = documents.to_time(account.read_time)
        counters = documents.to_account(account.to_dict() or {})
        generations = [documents.to_entry(one.to_dict() or {}) for one in found]
        taken = self._taken_names(uid, [entry])
        verdict = decide_bringing(counters, entry, generations, now, limits, taken)
        if verdict != "with_generations":
            return Brought(0, verdict)
        changes = Changes(self._places, uid)
        if last:
            self._bring_back(changes, [*found, voice])
            verdict = "restored"
        else:
            self._bring_back(changes, found)
            # The voice is in each batch: whoever takes generations meanwhile must stop.
            changes.item(voice, {"trash.taking": False})
        changes.commit(account)
        return Brought(len(found), verdict)

    def _read_voice(self, uid: str, voice_id: str) -> Snapshot:
        voice: Snapshot = self._places.item(uid, "voices", voice_id).get(**BOUNDED)
        return voice

    def _taken_names(self, uid: str, entries: Sequence[Entry | None]) -> set[str]:
        """Return which names of deleted voices others have; read after the account was."""
        items = [entry.trash.item for entry in entries if entry and entry.trash]
        deleted = [item for item in items if isinstance(item, Voice)]
        voices = self._places.account(uid).collection("voices")
        with ThreadPoolExecutor(max_workers=_NAMES_AT_ONCE) as pool:
            found = pool.map(lambda voice: read_named(voices, voice.name), deleted)
            return {
                voice.name
                for voice, named in zip(deleted, found, strict=True)
                # One that lies in the same place by now is no other: the write will tell.
                if any(one.voice_id != voice.voice_id for one in named.voices)
            }

    def _deleted_with(self, uid: str, voice_id: str, trash: Trash) -> tuple[list[Snapshot], bool]:
        """Return generations to bring back, and whether that is all; what is odd stays."""
        collection = self._places.account(uid).collection("generations")
        found = (
            collection.where(filter=FieldFilter("status", "==", documents.DELETING))
            .where(filter=FieldFilter("trash.deleted_with", "==", voice_id))
            .where(filter=FieldFilter("trash.deleted_at", "==", trash.deleted_at))
            .where(filter=FieldFilter("trash.purging", "==", False))
        )
        return readable_page(found, self.taken_at_once, _checked)

    def _bring_back(self, changes: Changes, found: Sequence[Snapshot]) -> None:
        items = []
        for snapshot in found:
            document: documents.Fields = snapshot.to_dict() or {}
            trash = documents.to_trash(document)
            assert trash is not None
            items.append(trash.item)
            changes.item(snapshot, _restored(document, snapshot))
            changes.kept += kept_amount(trash.item)
        changes.count(items, 1)


def _checked(snapshot: Snapshot) -> Snapshot:
    """Return a document if it can be read; raise one of `UNREADABLE` otherwise."""
    entry_of(snapshot)
    return snapshot


def _entries(seen: Mapping[K, Snapshot]) -> tuple[dict[K, Entry | None], list[K]]:
    """Return the items of documents, and which documents cannot be read."""
    entries: dict[K, Entry | None] = {}
    unreadable = []
    for key, snapshot in seen.items():
        try:
            entries[key] = entry_of(snapshot)
        except documents.UNREADABLE:
            unreadable.append(key)
    return entries, unreadable


def _restored(document: documents.Fields, snapshot: Snapshot) -> documents.Fields:
    unsettled = document.get("garbage")
    return {
        "status": documents.READY,
        "trash": firestore.DELETE_FIELD,
        "unsettled_since": snapshot.read_time if unsettled else firestore.DELETE_FIELD,
    }
