"""Cancel a job: for its user at once, at RunPod as far as it still listens."""

import contextlib

from voxshelf.core.errors import RunpodFailed, Unavailable
from voxshelf.core.jobs import Job
from voxshelf.use_cases.job_ports import GpuWorkers, JobResults, Jobs
from voxshelf.use_cases.settle_job import remove_recording


def cancel_job(
    uid: str, job_id: str, *, jobs: Jobs, workers: GpuWorkers, results: JobResults
) -> Job:
    """Return the job as it stands then: cancelled, unless it had ended or is being saved.

    The document comes first: a result that arrives a moment later is not saved any more. What
    RunPod does not hear goes on there until its time runs out, and is thrown away.

    Raises:
        NotFound.
    """
    job = jobs.change(uid, job_id, lambda found, now: found.cancelled(now))
    if job.state == "cancelled" and job.runpod_job_id is not None:
        with contextlib.suppress(RunpodFailed, Unavailable):
            workers.cancel(job.endpoint_id, job.runpod_job_id)
    remove_recording(job, results)
    return job
