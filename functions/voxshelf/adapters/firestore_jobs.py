"""Jobs in Firestore: one document each, and two counters in the user's own document."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from voxshelf.adapters.documents import to_time
from voxshelf.adapters.firestore_deletions import MAX_ROUNDS, pause
from voxshelf.adapters.firestore_errors import CONFLICTS, translated
from voxshelf.adapters.firestore_places import BOUNDED, Places, Snapshot
from voxshelf.adapters.job_documents import from_job, to_job, to_job_use
from voxshelf.core.errors import NotFound, Unavailable
from voxshelf.core.jobs import Job, JobLimits
from voxshelf.core.query import Cursor, Page
from voxshelf.use_cases.job_ports import OwnedJob
from voxshelf.use_cases.start_job import key_conflict

_NEWEST_FIRST = firestore.Query.DESCENDING
_STREAM_TIMEOUT_S = 60.0


class FirestoreJobs:
    """Plays `Jobs` in Firestore."""

    def __init__(self, client: firestore.Client) -> None:
        """Use `client`, which may be shared by threads."""
        self._client = client
        self._places = Places(client)

    def start(
        self, uid: str, job_id: str, draft: Callable[[datetime], Job], limits: JobLimits
    ) -> tuple[Job, bool]:
        """See `Jobs.start`."""
        account, reference = self._places.account(uid), self._job(uid, job_id)
        for round_ in range(MAX_ROUNDS):
            with translated():
                found = self._client.get_all([account, reference], **BOUNDED)
                seen = {snapshot.reference.path: snapshot for snapshot in found}
                job = draft(to_time(seen[account.path].read_time))
                present = seen[reference.path]
                if present.exists:
                    return _same(to_job(present.to_dict() or {}), job)
                use = to_job_use(seen[account.path].to_dict() or {}).taking(job.created_at, limits)
                batch = self._client.batch()
                batch.create(reference, from_job(job))
                self._places.put(batch, account, seen[account.path], {"jobs": asdict(use)})
                try:
                    batch.commit(**BOUNDED)
                except CONFLICTS:
                    pause(round_)
                else:
                    return job, True
        raise _too_many()

    def job(self, uid: str, job_id: str) -> Job:
        """See `Jobs.job`."""
        with translated():
            return _job_in(self._job(uid, job_id).get(**BOUNDED))

    def find(self, job_id: str) -> OwnedJob | None:
        """See `Jobs.find`."""
        with translated():
            return next(map(_owned, self._named(job_id).stream(**BOUNDED)), None)

    def of_runpod(self, runpod_job_id: str) -> OwnedJob | None:
        """See `Jobs.of_runpod`."""
        with translated():
            return next(map(_owned, self._at_runpod(runpod_job_id).stream(**BOUNDED)), None)

    def jobs(self, uid: str, page_size: int, after: Cursor | None) -> Page[Job]:
        """See `Jobs.jobs`."""
        ordered = self._newest(uid).limit(page_size + 1)
        if after is not None:
            place = self._job(uid, after.item_id)
            created_at = datetime.fromisoformat(after.value)
            ordered = ordered.start_after({"created_at": created_at, "__name__": place})
        with translated():
            found = [to_job(snapshot.to_dict()) for snapshot in ordered.stream(**BOUNDED)]
        shown = tuple(found[:page_size])
        more = len(found) > page_size
        last = Cursor(shown[-1].created_at.isoformat(), shown[-1].job_id) if more else None
        return Page(shown, last, None)

    def change(self, uid: str, job_id: str, to: Callable[[Job, datetime], Job]) -> Job:
        """See `Jobs.change`."""
        reference = self._job(uid, job_id)
        for round_ in range(MAX_ROUNDS):
            with translated():
                snapshot = reference.get(**BOUNDED)
                job = _job_in(snapshot)
                changed = to(job, to_time(snapshot.read_time))
                if changed == job:
                    return job
                batch = self._client.batch()
                unchanged = self._places.unchanged(snapshot.update_time)
                batch.update(reference, from_job(changed), option=unchanged)
                if changed.has_ended and not job.has_ended:
                    # Merged, not updated: the job of a user who has been deleted must end, too.
                    freed = {"jobs": {"active": firestore.Increment(-1)}}
                    batch.set(self._places.account(uid), freed, merge=True)
                try:
                    batch.commit(**BOUNDED)
                except CONFLICTS:
                    pause(round_)
                else:
                    return changed
        raise _too_many()

    def due(self) -> Iterator[OwnedJob]:
        """See `Jobs.due`."""
        with translated():
            now = self._places.now()
            for snapshot in self._due_at(now).stream(timeout=_STREAM_TIMEOUT_S):
                yield _owned(snapshot)

    def trust(self, profile_sha256: str) -> None:
        """See `Jobs.trust`."""
        with translated():
            self._trusted(profile_sha256).set({"since": firestore.SERVER_TIMESTAMP}, **BOUNDED)

    def is_trusted(self, profile_sha256: str) -> bool:
        """See `Jobs.is_trusted`."""
        with translated():
            return bool(self._trusted(profile_sha256).get(**BOUNDED).exists)

    # The queries, each with its index in firestore.indexes.json.

    def _named(self, job_id: str) -> Any:
        return self._all.where(filter=FieldFilter("job_id", "==", job_id)).limit(1)

    def _at_runpod(self, runpod_job_id: str) -> Any:
        same = self._all.where(filter=FieldFilter("runpod_job_id", "==", runpod_job_id))
        return same.order_by("created_at", direction=_NEWEST_FIRST).limit(1)

    def _newest(self, uid: str) -> Any:
        newest = self._jobs(uid).order_by("created_at", direction=_NEWEST_FIRST)
        return newest.order_by("__name__", direction=_NEWEST_FIRST)

    def _due_at(self, now: datetime) -> Any:
        active = self._all.where(filter=FieldFilter("active", "==", True))
        return active.where(filter=FieldFilter("due_at", "<=", now))

    @property
    def _all(self) -> Any:
        return self._client.collection_group("jobs")

    def _jobs(self, uid: str) -> Any:
        return self._places.account(uid).collection("jobs")

    def _job(self, uid: str, job_id: str) -> firestore.DocumentReference:
        reference: firestore.DocumentReference = self._jobs(uid).document(job_id)
        return reference

    def _trusted(self, profile_sha256: str) -> firestore.DocumentReference:
        reference: firestore.DocumentReference = self._client.document(
            "trusted_profiles", profile_sha256
        )
        return reference


def _job_in(snapshot: Snapshot) -> Job:
    if not snapshot.exists:
        raise NotFound("There is no such job.")
    return to_job(snapshot.to_dict() or {})


def _owned(snapshot: Snapshot) -> OwnedJob:
    return OwnedJob(snapshot.reference.path.split("/")[1], to_job(snapshot.to_dict() or {}))


def _same(present: Job, asked: Job) -> tuple[Job, bool]:
    """Return a job that is there, and whether it is this call's own, whose answer got lost."""
    if present.fingerprint != asked.fingerprint:
        raise key_conflict()
    return present, present.secret_sha256 == asked.secret_sha256


def _too_many() -> Unavailable:
    return Unavailable("Too many jobs of this user change at this moment. Try again.")
