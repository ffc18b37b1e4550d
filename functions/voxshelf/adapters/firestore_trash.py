"""Bringing deleted items back in Firestore: counted, and checked against the limits, as a save is.

The batch fails when the account has changed since it was read, which keeps the quota exact.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_changes import Changes
from voxshelf.adapters.firestore_deletions import MAX_ROUNDS, busy, pause
from voxshelf.adapters.firestore_errors import CONFLICTS, translated
from voxshelf.adapters.firestore_names import read_named
from voxshelf.adapters.firestore_places import BOUNDED, Snapshot
from voxshelf.adapters.firestore_shelf import entry_of
from voxshelf.adapters.firestore_words import FirestoreWords
from voxshelf.core.account import Limits
from voxshelf.core.amounts import kept_amount
from voxshelf.core.items import Voice
from voxshelf.core.restoring import Verdict, decide_bringing, decide_restoring
from voxshelf.core.shelf import Entry
from voxshelf.core.trash import Trash
from voxshelf.use_cases.deletion_ports import Brought, ItemKey

_NAMES_AT_ONCE = 8


class FirestoreTrash(FirestoreWords):
    """Plays the restoring part of `Library`."""

    def restore(
        self, uid: str, keys: Sequence[ItemKey], limits: Limits
    ) -> Mapping[ItemKey, Verdict]:
        """See `Library.restore`."""
        for round_ in range(MAX_ROUNDS):
            with translated():
                try:
                    return self._restore(uid, keys, limits)
                except CONFLICTS:
                    pause(round_)
        raise busy()

    def _restore(
        self, uid: str, keys: Sequence[ItemKey], limits: Limits
    ) -> Mapping[ItemKey, Verdict]:
        account = self._places.account(uid).get(**BOUNDED)
        seen = self._seen(uid, keys)
        entries = [entry_of(seen[key]) for key in keys]
        now = documents.to_time(account.read_time)
        counters = documents.to_account(account.to_dict() or {})
        taken = self._taken_names(uid, entries)
        verdicts = decide_restoring(counters, entries, now, limits, taken)
        changes = Changes(self._places, uid)
        self._bring_back(
            changes,
            [
                seen[key]
                for key, entry, verdict in zip(keys, entries, verdicts, strict=True)
                if verdict == "restored" and entry is not None and entry.trash is not None
            ],
        )
        changes.commit(account)
        return dict(zip(keys, verdicts, strict=True))

    def bring_generations(self, uid: str, voice_id: str, limits: Limits) -> Brought:
        """See `Library.bring_generations`."""
        for round_ in range(MAX_ROUNDS):
            with translated():
                try:
                    return self._bring_generations(uid, voice_id, limits)
                except CONFLICTS:
                    pause(round_)
        raise busy()

    def _bring_generations(self, uid: str, voice_id: str, limits: Limits) -> Brought:
        account = self._places.account(uid).get(**BOUNDED)
        voice = self._places.item(uid, "voices", voice_id).get(**BOUNDED)
        entry = entry_of(voice)
        found: list[Snapshot] = []
        if entry is not None and entry.trash is not None:
            found = self._deleted_with(uid, voice_id, entry.trash)
        now = documents.to_time(account.read_time)
        counters = documents.to_account(account.to_dict() or {})
        generations = [documents.to_entry(one.to_dict() or {}) for one in found]
        taken = self._taken_names(uid, [entry])
        verdict = decide_bringing(counters, entry, generations, now, limits, taken)
        if verdict != "with_generations":
            return Brought(0, verdict)
        changes = Changes(self._places, uid)
        if len(found) < self.taken_at_once:
            self._bring_back(changes, [*found, voice])
            verdict = "restored"
        else:
            self._bring_back(changes, found)
            # The voice is in each batch: whoever takes generations meanwhile must stop.
            changes.item(voice, {"trash.taking": False})
        changes.commit(account)
        return Brought(len(found), verdict)

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

    def _deleted_with(self, uid: str, voice_id: str, trash: Trash) -> list[Snapshot]:
        collection = self._places.account(uid).collection("generations")
        found = (
            collection.where(filter=FieldFilter("status", "==", documents.DELETING))
            .where(filter=FieldFilter("trash.deleted_with", "==", voice_id))
            .where(filter=FieldFilter("trash.deleted_at", "==", trash.deleted_at))
            .where(filter=FieldFilter("trash.purging", "==", False))
            .limit(self.taken_at_once)
        )
        return list(found.stream(**BOUNDED))

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


def _restored(document: documents.Fields, snapshot: Snapshot) -> documents.Fields:
    unsettled = document.get("garbage")
    return {
        "status": documents.READY,
        "trash": firestore.DELETE_FIELD,
        "unsettled_since": snapshot.read_time if unsettled else firestore.DELETE_FIELD,
    }
