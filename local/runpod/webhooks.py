"""RunPod's call when a job has ended."""

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

import aiohttp

from local.runpod.jobs import Job
from local.runpod.settings import Settings

_DELIVERED = 200
_JOURNAL_LENGTH = 10_000


class Webhooks:
    """Makes the calls, with RunPod's retries, and remembers each attempt."""

    def __init__(self) -> None:
        self.attempts: deque[Mapping[str, Any]] = deque(maxlen=_JOURNAL_LENGTH)
        self._tasks: set[asyncio.Task[None]] = set()

    def announce(self, job: Job, settings: Settings) -> None:
        """Send what is to be sent of a job that has ended, in the background."""
        if job.webhook is None or job.state == "CANCELLED":
            return
        how, later_s = job.fault.webhook, job.fault.webhook_ms / 1000
        body = told_by_webhook(job)
        if how not in {"lost", "early"}:
            self._start(job, body, settings, later_s if how == "late" else 0)
        if how == "doubled":
            self._start(job, body, settings, 0)
        if how == "stale":
            self._start(job, _before(body), settings, later_s)

    def announce_early(self, job: Job, result: Mapping[str, Any], settings: Settings) -> None:
        """Send the result of a job that has not ended for anybody who asks."""
        if job.webhook is not None:
            state = "FAILED" if "error" in result else "COMPLETED"
            body = {**told_by_webhook(job), "status": state, **result}
            self._start(job, body, settings, 0)

    async def close(self) -> None:
        """Stop all that is under way, and forget."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.attempts.clear()

    def _start(self, job: Job, body: Mapping[str, Any], settings: Settings, wait_s: float) -> None:
        task = asyncio.create_task(self._deliver(job, body, settings, wait_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(
        self, job: Job, body: Mapping[str, Any], settings: Settings, wait_s: float
    ) -> None:
        await asyncio.sleep(wait_s)
        url = job.webhook or ""
        timeout = aiohttp.ClientTimeout(total=settings.webhook_timeout_s)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for attempt in range(1 + settings.webhook_retries):
                if attempt:
                    await asyncio.sleep(settings.webhook_retry_s)
                status = await _answered(session, url, body)
                facts = {"at": time.time(), "job_id": job.job_id, "url": url}
                self.attempts.append(facts | {"attempt": attempt + 1, "status": status})
                if status == _DELIVERED:
                    return


def told_by_webhook(job: Job) -> dict[str, Any]:
    """Return the body: what /status tells, and the request too.

    The documentation says "the same information as /status"; a real call also carries `input`
    and `webhook` (runpod-python, issue 409).
    """
    return dict(sorted({**job.told(), "input": job.input, "webhook": job.webhook}.items()))


def _before(body: Mapping[str, Any]) -> dict[str, Any]:
    hidden = {"output", "error", "executionTime"}
    earlier = {name: value for name, value in body.items() if name not in hidden}
    return earlier | {"status": "IN_PROGRESS"}


async def _answered(session: aiohttp.ClientSession, url: str, body: Mapping[str, Any]) -> int:
    """Return the status of the answer, 0 without one."""
    try:
        async with session.post(url, json=body, allow_redirects=False) as answer:
            await answer.read()
            return answer.status
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return 0
