"""Direct uploads: files that a user put under `uploads/{uid}/`."""

import contextlib

from voxshelf.core.content import Source, Upload
from voxshelf.core.errors import NotFound, PayloadTooLarge, Unavailable
from voxshelf.use_cases.ports import ObjectStore

MAX_UPLOAD_BYTES = 200 * 1024 * 1024


def check_size(size_bytes: int, max_bytes: int) -> None:
    """Refuse an upload that is larger than it may be.

    Raises:
        PayloadTooLarge.
    """
    if size_bytes > max_bytes:
        raise PayloadTooLarge(
            f"The upload is larger than {max_bytes} bytes.", details={"max_bytes": max_bytes}
        )


def no_upload() -> NotFound:
    """Return the answer to a path where nothing lies, or something of another user's."""
    return NotFound("There is no such upload. Upload the file again.")


def is_own(path: str, uid: str) -> bool:
    """Tell whether a path lies in the user's own folder, whoever reads it and however.

    The store takes names literally, the emulator as paths: neither may leave the folder.
    """
    prefix = f"uploads/{uid}/"
    segments = path.removeprefix(prefix).split("/")
    return path.startswith(prefix) and not {"", ".", ".."} & set(segments) and len(path) <= 1024


def check_upload(path: str, uid: str, objects: ObjectStore, max_bytes: int) -> int:
    """Return the length of a user's own upload.

    Raises:
        NotFound: when it is not there, or another user's: the answer is the same.
        PayloadTooLarge.
    """
    size_bytes = objects.size(path) if is_own(path, uid) else None
    if size_bytes is None:
        raise NotFound("There is no such upload. Upload the file again.")
    if size_bytes > max_bytes:
        raise PayloadTooLarge(
            f"The upload is larger than {max_bytes} bytes.", details={"max_bytes": max_bytes}
        )
    return size_bytes


def remove_uploads(sources: list[Source | None], objects: ObjectStore) -> None:
    """Remove the uploads among the sources; what fails here is removed by reconcile."""
    paths = [source.path for source in sources if isinstance(source, Upload)]
    with contextlib.suppress(Unavailable):
        objects.delete(paths)
