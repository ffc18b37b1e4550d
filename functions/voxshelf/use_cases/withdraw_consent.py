"""Withdraw the consent to a voice: its files go, and it can never be used again."""

from voxshelf.core.account import Policy
from voxshelf.core.deletion import Manner
from voxshelf.use_cases.delete_item import delete_item
from voxshelf.use_cases.deletion_ports import ItemKey
from voxshelf.use_cases.ports import Library, ObjectStore


def withdraw_consent(
    uid: str, voice_id: str, *, library: Library, objects: ObjectStore, policy: Policy
) -> None:
    """Remove sample, profile and recording of a voice, and keep the place barred.

    A voice in the trash is no exception, it cannot be restored any more; nor is one that is only
    being saved. What was said, by whom and when stays, with the time of the withdrawal. Speech that
    was saved before stays with its owner; what is being saved at this moment never comes to be.

    Raises:
        NotFound: when there is no such voice.
        Unavailable: it may be gone already; doing it again is safe.
    """
    manner = Manner(policy.undo_for, permanent=True, withdrawn=True)
    key = ItemKey("voices", voice_id)
    delete_item(uid, key, manner, library=library, objects=objects)
