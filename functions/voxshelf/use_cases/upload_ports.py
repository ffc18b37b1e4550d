"""The role that keeps slots for uploads."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Protocol

from voxshelf.core.account import Policy
from voxshelf.core.errors import IdempotencyConflict, NotFound
from voxshelf.core.upload_slots import SlotKey, UploadSlot, WantedUpload


class UploadSlots(Protocol):
    """Gives slots, and counts those that are open. Every method is one atomic write.

    All raise `Unavailable` when the database does not answer in time.
    """

    def give(
        self, uid: str, upload_id: str, wanted: WantedUpload, policy: Policy
    ) -> tuple[UploadSlot, bool]:
        """Open a slot from the database's time on; return it, and whether it was given before.

        Raises:
            QuotaExceeded: when the user has as many as he may have.
            IdempotencyConflict: when this one was given for another upload.
        """

    def find(self, uid: str, path: str) -> UploadSlot | None:
        """Return the slot of an upload that may be taken, or that a save has taken.

        None when there is none, or its time was over before anything was taken. What was taken
        is known for `REQUEST_LIFETIME`.
        """

    def take(self, uid: str, path: str, generation: str, sha256: str) -> None:
        """Note which bytes a save has taken over, and count the slot as open no more.

        Again is success, and counts once. It is noted without a slot, too: whoever repeats the
        save is told by it whether he sends the same bytes.
        """

    def close(self, key: SlotKey) -> None:
        """Forget an open slot, and count it as open no more.

        Raises:
            NotFound: when there is none, or a save has taken its upload.
        """

    def expired(self, older_than: timedelta) -> Iterator[SlotKey]:
        """Yield the open slots of all users whose time was over so long ago."""


def key_conflict() -> IdempotencyConflict:
    """Return the refusal of a key that was used for another upload."""
    return IdempotencyConflict(
        "This Idempotency-Key was used for another upload. Use a new key for a new upload."
    )


def no_slot() -> NotFound:
    """Return the refusal of a slot that is not there, or has been used."""
    return NotFound("There is no such slot for an upload.")
