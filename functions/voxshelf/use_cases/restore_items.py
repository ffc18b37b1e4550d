"""Bring deleted voices and generations back, for as long as they can be."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from voxshelf.core.account import Limits
from voxshelf.core.errors import (
    InProgress,
    Internal,
    NameTaken,
    NotFound,
    QuotaExceeded,
    Unavailable,
    VoxshelfError,
)
from voxshelf.core.restoring import Verdict
from voxshelf.use_cases.delete_item import LATE, PATIENCE_S
from voxshelf.use_cases.deletion_ports import MAX_KEYS, ItemKey
from voxshelf.use_cases.ports import Library


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of one item: restored, with so many generations, or not, because of `error`."""

    key: ItemKey
    generations: int = 0
    error: VoxshelfError | None = None


def restore_items(
    uid: str,
    keys: Iterable[ItemKey],
    *,
    library: Library,
    limits: Limits,
    patience_s: float = PATIENCE_S,
) -> list[Restored]:
    """Restore items, each once, and tell what became of each, in their order.

    What is there is restored already. A voice comes back after the generations that were deleted
    with it; when that stops half way, as it does when the patience is over, restoring it again
    brings the rest.
    """
    unique = list(dict.fromkeys(keys))
    until = time.monotonic() + patience_s
    done: list[Restored] = []
    for start in range(0, len(unique), MAX_KEYS):
        some = unique[start : start + MAX_KEYS]
        if done and time.monotonic() > until:
            done += [Restored(key, error=Unavailable(LATE)) for key in some]
            continue
        try:
            done += _restored(uid, some, library, limits, until)
        except Unavailable as error:
            done += [Restored(key, error=error) for key in some]
    return done


def _restored(
    uid: str, keys: Sequence[ItemKey], library: Library, limits: Limits, until: float
) -> list[Restored]:
    verdicts = library.restore(uid, keys, limits)
    return [
        _brought(uid, key, library, limits, until)
        if verdicts[key] == "with_generations"
        else Restored(key, error=_error(verdicts[key]))
        for key in keys
    ]


def _brought(uid: str, key: ItemKey, library: Library, limits: Limits, until: float) -> Restored:
    generations = 0
    while True:
        step = library.bring_generations(uid, key.item_id, limits)
        generations += step.generations
        if step.verdict != "with_generations":
            return Restored(key, generations, _error(step.verdict))
        if time.monotonic() > until:
            return Restored(key, generations, Unavailable(LATE))


def _error(verdict: Verdict) -> VoxshelfError | None:
    if verdict == "not_found":
        return NotFound("There is no such item to restore; after 24 hours it is gone for good.")
    if verdict == "in_progress":
        return InProgress("A new voice is being saved in its place at this moment.")
    if verdict == "name_taken":
        return NameTaken("Another voice has its name by now. Rename that one, then restore.")
    if verdict == "quota_exceeded":
        return QuotaExceeded("There is no room for it. Delete something else first.")
    if verdict == "unreadable":
        return Internal()
    return None
