"""The editing part of the library in memory."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from voxshelf.adapters.firestore_names import refuse_taken
from voxshelf.adapters.firestore_shelf import Named
from voxshelf.core.account import Account
from voxshelf.core.errors import InProgress, NotFound
from voxshelf.core.items import Generation, Voice, shown
from voxshelf.core.reservation import Item
from voxshelf.use_cases.ports import Kind, Renaming


class MemoryEdits:
    """Plays the editing part of `Library` on what `MemoryLibrary` holds.

    `renamings` has the new name, the number and the time of each rename that is not settled.
    """

    renamed_at_once = 20

    def __init__(self) -> None:
        self.renamings: dict[Renaming, tuple[str, int, datetime]] = {}
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
        names = self.accounts.get(uid, Account()).names
        return shown(item, names) if isinstance(item, Generation) else item

    def _name(self, uid: str, voice: Voice) -> None:
        account = self.accounts[uid]
        names = {**account.names, voice.voice_id: voice.name}
        self.accounts[uid] = replace(account, names=names)
        noted = (voice.name, next(self._renames), self.now())
        self.renamings[Renaming(uid, voice.voice_id)] = noted

    def rename_generations(self, renaming: Renaming) -> Iterator[int]:
        noted = self.renamings.get(renaming)
        complete = self.accounts[renaming.uid].reserved.generations == 0
        after = ""
        while noted is not None and self.renamings.get(renaming) == noted:
            with self._lock:
                batch = self._generations(renaming, after)
                changed = [one for one in batch if _kept(one).voice_name != noted[0]]
                for record in changed:
                    _keep(record, replace(_kept(record), voice_name=noted[0]))
                complete &= all(record.pending is None for record in batch)
                is_last = len(batch) < self.renamed_at_once
                if is_last and complete:
                    del self.renamings[renaming]
            yield len(changed)
            if is_last:
                return
            after = _kept(batch[-1]).item_id

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


def _kept(record) -> Item | None:
    """Return an item that readers see, or one in the trash."""
    return record.trash.item if record.trash else record.ready


def _keep(record, item: Item) -> None:
    if record.trash:
        record.trash = replace(record.trash, item=item)
    else:
        record.ready = item
