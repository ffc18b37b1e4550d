"""Withdraw the consent to a voice: its files go, and it can never be used again."""

from voxshelf.use_cases.ports import Library, ObjectStore


def withdraw_consent(uid: str, voice_id: str, *, library: Library, objects: ObjectStore) -> None:
    """Remove sample, profile and recording of a voice, and keep the place barred.

    What was said, by whom and when stays, with the time of the withdrawal. Speech that was
    generated before stays with its owner.

    Raises:
        NotFound: when there is no such voice.
        Unavailable: it may be gone already; doing it again is safe.
    """
    deletion = library.delete(uid, "voices", voice_id, withdrawn=True)
    objects.delete(deletion.object_paths)
    library.forget(deletion)
