"""Slots for uploads as documents, and the counters of them in a user's own document."""

from dataclasses import asdict

from voxshelf.adapters.documents import Document, Fields, to_time
from voxshelf.core.upload_slots import SlotUse, Taken, UploadSlot


def from_slot(slot: UploadSlot) -> Fields:
    """Return the fields of a slot; by `expires_at` the database removes it."""
    return {**asdict(slot), "expires_at": slot.forgotten_at}


def to_slot(document: Document) -> UploadSlot:
    """Return the slot that a document holds."""
    taken = document["taken"]
    return UploadSlot(
        upload_id=document["upload_id"],
        path=document["path"],
        size_bytes=document["size_bytes"],
        content_type=document["content_type"],
        created_at=to_time(document["created_at"]),
        open_until=to_time(document["open_until"]),
        taken=None if taken is None else Taken(**{**taken, "at": to_time(taken["at"])}),
    )


def bytes_of(document: Document) -> int:
    """Return the bytes that a slot counts for; a document that makes no sense counts for none."""
    size_bytes = document.get("size_bytes")
    return size_bytes if isinstance(size_bytes, int) else 0


def from_slot_use(use: SlotUse) -> Fields:
    """Return the field of a user's own document that counts his slots."""
    return {"uploads": asdict(use)}


def to_slot_use(account: Document) -> SlotUse:
    """Return what a user has asked to upload, from his own document, which may be empty."""
    counted = account.get("uploads", {})
    return SlotUse(
        # A slot that closed after its user's document was deleted has been counted from nothing.
        open=max(counted.get("open", 0), 0),
        open_bytes=max(counted.get("open_bytes", 0), 0),
        day=counted.get("day", ""),
        today=counted.get("today", 0),
        today_bytes=counted.get("today_bytes", 0),
    )
