"""The part of the role `Library` that deletes and brings back, and the values it deals in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from voxshelf.core.account import Limits
from voxshelf.core.deletion import Manner
from voxshelf.core.errors import Internal
from voxshelf.core.items import Voice
from voxshelf.core.jobs import CloneOrder, Job
from voxshelf.core.restoring import Verdict
from voxshelf.core.trash import Trash

if TYPE_CHECKING:
    from voxshelf.use_cases.ports import Garbage, Kind, Receipt

# Of items in one call: so many are read before the first of them is written.
MAX_KEYS = 200


class ItemKey(NamedTuple):
    """Which item of a user."""

    kind: "Kind"
    item_id: str


@dataclass(frozen=True, slots=True)
class Deletion:
    """An item that is gone for every reader, and the objects that it still has.

    `withdrawn` is a voice that nobody may use any more. `version` is the adapter's own mark of the
    document as it was found.
    """

    uid: str
    kind: "Kind"
    item_id: str
    trash: Trash
    object_paths: tuple[str, ...]
    withdrawn: bool = False
    version: object = field(default=None, compare=False)

    @property
    def key(self) -> ItemKey:
        """Return which item it is."""
        return ItemKey(self.kind, self.item_id)


@dataclass(frozen=True, slots=True)
class Taken:
    """Generations that were deleted with their voice: so many in all.

    `deletions` are those of the last step, where they are to be purged at once.
    """

    deletions: tuple[Deletion, ...]
    total: int
    done: bool


@dataclass(frozen=True, slots=True)
class Brought:
    """So many generations came back in one step, with the voice if that is `restored`.

    After `with_generations` there are more to come.
    """

    generations: int
    verdict: Verdict


def made(job: Job, deletions: Iterable[Deletion]) -> bool:
    """Tell whether a job has made one of these items, or was to make it.

    By its id at RunPod a job is known whose save of the item is not noted yet, and one that failed
    before another saved its result. A voice that nobody may use any more was to be made by every
    clone that was ordered for its place or under its name, whatever became of it.
    """
    kind = "voices" if job.kind == "clone" else "generations"
    return any(
        kind == deletion.kind
        and (
            job.result_id == deletion.item_id
            or (job.runpod_job_id or "") == deletion.trash.item.runpod_job_id
            or (deletion.withdrawn and _was_ordered(job, deletion))
        )
        for deletion in deletions
    )


def _was_ordered(job: Job, deletion: Deletion) -> bool:
    order, item = job.order, deletion.trash.item
    if not isinstance(order, CloneOrder) or not isinstance(item, Voice):
        return False
    # A place that only follows from another name is not where that voice would have come to lie.
    is_there = order.voice_id == deletion.item_id and order.has_own_id
    return is_there or order.name == item.name


class DeletionLibrary(Protocol):
    """Deletes and restores, in one or more atomic writes: as many as the database's limit asks for.

    Each item is in one of them, together with all that counts it, so that it is changed whole or
    not at all. When a method fails, or its caller dies, the items of some writes are changed and
    those of others are not; calling it again finishes it. All raise `Unavailable` when the database
    does not answer in time.
    """

    def delete(
        self, uid: str, keys: Sequence[ItemKey], manner: Manner
    ) -> "Mapping[ItemKey, Deletion | Receipt | Internal]":
        """Take items from every reader; again changes nothing, and answers the same.

        What is only being saved is left as it is: its receipt is there to undo it by. Not so a
        voice to which the consent is withdrawn: that is deleted before it has come to be, and from
        the same write on nobody can finish a save of its speech, see `barred_speech`. A save that
        a deletion ends gives its idempotency key back. Items that do not exist are not in the
        answer, and `Internal` is that of one whose document cannot be read. At most `MAX_KEYS`.
        """

    def take_generations(self, uid: str, voice_id: str) -> Taken:
        """Delete some more generations of a voice that is `taking` them.

        Those that are purged at once have to be forgotten before the next step. One whose document
        cannot be read stays.
        """

    def condemn(self, *deletions: Deletion) -> Sequence[Deletion]:
        """Mark deleted items as being purged: from then on they cannot be restored.

        Returns those that have not changed since they were found; whoever changed one has seen to
        it. At most `MAX_KEYS` at once.
        """

    def remove_words(self, deletions: Sequence[Deletion]) -> tuple[str, ...]:
        """Take the words of items that are being purged from the jobs that made them.

        Before they are forgotten: what a crash leaves is done when the purge is gone on with.
        Returns the paths of the outputs that those jobs had kept.
        """

    def barred_speech(self, uid: str, voice_id: str) -> "Sequence[Receipt]":
        """Return what was being saved of a voice when the consent to it was withdrawn.

        Nobody can confirm it any more; it is there to be undone.
        """

    def forget(self, *leftovers: "Deletion | Garbage") -> None:
        """Note that the objects are gone.

        The document of an item that is being purged goes, too, but for the note that bars a
        withdrawn voice.
        """

    def restore(
        self, uid: str, keys: Sequence[ItemKey], limits: Limits
    ) -> Mapping[ItemKey, Verdict]:
        """Bring deleted items back as they were, those that have room within the limits.

        `with_generations` is left to `bring_generations`. At most `MAX_KEYS`.
        """

    def bring_generations(self, uid: str, voice_id: str, limits: Limits) -> Brought:
        """Bring back some more generations that were deleted with a voice, and it with the last."""
