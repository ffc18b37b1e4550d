"""The decision on a generation whose id is settled: by another library, or by a job on RunPod."""

from dataclasses import dataclass
from datetime import datetime

from voxshelf.core.errors import NotFound
from voxshelf.core.items import Generation
from voxshelf.core.reservation import (
    Attempt,
    Decision,
    Proceed,
    Replay,
    decide_generation,
    in_progress,
    is_of_same_job,
    refuse_withdrawn,
    replay_of,
)
from voxshelf.core.shelf import Shelf


class IdTaken(Exception):
    """The id that an import brings is another item's here, perhaps of one that was deleted."""


class OtherResult(Exception):
    """The job whose result is to be saved has another one here, with other audio."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What an item brings from the library that it comes from, and a save decides otherwise.

    Only an import has one: no field of a request is ever read into it.
    """

    created_at: datetime
    favorite: bool
    generation_id: str | None = None


def decide_imported(shelf: Shelf, attempt: Attempt) -> Decision:
    """Decide on saving a generation under the id by which the shelf was asked.

    Raises:
        IdTaken: when another one has the id, had it before it was deleted, or is about to.
        InProgress: when the same one is being imported at this moment.
        NotFound, PermissionDenied, QuotaExceeded: see `decide_generation`.
    """
    entry = shelf.generation
    if entry is not None:
        if entry.ready is not None and attempt.is_same(entry.ready):
            return Replay(entry.ready, is_there=True)
        pending = entry.pending
        if entry.ready or pending is None or not attempt.is_same(pending.item):
            raise IdTaken
        if shelf.now < pending.since + attempt.policy.lease:
            raise in_progress()
        # Another import of it crashed: this one takes its place over, with what it left.
    return decide_generation(shelf, attempt)


def decide_of_job(shelf: Shelf, attempt: Attempt, audio_sha256: str | None) -> Decision:
    """Decide on saving the result of a job on RunPod, whose generation has the id of the shelf's.

    The job's own save and a browser that saves the same result meet here: one of them saves. The
    digest is None while the audio is unread.

    Raises:
        OtherResult: when that generation is there, and is not this audio.
        InProgress: when the other one is saving at this moment.
        NotFound: also when it was saved, and has been deleted since.
        IdempotencyConflict, PermissionDenied, QuotaExceeded: see `decide_generation`.
    """
    replay = replay_of(shelf, attempt)
    if replay is not None:
        return replay
    entry = shelf.generation
    if entry is not None:
        if isinstance(entry.ready, Generation) and is_of_same_job(entry.ready, attempt):
            refuse_withdrawn(shelf.voice)
            if audio_sha256 is None:
                return Proceed()
            if entry.ready.audio.sha256 != audio_sha256:
                raise OtherResult
            return Replay(entry.ready, is_there=True)
        if entry.trash is not None:
            raise NotFound("This result was saved, and deleted. Restore it instead.")
        if entry.pending is not None and shelf.now < entry.pending.since + attempt.policy.lease:
            raise in_progress()
    return decide_generation(shelf, attempt)
