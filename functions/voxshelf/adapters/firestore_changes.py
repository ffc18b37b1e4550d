"""Several items of one user, changed in one batch together with all that counts them."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from google.cloud import firestore

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_counters import grown, released
from voxshelf.adapters.firestore_places import BOUNDED, Places, Snapshot
from voxshelf.core.account import Amount
from voxshelf.core.counting import counts_at
from voxshelf.core.items import Generation, Voice


class _Voice(NamedTuple):
    """A voice, as far as counting goes."""

    voice_id: str
    saved_at: datetime


class Changes:
    """What one batch is to write. Nothing is written when any item has changed meanwhile."""

    def __init__(self, places: Places, uid: str) -> None:
        """Change nothing yet."""
        self._places, self._uid = places, uid
        self._items: dict[str, tuple[Snapshot, documents.Fields]] = {}
        self._freed: list[Snapshot] = []
        self._counts: Counter[str] = Counter()
        self.kept, self.reserved = Amount(), Amount()

    def item(self, snapshot: Snapshot, fields: documents.Fields) -> None:
        """Write fields of an item, on condition that it is as it was seen."""
        self._items[snapshot.reference.path] = (snapshot, fields)

    def free(self, requests: Iterable[Snapshot]) -> None:
        """Remove idempotency records, on condition that they are as they were seen."""
        self._freed += requests

    def count(self, generations: Iterable[Voice | Generation], change: int) -> None:
        """Count generations at their voices, more or less; voices are not counted anywhere."""
        spoken = [item for item in generations if isinstance(item, Generation)]
        voices = self._counting({item.voice_id for item in spoken})
        for item in spoken:
            if (voice := voices.get(item.voice_id)) and counts_at(item, voice):
                self._counts[self._voice(item.voice_id).path] += change

    def _counting(self, voice_ids: set[str]) -> dict[str, _Voice]:
        """Return the voices that count.

        One in the trash goes on counting, so that it is right when it is brought back.
        """
        if not voice_ids:
            return {}
        found = self._places.client.get_all(
            [self._voice(voice_id) for voice_id in voice_ids],
            field_paths=["status", "saved_at"],
            **BOUNDED,
        )
        counting = {snapshot.id: snapshot.to_dict() or {} for snapshot in found}
        return {
            voice_id: _Voice(voice_id, fields["saved_at"])
            for voice_id, fields in counting.items()
            if fields.get("status") in (documents.READY, documents.DELETING)
        }

    def _voice(self, voice_id: str) -> firestore.DocumentReference:
        return self._places.item(self._uid, "voices", voice_id)

    def commit(self, account: Snapshot | None = None) -> None:
        """Write all, if there is anything; where `account` is given, on condition of that, too."""
        if not self._items:
            return
        batch = self._places.client.batch()
        counts = dict(self._counts)
        for path, (snapshot, fields) in self._items.items():
            counted = _more(counts.pop(path, 0))
            unchanged = self._places.unchanged(snapshot.update_time)
            batch.update(snapshot.reference, {**fields, **counted}, option=unchanged)
        for record in self._freed:
            batch.delete(record.reference, option=self._places.unchanged(record.update_time))
        for path, change in counts.items():
            if change:
                batch.update(self._places.client.document(path), _more(change))
        counters = (grown(self.kept) if self.kept != Amount() else {}) | (
            released(-self.reserved) if self.reserved != Amount() else {}
        )
        if counters:
            unchanged = None if account is None else self._places.unchanged(account.update_time)
            batch.update(self._places.account(self._uid), counters, option=unchanged)
        batch.commit(**BOUNDED)


def _more(change: int) -> documents.Fields:
    return {"generation_count": firestore.Increment(change)} if change else {}
