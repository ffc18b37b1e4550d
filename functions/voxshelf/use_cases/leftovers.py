"""Settle what crashes left behind in the database: side by side, and fair to every user.

Each kind of leftover has its own way to be settled, in one table. All of them keep their progress
in the database, so that what is cut short goes on with the next round, or the next run.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from voxshelf.core.errors import InProgress
from voxshelf.use_cases.delete_item import settle_deletions
from voxshelf.use_cases.deletion_ports import Deletion
from voxshelf.use_cases.fair_shares import FairShares
from voxshelf.use_cases.ports import (
    Garbage,
    Leftover,
    Library,
    ObjectStore,
    Receipt,
    Renaming,
)
from voxshelf.use_cases.shelving import remove_leftovers, undo
from voxshelf.use_cases.summary import Summary
from voxshelf.use_cases.unreadable import Unreadable
from voxshelf.use_cases.upkeep_ports import Upkeep

# An instance has one CPU, and most of the time is spent waiting for answers.
_SIDE_BY_SIDE = 8
# Each of them has enough for all threads, and nothing beside them is held in memory.
_AT_ONCE = 400
# Deletions of one user in one batch: so many that they need few round trips, and so few that all
# threads have some.
_DELETED_AT_ONCE = 50


class LeftoverSettler:
    """Settles all leftovers older than `lease` that there is time for."""

    def __init__(
        self,
        library: Library,
        upkeep: Upkeep,
        objects: ObjectStore,
        summary: Summary,
        shares: FairShares,
    ) -> None:
        """Count in `summary`, within `shares`."""
        self._library, self._upkeep, self._objects = library, upkeep, objects
        self._summary, self._shares = summary, shares
        self._failed: set[object] = set()
        self._kinds: Mapping[type, Callable[[Any, float], bool]] = {
            Receipt: self._settle_save,
            Deletion: self._settle_deletions,
            Garbage: self._settle_garbage,
            Renaming: self._settle_renaming,
        }

    def settle(self, lease: timedelta) -> None:
        """Settle in rounds until nothing is left, or no time."""
        with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="settle") as threads:
            while True:
                found = self._readable(self._upkeep.leftovers(lease))
                while some := list(itertools.islice(found, _AT_ONCE)):
                    if self._shares.is_over:
                        self._summary.unfinished = 1
                        return
                    for _ in threads.map(self._try, _lots(some)):
                        pass
                if not self._shares.next_round():
                    return

    def _readable(self, found: Iterable[Leftover | Unreadable]) -> Iterator[Leftover]:
        for leftover in found:
            if isinstance(leftover, Unreadable):
                self._summary.pass_over(leftover)
            else:
                yield leftover

    def _try(self, lot: Sequence[Leftover]) -> None:
        first = lot[0]
        if not self._shares.takes_part(first.uid):
            return
        with self._shares.turn(first.uid) as until:
            if until < 0:
                self._shares.put_off(first.uid)
                return
            try:
                is_settled = self._kinds[type(first)](lot, until)
            except Exception:
                # Whatever the reason, it must not keep the others: it is counted, logged with the
                # summary, and found again by the next run.
                self._count_failure(first)
                return
        if not is_settled:
            self._shares.put_off(first.uid)

    def _count_failure(self, leftover: Leftover) -> None:
        which = _identity(leftover)
        if which not in self._failed:
            self._failed.add(which)
            self._summary.add("failed")

    def _settle_save(self, lot: Sequence[Receipt], _until: float) -> bool:
        """Finish a save whose objects are all there, undo any other.

        Finishing keeps what a user had already sent when the instance died.
        """
        (receipt,) = lot
        item = receipt.reservation.pending.item
        if all(self._objects.size(path) == size for path, size in item.object_sizes):
            try:
                self._library.confirm(receipt)
            except InProgress:
                pass
            else:
                remove_leftovers(receipt, self._library, self._objects)
                self._summary.add("finished")
                return True
        if undo(receipt, self._library, self._objects):
            self._summary.add("undone")
        return True

    def _settle_deletions(self, lot: Sequence[Deletion], until: float) -> bool:
        settled, all_done = settle_deletions(lot, self._library, self._objects, until)
        self._summary.add("deleted", settled)
        return all_done

    def _settle_garbage(self, lot: Sequence[Garbage], _until: float) -> bool:
        paths = [path for garbage in lot for path in garbage.object_paths]
        self._objects.delete(paths)
        self._library.forget(*lot)
        self._summary.add("garbage", len(paths))
        return True

    def _settle_renaming(self, lot: Sequence[Renaming], until: float) -> bool:
        (renaming,) = lot
        if renaming.done:
            self._library.end_renaming(renaming)
            return True
        for changed in self._library.rename_generations(renaming):
            self._summary.add("renamed", changed)
            if self._shares.has_passed(until):
                return False
        return True


def _lots(found: Sequence[Leftover]) -> Iterator[Sequence[Leftover]]:
    """Yield what is settled in one go: one leftover, or several purges or garbage of one user."""
    by_user: dict[tuple[str, type], list[Leftover]] = {}
    for leftover in found:
        if isinstance(leftover, Garbage) or (
            isinstance(leftover, Deletion) and not leftover.trash.taking
        ):
            by_user.setdefault((leftover.uid, type(leftover)), []).append(leftover)
        else:
            yield [leftover]
    for several in by_user.values():
        for start in range(0, len(several), _DELETED_AT_ONCE):
            yield several[start : start + _DELETED_AT_ONCE]


def _identity(leftover: Leftover) -> object:
    if isinstance(leftover, Receipt):
        return leftover.uid, leftover.reservation.pending.lease
    if isinstance(leftover, Renaming):
        return leftover
    return leftover.uid, leftover.key
