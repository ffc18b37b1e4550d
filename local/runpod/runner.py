"""The workers: they take jobs from the queue, and their results expire."""

import asyncio
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from local.runpod.handler import handler
from local.runpod.jobs import ENDED, Job
from local.runpod.outputs import failure, reshaped
from local.runpod.settings import Settings
from local.runpod.webhooks import Webhooks


class Runner:
    """Runs the jobs of all endpoints. Of one event loop: not thread-safe."""

    def __init__(self, settings: Settings, publish: Callable[[bytes], str]) -> None:
        """Prepare; `publish` puts audio at an address and returns it."""
        self.settings = settings
        self.webhooks = Webhooks()
        self.jobs: dict[str, Job] = {}
        self._publish = publish
        self._ended: Counter[tuple[str, str]] = Counter()
        self._free = asyncio.Semaphore(settings.workers)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def submit(self, job: Job) -> None:
        """Put a job into the queue."""
        self.jobs[job.job_id] = job
        self._tasks[job.job_id] = asyncio.create_task(self._live(job))

    def cancel(self, job: Job) -> None:
        """Stop a job; one that has ended stays as it is."""
        if job.state not in ENDED:
            self._tasks.pop(job.job_id).cancel()
            job.cancel()
            self._settle(job)

    def health(self, endpoint: str) -> dict[str, Any]:
        """Return the counts of /health."""
        active = Counter(job.state for job in self.jobs.values() if job.endpoint == endpoint)
        busy = active["IN_PROGRESS"] + active["RUNNING"]
        jobs = {
            "completed": self._ended[endpoint, "COMPLETED"],
            "failed": self._ended[endpoint, "FAILED"] + self._ended[endpoint, "TIMED_OUT"],
            "inProgress": busy,
            "inQueue": active["IN_QUEUE"],
            "retried": 0,
        }
        return {"jobs": jobs, "workers": {"idle": self.settings.workers - busy, "running": busy}}

    async def change(self, settings: Settings) -> None:
        """Go on with other settings; what runs keeps its own."""
        if settings.workers != self.settings.workers:
            self._free = asyncio.Semaphore(settings.workers)
        self.settings = settings

    async def close(self) -> None:
        """Stop everything, and forget."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.webhooks.close()
        self.jobs.clear()
        self._ended.clear()
        self._tasks.clear()

    async def _live(self, job: Job) -> None:
        try:
            async with asyncio.timeout(job.policy.ttl_s):
                await asyncio.sleep(job.fault.queue_ms / 1000)
                async with self._free:
                    job.begin()
                    async with asyncio.timeout(job.policy.execution_timeout_s):
                        result = await self._worked(job)
                if job.fault.webhook == "early":
                    self.webhooks.announce_early(job, result, self.settings)
                    await asyncio.sleep(job.fault.webhook_ms / 1000)
            job.finish(result)
        except TimeoutError:
            job.time_out()
        self._settle(job)

    async def _worked(self, job: Job) -> Mapping[str, Any]:
        """Return what the worker sends back, as its fault wants it."""
        fault = job.fault
        await asyncio.sleep(fault.run_ms / 1000)
        if fault.end == "stuck":
            await asyncio.Event().wait()
        if fault.end == "crash":
            return {"error": "worker exited with exit code 1"}
        if fault.end == "failed":
            return failure("This failure was asked for.")
        if fault.end == "error":
            return {"output": {"status": "error", "message": "This error was asked for."}}
        return await asyncio.to_thread(self._handled, job)

    def _handled(self, job: Job) -> Mapping[str, Any]:
        """Run the handler as RunPod's SDK does: its `error`, or an exception, fails the job."""
        try:
            output = handler({"id": job.job_id, "input": job.input})
        except Exception:
            traceback.print_exc()
            return failure("The worker has a bug; its log says which.")
        result: Mapping[str, Any] = {"output": output}
        if job.fault.output is None:
            return result
        return reshaped(result, job.fault.output, lambda data: job.fault.url or self._publish(data))

    def _settle(self, job: Job) -> None:
        self._tasks.pop(job.job_id, None)
        self._ended[job.endpoint, job.state] += 1
        self.webhooks.announce(job, self.settings)
        kept_s = self.settings.sync_result_s if job.synchronous else self.settings.result_s
        asyncio.get_running_loop().call_later(kept_s, self.jobs.pop, job.job_id, None)
