"""Follow jobs whose webhooks never came: the schedule's part of what `settle_job` does."""

from dataclasses import dataclass
from datetime import timedelta

from voxshelf.use_cases.job_ports import GpuWorkers, JobResults, Jobs
from voxshelf.use_cases.settle_job import settle_job


@dataclass(slots=True)
class Followed:
    """How many jobs were looked at, how many ended by it, and how many looks failed."""

    looked: int = 0
    ended: int = 0
    failed: int = 0


def settle_due_jobs(
    *, jobs: Jobs, workers: GpuWorkers, results: JobResults, lease: timedelta
) -> Followed:
    """Settle every job that is due; one that fails does not keep the others."""
    followed = Followed()
    for owned in jobs.due():
        followed.looked += 1
        try:
            job = settle_job(
                owned.uid, owned.job, jobs=jobs, workers=workers, results=results, lease=lease
            )
        except Exception:
            # Whatever the reason: it is counted, and the next run looks again.
            followed.failed += 1
        else:
            followed.ended += job.has_ended
    return followed
