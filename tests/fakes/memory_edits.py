"""The editing part of the library in memory."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from voxshelf.adapters.firestore_names import refuse_taken
from voxshelf.adapters.firestore_shelf import Named
from voxshelf.core.errors import InProgress, NotFound
from voxshelf.core.items import Generation, Voice
from voxshelf.core.renaming import Renamed, shown
from voxshelf.core.reservation import Item
from voxshelf.use_cases.ports import Kind, Renaming


@dataclass
class _Note:
    """A rename that is not forgotten: which one, since when, and how far its generations are."""

    renamed: Renamed
    number: int
    since: datetime
    after: str = ""
    complete: bool = True
    done: bool = False


class MemoryEdits:
    """Plays the editing part of `Library` on what `MemoryLibrary` holds."""

    renamed_at_once = 20

    def __init__(self) -> None:
        self.renamings: dict[tuple[str, str, datetime], _Note] = {}
        self._renames = itertools.count(1)

    def edit(
        self, uid: str, kind: Kind, item_id: str, change: Callable[[Item, datetime], Item]
    ) -> Item:
        with self._lock:
            record = self.records.get((uid, kind, item_id))
            if record is None or record.ready is None:
                raise NotFound("There is no such item in your library.")
            if record.pending is not None:
                raise InProgress("A new version of it is being saved.", retry_after_s=2)
            stored = record.ready
            item = self._shown(uid, stored)
            edited = change(item, self.now())
            if edited == item:
                return item
            record.version = next(self._versions)
            if isinstance(edited, Generation):
                record.ready = replace(edited, voice_name=stored.voice_name)
            else:
                if edited.name != item.name:
                    refuse_taken(Named(tuple(self._named(uid, edited.name)), self.now()), edited)
                    self._name(uid, edited)
                record.ready = edited
            return edited

    def _shown(self, uid: str, item: Item) -> Item:
        renamed = [note.renamed for (owner, _, _), note in self.renamings.items() if owner == uid]
        return shown(item, renamed) if isinstance(item, Generation) else item

    def _name(self, uid: str, voice: Voice) -> None:
        renamed = Renamed(voice.voice_id, voice.name, voice.saved_at)
        note = _Note(renamed, next(self._renames), self.now())
        self.renamings[uid, voice.voice_id, voice.saved_at] = note
        self._count_renamings(uid)

    def _follow(self, uid: str, voice: Voice) -> None:
        """A voice came into the place of others: what it speaks is not theirs."""
        for (owner, voice_id, _), note in self.renamings.items():
            if (owner, voice_id) == (uid, voice.voice_id) and note.renamed.until is None:
                note.renamed = replace(note.renamed, until=voice.saved_at)

    def _count_renamings(self, uid: str) -> None:
        count = len([owner for owner, _, _ in self.renamings if owner == uid])
        self.accounts[uid] = replace(self.accounts[uid], renamings=count)

    def rename_generations(self, renaming: Renaming) -> Iterator[int]:
        key = (renaming.uid, renaming.voice_id, renaming.saved_at)
        note = self.renamings.get(key)
        if note is None or note.done:
            return
        if not note.after:
            note.complete = self.accounts[renaming.uid].reserved.generations == 0
        # Of the same number, unless the voice was renamed again.
        while self.renamings.get(key) is note and not note.done:
            with self._lock:
                batch = self._generations(renaming, note.after)
                changed = [one for one in batch if _is_to_change(_kept(one), note.renamed)]
                for record in changed:
                    _keep(record, replace(_kept(record), voice_name=note.renamed.name))
                note.complete &= all(record.pending is None for record in batch)
                is_last = len(batch) < self.renamed_at_once
                note.after = "" if is_last else _kept(batch[-1]).item_id
                if is_last and note.complete:
                    note.done, note.since = True, self.now()
            yield len(changed)
            if is_last:
                return

    def end_renaming(self, renaming: Renaming) -> None:
        key = (renaming.uid, renaming.voice_id, renaming.saved_at)
        with self._lock:
            if key in self.renamings and self.renamings[key].done:
                del self.renamings[key]
                self._count_renamings(renaming.uid)

    def _generations(self, renaming: Renaming, after: str) -> list:
        found = [
            (item_id, record)
            for (uid, kind, item_id), record in self.records.items()
            if (uid, kind) == (renaming.uid, "generations")
            and _kept(record) is not None
            and _kept(record).voice_id == renaming.voice_id
            and item_id > after
        ]
        in_order = sorted(found, key=lambda pair: pair[0])
        return [record for _, record in in_order[: self.renamed_at_once]]


def _is_to_change(item: Item, renamed: Renamed) -> bool:
    covered = renamed.covers(item.voice_id, item.saved_at)
    return covered and item.voice_name != renamed.name


def _kept(record) -> Item | None:
    """Return an item that readers see, or one in the trash."""
    return record.trash.item if record.trash else record.ready


def _keep(record, item: Item) -> None:
    if record.trash:
        record.trash = replace(record.trash, item=item)
    else:
        record.ready = item
