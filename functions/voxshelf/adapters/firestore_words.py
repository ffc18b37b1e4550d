"""The words of items that are deleted for good, taken from the jobs that made them."""

from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import Any

from google.cloud.firestore_v1.base_query import BaseFilter, FieldFilter, Or

from voxshelf.adapters.firestore_batches import write_all
from voxshelf.adapters.firestore_deletions import retried
from voxshelf.adapters.firestore_forgetting import FirestoreForgetting
from voxshelf.adapters.firestore_job_pairs import SHOWN, JobPairs
from voxshelf.adapters.firestore_places import BOUNDED, Snapshot
from voxshelf.adapters.job_documents import shown_of, to_job
from voxshelf.core.items import Voice
from voxshelf.core.names import kept_output_path
from voxshelf.use_cases.deletion_ports import Deletion, made

# Firestore takes 30 alternatives in a query, and each item is two: its own id, and RunPod's.
_MAX_ITEMS = 15


class FirestoreWords(FirestoreForgetting):
    """Plays the part of `Library` that takes words from jobs."""

    def remove_words(self, deletions: Sequence[Deletion]) -> tuple[str, ...]:
        """See `Library.remove_words`."""
        paths: list[str] = []
        for uid, owned in groupby(deletions, key=lambda deletion: deletion.uid):
            items = list(owned)
            for start in range(0, len(items), _MAX_ITEMS):
                some = items[start : start + _MAX_ITEMS]
                # Repeated when somebody is settling one of the jobs at this moment.
                paths += retried(partial(self._remove_words, uid, some))
        return tuple(dict.fromkeys(paths))

    def _remove_words(self, uid: str, deletions: Sequence[Deletion]) -> list[str]:
        asked = [self._making(uid, deletions)]
        asked += [self._ordering(uid, one) for one in deletions if one.withdrawn]
        shown = {one.id: one for query in asked for one in query.stream(**BOUNDED)}
        found = [
            (pair.shown, job)
            for pair in JobPairs(self._places).beside(list(shown.values()))
            if made(job := to_job(pair.document or {}), deletions)
        ]
        wordy = [snapshot for snapshot, job in found if not job.words_removed]
        write_all(wordy, lambda one: one, self._write_without_words)
        return [kept_output_path(uid, job.output_sha256) for _, job in found if job.output_sha256]

    def _write_without_words(self, snapshots: Sequence[Snapshot]) -> None:
        batch = self._places.client.batch()
        for snapshot in snapshots:
            fields = shown_of(to_job(snapshot.to_dict() or {}).without_words())
            unchanged = self._places.unchanged(snapshot.update_time)
            batch.update(snapshot.reference, fields, option=unchanged)
        batch.commit(**BOUNDED)

    def _making(self, uid: str, deletions: Sequence[Deletion]) -> Any:
        """Return the query of what may have made these items; every field's own index serves it."""
        ids = [deletion.item_id for deletion in deletions]
        at_runpod = [one for deletion in deletions if (one := deletion.trash.item.runpod_job_id)]
        alternatives: list[BaseFilter] = [FieldFilter("result_id", "in", ids)]
        if at_runpod:
            alternatives.append(FieldFilter("runpod_job_id", "in", at_runpod))
        return self._places.account(uid).collection(SHOWN).where(filter=Or(alternatives))

    def _ordering(self, uid: str, deletion: Deletion) -> Any:
        """Return the query of the jobs that were to make a voice which nobody may use any more."""
        item = deletion.trash.item
        name = item.name if isinstance(item, Voice) else ""
        places = (("order.voice_id", deletion.item_id), ("order.name", name))
        alternatives: list[BaseFilter] = [
            FieldFilter(field, "==", value) for field, value in places
        ]
        return self._places.account(uid).collection(SHOWN).where(filter=Or(alternatives))
