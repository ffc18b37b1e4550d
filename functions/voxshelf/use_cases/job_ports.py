"""The roles that jobs need played: who keeps them, who works on them, who fetches results."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Literal, Protocol

from voxshelf.core.jobs import Job, JobFilter, JobLimits, JobState
from voxshelf.core.query import Cursor, Page
from voxshelf.use_cases.unreadable import Unreadable

RunpodState = Literal[
    "IN_QUEUE", "IN_PROGRESS", "RUNNING", "COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"
]


@dataclass(frozen=True, slots=True)
class OwnedJob:
    """A job, and whose it is."""

    uid: str
    job: Job


ALL_JOBS = JobFilter()


class Jobs(Protocol):
    """Keeps jobs. Every method is one atomic write, or fails as a whole.

    A job that has expired is as missing as one that never was, whether or not the database has
    removed it yet. All raise `Unavailable` when the database does not answer in time.
    """

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
        """Write a new job and take it from the user's limits, before anybody works on it.

        Returns the job, and whether it is this call's: a job of this id that is there already is
        returned as it is, when its fingerprint is that of the draft. `draft` may be asked several
        times, and gives the same secret each time.

        `orders` are fingerprints of what the job is ordered to do, by which others find it while
        it is active. Unless it is to be done `again`, an active job of this user with one of them
        is returned instead, however many starts meet at once.

        Raises:
            IdempotencyConflict: when it is there for other content.
            QuotaExceeded: when the user has as many jobs as he may.
        """

    def admit(self, uid: str, limits: JobLimits, orders: Collection[str] = ()) -> Job | None:
        """Tell before the work of a start what `start` would tell after it, at this moment.

        Returns an active job with one of these `orders`, or None where there is room for a new one.

        Raises:
            QuotaExceeded: when the user has as many jobs as he may.
        """

    def count_taking_over(self, uid: str, limits: JobLimits) -> None:
        """Count an attempt to take a result over, whatever comes of it.

        Raises:
            QuotaExceeded: when the user has made as many on this day as he may.
        """

    def job(self, uid: str, job_id: str) -> Job:
        """Return one job, or raise `NotFound`."""

    def find(self, job_id: str) -> OwnedJob | None:
        """Return a job of any user by its id alone, as its webhook names it."""

    def of_runpod(self, runpod_job_id: str) -> OwnedJob | None:
        """Return the newest job of any user that runs, or ran, under this id of RunPod's."""

    def alike(self, uid: str, orders: Collection[str]) -> Job | None:
        """Return an active job that was started with one of these `orders`."""

    def jobs(
        self, uid: str, page_size: int, after: Cursor | None, only: JobFilter = ALL_JOBS
    ) -> Page[Job]:
        """Return one page of some jobs, newest first, as their owner may see them."""

    def delete(self, uid: str, job_id: str) -> Job:
        """Delete a job that has ended; return it as it was.

        Raises:
            NotFound.
            InProgress: when it has not ended.
        """

    def delete_ended(self, uid: str, states: Collection[JobState]) -> list[Job]:
        """Delete all jobs that have ended in one of these states, many at a time; return them."""

    def naming(self, uid: str, output_sha256s: Iterable[str]) -> frozenset[str]:
        """Return those of the digests of kept outputs that a job of this user still names."""

    def change(self, uid: str, job_id: str, to: Callable[[Job, datetime], Job]) -> Job:
        """Read, decide and write, again while others write; `to` gets the database's time.

        Returns the job as it is then. A job that ends by it gives its place among the user's
        active jobs back, in the same write.

        Raises:
            NotFound.
        """

    def due(self) -> Iterator[OwnedJob | Unreadable]:
        """Yield the active jobs of all users whose time to be looked at has come, oldest first."""

    def trust(self, profile_sha256: str) -> None:
        """Remember a profile that a job of this deployment has returned."""

    def is_trusted(self, profile_sha256: str) -> bool:
        """Tell whether a job of this deployment has returned this profile."""


@dataclass(frozen=True, slots=True)
class RunpodJob:
    """A job as RunPod tells of it. `output` is its JSON, as it came, when it has completed."""

    runpod_job_id: str
    state: RunpodState
    output: Any = None
    error: str | None = None
    delay_ms: int | None = None
    execution_ms: int | None = None


class GpuWorkers(Protocol):
    """RunPod's endpoints.

    All methods raise `RunpodFailed` when it refuses, and `Unavailable` when it does not answer in
    time: later may help.
    """

    def run(self, endpoint_id: str, request: Mapping[str, Any]) -> RunpodJob:
        """Start a job: `request` is the whole body.

        Raises:
            RunpodFailed: it has not been started.
            Unavailable: nobody knows, since the answer got lost.
        """

    def status(self, endpoint_id: str, runpod_job_id: str) -> RunpodJob | None:
        """Return the job with its result, or None when RunPod does not know it (any more).

        A result that is too large to be kept makes it a failed one.
        """

    def cancel(self, endpoint_id: str, runpod_job_id: str) -> None:
        """Ask RunPod to stop; a job that has ended, or is unknown, is success."""


class JobResults(Protocol):
    """Turns what a worker returned into an item of the library."""

    def save(self, uid: str, job: Job, output: Any) -> str:
        """Save through the same use cases as every save; return the item's id. Again is safe.

        Raises:
            RunpodFailed: when the output is no result; its message is the worker's, if it had one.
            VoxshelfError: as `save_voice` and `save_speech` do.
        """

    def saved(self, uid: str, job: Job) -> str | None:
        """Return the id of the item that this job has become already, if it has."""

    def keep(self, uid: str, output: Any) -> str:
        """Keep an output that could not be saved for a day, so that a retry needs no GPU.

        Returns its digest, by which alone it is found: what is there must be what was kept,
        since a profile in it is trusted.
        """

    def kept(self, uid: str, output_sha256: str) -> Any | None:
        """Return the output that was kept, or None."""

    def drop(self, uid: str, output_sha256s: Iterable[str]) -> None:
        """Remove outputs that were kept; those that are gone already are no failure."""

    def drop_recording(self, path: str) -> None:
        """Remove what the worker of a job that has ended was to fetch."""


class AudioFetcher(Protocol):
    """Fetches audio that a worker left at an address of its own."""

    def __call__(self, url: str, into: BinaryIO, max_bytes: int) -> None:
        """Fetch into a file, under the rules of hardening, section 4 (SSRF).

        Raises:
            RunpodFailed: when the address is not allowed, or what is there is too large.
            Unavailable: when it did not answer in time.
        """
