"""Editing in Firestore: read, decide, and written unless somebody else has written meanwhile."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from google.cloud import firestore

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_deletions import MAX_ROUNDS, pause
from voxshelf.adapters.firestore_errors import CONFLICTS, translated
from voxshelf.adapters.firestore_names import read_named, refuse_taken
from voxshelf.adapters.firestore_places import BOUNDED, Snapshot
from voxshelf.adapters.firestore_renamed import note_of, note_renaming, read_renamed
from voxshelf.adapters.firestore_renaming import FirestoreRenaming
from voxshelf.core.errors import InProgress, NotFound, Unavailable
from voxshelf.core.items import Generation, Voice
from voxshelf.core.renaming import shown
from voxshelf.core.reservation import Item
from voxshelf.use_cases.ports import Kind


class FirestoreEdits(FirestoreRenaming):
    """Plays the editing part of `Library`."""

    def edit(
        self, uid: str, kind: Kind, item_id: str, change: Callable[[Item, datetime], Item]
    ) -> Item:
        """See `Library.edit`."""
        # By it an edit knows itself again when the answer to its write got lost.
        attempt = secrets.token_hex(8)
        for round_ in range(MAX_ROUNDS):
            with translated():
                snapshot, account, item = self._read_item(uid, kind, item_id)
                document: documents.Fields = snapshot.to_dict() or {}
                if document.get("edited_by") == attempt:
                    return item
                if document.get("pending"):
                    raise InProgress(
                        "A new version of it is being saved. Edit it in a moment.", retry_after_s=2
                    )
                edited = change(item, snapshot.read_time)
                if edited == item:
                    return item
                try:
                    self._write_edit(snapshot, account, document, item, edited, attempt)
                except CONFLICTS:
                    pause(round_)
                else:
                    return edited
        raise Unavailable("The item is being changed at this moment. Try again.")

    def _read_item(self, uid: str, kind: Kind, item_id: str) -> tuple[Snapshot, Snapshot, Item]:
        """Return an item's document, the account's, and the item as its owner sees it."""
        references = [self._places.item(uid, kind, item_id), self._places.account(uid)]
        found = self._places.client.get_all(references, **BOUNDED)
        seen = {snapshot.reference.path: snapshot for snapshot in found}
        snapshot, account = (seen[reference.path] for reference in references)
        document = snapshot.to_dict() or {}
        if document.get("status") != documents.READY:
            raise NotFound("There is no such item in your library.")
        item = documents.to_item(document)
        if isinstance(item, Generation):
            counted = documents.to_account(account.to_dict() or {})
            item = shown(item, read_renamed(self._places, uid, counted))
        return snapshot, account, item

    def _write_edit(
        self,
        snapshot: Snapshot,
        account: Snapshot,
        document: documents.Fields,
        item: Item,
        edited: Item,
        attempt: str,
    ) -> None:
        if isinstance(edited, Generation):
            # Only a renaming writes names, so that none can come back that is no more.
            edited = replace(edited, voice_name=document["voice_name"])
        fields = documents.differing(documents.from_item(edited), document)
        batch = self._places.client.batch()
        batch.update(
            snapshot.reference,
            {**fields, "edited_by": attempt},
            option=self._places.unchanged(snapshot.update_time),
        )
        if isinstance(edited, Voice) and isinstance(item, Voice) and edited.name != item.name:
            refuse_taken(read_named(account.reference.collection("voices"), edited.name), edited)
            note = note_of(self._places, account.id, edited.voice_id, edited.saved_at)
            counted = note_renaming(
                batch, self._places, account.id, edited, is_noted=note.get(**BOUNDED).exists
            )
            # Who has the name was read after the account: nobody gets it before this is written.
            unchanged = self._places.unchanged(account.update_time)
            # What changes nothing would leave the document as it was read, for others as well.
            changes = {"renames": firestore.Increment(1), **counted}
            batch.update(account.reference, changes, option=unchanged)
        batch.commit(**BOUNDED)
