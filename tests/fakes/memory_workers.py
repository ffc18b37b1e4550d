"""RunPod in memory: jobs stand as a test puts them, and every call is written down."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from voxshelf.core.errors import RunpodFailed, Unavailable
from voxshelf.use_cases.job_ports import RunpodJob, RunpodState

ENDED = {"COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"}


class MemoryWorkers:
    """Plays `GpuWorkers`.

    `journal` has a line for each call, `requests` the bodies of all starts by the id they got.
    `failing` maps a method to what it raises; of `run`, `lost` makes it start the job all the same.
    """

    def __init__(self) -> None:
        self.journal: list[tuple[str, str]] = []
        self.requests: dict[str, Mapping[str, Any]] = {}
        self.failing: dict[str, Exception] = {}
        self.lost = False
        self._jobs: dict[str, tuple[str, RunpodJob]] = {}
        self._lock = threading.Lock()

    def run(self, endpoint_id: str, request: Mapping[str, Any]) -> RunpodJob:
        with self._lock:
            started = RunpodJob(f"r-{len(self.requests) + 1}", "IN_QUEUE")
            self._meet("run", endpoint_id)
            self.requests[started.runpod_job_id] = request
            self._jobs[started.runpod_job_id] = endpoint_id, started
        if self.lost:
            raise Unavailable("RunPod did not answer. Try again.")
        return started

    def status(self, endpoint_id: str, runpod_job_id: str) -> RunpodJob | None:
        self._meet("status", runpod_job_id)
        at, job = self._jobs.get(runpod_job_id, (None, None))
        return job if at == endpoint_id else None

    def cancel(self, endpoint_id: str, runpod_job_id: str) -> None:
        self._meet("cancel", runpod_job_id)
        job = self._jobs.get(runpod_job_id, ("", None))[1]
        if job is not None and job.state not in ENDED:
            self.tell(runpod_job_id, "CANCELLED")

    def _meet(self, method: str, argument: str) -> None:
        self.journal.append((method, argument))
        if method in self.failing:
            raise self.failing[method]

    def elsewhere(self, endpoint_id: str, runpod_job_id: str) -> None:
        """Have a job that some other program has started."""
        self._jobs[runpod_job_id] = endpoint_id, RunpodJob(runpod_job_id, "IN_QUEUE")

    def tell(self, runpod_job_id: str, state: RunpodState, **facts: Any) -> None:
        """Tell this of a job from now on."""
        endpoint_id, job = self._jobs[runpod_job_id]
        self._jobs[runpod_job_id] = endpoint_id, replace(job, state=state, **facts)

    def complete(self, runpod_job_id: str, output: Any) -> None:
        """Have a job completed with this output."""
        self.tell(runpod_job_id, "COMPLETED", output=output, delay_ms=1200, execution_ms=3400)

    def forget(self, runpod_job_id: str) -> None:
        """Know a job no more, as RunPod does after half an hour."""
        del self._jobs[runpod_job_id]

    def refuse(self) -> None:
        """Refuse every start."""
        self.failing["run"] = RunpodFailed("RunPod refused the job (400).")

    def webhook(self, runpod_job_id: str) -> str:
        """Return the path that RunPod was told to call when a job has ended."""
        return str(self.requests[runpod_job_id]["webhook"]).removeprefix("https://site.example")
