"""Follow jobs whose webhooks never came: the schedule's part of what `settle_job` does."""

import itertools
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

from voxshelf.use_cases.job_ports import GpuWorkers, JobResults, Jobs, OwnedJob
from voxshelf.use_cases.settle_job import settle_job
from voxshelf.use_cases.unreadable import Unreadable

# RunPod is waited for most of the time.
_SIDE_BY_SIDE = 8


@dataclass(slots=True)
class Followed:
    """How many jobs were looked at, how many ended by it, and how many looks failed.

    `unreadable` are the jobs that were passed over. `unfinished` is 1 when the time was over before
    all were looked at: the next run goes on.
    """

    looked: int = 0
    ended: int = 0
    failed: int = 0
    unreadable: list[Unreadable] = field(default_factory=list)
    unfinished: int = 0


def settle_due_jobs(
    *,
    jobs: Jobs,
    workers: GpuWorkers,
    results: JobResults,
    lease: timedelta,
    ends_at: float = math.inf,
) -> Followed:
    """Settle every job that is due, side by side, until a time of the monotonic clock.

    One that fails, or cannot be read, does not keep the others.
    """
    followed, lock = Followed(), threading.Lock()

    def settle(owned: OwnedJob) -> None:
        try:
            job = settle_job(
                owned.uid, owned.job, jobs=jobs, workers=workers, results=results, lease=lease
            )
        except Exception:
            # Whatever the reason: it is counted, and the next run looks again.
            with lock:
                followed.looked += 1
                followed.failed += 1
        else:
            with lock:
                followed.looked += 1
                followed.ended += job.has_ended

    due = jobs.due()
    with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="jobs") as threads:
        while some := list(itertools.islice(due, _SIDE_BY_SIDE)):
            if time.monotonic() > ends_at:
                followed.unfinished = 1
                break
            followed.unreadable += [one for one in some if isinstance(one, Unreadable)]
            for _ in threads.map(settle, [one for one in some if isinstance(one, OwnedJob)]):
                pass
    return followed
