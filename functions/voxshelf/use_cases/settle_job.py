"""Bring a job forward: ask RunPod how far it is, and save its result when it has one.

The webhook, whoever asks for the job, and `reconcile` all do this and nothing else, so it may
happen at the same time and any number of times. RunPod alone is believed; one claim at a time
saves (`Job.saving`), and the save is idempotent besides.
"""

import contextlib
from dataclasses import replace
from datetime import datetime, timedelta

from voxshelf.core.errors import (
    ConsentWithdrawn,
    InProgress,
    RateLimited,
    RunpodFailed,
    Unavailable,
    VoxshelfError,
)
from voxshelf.core.jobs import LAST_LOOK, START_LIFETIME, UNKNOWN_FOR, CloneOrder, Failure, Job
from voxshelf.use_cases.job_ports import GpuWorkers, JobResults, Jobs, RunpodJob
from voxshelf.use_cases.shelving import new_lease

_NEVER_STARTED = Failure("runpod_error", "RunPod never answered. Start the job again.")
_EXPIRED = Failure("runpod_error", "RunPod no longer has the result. Start the job again.")
_TIMED_OUT = Failure("runpod_error", "The job took longer than it may. Start it again.")
_DELETED = Failure("not_found", "This result was saved, and deleted for good.")
_CANCELLED = Failure("runpod_error", "The job was cancelled at RunPod.")


def settle_job(
    uid: str,
    job: Job,
    *,
    jobs: Jobs,
    workers: GpuWorkers,
    results: JobResults,
    lease: timedelta,
) -> Job:
    """Return the job as it stands after a look at RunPod.

    Raises:
        RunpodFailed, Unavailable: RunPod did not tell; the job is as it was.
    """
    if job.has_ended:
        return job
    settled = _settled(uid, job, jobs, workers, results, lease)
    remove_recording(settled, results)
    return settled


def remove_recording(job: Job, results: JobResults) -> None:
    """Remove what the worker was to fetch, once its job has ended, whatever its end.

    What fails here goes with the uploads, within a day.
    """
    if job.has_ended and job.recording is not None:
        with contextlib.suppress(Unavailable):
            results.drop_recording(job.recording)


def _settled(
    uid: str, job: Job, jobs: Jobs, workers: GpuWorkers, results: JobResults, lease: timedelta
) -> Job:
    if job.output_sha256 is not None:
        output = results.kept(uid, job.output_sha256)
        if output is not None:
            return _save(uid, job, output, jobs=jobs, results=results, lease=lease)
    if job.runpod_job_id is None:
        return jobs.change(uid, job.job_id, _unstarted)
    return _asked(uid, job, job.runpod_job_id, jobs, workers, results, lease)


def _asked(
    uid: str,
    job: Job,
    runpod_job_id: str,
    jobs: Jobs,
    workers: GpuWorkers,
    results: JobResults,
    lease: timedelta,
) -> Job:
    try:
        told = workers.status(job.endpoint_id, runpod_job_id)
    except (RunpodFailed, Unavailable):
        given_up = _forgotten(uid, job, jobs, results, wait_for=LAST_LOOK)
        if given_up.has_ended:
            return given_up
        raise
    if told is None:
        return _forgotten(uid, job, jobs, results, wait_for=UNKNOWN_FOR)
    if told.state == "COMPLETED":
        timed = job.timed(told.delay_ms, told.execution_ms)
        return _save(uid, timed, told.output, jobs=jobs, results=results, lease=lease)
    return jobs.change(uid, job.job_id, lambda found, now: _told(found, told, now))


def _save(
    uid: str, job: Job, output: object, *, jobs: Jobs, results: JobResults, lease: timedelta
) -> Job:
    """Save an output as the job's result, unless somebody else does at this moment.

    `job` tells what RunPod measured; the rest is read anew.
    """
    by = new_lease()

    def claim(found: Job, now: datetime) -> Job:
        if found.words_removed:
            return found.failed(_DELETED, now)
        return found.timed(job.delay_ms, job.execution_ms).saving(by, now, lease)

    claimed = jobs.change(uid, job.job_id, claim)
    if claimed.saving_by != by:
        return claimed
    try:
        result_id = results.save(uid, claimed, output)
    except (InProgress, RateLimited, Unavailable):
        return jobs.change(uid, job.job_id, lambda found, now: found.postponed(now))
    except ConsentWithdrawn as error:
        return _refused(uid, claimed, error, jobs, results)
    except VoxshelfError as error:
        failure, kept = Failure(error.code, error.message), None
        # Without it a retry has to be quicker than RunPod forgets.
        with contextlib.suppress(Unavailable):
            kept = results.keep(uid, output)
        return jobs.change(uid, job.job_id, lambda found, now: found.failed(failure, now, kept))
    return jobs.change(uid, job.job_id, lambda found, now: found.done(result_id, now))


def _refused(uid: str, job: Job, error: VoxshelfError, jobs: Jobs, results: JobResults) -> Job:
    """End a job whose voice may not be used any more: neither its result nor its words stay."""
    failure = Failure(error.code, error.message)
    if job.output_sha256 is not None:
        with contextlib.suppress(Unavailable):
            results.drop(uid, [job.output_sha256])

    def change(found: Job, now: datetime) -> Job:
        failed = replace(found.failed(failure, now), output_sha256=None)
        return failed.without_words() if isinstance(found.order, CloneOrder) else failed

    return jobs.change(uid, job.job_id, change)


def _unstarted(found: Job, now: datetime) -> Job:
    # The id may have come since the job was read.
    if found.runpod_job_id is not None or now < found.created_at + START_LIFETIME:
        return found.waiting(now)
    return found.failed(_NEVER_STARTED, now)


def _forgotten(uid: str, job: Job, jobs: Jobs, results: JobResults, *, wait_for: timedelta) -> Job:
    """Settle a job of which RunPod tells nothing: its time is over, or it was saved just before."""
    result_id = results.saved(uid, job)

    def change(found: Job, now: datetime) -> Job:
        if found.is_being_saved(now):
            return found
        if result_id is not None:
            return found.done(result_id, now)
        if now < found.created_at + wait_for:
            return found.waiting(now)
        return found.failed(_EXPIRED, now)

    return jobs.change(uid, job.job_id, change)


def _told(found: Job, told: RunpodJob, now: datetime) -> Job:
    """Return the job as RunPod tells of it, or as it is where that is old news."""
    if found.is_being_saved(now):
        return found
    if told.state == "FAILED":
        message = told.error or "The worker failed."
        return found.failed(Failure("runpod_error", message), now)
    if told.state == "TIMED_OUT":
        return found.timed_out(_TIMED_OUT, now)
    if told.state == "CANCELLED":
        return found.failed(_CANCELLED, now)
    return found.waiting(now) if told.state == "IN_QUEUE" else found.running(now)
