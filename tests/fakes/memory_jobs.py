"""Jobs in memory: trusted because they pass the same contract suite as Firestore's."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from voxshelf.core.errors import IdempotencyConflict, NotFound
from voxshelf.core.jobs import Job, JobLimits, JobUse
from voxshelf.core.query import Cursor, Page
from voxshelf.use_cases.job_ports import OwnedJob


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
        self, uid: str, job_id: str, draft: Callable[[datetime], Job], limits: JobLimits
    ) -> tuple[Job, bool]:
        with self._lock:
            job = draft(self.now())
            present = self.records.get((uid, job_id))
            if present is not None:
                if present.fingerprint != job.fingerprint:
                    raise IdempotencyConflict("This Idempotency-Key was used for other content.")
                return present, present.secret_sha256 == job.secret_sha256
            self.uses[uid] = self.uses.get(uid, JobUse()).taking(job.created_at, limits)
            self.records[uid, job_id] = job
            return job, True

    def job(self, uid: str, job_id: str) -> Job:
        if (uid, job_id) not in self.records:
            raise NotFound("There is no such job.")
        return self.records[uid, job_id]

    def find(self, job_id: str) -> OwnedJob | None:
        found = (OwnedJob(uid, job) for (uid, own), job in self.records.items() if own == job_id)
        return next(found, None)

    def of_runpod(self, runpod_job_id: str) -> OwnedJob | None:
        same = [
            OwnedJob(uid, job)
            for (uid, _), job in self.records.items()
            if job.runpod_job_id == runpod_job_id
        ]
        return max(same, key=lambda owned: owned.job.created_at, default=None)

    def jobs(self, uid: str, page_size: int, after: Cursor | None) -> Page[Job]:
        left = [
            job
            for job in self._of(uid)
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
                self.uses[uid] = replace(self.uses[uid], active=self.uses[uid].active - 1)
            return changed

    def due(self) -> Iterator[OwnedJob]:
        for (uid, _), job in list(self.records.items()):
            if not job.has_ended and job.due_at <= self.now():
                yield OwnedJob(uid, job)

    def trust(self, profile_sha256: str) -> None:
        self.trusted.add(profile_sha256)

    def is_trusted(self, profile_sha256: str) -> bool:
        return profile_sha256 in self.trusted

    def _of(self, uid: str) -> list[Job]:
        own = [job for (owner, _), job in self.records.items() if owner == uid]
        return sorted(own, key=lambda job: (job.created_at, job.job_id), reverse=True)


def _place(cursor: Cursor) -> tuple[str, str]:
    return cursor.value, cursor.item_id
