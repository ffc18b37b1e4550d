"""The decision at the head of every save: may it start, has it been done, and under what name.

Pure, so that every race and retry can be tested as a value. The adapter reads a `Shelf`,
asks `decide`, writes the answer in one atomic write that fails when anything of the shelf
has changed since, and then asks again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from voxshelf.core.account import Account, Amount, Policy
from voxshelf.core.amounts import reserved_amount
from voxshelf.core.errors import (
    ConsentWithdrawn,
    IdempotencyConflict,
    InProgress,
    NotFound,
    VoiceExists,
)
from voxshelf.core.items import Generation, Voice
from voxshelf.core.names import Stamp
from voxshelf.core.naming import Elsewhere, WantedVoice, other_place
from voxshelf.core.shelf import Entry, Pending, Shelf
from voxshelf.core.trash import Trash

Item = Voice | Generation

# The contract keeps idempotency keys for at least 24 h; a day more covers a slow TTL sweep.
REQUEST_LIFETIME = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Reservation:
    """What to write: the account after it, the save to begin, and the version it replaces.

    `garbage` is what a save whose lease had expired left behind in the same place; it is
    removed together with the replaced version, once this save is confirmed. So is what lies in
    the place as `trash`; unless it is confirmed, that can still be restored.
    """

    account: Account
    pending: Pending
    replaces: Item | None = None
    garbage: tuple[str, ...] = ()
    trash: Trash | None = None

    @property
    def amount(self) -> Amount:
        """Return what the save adds while it runs, next to all that is kept."""
        return reserved_amount(self.pending.item, self.replaces)

    @property
    def growth(self) -> Amount:
        """Return what the library has grown by once the save is done."""
        if self.replaces is None:
            return self.amount
        replaced = self.replaces
        freed = Amount(size_bytes=replaced.size_bytes, audio_ms=replaced.audio_ms)
        return self.amount + -freed

    @property
    def ends(self) -> Item | None:
        """Return what was deleted and could be restored until this save is confirmed."""
        trash = self.trash
        return trash.item if trash and trash.is_restorable(self.pending.since) else None

    @property
    def is_first(self) -> bool:
        """Tell whether the library has nothing of the item yet, not even in the trash."""
        return self.replaces is None and self.trash is None

    @property
    def leftovers(self) -> tuple[str, ...]:
        """Return the objects that nothing refers to once the save is confirmed."""
        gone = self.replaces or (self.trash.item if self.trash else None)
        return self.garbage + (gone.object_paths if gone else ())


@dataclass(frozen=True, slots=True)
class Replay:
    """The save was done before: its first answer.

    `is_there` tells that the library still has the bytes of it.
    """

    item: Item
    is_there: bool


@dataclass(frozen=True, slots=True)
class Proceed:
    """Nothing that has been read stands in the way of the save."""


# `Proceed` is the answer to an attempt that only looks: it has no draft yet.
Decision = Reservation | Replay | Elsewhere | Proceed


@dataclass(frozen=True, slots=True)
class Slot:
    """Where an item is to be placed: its stamp and time, and the voice in the library.

    `voice_id` is the address of a voice, which the save may have asked for otherwise. `replaces`
    is the version that is there, `deleted` the one in the trash. `voice` is the one that a
    generation belongs to. `fresh` tells that the place has no trace of an earlier save.
    """

    stamp: Stamp
    now: datetime
    voice_id: str
    replaces: Item | None
    voice: Voice | None
    fresh: bool
    deleted: Item | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to save; `draft` makes the item for its place.

    Without a draft it only looks, before any work is done: `adds` is what it would add for
    certain. It has no `fingerprint` while its bytes lie in the store, unread. `is_same` tells
    whether an item that is stored is what the attempt brings; edits count. Of a job on RunPod
    there is one result: what carries its id and its audio already is that, whoever saved it.
    """

    draft: Callable[[Slot], Item] | None
    fingerprint: str | None
    lease: str
    request_key: str | None
    policy: Policy
    runpod_job_id: str | None = None
    is_same: Callable[[Item], bool] = lambda _: False
    adds: Amount = field(default_factory=Amount)


def decide_voice(shelf: Shelf, attempt: Attempt, wanted: WantedVoice) -> Decision:
    """Decide on saving a voice.

    Raises:
        VoiceExists: when one of its name exists with other content and is not to be replaced.
        PermissionDenied: when the consent to it was withdrawn.
        InProgress, IdempotencyConflict, QuotaExceeded: see the contract, section 2.
    """
    replay = replay_of(shelf, attempt)
    if replay is not None:
        return replay
    elsewhere = other_place(shelf, wanted, attempt.policy.lease)
    if elsewhere is not None:
        return elsewhere
    entry = shelf.voice
    if entry is None:
        return _reservation(shelf, attempt, None)
    _refuse_busy(entry, shelf.now, attempt.policy.lease)
    if entry.voice is not None and attempt.is_same(entry.voice):
        # The same bytes for the same voice: a retry whose first answer got lost.
        return Replay(entry.voice, is_there=True)
    if entry.voice is not None and attempt.fingerprint is not None and not wanted.replace:
        raise VoiceExists(entry.voice)
    return _reservation(shelf, attempt, entry)


