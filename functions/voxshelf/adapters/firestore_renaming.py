"""Keeping a renamed voice's generations under its new name in Firestore.

Whoever rewrites generations does so on condition that the note of the rename is as he read it
(`firestore_renamed`): a later rename writes it anew, so that no name can be spread any more but the
present one. How far it has come stands in the note, too, so that what is cut short goes on there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from google.api_core.exceptions import InvalidArgument
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_deletions import MAX_ROUNDS, pause
from voxshelf.adapters.firestore_errors import CONFLICTS, translated
from voxshelf.adapters.firestore_places import BOUNDED, Snapshot
from voxshelf.adapters.firestore_renamed import note_of, to_renamed
from voxshelf.adapters.firestore_undoing import FirestoreUndoing
from voxshelf.core.errors import Unavailable
from voxshelf.core.renaming import Renamed
from voxshelf.core.search import speech_terms
from voxshelf.core.sort_key import sort_key
from voxshelf.use_cases.ports import Renaming

# All that a new name changes, and what it follows from.
_NEEDED = ("voice_id", "voice_name", "saved_at", "tags", "text", "pending.lease")
# Of what was begun before a rename there is hardly ever more than a few; what is being deleted is
# found with it. Were it more, the rename would be looked at again.
_MAX_UNSETTLED = 300


@dataclass(slots=True)
class _Progress:
    """One rewriting: the note of it as last written, and how far it has come.

    `waiting` are read and not looked at, and there may be `more` behind them, `after` the last
    that was. `complete` turns false when a generation is met that must be looked at again later.
    A commit rewrites `at_once` at the most.
    """

    note: firestore.DocumentReference
    renamed: Renamed
    since: datetime
    update_time: datetime
    complete: bool
    after: str | None
    at_once: int
    waiting: Sequence[Snapshot] = ()
    more: bool = True
    ended: bool = False


class FirestoreRenaming(FirestoreUndoing):
    """Plays the renaming part of `Library`."""

    # A commit takes 10 MiB, index entries included (decision 27). A generation of a long text has
    # hundreds of them, of which those change that hold the name or its words: some 100 kB at most.
    renamed_at_once = 20
    # So many of the longest texts take some 3 MB, which is there in a moment.
    read_at_once = 20

    def rename_generations(self, renaming: Renaming) -> Iterator[int]:
        """See `Library.rename_generations`."""
        progress = self._begun(renaming)
        while progress is not None and not progress.ended:
            yield self._rename_some(progress)

    def end_renaming(self, renaming: Renaming) -> None:
        """See `Library.end_renaming`."""
        note = note_of(self._places, renaming.uid, renaming.voice_id, renaming.saved_at)
        with translated():
            snapshot = note.get(**BOUNDED)
            if not (snapshot.to_dict() or {}).get("done"):
                return
            batch = self._places.client.batch()
            batch.delete(note, option=self._places.unchanged(snapshot.update_time))
            # Merged, not updated: the notes of a user who has been deleted must go, too.
            fewer = {"renamings": firestore.Increment(-1)}
            batch.set(self._places.account(renaming.uid), fewer, merge=True)
            try:
                batch.commit(**BOUNDED)
            except CONFLICTS:
                # The voice was renamed again.
                return

    def _begun(self, renaming: Renaming) -> _Progress | None:
        note = note_of(self._places, renaming.uid, renaming.voice_id, renaming.saved_at)
        with translated():
            snapshot = note.get(**BOUNDED)
            noted = snapshot.to_dict()
            renamed = None if noted is None else to_renamed(noted)
            if noted is None or renamed is None or noted.get("done"):
                return None
            after, complete = noted.get("after"), bool(noted.get("complete"))
            if after is None:
                complete = not self._is_speech_left(renaming.uid, noted["since"])
        return _Progress(
            note=note,
            renamed=renamed,
            since=noted["since"],
            update_time=snapshot.update_time,
            complete=complete,
            after=after,
            at_once=self.renamed_at_once,
        )

    def _is_speech_left(self, uid: str, since: datetime) -> bool:
        """Tell whether speech that was begun before the rename may still be confirmed.

        It brings the earlier name with it. What is begun later reads the voice, and so the new one.
        """
        account = self._places.account(uid)
        counted = documents.to_account(account.get(**BOUNDED).to_dict() or {})
        if counted.reserved.generations <= 0:
            return False
        begun = account.collection("generations").where(
            filter=FieldFilter("unsettled_since", "<=", since)
        )
        found = list(begun.select(["pending.lease"]).limit(_MAX_UNSETTLED).stream(**BOUNDED))
        pending = any((snapshot.to_dict() or {}).get("pending") for snapshot in found)
        return pending or len(found) == _MAX_UNSETTLED

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
                except InvalidArgument:
                    # "Transaction too big", in one of its wordings: what else, one item shows.
                    if progress.at_once == 1:
                        raise
                    progress.at_once //= 2
            if progress.ended:
                return 0
        raise Unavailable("The voice is being changed at this moment. Try again.")

    def _rewrite(self, progress: _Progress) -> int:
        if not progress.waiting:
            progress.waiting = list(self._next(progress).stream(**BOUNDED))
            progress.more = len(progress.waiting) == self.read_at_once
        changed: list[tuple[Snapshot, documents.Fields]] = []
        complete, looked_at = progress.complete, 0
        for snapshot in progress.waiting:
            if len(changed) == progress.at_once:
                break
            document = snapshot.to_dict() or {}
            # A version of it that is being saved may bring the earlier name.
            complete &= not document.get("pending")
            if fields := _under_name(document, progress.renamed):
                changed.append((snapshot, fields))
            looked_at += 1
        left = progress.waiting[looked_at:]
        after = progress.waiting[looked_at - 1].id if looked_at else progress.after
        is_last = not left and not progress.more
        self._write_names(progress, changed, _noted(after, complete=complete, is_last=is_last))
        progress.waiting, progress.after = left, after
        progress.complete, progress.ended = complete, is_last
        return len(changed)

    def _write_names(
        self,
        progress: _Progress,
        changed: Sequence[tuple[Snapshot, documents.Fields]],
        noted: documents.Fields,
    ) -> None:
        batch = self._places.client.batch()
        batch.update(progress.note, noted, option=self._places.unchanged(progress.update_time))
        for snapshot, fields in changed:
            unchanged = self._places.unchanged(snapshot.update_time)
            batch.update(snapshot.reference, fields, option=unchanged)
        progress.update_time = batch.commit(**BOUNDED)[0].update_time

    def _next(self, progress: _Progress) -> Any:
        """Return the query for those after the last, in whatever state: the deleted can return."""
        account = progress.note.parent.parent
        assert account is not None
        generations = account.collection("generations")
        spoken = generations.where(
            filter=FieldFilter("voice_id", "==", progress.renamed.voice_id)
        ).order_by("__name__")
        if progress.after is not None:
            spoken = spoken.start_after({"__name__": generations.document(progress.after)})
        return spoken.select(_NEEDED).limit(self.read_at_once)

    def _look_again(self, progress: _Progress) -> None:
        snapshot = progress.note.get(**BOUNDED)
        noted = snapshot.to_dict() or {}
        renamed = to_renamed(noted)
        # Done by somebody else, or another rename, whose own rewriting goes over them all.
        if renamed is None or noted.get("since") != progress.since:
            progress.ended = True
            return
        progress.renamed, progress.update_time = renamed, snapshot.update_time
        progress.waiting = ()


def _noted(after: str | None, *, complete: bool, is_last: bool) -> documents.Fields:
    """Return what the note says next; once all is done, it stays for those who show names.

    They may have read generations before these were rewritten: for as long as any request lasts,
    the note tells them the name.
    """
    if not is_last:
        return {"after": after, "complete": complete}
    if complete:
        return {"after": None, "done": True, "since": firestore.SERVER_TIMESTAMP}
    return {"after": None}


def _under_name(document: documents.Document, renamed: Renamed) -> documents.Fields:
    """Return the fields of a generation that differ once its voice has its new name.

    There are none of one that another voice spoke, or that nobody can read.
    """
    saved_at, text, tags = (document.get(field) for field in ("saved_at", "text", "tags"))
    if not isinstance(saved_at, datetime) or not isinstance(tags, list):
        return {}
    if not isinstance(text, str | None) or document.get("voice_name") == renamed.name:
        return {}
    if not renamed.covers(document["voice_id"], documents.to_time(saved_at)):
        return {}
    return {
        "voice_name": renamed.name,
        "name_key": sort_key(renamed.name),
        "terms": list(speech_terms(renamed.name, map(str, tags), text)),
    }
