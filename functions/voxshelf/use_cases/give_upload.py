"""Give a slot for an upload, take one back, and clear away what was left in them."""

from dataclasses import dataclass
from datetime import timedelta

from voxshelf.core.account import Policy
from voxshelf.core.errors import NotFound
from voxshelf.core.upload_slots import SlotKey, UploadSlot, WantedUpload, upload_id_for
from voxshelf.use_cases.ports import ObjectStore
from voxshelf.use_cases.upload_ports import UploadSlots


def give_upload(
    uid: str,
    wanted: WantedUpload,
    idempotency_key: str | None,
    *,
    slots: UploadSlots,
    policy: Policy,
) -> tuple[UploadSlot, bool]:
    """Return a slot, and whether an earlier request with this key was given it.

    Raises:
        QuotaExceeded: when the user has as many as he may have.
        IdempotencyConflict: when the key was used for another upload.
    """
    return slots.give(uid, upload_id_for(uid, idempotency_key), wanted, policy)


def give_back_upload(key: SlotKey, *, slots: UploadSlots, objects: ObjectStore) -> None:
    """Close a slot, and remove what was uploaded there; nothing can be uploaded after it.

    Raises:
        NotFound: when there is no such slot, or a save has taken its upload.
    """
    # The slot first, so that nothing comes after the removal. What a crash leaves between the two,
    # and what an upload brings that was under way, goes with the old uploads.
    slots.close(key)
    objects.delete([key.path])


@dataclass(slots=True)
class Cleared:
    """How many slots whose time was over are closed, and how many could not be."""

    closed: int = 0
    failed: int = 0


def clear_expired_uploads(
    slots: UploadSlots, objects: ObjectStore, older_than: timedelta
) -> Cleared:
    """Close the slots whose time was over so long ago, and remove what lies in them.

    `older_than` must outlast a save, which may have found the upload just before its time was over.
    """
    cleared = Cleared()
    for key in slots.expired(older_than):
        try:
            # The upload first: without its slot nobody would look for it before a day is over.
            objects.delete([key.path])
            slots.close(key)
        except NotFound:
            # A save has taken it meanwhile, or its user has given it back.
            pass
        except Exception:
            # One that fails must not keep the others: the next run finds it again.
            cleared.failed += 1
        else:
            cleared.closed += 1
    return cleared
