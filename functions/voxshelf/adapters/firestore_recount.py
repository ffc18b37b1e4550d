"""Counting anew in Firestore what is there of a user, and mending the counters that say otherwise.

Every write that changes a count also writes the user's own document. So what was counted is true
for as long as that is as it was read before, and is written on that condition alone.
"""

from collections.abc import Iterator
from typing import Any

from google.cloud import firestore

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_errors import CONFLICTS, translated
from voxshelf.adapters.firestore_pages import unreadable
from voxshelf.adapters.firestore_places import BOUNDED, Places, Snapshot
from voxshelf.core.account import Amount
from voxshelf.core.counting import Counted, generation_counts, kept_of
from voxshelf.use_cases.ports import Kind

_PAGE = 300
_STREAM_TIMEOUT_S = 60.0
# Firestore takes 500 writes in a batch. What does not fit is mended by the next run.
_MAX_VOICES = 400
_SIZES = ("sample.size_bytes", "profile.size_bytes", "consent.audio.size_bytes", "audio.size_bytes")
_FIELDS = (
    *("status", "voice_id", "saved_at", "generation_count", "pending.lease"),
    *("sample.duration_s", "audio.duration_s", *_SIZES),
)


class FirestoreRecount:
    """Plays the part of `Upkeep` that recounts."""

    def __init__(self, client: firestore.Client) -> None:
        """Use `client`, which may be shared by threads."""
        self._places = Places(client)

    def users(self) -> Iterator[str]:
        """See `Upkeep.users`."""
        with translated():
            for reference in self._places.client.collection("users").list_documents(_PAGE):
                yield reference.id

    def recount(self, uid: str) -> int | None:
        """See `Upkeep.recount`."""
        with translated():
            account = self._places.account(uid).get(**BOUNDED)
            voices = self._counted(uid, "voices")
            generations = self._counted(uid, "generations")
            if voices is None or generations is None:
                return None
            items = [item for _, item in (*voices, *generations) if item is not None]
            wrong = _differing(account, kept_of(items), self._renamings(uid))
            spoken = [item for _, item in generations if item is not None]
            known = [item for _, item in voices if item is not None]
            counts = generation_counts(known, spoken)
            miscounted = [
                (snapshot, counts[item.voice_id])
                for snapshot, item in voices
                if item is not None and snapshot.get("generation_count") != counts[item.voice_id]
            ]
            if not wrong and not miscounted:
                return 0
            return self._mend(account, wrong, miscounted)

    def _counted(self, uid: str, kind: Kind) -> list[tuple[Snapshot, Counted | None]] | None:
        """Return what is there, as it counts; None when anything of it is being saved."""
        found: list[tuple[Snapshot, Counted | None]] = []
        items: Any = self._places.account(uid).collection(kind).select(_FIELDS)
        for snapshot in items.stream(timeout=_STREAM_TIMEOUT_S):
            document: documents.Fields = snapshot.to_dict() or {}
            if document.get("pending"):
                return None
            try:
                found.append((snapshot, _counted(document, kind)))
            except Exception as error:
                raise unreadable(kind, snapshot, error) from error
        return found

    def _renamings(self, uid: str) -> int:
        notes: Any = self._places.account(uid).collection("renamings").count()
        return int(notes.get(**BOUNDED)[0][0].value)

    def _mend(
        self,
        account: Snapshot,
        wrong: documents.Fields,
        miscounted: list[tuple[Snapshot, int]],
    ) -> int | None:
        batch = self._places.client.batch()
        # Written where nothing of it is wrong, too: its condition is that of all the others.
        fields = wrong or {"recounted_at": firestore.SERVER_TIMESTAMP}
        self._places.put(batch, account.reference, account, fields)
        for snapshot, count in miscounted[:_MAX_VOICES]:
            batch.update(snapshot.reference, {"generation_count": count})
        try:
            batch.commit(**BOUNDED)
        except CONFLICTS:
            # Something is being saved or deleted.
            return None
        return len(wrong) + len(miscounted[:_MAX_VOICES])


def _counted(document: documents.Document, kind: Kind) -> Counted | None:
    """Return an item as it counts; None of what stays of a withdrawn voice, and counts nothing."""
    status = document["status"]
    if status == documents.WITHDRAWN:
        return None
    main = document["sample" if kind == "voices" else "audio"]
    consent = (document.get("consent") or {}).get("audio") or {}
    sizes = (one.get("size_bytes", 0) for one in (main, document.get("profile") or {}, consent))
    amount = Amount(
        voices=int(kind == "voices"),
        generations=int(kind == "generations"),
        size_bytes=sum(sizes),
        audio_ms=round(main["duration_s"] * 1000),
    )
    saved_at = documents.to_time(document["saved_at"])
    return Counted(document["voice_id"], saved_at, amount, status == documents.READY)


def _differing(account: Snapshot, kept: Amount, renamings: int) -> documents.Fields:
    """Return the counters that are not as they should be, as nothing is being saved."""
    document: documents.Fields = account.to_dict() or {}
    nothing = documents.from_amount(Amount())
    right = {**documents.from_amount(kept), "renamings": renamings}
    wrong: documents.Fields = {
        name: count for name, count in right.items() if document.get(name, 0) != count
    }
    if document.get("reserved", nothing) != nothing:
        wrong["reserved"] = nothing
    return wrong
