"""Take over a job that was started elsewhere, or save the result of one that failed once more.

Both make a new job of a result that exists: a job that has ended stays as it ended.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from voxshelf.core.errors import InvalidRequest, NotFound
from voxshelf.core.fingerprint import fingerprint
from voxshelf.core.jobs import Job, JobKind, JobLimits, Order
from voxshelf.use_cases.job_ports import GpuWorkers, JobResults, Jobs
from voxshelf.use_cases.settle_job import settle_job
from voxshelf.use_cases.start_job import digest_of, job_id_for


@dataclass(frozen=True, slots=True)
class Adoption:
    """A job of RunPod's that some other program started, and what its item is to be."""

    uid: str
    kind: JobKind
    order: Order
    endpoint_id: str
    runpod_job_id: str


def adopt_job(
    adoption: Adoption,
    *,
    jobs: Jobs,
    workers: GpuWorkers,
    results: JobResults,
    limits: JobLimits,
    lease: timedelta,
) -> Job:
    """Return the job, settled as far as RunPod has come; a job that is here already is that one.

    Raises:
        NotFound: RunPod does not know it, or it is another user's.
        QuotaExceeded, RunpodFailed, Unavailable.
    """
    uid, runpod_job_id = adoption.uid, adoption.runpod_job_id
    # Before RunPod is asked, whatever the answer: each call may fetch and decode a result.
    jobs.count_taking_over(uid, limits)
    present = jobs.of_runpod(runpod_job_id)
    if present is not None and present.uid != uid:
        raise _unknown()
    if present is not None and present.job.state not in {"failed", "timed_out", "cancelled"}:
        job = present.job
    else:
        if workers.status(adoption.endpoint_id, runpod_job_id) is None:
            raise _unknown()
        job = _begun(uid, adoption.kind, lambda now: _adopted(adoption, now), jobs, limits)
    return settle_job(uid, job, jobs=jobs, workers=workers, results=results, lease=lease)


def retry_job(
    uid: str,
    job_id: str,
    *,
    jobs: Jobs,
    workers: GpuWorkers,
    results: JobResults,
    limits: JobLimits,
    lease: timedelta,
) -> Job:
    """Save the result of a failed job again, as a new job; no GPU works for it.

    Raises:
        NotFound.
        InvalidRequest: the job has not failed, or its result is gone: it has to be started anew.
        QuotaExceeded, RunpodFailed, Unavailable.
    """
    jobs.count_taking_over(uid, limits)
    failed = jobs.job(uid, job_id)
    if failed.state != "failed":
        raise InvalidRequest("Only a job that has failed can be tried again.")
    # What was deleted for good stays deleted, and the order that it was made by is gone.
    if failed.words_removed or (
        not _is_kept(uid, failed, results) and not _is_at_runpod(failed, workers)
    ):
        raise InvalidRequest("The result of this job is gone. Start a new one.")
    job = _begun(uid, failed.kind, lambda now: _again(failed, now), jobs, limits)
    return settle_job(uid, job, jobs=jobs, workers=workers, results=results, lease=lease)


def _begun(
    uid: str, kind: JobKind, template: Callable[[datetime], Job], jobs: Jobs, limits: JobLimits
) -> Job:
    # Nobody knows the secret of this job's webhook: RunPod calls that of the first one, if any.
    job_id, secret_sha256 = job_id_for(uid, kind, None), digest_of(secrets.token_hex(32))

    def draft(now: datetime) -> Job:
        return replace(template(now), job_id=job_id, secret_sha256=secret_sha256)

    return jobs.start(uid, job_id, draft, limits)[0]


def _adopted(adoption: Adoption, now: datetime) -> Job:
    return Job(
        job_id="",
        kind=adoption.kind,
        state="queued",
        order=adoption.order,
        fingerprint=fingerprint({"adopted": adoption.runpod_job_id}),
        endpoint_id=adoption.endpoint_id,
        secret_sha256="",
        created_at=now,
        updated_at=now,
        due_at=now,
        runpod_job_id=adoption.runpod_job_id,
    )


def _again(failed: Job, now: datetime) -> Job:
    return replace(
        failed,
        state="queued",
        failure=None,
        recording=None,
        retry_of=failed.job_id,
        expires_at=None,
        created_at=now,
        updated_at=now,
        due_at=now,
    )


def _is_kept(uid: str, job: Job, results: JobResults) -> bool:
    return job.output_sha256 is not None and results.kept(uid, job.output_sha256) is not None


def _is_at_runpod(job: Job, workers: GpuWorkers) -> bool:
    if job.runpod_job_id is None:
        return False
    told = workers.status(job.endpoint_id, job.runpod_job_id)
    return told is not None and told.state == "COMPLETED"


def _unknown() -> NotFound:
    return NotFound("RunPod knows no such job.")
