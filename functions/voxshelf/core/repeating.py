"""The decision on speech that may have been sent before, by a double click or a plain retry."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

from voxshelf.core.counting import counts_at
from voxshelf.core.items import Generation, Voice
from voxshelf.core.naming import Elsewhere
from voxshelf.core.reservation import (
    Attempt,
    Decision,
    Replay,
    decide_generation,
    in_progress,
)
from voxshelf.core.shelf import Shelf

# For so long the same bytes, voice and text are one generation.
REPEATED_WITHIN = timedelta(hours=24)


def content_key(voice_id: str, audio_sha256: str, text: str | None) -> str:
    """Return the id of the record by which the same speech is known again."""
    # Forms make two characters of each line break.
    said = "-" if text is None else "+" + text.replace("\r\n", "\n")
    content = f"speech\0{voice_id}\0{audio_sha256}\0{said}"
    return sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def decide_repeatable(shelf: Shelf, attempt: Attempt) -> Decision:
    """Decide on saving speech whose request record is that of its content.

    Raises:
        InProgress: while the same is being saved.
        NotFound, PermissionDenied, QuotaExceeded: see `decide_generation`.
    """
    record, anew = shelf.request, replace(shelf, request=None, generation=None)
    has_voice = shelf.voice is not None and shelf.voice.voice is not None
    if record is None or not has_voice or record.since + REPEATED_WITHIN < shelf.now:
        return decide_generation(anew, attempt)
    if record.item is None:
        if shelf.now < record.since + attempt.policy.lease:
            raise in_progress()
        return decide_generation(anew, attempt)
    if shelf.generation_id != record.item.item_id:
        return Elsewhere(shelf.voice_id, record.item.item_id)
    present = shelf.generation.ready if shelf.generation else None
    if isinstance(present, Generation) and present.digests == record.item.digests:
        voice = shelf.voice.voice if shelf.voice else None
        return Replay(_under_name(present, voice), is_there=True)
    # It was deleted since: whoever sends it again wants it back.
    return decide_generation(anew, attempt)


def _under_name(generation: Generation, voice: Voice | None) -> Generation:
    """Return a generation under the present name of its voice, while that spreads."""
    if voice is None or not counts_at(generation, voice):
        return generation
    return replace(generation, voice_name=voice.name)
