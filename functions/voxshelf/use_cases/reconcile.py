"""Finish or undo what a crash left behind. Safe to run twice, or in parallel with anything.

What the database notes is settled by the database's word alone. What only the bucket shows
(an object that no document names) is looked for by the deep comparison, in this order: first
the object is seen, then the documents are read. A document names its objects before they
exist and until they are gone, so an object that no document names by then is nobody's.
"""

import itertools
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from voxshelf.core.content import StoredName
from voxshelf.core.errors import InProgress
from voxshelf.use_cases.delete_item import settle_deletion
from voxshelf.use_cases.deletion_ports import Deletion
from voxshelf.use_cases.ports import (
    Leftover,
    Library,
    ObjectStore,
    Receipt,
    Renaming,
    Upkeep,
)
from voxshelf.use_cases.shelving import remove_leftovers, undo

OWNED_PREFIXES = ("voice_samples/", "voice_profiles/", "tts_generations/")
UPLOADS_PREFIX = "uploads/"
# Direct uploads are taken over within minutes; the contract gives them a day.
UPLOAD_LIFETIME = timedelta(days=1)


@dataclass(slots=True)
class Summary:
    """What one run found and did.

    `renamed` are generations whose voice's name had changed; `missing` are objects that a visible
    item lacks.
    """

    finished: int = 0
    undone: int = 0
    deleted: int = 0
    garbage: int = 0
    renamed: int = 0
    uploads: int = 0
    orphans: int = 0
    missing: int = 0
    failed: int = 0

    def counts(self) -> dict[str, int]:
        """Return all counts by name."""
        return asdict(self)


def reconcile(
    *,
    library: Library,
    upkeep: Upkeep,
    objects: ObjectStore,
    lease: timedelta,
    now: datetime,
    deep: bool = False,
    upload_lifetime: timedelta = UPLOAD_LIFETIME,
) -> Summary:
    """Settle every leftover older than `lease`, and remove old uploads.

    With `deep`, also compare the bucket with the database in both directions. `now` only
    tells the age of uploads. One leftover that fails is counted and does not keep the others
    from being settled; the next run finds it again.
    """
    summary = Summary()
    for leftover in upkeep.leftovers(lease):
        try:
            _settle(leftover, library, objects, summary)
        except Exception:
            # One leftover that fails, whatever the reason, must not keep the others: it is
            # counted, logged with the summary, and found again by the next run.
            summary.failed += 1
    _remove_old_uploads(objects, now - upload_lifetime, summary)
    if deep:
        _remove_orphans(upkeep, objects, summary)
        _count_missing(upkeep, objects, summary)
    return summary


def _settle(leftover: Leftover, library: Library, objects: ObjectStore, summary: Summary) -> None:
    if isinstance(leftover, Receipt):
        _settle_save(leftover, library, objects, summary)
        return
    if isinstance(leftover, Renaming):
        for changed in library.rename_generations(leftover):
            summary.renamed += changed
        return
    if isinstance(leftover, Deletion):
        summary.deleted += settle_deletion(leftover, library, objects)
        return
    objects.delete(leftover.object_paths)
    library.forget(leftover)
    summary.garbage += len(leftover.object_paths)


def _settle_save(
    receipt: Receipt, library: Library, objects: ObjectStore, summary: Summary
) -> None:
    """Finish a save whose objects are all there, undo any other.

    Finishing keeps what a user had already sent when the instance died.
    """
    item = receipt.reservation.pending.item
    if all(objects.size(path) == size for path, size in item.object_sizes):
        try:
            library.confirm(receipt)
        except InProgress:
            pass
        else:
            remove_leftovers(receipt, library, objects)
            summary.finished += 1
            return
    if undo(receipt, library, objects):
        summary.undone += 1


def _remove_old_uploads(objects: ObjectStore, before: datetime, summary: Summary) -> None:
    for stored in objects.names(UPLOADS_PREFIX):
        if stored.created_at < before:
            objects.delete([stored.path])
            summary.uploads += 1


def _remove_orphans(upkeep: Upkeep, objects: ObjectStore, summary: Summary) -> None:
    for prefix in OWNED_PREFIXES:
        for uid, stored in _by_owner(objects.names(prefix), prefix):
            # Read after the objects were seen; see the module's text.
            referenced = upkeep.references(uid)
            orphans = [name.path for name in stored if name.path not in referenced]
            objects.delete(orphans)
            summary.orphans += len(orphans)


def _by_owner(names: Iterator[StoredName], prefix: str) -> Iterator[tuple[str, list[StoredName]]]:
    """Group objects by their owner, whose folder is one level below the prefix."""
    grouped = itertools.groupby(
        names, key=lambda stored: stored.path.removeprefix(prefix).partition("/")[0]
    )
    for uid, group in grouped:
        yield uid, list(group)


def _count_missing(upkeep: Upkeep, objects: ObjectStore, summary: Summary) -> None:
    for path in upkeep.ready_paths():
        if objects.size(path) is None:
            summary.missing += 1