def decide_generation(shelf: Shelf, attempt: Attempt) -> Decision:
    """Decide on saving a generation of a voice that must exist, under a new id or the shelf's.

    Raises:
        NotFound: when the voice is not there.
        PermissionDenied: when the consent to it was withdrawn.
        InProgress, IdempotencyConflict, QuotaExceeded: see the contract, section 2.
    """
    replay = replay_of(shelf, attempt)
    if replay is not None:
        return replay
    refuse_withdrawn(shelf.voice)
    if shelf.voice is None or shelf.voice.voice is None:
        raise NotFound("There is no such voice. Save the voice first.")
    return _reservation(shelf, attempt, shelf.generation, voice=shelf.voice.voice)


def decide_rewrite(shelf: Shelf, attempt: Attempt, item: Item) -> Decision:
    """Decide on writing an item's objects anew, unless it has changed since it was read.

    Raises:
        NotFound: when it is there no more.
        InProgress: when another version has come, or is being saved.
    """
    entry = shelf.generation if isinstance(item, Generation) else shelf.voice
    if entry is None or entry.ready is None:
        raise NotFound("There is no such item in your library.")
    _refuse_busy(entry, shelf.now, attempt.policy.lease)
    if entry.ready.object_paths != item.object_paths:
        raise in_progress()
    return _reservation(shelf, attempt, entry)


def replay_of(shelf: Shelf, attempt: Attempt) -> Decision | None:
    """Return what was answered to the attempt's idempotency key before, if anything was.

    The item of that answer is brought into sight first: the consent to its voice may have been
    withdrawn since. Whether a save of unread bytes is a replay shows when they have been read.

    Raises:
        InProgress, IdempotencyConflict: see the contract, section 2.
        PermissionDenied: when the consent to the voice was withdrawn.
    """
    request = shelf.request
    if request is None or request.since + REQUEST_LIFETIME < shelf.now:
        return None
    if attempt.fingerprint is not None and request.fingerprint != attempt.fingerprint:
        raise IdempotencyConflict(
            "This Idempotency-Key was used for other content. Use a new key for a new save."
        )
    if request.item is not None:
        return _answered(shelf, attempt, request.item)
    if shelf.now < request.since + attempt.policy.lease:
        raise in_progress()
    # The first call crashed: its lease is over, and this call takes its key over.
    return None


def _answered(shelf: Shelf, attempt: Attempt, item: Item) -> Decision:
    generation_id = item.item_id if isinstance(item, Generation) else shelf.generation_id
    if (item.voice_id, generation_id) != (shelf.voice_id, shelf.generation_id):
        return Elsewhere(item.voice_id, generation_id)
    refuse_withdrawn(shelf.voice)
    if attempt.fingerprint is None:
        return Proceed()
    entry = shelf.generation if isinstance(item, Generation) else shelf.voice
    return Replay(item, is_there=entry is not None and entry.holds(item))


def is_of_same_job(item: Item, attempt: Attempt) -> bool:
    """Tell whether an item is the result of the job that the attempt saves."""
    return attempt.runpod_job_id is not None and item.runpod_job_id == attempt.runpod_job_id


def refuse_withdrawn(entry: Entry | None) -> None:
    """Refuse a voice whose place is barred.

    Raises:
        ConsentWithdrawn.
    """
    if entry is not None and entry.withdrawn:
        raise ConsentWithdrawn


def _refuse_busy(entry: Entry, now: datetime, lease: timedelta) -> None:
    refuse_withdrawn(entry)
    running = entry.pending is not None and now < entry.pending.since + lease
    if running or (entry.trash is not None and entry.trash.is_busy):
        raise in_progress()


def _reservation(
    shelf: Shelf, attempt: Attempt, entry: Entry | None, voice: Voice | None = None
) -> Reservation | Proceed:
    replaces = entry.ready if entry is not None else None
    account, garbage = shelf.account, entry.garbage if entry is not None else ()
    if entry is not None and entry.pending is not None:
        dead = entry.pending.item
        account = account.releasing(reserved_amount(dead, replaces))
        garbage += dead.object_paths
    limits = attempt.policy.limits
    if attempt.draft is None or attempt.fingerprint is None:
        adds = attempt.adds if replaces is None else Amount(size_bytes=attempt.adds.size_bytes)
        account.check_refusals(shelf.now, limits)
        account.reserving(adds, shelf.now, limits)
        return Proceed()
    stamp = Stamp.after(shelf.account.last_stamp, shelf.now)
    trash = entry.trash if entry is not None else None
    deleted = trash.item if trash is not None else None
    slot = Slot(
        stamp, shelf.now, shelf.voice_id, replaces, voice, fresh=entry is None, deleted=deleted
    )
    item = attempt.draft(slot)
    pending = Pending(
        item,
        attempt.fingerprint,
        attempt.lease,
        shelf.now,
        attempt.request_key,
        renames=_renames(item, replaces or deleted, shelf.account),
    )
    account = account.reserving(reserved_amount(item, replaces), shelf.now, limits)
    return Reservation(account, pending, replaces, garbage, trash)


def _renames(item: Item, earlier: Item | None, account: Account) -> bool:
    if not isinstance(item, Voice):
        return False
    if isinstance(earlier, Voice):
        return earlier.name != item.name
    # A voice that was here before may be among them: what it spoke keeps its own last name.
    return account.renamings > 0


def in_progress() -> InProgress:
    """Return the refusal of a save that runs already; most end within seconds."""
    return InProgress("This save is still running. Ask again in a moment.", retry_after_s=2)
