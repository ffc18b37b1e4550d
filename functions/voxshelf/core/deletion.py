"""The decision at the head of every deletion: what it does to an item's document.

Pure, as `reservation` is: the adapter reads the entry, asks, and writes the answer on condition
that the document has not changed since.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from voxshelf.core.account import Amount
from voxshelf.core.amounts import kept_amount, reserved_amount
from voxshelf.core.items import Voice
from voxshelf.core.shelf import Entry, Pending
from voxshelf.core.trash import Trash

# The key of no request: a save under it cannot be finished by anybody, only undone. Those of
# requests are digests.
NO_REQUEST = "withdrawn"


@dataclass(frozen=True, slots=True)
class Manner:
    """How to delete: for how long it can be undone, and what goes along.

    `permanent` purges at once, what is in the trash already too. `withdrawn` bars a voice for
    ever after, because the consent to it was withdrawn. `with_generations` takes a voice's
    generations along; such a one is `deleted_with` the voice.
    """

    undo_for: timedelta
    permanent: bool = False
    withdrawn: bool = False
    with_generations: bool = False
    deleted_with: str | None = None


@dataclass(frozen=True, slots=True)
class Removal:
    """What to write: the item in the trash, and what is no longer kept and reserved.

    `dropped` is the save that ends with it, whose idempotency key is free from then on. `is_fresh`
    tells that readers saw the item until now, `is_new` that it was only being saved: its document
    does not hold it yet. `changes` is false where all that is asked for has been done before.
    """

    trash: Trash
    garbage: tuple[str, ...]
    withdrawn: bool
    kept: Amount
    reserved: Amount
    unsettled_since: datetime
    dropped: Pending | None
    is_fresh: bool
    is_new: bool
    changes: bool


def decide_deletion(entry: Entry | None, manner: Manner, now: datetime) -> Removal | None:
    """Decide on deleting an item; None where there is none, or one that is only being saved.

    A save that runs over the item, or over what is left of it in the trash, is dropped: it can no
    longer be confirmed, and its objects are garbage. A voice that is only being saved and to which
    the consent is withdrawn is dropped, too, as if it had been saved: it must never come to be.
    """
    if entry is None:
        return None
    before = entry.trash or _fresh(entry, manner, now)
    if before is None:
        return None
    dropped = entry.pending.item if entry.pending is not None else None
    # Deleting again takes nothing more along, unless it is for good.
    takes = isinstance(before.item, Voice) and manner.with_generations
    trash = replace(
        before,
        purging=before.purging or manner.permanent,
        taking=before.taking or (takes and (entry.trash is None or manner.permanent)),
    )
    garbage = entry.garbage + (dropped.object_paths if dropped is not None else ())
    withdrawn = entry.withdrawn or manner.withdrawn
    return Removal(
        trash=trash,
        garbage=garbage,
        withdrawn=withdrawn,
        kept=kept_amount(entry.ready),
        reserved=Amount() if dropped is None else reserved_amount(dropped, entry.ready),
        unsettled_since=now if trash.is_busy or garbage else trash.purge_at,
        dropped=entry.pending,
        is_fresh=entry.ready is not None,
        is_new=entry.ready is None and entry.trash is None,
        changes=trash != entry.trash or dropped is not None or withdrawn != entry.withdrawn,
    )


def _fresh(entry: Entry, manner: Manner, now: datetime) -> Trash | None:
    item = entry.ready
    if item is None and entry.pending is not None and manner.withdrawn:
        item = entry.pending.item
    if item is None:
        return None
    purge_at = now + manner.undo_for
    return Trash(item, now, purge_at, deleted_with=manner.deleted_with)
