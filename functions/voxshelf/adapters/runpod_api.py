"""RunPod's serverless API over one httpx client.

Only answers are tried again, and only those that ask for it: 429 and 5xx, with random pauses. A
request whose answer never came may have started a job, so it is left to the job's webhook. The
key is in a header and nowhere else: failures of httpx, which may quote a header, are not chained.
Reference: https://docs.runpod.io/serverless/endpoints/operation-reference
"""

import json
import sys
import time
from collections.abc import Mapping
from typing import Any, get_args

import httpx
from google.api_core import retry as retries
from google.api_core.exceptions import RetryError

from voxshelf.core.errors import RunpodFailed, Unavailable
from voxshelf.core.names import is_valid_id
from voxshelf.use_cases.budget import PARSED_TIMES, Budget, Claim
from voxshelf.use_cases.job_ports import RunpodJob, RunpodState

# RunPod answers `/status` with the whole result, 20 MB at the most.
MAX_ANSWER_BYTES = 32 * 1024 * 1024
# Results are a few long texts. Each value beside them becomes many times what it is in JSON: 20 MB
# of brackets would be 600.
_MAX_VALUES = 100_000
_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
# For one whole answer: a server that sends a byte a second would otherwise hold a request, and
# Firebase Hosting ends it after 60 s, saving included. 20 MB come in this time at 1 MB/s.
_ANSWER_DEADLINE_S = 20.0
# Connections are kept: a look at a job costs no new handshake.
_LIMITS = httpx.Limits(max_connections=16, max_keepalive_connections=16, keepalive_expiry=60)
_RETRY_FOR_S = 15.0
_MAX_PAUSE_S = 4.0
_MAX_ERROR_CHARACTERS = 300
_STATES = frozenset(get_args(RunpodState))


