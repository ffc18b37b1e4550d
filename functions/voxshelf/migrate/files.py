"""Whether a file can be sent at all, from its length and its first bytes."""

from pathlib import Path

from voxshelf.core.audio import SIGNATURE_BYTES, recognise
from voxshelf.core.errors import InvalidProfile
from voxshelf.core.profile import HEAD_BYTES, inspect_profile
from voxshelf.core.upload_slots import MAX_AUDIO_UPLOAD_BYTES


class FileUnusable(Exception):
    """The file cannot be sent; the text says why."""


def check_audio(path: Path) -> None:
    """Refuse what is no audio by its first bytes, whatever it is called.

    Raises:
        FileUnusable.
    """
    head, size_bytes = _head(path, SIGNATURE_BYTES)
    if size_bytes > MAX_AUDIO_UPLOAD_BYTES:
        raise FileUnusable(f"is larger than {MAX_AUDIO_UPLOAD_BYTES // 1024**2} MiB: split it")
    if recognise(head) is None:
        raise FileUnusable("is no WAV, FLAC, OGG or MP3")


def check_profile(path: Path) -> None:
    """Refuse what is no profile by its header. Nothing is loaded: real ones are pickles.

    Raises:
        FileUnusable.
    """
    try:
        inspect_profile(*_head(path, HEAD_BYTES))
    except InvalidProfile as error:
        raise FileUnusable(f"is not sent: {error.message}") from None


def _head(path: Path, length: int) -> tuple[bytes, int]:
    """Return the first bytes of a file, and how many it has."""
    try:
        with path.open("rb") as file:
            head = file.read(length)
        size_bytes = path.stat().st_size
    except OSError as error:
        raise FileUnusable(f"cannot be read: {error.strerror}") from None
    if not head:
        raise FileUnusable("is empty")
    return head, size_bytes
