"""Delete a voice or a generation: gone at once for every reader, then for good."""

from voxshelf.use_cases.ports import Kind, Library, ObjectStore


def delete_item(
    uid: str, kind: Kind, item_id: str, *, library: Library, objects: ObjectStore
) -> None:
    """Delete one item with its objects. Generations of a deleted voice stay.

    The document is marked before the first object goes, and removed after the last one: a
    crash in between leaves an invisible item that reconcile, or deleting again, finishes.

    Raises:
        NotFound: when there is no such item.
        Unavailable: it may be gone for readers already; deleting again is safe.
    """
    deletion = library.delete(uid, kind, item_id)
    objects.delete(deletion.object_paths)
    library.forget(deletion)