class _Passing(Exception):
    """RunPod has no room, or a fault of its own, at this moment: its status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Unreached(Exception):
    """No connection came about, so nothing was sent."""


class _TooLarge(Exception):
    """RunPod answered with more than is read."""


class RunpodApi:
    """Plays `GpuWorkers`. Threads may share it."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout: httpx.Timeout = _TIMEOUT,
        budget: Budget | None = None,
        answer_deadline_s: float = _ANSWER_DEADLINE_S,
        retry_for_s: float = _RETRY_FOR_S,
    ) -> None:
        """Call `base_url`, such as https://api.runpod.ai/v2, with the key of the account.

        Answers draw on `budget` while they are read, where there is one.
        """
        self._answer_deadline_s = answer_deadline_s
        self._budget = budget or Budget(sys.maxsize)
        self._client = httpx.Client(
            base_url=base_url,
            # Compressed, a small answer could fill the memory before it is counted.
            headers={"Authorization": f"Bearer {api_key}", "Accept-Encoding": "identity"},
            timeout=timeout,
            limits=_LIMITS,
            follow_redirects=False,
            trust_env=False,
        )
        self._again = retries.Retry(
            predicate=retries.if_exception_type(_Passing),
            initial=0.3,
            maximum=_MAX_PAUSE_S,
            timeout=retry_for_s,
        )

    def run(self, endpoint_id: str, request: Mapping[str, Any]) -> RunpodJob:
        """See `GpuWorkers.run`."""
        try:
            status, body = self._call("POST", f"/{endpoint_id}/run", json=dict(request))
        except _Unreached:
            raise RunpodFailed("RunPod cannot be reached. Try again.") from None
        except (_Passing, _TooLarge) as error:
            if isinstance(error, _Passing) and error.status == 429:
                raise RunpodFailed("RunPod has no room at the moment. Try again.") from None
            raise _unavailable() from None
        if status != 200:
            raise _refused(status)
        return _job(body)

    def status(self, endpoint_id: str, runpod_job_id: str) -> RunpodJob | None:
        """See `GpuWorkers.status`."""
        try:
            status, body = self._asked("GET", f"/{endpoint_id}/status/{runpod_job_id}")
        except _TooLarge:
            error = "The worker returned more than can be kept."
            return RunpodJob(runpod_job_id, "FAILED", error=error)
        if status == 404:
            return None
        if status != 200:
            raise _refused(status)
        return _job(body)

    def cancel(self, endpoint_id: str, runpod_job_id: str) -> None:
        """See `GpuWorkers.cancel`."""
        status, _ = self._asked("POST", f"/{endpoint_id}/cancel/{runpod_job_id}")
        # 400 and 404: it has ended, or was never there.
        if status not in {200, 400, 404}:
            raise _refused(status)

    def _asked(self, method: str, path: str) -> tuple[int, Any]:
        """Call for what may be done twice: whatever the reason of a failure, it may be repeated."""
        try:
            return self._call(method, path)
        except (_Passing, _Unreached):
            raise _unavailable() from None

    def _call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        try:
            answer: tuple[int, Any] = self._again(self._attempt)(method, path, **options)
        except RetryError as error:
            raise (error.cause or error) from None
        return answer

    def _attempt(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        try:
            with self._client.stream(method, path, **options) as answer:
                if answer.status_code == 429 or answer.status_code >= 500:
                    _wait_as_asked(answer)
                    raise _Passing(answer.status_code)
                if answer.status_code != 200:
                    return answer.status_code, None
                with self._budget.claim() as claim:
                    return 200, _json(answer, self._answer_deadline_s, claim)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise _Unreached from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise _unavailable() from None


def _wait_as_asked(answer: httpx.Response) -> None:
    asked = answer.headers.get("Retry-After", "")
    if asked.isascii() and asked.isdigit():
        time.sleep(min(int(asked), _MAX_PAUSE_S))


def _json(answer: httpx.Response, deadline_s: float, claim: Claim) -> Any:
    declared = int(answer.headers.get("Content-Length", 0))
    if declared > MAX_ANSWER_BYTES:
        raise _TooLarge
    claim.take(PARSED_TIMES * declared)
    body, ends_at = bytearray(), time.monotonic() + deadline_s
    for block in answer.iter_raw():
        body += block
        if not declared:
            claim.take(PARSED_TIMES * len(block))
        if len(body) > MAX_ANSWER_BYTES:
            raise _TooLarge
        if time.monotonic() > ends_at:
            raise _unavailable()
    if sum(map(body.count, (b",", b"[", b"{"))) > _MAX_VALUES:
        raise _TooLarge
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Unavailable("RunPod's answer was cut off. Try again.") from None


def _unavailable() -> Unavailable:
    return Unavailable("RunPod did not answer. Try again.")


def _job(body: Any) -> RunpodJob:
    if (
        not isinstance(body, dict)
        or not isinstance(body.get("id"), str)
        # It becomes part of addresses and documents.
        or not is_valid_id(body["id"])
        or not isinstance(body.get("status"), str)
        or body["status"] not in _STATES
    ):
        raise Unavailable("RunPod's answer cannot be understood. Try again.")
    return RunpodJob(
        runpod_job_id=body["id"],
        state=body["status"],
        output=body.get("output"),
        error=_error_text(body.get("error")),
        delay_ms=_number(body.get("delayTime")),
        execution_ms=_number(body.get("executionTime")),
    )


def _error_text(error: Any) -> str | None:
    """Return what a failed worker said, for people: its first line, not its traceback."""
    if isinstance(error, str) and error.lstrip().startswith("{"):
        # RunPod's own SDK reports an exception as JSON text, with the traceback beside it.
        try:
            error = json.loads(error)
        except (ValueError, RecursionError):
            return None
    if isinstance(error, dict):
        error = error.get("error_message")
    if not isinstance(error, str) or not error.strip():
        return None
    line = error.strip().splitlines()[0]
    return line[:_MAX_ERROR_CHARACTERS] if "Traceback" not in line else None


def _number(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and 0 <= value < 2**53 else None


def _refused(status: int) -> RunpodFailed:
    if status in {401, 403}:
        return RunpodFailed("RunPod refuses this service's key. Tell the operator.")
    if status == 404:
        return RunpodFailed("RunPod has no such endpoint. Tell the operator.")
    return RunpodFailed(f"RunPod refused the job ({status}).")
