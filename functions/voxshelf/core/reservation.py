"""The decision at the head of every save: may it start, has it been done, and under what name.

Pure, so that every race and retry can be tested as a value. The adapter reads a `Shelf`,
asks `decide`, writes the answer in one atomic write that fails when anything of the shelf
has changed since, and then asks again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from voxshelf.core.account import Account, Amount, Limits
from voxshelf.core.errors import IdempotencyConflict, InProgress, NotFound, VoiceExists
from voxshelf.core.items import Generation, Voice
from voxshelf.core.names import Stamp

Item = Voice | Generation

# A save holds its reservation this long. It must outlast the longest save that still ends
# well: the functions' timeout (300 s, functions.yaml) and a minute for its last write.
LEASE = timedelta(seconds=360)

# The contract keeps idempotency keys for at least 24 h; a day more covers a slow TTL sweep.
REQUEST_LIFETIME = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Pending:
    """A save under way: what it will be, its content's digest, and since when it runs.

    `lease` is the random name of this one attempt: by it a save knows its own reservation
    again when the answer to a write got lost.
    """

    item: Item
    fingerprint: str
    lease: str
    since: datetime

    def is_running(self, now: datetime) -> bool:
        """Tell whether the save may still finish."""
        return now < self.since + LEASE


@dataclass(frozen=True, slots=True)
class VoiceEntry:
    """A voice's document: the version that readers see, and the one being saved, if any."""

    ready: Voice | None
    fingerprint: str | None
    pending: Pending | None


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """An idempotency record: `item` is the first answer, None while the save still runs."""

    fingerprint: str
    since: datetime
    item: Item | None


@dataclass(frozen=True, slots=True)
class Shelf:
    """All that a decision looks at, read at one moment of the database's clock."""

    now: datetime
    account: Account
    voice: VoiceEntry | None
    request: RequestRecord | None


@dataclass(frozen=True, slots=True)
class Reservation:
    """What to write: the account after it, the save to begin, and the version it replaces."""

    account: Account
    pending: Pending
    replaces: Voice | None = None

    @property
    def amount(self) -> Amount:
        """Return what the save adds while it runs, next to all that is kept."""
        item = self.pending.item
        if isinstance(item, Generation):
            return Amount(generations=1, size_bytes=item.size_bytes)
        return Amount(voices=0 if self.replaces else 1, size_bytes=item.size_bytes)

    @property
    def growth(self) -> Amount:
        """Return what the library has grown by once the save is done."""
        freed = Amount(size_bytes=self.replaces.size_bytes) if self.replaces else Amount()
        return self.amount + -freed


@dataclass(frozen=True, slots=True)
class Replay:
    """The save was done before: its first answer."""

    item: Item


Decision = Reservation | Replay


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to save.

    `draft` makes the item for a stamp, a time, and the voice in the library: the one
    that a voice replaces, or that a generation belongs to.
    """

    draft: Callable[[Stamp, datetime, Voice | None], Item]
    fingerprint: str
    lease: str
    limits: Limits


def decide_voice(shelf: Shelf, attempt: Attempt, *, replace: bool) -> Decision:
    """Decide on saving a voice.

    Raises:
        VoiceExists: when it exists with other content and `replace` is false.
        InProgress, IdempotencyConflict, QuotaExceeded: see the contract, section 2.
    """
    replay = _replay(shelf, attempt)
    if replay is not None:
        return replay
    entry = shelf.voice
    if entry is not None and entry.pending is not None and entry.pending.is_running(shelf.now):
        raise _in_progress(entry.pending.since, shelf.now)
    ready = entry.ready if entry is not None else None
    if entry is not None and ready is not None and entry.fingerprint == attempt.fingerprint:
        # The same bytes for the same voice: a retry whose first answer got lost.
        return Replay(ready)
    if ready is not None and not replace:
        raise VoiceExists(ready)
    return _reservation(shelf, attempt, voice=ready, replaces=ready)


def decide_generation(shelf: Shelf, attempt: Attempt) -> Decision:
    """Decide on saving a generation of a voice that must exist.

    Raises:
        NotFound: when the voice is not there.
        InProgress, IdempotencyConflict, QuotaExceeded: see the contract, section 2.
    """
    replay = _replay(shelf, attempt)
    if replay is not None:
        return replay
    if shelf.voice is None or shelf.voice.ready is None:
        raise NotFound("There is no such voice. Save the voice first.")
    return _reservation(shelf, attempt, voice=shelf.voice.ready, replaces=None)


def _replay(shelf: Shelf, attempt: Attempt) -> Replay | None:
    request = shelf.request
    if request is None or request.since + REQUEST_LIFETIME < shelf.now:
        return None
    if request.fingerprint != attempt.fingerprint:
        raise IdempotencyConflict(
            "This Idempotency-Key was used for other content. Use a new key for a new save."
        )
    if request.item is not None:
        return Replay(request.item)
    if shelf.now < request.since + LEASE:
        raise _in_progress(request.since, shelf.now)
    return None


def _reservation(
    shelf: Shelf, attempt: Attempt, *, voice: Voice | None, replaces: Voice | None
) -> Reservation:
    stamp = Stamp.after(shelf.account.last_stamp, shelf.now)
    item = attempt.draft(stamp, shelf.now, voice)
    pending = Pending(item, attempt.fingerprint, attempt.lease, shelf.now)
    amount = Reservation(shelf.account, pending, replaces).amount
    return Reservation(
        shelf.account.reserving(amount, shelf.now, attempt.limits), pending, replaces
    )


def _in_progress(since: datetime, now: datetime) -> InProgress:
    # Most saves end within seconds; only a crashed one keeps its lease to the end.
    left_s = (since + LEASE - now).total_seconds()
    return InProgress(
        "This save is still running. Ask again in a moment.",
        retry_after_s=max(1, min(2, int(left_s))),
    )
