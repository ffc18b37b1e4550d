"""Direct uploads: files that a user put under `uploads/{uid}/`."""

import contextlib

from voxshelf.core.errors import NotFound, PayloadTooLarge, Unavailable
from voxshelf.use_cases.ports import ObjectStore
from voxshelf.use_cases.upload_ports import UploadSlots


def check_size(size_bytes: int, max_bytes: int) -> None:
    """Refuse an upload that is larger than it may be.

    Raises:
        PayloadTooLarge.
    """
    if size_bytes > max_bytes:
        raise PayloadTooLarge(
            f"The upload is larger than {max_bytes} bytes.", details={"max_bytes": max_bytes}
        )


class UploadGone(NotFound):
    """Nothing lies at the path of an upload, or something of another user's."""


def no_upload() -> UploadGone:
    """Return the answer to a path where nothing lies that may be taken."""
    return UploadGone("There is no such upload. Upload the file again.")


def is_own(path: str, uid: str) -> bool:
    """Tell whether a path lies in the user's own folder, whoever reads it and however.

    The store takes names literally, the emulator as paths: neither may leave the folder.
    """
    prefix = f"uploads/{uid}/"
    segments = path.removeprefix(prefix).split("/")
    return path.startswith(prefix) and not {"", ".", ".."} & set(segments) and len(path) <= 1024


def take_over_upload(
    uid: str,
    path: str,
    generation: str,
    sha256: str,
    *,
    objects: ObjectStore,
    uploads: UploadSlots,
) -> None:
    """Note which bytes of an upload the library has by now, then remove just these.

    All is saved by then: what fails here is removed when the upload's time is over.
    """
    with contextlib.suppress(Unavailable):
        uploads.take(uid, path, generation, sha256)
        objects.delete_generation(path, generation)
