"""Keeping a renamed voice's generations under its new name in Firestore.

A rename writes a document in `users/{uid}/renamings` beside it, in the same batch. Whoever then
rewrites the generations does so on condition that this document is as he read it: a later rename
writes it anew, so that no name can be spread any more but the present one. It is a document of
its own, and so it outlives the voice, which may be deleted meanwhile.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_batches import MAX_ITEMS, write_some
from voxshelf.adapters.firestore_deletions import MAX_ROUNDS, pause
from voxshelf.adapters.firestore_errors import CONFLICTS, translated
from voxshelf.adapters.firestore_places import BOUNDED, Places, Snapshot
from voxshelf.adapters.firestore_undoing import FirestoreUndoing
from voxshelf.core.errors import Unavailable
from voxshelf.use_cases.ports import Renaming


@dataclass(slots=True)
class _Progress:
    """One rewriting: the note of it as last written, and how far it has come.

    `waiting` are read and not looked at, and there may be `more` behind them. `complete` turns
    false when a generation is met that must be looked at again later. `changed` are those that the
    last commit has rewritten.
    """

    renaming: Renaming
    name: str
    since: datetime
    update_time: datetime
    complete: bool
    after: Snapshot | None = None
    waiting: Sequence[Snapshot] = ()
    more: bool = True
    ended: bool = False
    changed: int = 0


class FirestoreRenaming(FirestoreUndoing):
    """Plays the renaming part of `Library`."""

    renamed_at_once = MAX_ITEMS
    # So many of the longest texts take some 30 MB.
    read_at_once = 200

    def rename_generations(self, renaming: Renaming) -> Iterator[int]:
        """See `Library.rename_generations`."""
        progress = self._begun(renaming)
        while progress is not None and not progress.ended:
            yield self._rename_some(progress)

    def _begun(self, renaming: Renaming) -> _Progress | None:
        note = self._places.renaming(renaming.uid, renaming.voice_id)
        account = self._places.account(renaming.uid)
        with translated():
            found = self._places.client.get_all([note, account], **BOUNDED)
            seen = {snapshot.reference.path: snapshot for snapshot in found}
        noted = seen[note.path].to_dict()
        if noted is None:
            return None
        # Speech whose save was begun before the rename brings the earlier name with it when it is
        # confirmed. None is under way where nothing is reserved; what is begun later reads the
        # account, and so the new name.
        reserved = documents.to_account(seen[account.path].to_dict() or {}).reserved
        return _Progress(
            renaming=renaming,
            name=noted["name"],
            since=noted["since"],
            update_time=seen[note.path].update_time,
            complete=reserved.generations <= 0,
        )

    def _rename_some(self, progress: _Progress) -> int:
        """Rewrite the next generations; return how many had another name."""
        for round_ in range(MAX_ROUNDS):
            with translated():
                try:
                    return self._rewrite(progress)
                except CONFLICTS:
                    # One of them was edited or deleted, or somebody else rewrites them, too.
                    pause(round_)
                    self._look_again(progress)
            if progress.ended:
                return 0
        raise Unavailable("The voice is being changed at this moment. Try again.")

    def _rewrite(self, progress: _Progress) -> int:
        if not progress.waiting:
            progress.waiting = list(self._next(progress).stream(**BOUNDED))
            progress.more = len(progress.waiting) == self.read_at_once
        write_some(
            progress.waiting[: self.renamed_at_once],
            lambda one: one,
            lambda some: self._rewrite_some(progress, some),
        )
        return progress.changed

    def _rewrite_some(self, progress: _Progress, found: Sequence[Snapshot]) -> None:
        left = progress.waiting[len(found) :]
        read = [(snapshot, snapshot.to_dict() or {}) for snapshot in found]
        # A version of it that is being saved may bring the earlier name.
        complete = progress.complete and not any(fields.get("pending") for _, fields in read)
        is_last = not left and not progress.more
        changed = [
            (snapshot, fields)
            for snapshot, document in read
            if (fields := _renamed(document, progress.name))
        ]
        if changed or (is_last and complete):
            self._write_names(progress, changed, settled=is_last and complete)
        progress.waiting, progress.after = left, found[-1] if found else progress.after
        progress.complete, progress.ended = complete, is_last
        progress.changed = len(changed)

    def _write_names(
        self,
        progress: _Progress,
        changed: Sequence[tuple[Snapshot, documents.Fields]],
        *,
        settled: bool,
    ) -> None:
        note = self._places.renaming(progress.renaming.uid, progress.renaming.voice_id)
        unchanged = self._places.unchanged(progress.update_time)
        batch = self._places.client.batch()
        if settled:
            batch.delete(note, option=unchanged)
        else:
            # For its condition alone.
            batch.update(note, {"name": progress.name}, option=unchanged)
        for snapshot, fields in changed:
            unchanged = self._places.unchanged(snapshot.update_time)
            batch.update(snapshot.reference, fields, option=unchanged)
        progress.update_time = batch.commit(**BOUNDED)[0].update_time

    def _next(self, progress: _Progress) -> firestore.Query:
        """Return the query for those after the last, in whatever state: the deleted can return."""
        query: firestore.Query = (
            self._places.account(progress.renaming.uid)
            .collection("generations")
            .where(filter=FieldFilter("voice_id", "==", progress.renaming.voice_id))
            .order_by("__name__")
            .limit(self.read_at_once)
        )
        if progress.after is not None:
            query = query.start_after({"__name__": progress.after.reference})
        return query

    def _look_again(self, progress: _Progress) -> None:
        note = self._places.renaming(progress.renaming.uid, progress.renaming.voice_id)
        snapshot = note.get(**BOUNDED)
        # Settled by somebody else, or another rename, whose own rewriting goes over them all.
        progress.ended = (snapshot.to_dict() or {}).get("since") != progress.since
        progress.update_time, progress.waiting = snapshot.update_time, ()


def note_renaming(
    batch: firestore.WriteBatch, places: Places, renaming: Renaming, name: str
) -> None:
    """Note with a rename that the generations are to be kept under the new name."""
    fields = {"name": name, "since": firestore.SERVER_TIMESTAMP}
    batch.set(places.renaming(renaming.uid, renaming.voice_id), fields)


def _renamed(document: documents.Fields, name: str) -> documents.Fields:
    """Return the fields of a generation that differ once its voice has this name."""
    generation = replace(documents.to_generation(document), voice_name=name)
    return documents.differing(documents.from_item(generation), document)
