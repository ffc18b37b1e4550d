"""Delete jobs that have ended: they go from the list, and what they made stays."""

from collections.abc import Collection, Sequence

from voxshelf.core.jobs import Job, JobState
from voxshelf.use_cases.job_ports import JobResults, Jobs


def delete_job(uid: str, job_id: str, *, jobs: Jobs, results: JobResults) -> Job:
    """Delete one job; return it as it was.

    Raises:
        NotFound.
        InProgress: it has not ended.
        Unavailable: it may be gone already.
    """
    job = jobs.delete(uid, job_id)
    _drop_outputs(uid, [job], jobs, results)
    return job


def delete_jobs(
    uid: str, states: Collection[JobState], *, jobs: Jobs, results: JobResults
) -> Sequence[Job]:
    """Delete all jobs that have ended in one of these states; return them.

    Raises:
        Unavailable: some may be gone already; doing it again deletes the others.
    """
    deleted = jobs.delete_ended(uid, states)
    _drop_outputs(uid, deleted, jobs, results)
    return deleted


def _drop_outputs(uid: str, deleted: Sequence[Job], jobs: Jobs, results: JobResults) -> None:
    """Remove the outputs that were kept for these jobs, and for no other.

    A retry saves the output of the job that failed before it, which may be deleted meanwhile. What
    a crash leaves here goes with the uploads, within a day.
    """
    digests = {job.output_sha256 for job in deleted if job.output_sha256 is not None}
    if digests:
        results.drop(uid, sorted(digests - jobs.naming(uid, digests)))
