"""Jobs in memory: trusted because they pass the same contract suite as Firestore's."""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime

from voxshelf.core.errors import IdempotencyConflict, InProgress, NotFound
from voxshelf.core.job_use import JobUse
from voxshelf.core.jobs import Job, JobFilter, JobLimits, JobState
from voxshelf.core.names import kept_output_path
from voxshelf.core.query import Cursor, Page
from voxshelf.use_cases.deletion_ports import Deletion, made
from voxshelf.use_cases.job_ports import ALL_JOBS, OwnedJob


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryJobs:
    """Plays `Jobs`; `now` is its database's clock."""

    def __init__(self, now: Callable[[], datetime] = _now) -> None:
        self.now = now
        self.records: dict[tuple[str, str], Job] = {}
        self.uses: dict[str, JobUse] = {}
        self.trusted: set[str] = set()
        self._lock = threading.RLock()

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
        with self._lock:
            job = draft(self.now())
            present = self._living(uid, job_id)
            if present is not None:
                if present.fingerprint != job.fingerprint:
                    raise IdempotencyConflict("This Idempotency-Key was used for other content.")
                return present, present.secret_sha256 == job.secret_sha256
            if not again and (first := self.alike(uid, orders)) is not None:
                return first, False
            use = self.uses.get(uid, JobUse())
            self.uses[uid] = use.taking(job.created_at, limits, job_id, orders)
            self.records[uid, job_id] = job
            return job, True

    def admit(self, uid: str, limits: JobLimits, orders: Collection[str] = ()) -> Job | None:
        with self._lock:
            first = self.alike(uid, orders)
            if first is None:
                self.uses.get(uid, JobUse()).taking(self.now(), limits)
            return first

    def count_taking_over(self, uid: str, limits: JobLimits) -> None:
        with self._lock:
            self.uses[uid] = self.uses.get(uid, JobUse()).taking_over(self.now(), limits)

    def alike(self, uid: str, orders: Collection[str]) -> Job | None:
        with self._lock:
            alike = self.uses.get(uid, JobUse()).alike(orders)
            active = (self._living(uid, job_id) for job_id in alike)
            return next((job for job in active if job is not None and not job.has_ended), None)

    def job(self, uid: str, job_id: str) -> Job:
        job = self._living(uid, job_id)
        if job is None:
            raise NotFound("There is no such job.")
        return job

    def _living(self, uid: str, job_id: str) -> Job | None:
        job = self.records.get((uid, job_id))
        return None if job is None or job.is_expired(self.now()) else job

    def find(self, job_id: str) -> OwnedJob | None:
        found = (
            OwnedJob(uid, job)
            for (uid, own), job in self.records.items()
            if own == job_id and not job.is_expired(self.now())
        )
        return next(found, None)

    def of_runpod(self, runpod_job_id: str) -> OwnedJob | None:
        same = [
            OwnedJob(uid, job)
            for (uid, _), job in self.records.items()
            if job.runpod_job_id == runpod_job_id and not job.is_expired(self.now())
        ]
        return max(same, key=lambda owned: owned.job.created_at, default=None)

    def jobs(
        self, uid: str, page_size: int, after: Cursor | None, only: JobFilter = ALL_JOBS
    ) -> Page[Job]:
        left = [
            job
            for job in self._of(uid)
            if only.takes(job)
            if after is None or (job.created_at.isoformat(), job.job_id) < _place(after)
        ]
        shown = tuple(left[:page_size])
        more = len(left) > page_size
        last = Cursor(shown[-1].created_at.isoformat(), shown[-1].job_id) if more else None
        return Page(shown, last, None)

    def change(self, uid: str, job_id: str, to: Callable[[Job, datetime], Job]) -> Job:
        with self._lock:
            job = self.job(uid, job_id)
            changed = to(job, self.now())
            if changed == job:
                return job
            self.records[uid, job_id] = changed
            if changed.has_ended and not job.has_ended:
                self.uses[uid] = self.uses[uid].ending(job_id)
            return changed

    def delete(self, uid: str, job_id: str) -> Job:
        with self._lock:
            job = self.job(uid, job_id)
            if not job.has_ended:
                raise InProgress("This job has not ended. Cancel it first.", retry_after_s=10)
            return self.records.pop((uid, job_id))

    def delete_ended(self, uid: str, states: Collection[JobState]) -> list[Job]:
        with self._lock:
            gone = [job for job in self._of(uid) if job.state in states]
            for job in gone:
                del self.records[uid, job.job_id]
            return gone

    def naming(self, uid: str, output_sha256s: Iterable[str]) -> frozenset[str]:
        named = {job.output_sha256 for job in self._of(uid)}
        return frozenset(digest for digest in output_sha256s if digest in named)

    def remove_words(self, deletions: Sequence[Deletion]) -> tuple[str, ...]:
        with self._lock:
            paths = []
            for (uid, job_id), job in self.records.items():
                own = [deletion for deletion in deletions if deletion.uid == uid]
                if made(job, own):
                    self.records[uid, job_id] = job.without_words()
                    if job.output_sha256 is not None:
                        paths.append(kept_output_path(uid, job.output_sha256))
            return tuple(paths)

    def due(self) -> Iterator[OwnedJob]:
        for (uid, _), job in list(self.records.items()):
            if not job.has_ended and job.due_at <= self.now():
                yield OwnedJob(uid, job)

    def trust(self, profile_sha256: str) -> None:
        self.trusted.add(profile_sha256)

    def is_trusted(self, profile_sha256: str) -> bool:
        return profile_sha256 in self.trusted

    def _of(self, uid: str) -> list[Job]:
        own = [
            job
            for (owner, _), job in self.records.items()
            if owner == uid and not job.is_expired(self.now())
        ]
        return sorted(own, key=lambda job: (job.created_at, job.job_id), reverse=True)


def _place(cursor: Cursor) -> tuple[str, str]:
    return cursor.value, cursor.item_id
