"""Jobs in Firestore: two documents each, and in the user's own document what counts them.

Every start writes the user's own document on condition that nobody else has since it was read, so
the starts of one user are decided one after another. That document names the active jobs by what
they were ordered to do, so the same read tells of a double click.
"""

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from voxshelf.adapters.documents import to_time
from voxshelf.adapters.firestore_deletions import MAX_ROUNDS, pause
from voxshelf.adapters.firestore_errors import CONFLICTS, translated
from voxshelf.adapters.firestore_job_history import (
    NEWEST_FIRST,
    FirestoreJobHistory,
    job_in,
    living,
    too_many,
)
from voxshelf.adapters.firestore_job_pairs import SECRET, SHOWN, Pair
from voxshelf.adapters.firestore_pages import in_pages, owner_of, readable
from voxshelf.adapters.firestore_places import BOUNDED, Snapshot
from voxshelf.adapters.job_documents import from_job_use, to_job_use
from voxshelf.core.jobs import Job, JobLimits
from voxshelf.use_cases.job_ports import OwnedJob
from voxshelf.use_cases.start_job import key_conflict
from voxshelf.use_cases.unreadable import Unreadable

# Most of a job is its order; so many of the longest texts take some 15 MB.
_DUE_AT_ONCE = 100


class FirestoreJobs(FirestoreJobHistory):
    """Plays `Jobs` in Firestore."""

    def __init__(self, client: firestore.Client) -> None:
        """Use `client`, which may be shared by threads."""
        super().__init__(client)
        # One reading for each request that an instance serves at once.
        self._aside = ThreadPoolExecutor(max_workers=8, thread_name_prefix="job_secrets")

    def start(
        self,
        uid: str,
        job_id: str,
        draft: Callable[[datetime], Job],
        limits: JobLimits,
        orders: Collection[str] = (),
        *,
        again: bool = False,
    ) -> tuple[Job, bool]:
        """See `Jobs.start`."""
        account = self._places.account(uid)
        for round_ in range(MAX_ROUNDS):
            with translated():
                pair, seen = self._pairs.read_beside(uid, job_id, account)
                job = draft(to_time(seen[account.path].read_time))
                present = living(pair)
                if present is not None:
                    return _same(present, job)
                use = to_job_use(seen[account.path].to_dict() or {})
                first = None if again else self._first_active(uid, use.alike(orders))
                if first is not None:
                    return first, False
                taken = use.taking(job.created_at, limits, job_id, orders)
                batch = self._client.batch()
                # One that has expired may still be in its place.
                self._pairs.put(batch, uid, pair, job)
                self._places.put(batch, account, seen[account.path], from_job_use(taken))
                try:
                    batch.commit(**BOUNDED)
                except CONFLICTS:
                    pause(round_)
                else:
                    return job, True
        raise too_many()

    def admit(self, uid: str, limits: JobLimits, orders: Collection[str] = ()) -> Job | None:
        """See `Jobs.admit`."""
        with translated():
            account = self._places.account(uid).get(**BOUNDED)
            use = to_job_use(account.to_dict() or {})
            first = self._first_active(uid, use.alike(orders))
            if first is None:
                use.taking(to_time(account.read_time), limits)
            return first

    def count_taking_over(self, uid: str, limits: JobLimits) -> None:
        """See `Jobs.count_taking_over`."""
        reference = self._places.account(uid)
        for round_ in range(MAX_ROUNDS):
            with translated():
                account = reference.get(**BOUNDED)
                use = to_job_use(account.to_dict() or {})
                counted = use.taking_over(to_time(account.read_time), limits)
                batch = self._client.batch()
                self._places.put(batch, reference, account, from_job_use(counted))
                try:
                    batch.commit(**BOUNDED)
                except CONFLICTS:
                    pause(round_)
                else:
                    return
        raise too_many()

    def alike(self, uid: str, orders: Collection[str]) -> Job | None:
        """See `Jobs.alike`."""
        with translated():
            account = self._places.account(uid).get(**BOUNDED)
            return self._first_active(uid, to_job_use(account.to_dict() or {}).alike(orders))

    def _first_active(self, uid: str, job_ids: Collection[str]) -> Job | None:
        """Return the first of these jobs that has not ended since the user's document was read.

        When all have, that document has changed with them, and a start that goes on fails to be
        written.
        """
        for job_id in job_ids:
            job = living(self._pairs.read(uid, job_id))
            if job is not None and not job.has_ended:
                return job
        return None

    def find(self, job_id: str) -> OwnedJob | None:
        """See `Jobs.find`."""
        with translated():
            # Side by side: RunPod's call waits for both.
            secret = self._aside.submit(_first, self._named(job_id, SECRET))
            shown, beside = _first(self._named(job_id)), secret.result()
            if shown is None:
                return None
            if beside is None or _uid(beside) != _uid(shown):
                return self._owned(shown)
            return _owned(Pair(shown, beside))

    def of_runpod(self, runpod_job_id: str) -> OwnedJob | None:
        """See `Jobs.of_runpod`."""
        with translated():
            shown = _first(self._at_runpod(runpod_job_id))
            return None if shown is None else self._owned(shown)

    def _owned(self, shown: Snapshot) -> OwnedJob | None:
        """Return a job that a query has found, and whose it is."""
        return _owned(self._pairs.beside([shown])[0])

    def change(self, uid: str, job_id: str, to: Callable[[Job, datetime], Job]) -> Job:
        """See `Jobs.change`."""
        for round_ in range(MAX_ROUNDS):
            with translated():
                pair = self._pairs.read(uid, job_id)
                job = job_in(pair)
                changed = to(job, to_time(pair.shown.read_time))
                if changed == job:
                    return job
                batch = self._client.batch()
                self._pairs.put(batch, uid, pair, changed)
                if changed.has_ended and not job.has_ended:
                    # Merged, not updated: the job of a user who has been deleted must end, too.
                    freed = {
                        "jobs": {"active": firestore.Increment(-1)},
                        "job_orders": {job_id: firestore.DELETE_FIELD},
                    }
                    batch.set(self._places.account(uid), freed, merge=True)
                try:
                    batch.commit(**BOUNDED)
                except CONFLICTS:
                    pause(round_)
                else:
                    return changed
        raise too_many()

    def due(self) -> Iterator[OwnedJob | Unreadable]:
        """See `Jobs.due`."""
        with translated():
            asked = self._due_at(self._places.now()).order_by("due_at").order_by("__name__")
            for snapshot in in_pages(asked, "due_at", _DUE_AT_ONCE):
                owned = readable("jobs", snapshot, self._owned)
                if owned is not None:
                    yield owned

    def trust(self, profile_sha256: str) -> None:
        """See `Jobs.trust`."""
        with translated():
            self._trusted(profile_sha256).set({"since": firestore.SERVER_TIMESTAMP}, **BOUNDED)

    def is_trusted(self, profile_sha256: str) -> bool:
        """See `Jobs.is_trusted`."""
        with translated():
            return bool(self._trusted(profile_sha256).get(**BOUNDED).exists)

    # The queries, each with its index in firestore.indexes.json.

    def _named(self, job_id: str, kind: str = SHOWN) -> Any:
        jobs: Any = self._client.collection_group(kind)
        return jobs.where(filter=FieldFilter("job_id", "==", job_id)).limit(1)

    def _at_runpod(self, runpod_job_id: str) -> Any:
        same = self._all.where(filter=FieldFilter("runpod_job_id", "==", runpod_job_id))
        return same.order_by("created_at", direction=NEWEST_FIRST).limit(1)

    def _due_at(self, now: datetime) -> Any:
        active = self._all.where(filter=FieldFilter("active", "==", True))
        return active.where(filter=FieldFilter("due_at", "<=", now))

    @property
    def _all(self) -> Any:
        return self._client.collection_group(SHOWN)

    def _trusted(self, profile_sha256: str) -> firestore.DocumentReference:
        reference: firestore.DocumentReference = self._client.document(
            "trusted_profiles", profile_sha256
        )
        return reference


def _first(query: Any) -> Snapshot | None:
    return next(iter(query.stream(**BOUNDED)), None)


def _uid(snapshot: Snapshot) -> str:
    return str(snapshot.reference.path.split("/")[1])


def _owned(pair: Pair) -> OwnedJob | None:
    job = living(pair)
    return None if job is None else OwnedJob(owner_of(pair.shown), job)


def _same(present: Job, asked: Job) -> tuple[Job, bool]:
    """Return a job that is there, and whether it is this call's own, whose answer got lost."""
    if present.fingerprint != asked.fingerprint:
        raise key_conflict()
    return present, present.secret_sha256 == asked.secret_sha256
