"""Finish or undo what a crash left behind. Safe to run twice, or in parallel with anything.

What the database notes is settled by the database's word alone. What only the bucket shows
(an object that no document names) is looked for by the deep comparison, in this order: first
the object is seen, then the documents are read. A document names its objects before they
exist and until they are gone, so an object that no document names by then is nobody's.

A run has so much time. It stops between two steps, and everything that it has done stays done.
"""

import itertools
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from voxshelf.core.content import StoredName
from voxshelf.use_cases.fair_shares import FairShares
from voxshelf.use_cases.leftovers import LeftoverSettler
from voxshelf.use_cases.ports import Library, ObjectStore
from voxshelf.use_cases.summary import Summary
from voxshelf.use_cases.unreadable import Unreadable
from voxshelf.use_cases.upkeep_ports import Upkeep

OWNED_PREFIXES = ("voice_samples/", "voice_profiles/", "tts_generations/")
UPLOADS_PREFIX = "uploads/"
# Direct uploads are taken over within minutes; the contract gives them a day.
UPLOAD_LIFETIME = timedelta(days=1)
_REMOVED_AT_ONCE = 200
_LOOKED_AT_ONCE = 8


def reconcile(
    *,
    library: Library,
    upkeep: Upkeep,
    objects: ObjectStore,
    lease: timedelta,
    deep: bool = False,
    upload_lifetime: timedelta = UPLOAD_LIFETIME,
    ends_at: float = math.inf,
    clock: Callable[[], float] = time.monotonic,
) -> Summary:
    """Settle every leftover older than `lease`, and remove old uploads, until `ends_at` of `clock`.

    With `deep`, also compare the bucket with the database in both directions, and the counters with
    what is there. One leftover that fails, or cannot be read, is counted and does not keep the
    others from being settled; the next run finds it again.
    """
    run = _Run(library, upkeep, objects, FairShares(ends_at, clock))
    steps = [lambda: run.settle(lease), lambda: run.remove_old_uploads(upload_lifetime)]
    if deep:
        steps += [run.remove_orphans, run.count_missing, run.recount]
    for step in steps:
        run.attempt(step)
    return run.summary


class _Run:
    """One run: its steps, each of which ends when the time is over."""

    def __init__(
        self, library: Library, upkeep: Upkeep, objects: ObjectStore, shares: FairShares
    ) -> None:
        self._library, self._upkeep, self._objects = library, upkeep, objects
        self._shares = shares
        self.summary = Summary()

    def attempt(self, step: Callable[[], None]) -> None:
        """Take one step; a failure does not keep the others from being taken."""
        if self._is_over():
            return
        try:
            step()
        except Exception:
            # Whatever the reason: it is counted, and the next run tries again.
            self.summary.add("failed")

    def _is_over(self) -> bool:
        if self._shares.is_over:
            self.summary.unfinished = 1
        return self._shares.is_over

    def settle(self, lease: timedelta) -> None:
        """Settle the leftovers of all users."""
        LeftoverSettler(
            self._library, self._upkeep, self._objects, self.summary, self._shares
        ).settle(lease)

    def remove_old_uploads(self, lifetime: timedelta) -> None:
        """Remove what was uploaded and never taken over."""
        before = self._upkeep.now() - lifetime
        names = self._objects.names(UPLOADS_PREFIX)
        old = (stored.path for stored in names if stored.created_at < before)
        while some := list(itertools.islice(old, _REMOVED_AT_ONCE)):
            if self._is_over():
                return
            self._objects.delete(some)
            self.summary.add("uploads", len(some))

    def remove_orphans(self) -> None:
        """Remove the objects that no document names."""
        for prefix in OWNED_PREFIXES:
            for uid, stored in _by_owner(self._objects.names(prefix), prefix):
                if self._is_over():
                    return
                # Read after the objects were seen; see the module's text.
                try:
                    referenced = self._upkeep.references(uid)
                except Unreadable as unreadable:
                    # All of them may be named there.
                    self.summary.pass_over(unreadable)
                    continue
                orphans = [name.path for name in stored if name.path not in referenced]
                self._objects.delete(orphans)
                self.summary.add("orphans", len(orphans))

    def count_missing(self) -> None:
        """Count the objects that readers are shown, and that are not there."""
        paths = self._shown_paths()
        with ThreadPoolExecutor(_LOOKED_AT_ONCE, thread_name_prefix="missing") as threads:
            while some := list(itertools.islice(paths, _REMOVED_AT_ONCE)):
                if self._is_over():
                    return
                sizes = threads.map(self._objects.size, some)
                self.summary.add("missing", sum(size is None for size in sizes))

    def _shown_paths(self) -> Iterator[str]:
        for path in self._upkeep.ready_paths():
            if isinstance(path, Unreadable):
                self.summary.pass_over(path)
            else:
                yield path

    def recount(self) -> None:
        """Compare the counters of all users with what is there."""
        for uid in self._upkeep.users():
            if self._is_over():
                return
            try:
                wrong = self._upkeep.recount(uid)
            except Unreadable as unreadable:
                self.summary.pass_over(unreadable)
                continue
            if wrong is not None:
                self.summary.add("recounted")
                self.summary.add("miscounted", wrong)


def _by_owner(names: Iterator[StoredName], prefix: str) -> Iterator[tuple[str, list[StoredName]]]:
    """Group objects by their owner, whose folder is one level below the prefix."""
    grouped = itertools.groupby(
        names, key=lambda stored: stored.path.removeprefix(prefix).partition("/")[0]
    )
    for uid, group in grouped:
        yield uid, list(group)
