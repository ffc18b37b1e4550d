"""Jobs in Firestore that are looked back on: read, listed and deleted."""

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from voxshelf.adapters.documents import Document, to_time
from voxshelf.adapters.firestore_deletions import MAX_ROUNDS, pause
from voxshelf.adapters.firestore_errors import CONFLICTS, translated
from voxshelf.adapters.firestore_job_pairs import SECRET, SHOWN, JobPairs, Pair
from voxshelf.adapters.firestore_places import BOUNDED, Places, Snapshot
from voxshelf.adapters.job_documents import to_job
from voxshelf.core.errors import InProgress, NotFound, Unavailable
from voxshelf.core.jobs import Job, JobFilter, JobState
from voxshelf.core.query import Cursor, Page
from voxshelf.use_cases.job_ports import ALL_JOBS

NEWEST_FIRST = firestore.Query.DESCENDING
# Firestore takes 500 writes in a batch; a job is two.
_DELETED_AT_ONCE = 200
# Values of one `in` (https://firebase.google.com/docs/firestore/query-data/queries).
_MAX_VALUES = 30


class FirestoreJobHistory:
    """Plays the part of `Jobs` that reads and deletes."""

    def __init__(self, client: firestore.Client) -> None:
        """Use `client`, which may be shared by threads."""
        self._client = client
        self._places = Places(client)
        self._pairs = JobPairs(self._places)

    def job(self, uid: str, job_id: str) -> Job:
        """See `Jobs.job`."""
        with translated():
            return job_in(self._pairs.read(uid, job_id))

    def jobs(
        self, uid: str, page_size: int, after: Cursor | None, only: JobFilter = ALL_JOBS
    ) -> Page[Job]:
        """See `Jobs.jobs`."""
        with translated():
            found = list(islice(self._listed(uid, page_size + 1, after, only), page_size + 1))
        shown = tuple(found[:page_size])
        return Page(shown, _cursor(shown[-1]) if len(found) > page_size else None, None)

    def _listed(
        self, uid: str, at_once: int, after: Cursor | None, only: JobFilter
    ) -> Iterator[Job]:
        """Yield jobs, so many read at once; those that have expired are passed over."""
        while True:
            snapshots = list(self._page(uid, at_once, after, only).stream(**BOUNDED))
            # Without what a list does not show: that would be as many documents more.
            yield from (job for snapshot in snapshots if (job := _listable(snapshot)) is not None)
            if len(snapshots) < at_once:
                return
            last = snapshots[-1]
            after = Cursor(to_time(last.get("created_at")).isoformat(), last.id)

    def delete(self, uid: str, job_id: str) -> Job:
        """See `Jobs.delete`."""
        for round_ in range(MAX_ROUNDS):
            with translated():
                pair = self._pairs.read(uid, job_id)
                job = job_in(pair)
                if not job.has_ended:
                    raise not_ended()
                batch = self._client.batch()
                self._pairs.delete(batch, pair.shown)
                try:
                    batch.commit(**BOUNDED)
                except CONFLICTS:
                    pause(round_)
                else:
                    return job
        raise too_many()

    def delete_ended(self, uid: str, states: Collection[JobState]) -> list[Job]:
        """See `Jobs.delete_ended`."""
        deleted: list[Job] = []
        for round_ in range(MAX_ROUNDS):
            with translated():
                try:
                    while some := self._delete_some(uid, states):
                        deleted += [job for pair in some if (job := living(pair))]
                except CONFLICTS:
                    pause(round_)
                else:
                    return deleted
        raise too_many()

    def _delete_some(self, uid: str, states: Collection[JobState]) -> list[Pair]:
        shown = list(self._in_states(uid, states).limit(_DELETED_AT_ONCE).stream(**BOUNDED))
        some = self._pairs.beside(shown)
        batch = self._client.batch()
        for pair in some:
            self._pairs.delete(batch, pair.shown)
        if some:
            batch.commit(**BOUNDED)
        return some

    def naming(self, uid: str, output_sha256s: Iterable[str]) -> frozenset[str]:
        """See `Jobs.naming`."""
        asked, named = iter(output_sha256s), set()
        with translated():
            while some := list(islice(asked, _MAX_VALUES)):
                for snapshot in self._with_outputs(uid, some).stream(**BOUNDED):
                    named.add(str(snapshot.get("output_sha256")))
        return frozenset(named)

    # The queries, each with its index in firestore.indexes.json, or that which every field has.

    def _page(self, uid: str, size: int, after: Cursor | None, only: JobFilter) -> Any:
        newest = self._newest(uid, only).limit(size)
        if after is None:
            return newest
        place = self._pairs.shown(uid, after.item_id)
        created_at = datetime.fromisoformat(after.value)
        return newest.start_after({"created_at": created_at, "__name__": place})

    def _newest(self, uid: str, only: JobFilter = ALL_JOBS) -> Any:
        asked = self._in_states(uid, only.states) if only.states else self._jobs(uid)
        if only.kind is not None:
            asked = asked.where(filter=FieldFilter("kind", "==", only.kind))
        newest = asked.order_by("created_at", direction=NEWEST_FIRST)
        return newest.order_by("__name__", direction=NEWEST_FIRST)

    def _in_states(self, uid: str, states: Collection[JobState]) -> Any:
        return self._jobs(uid).where(filter=FieldFilter("state", "in", sorted(states)))

    def _with_outputs(self, uid: str, output_sha256s: list[str]) -> Any:
        secrets: Any = self._places.account(uid).collection(SECRET)
        return secrets.where(filter=FieldFilter("output_sha256", "in", output_sha256s))

    def _jobs(self, uid: str) -> Any:
        return self._places.account(uid).collection(SHOWN)


def living(pair: Pair) -> Job | None:
    """Return the job of its documents, unless there is none or it had expired when it was read."""
    return _living(pair.document, pair.shown)


def _listable(shown: Snapshot) -> Job | None:
    """Return a job as its owner may see it; see `living`.

    One that cannot be read is passed over: it must not take the others from their list.
    """
    try:
        return _living(shown.to_dict(), shown)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _living(document: Document | None, shown: Snapshot) -> Job | None:
    job = None if document is None else to_job(document)
    return None if job is None or job.is_expired(_read_at(shown)) else job


def _read_at(snapshot: Snapshot) -> datetime:
    time: Any = snapshot.read_time
    # The client library leaves it as the protocol's own in queries over all users.
    return to_time(time if isinstance(time, datetime) else time.ToDatetime(UTC))


def job_in(pair: Pair) -> Job:
    """Return the job of its documents, or raise `NotFound`."""
    job = living(pair)
    if job is None:
        raise NotFound("There is no such job.")
    return job


def not_ended() -> InProgress:
    """Return the refusal to delete a job that has not ended."""
    return InProgress("This job has not ended. Cancel it first.", retry_after_s=10)


def too_many() -> Unavailable:
    """Return the failure of a write that others went before again and again."""
    return Unavailable("Too many jobs of this user change at this moment. Try again.")


def _cursor(job: Job) -> Cursor:
    return Cursor(job.created_at.isoformat(), job.job_id)
