"""A job as RunPod keeps it, and tells of it."""

import asyncio
import time
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.runpod.faults import Answer, Fault
from local.runpod.settings import Settings

ENDED = frozenset({"COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"})
_NOTHING = object()


class PolicyInvalid(Exception):
    """The policy of a request is out of RunPod's bounds."""


@dataclass(frozen=True)
class Policy:
    """How long a job may run, and how long it may take in all."""

    execution_timeout_s: float
    ttl_s: float

    @classmethod
    def read(cls, wanted: object, settings: Settings) -> "Policy":
        """Read `policy` of a request, None without one. Raises PolicyInvalid."""
        given: Mapping[str, object] = wanted if isinstance(wanted, Mapping) else {}
        if wanted is not None and not isinstance(wanted, Mapping):
            raise PolicyInvalid("policy is no object")
        timeout = given.get("executionTimeout", settings.execution_timeout_ms)
        ttl = given.get("ttl", settings.ttl_ms)
        if not isinstance(timeout, int) or timeout <= settings.min_execution_timeout_ms:
            raise PolicyInvalid("executionTimeout is too short")
        if not isinstance(ttl, int) or ttl < settings.min_ttl_ms:
            raise PolicyInvalid("ttl is too short")
        return cls(timeout / 1000, ttl / 1000)


@dataclass
class Job:
    """One job, from its request until its result expires. Of one event loop: not thread-safe."""

    endpoint: str
    input: Mapping[str, Any]
    webhook: str | None
    policy: Policy
    fault: Fault
    synchronous: bool
    job_id: str = ""
    state: str = "IN_QUEUE"
    output: Any = _NOTHING
    error: str | None = None
    worker_id: str | None = None
    delay_ms: int = 0
    execution_ms: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    status_answers: deque[Answer] = field(default_factory=deque)
    _since: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        prefix = "sync-" if self.synchronous else ""
        self.job_id = f"{prefix}{uuid.uuid4()}-u1"
        self.status_answers.extend(self.fault.status)

    def begin(self) -> None:
        """A worker takes it."""
        now = time.monotonic()
        self.delay_ms, self._since = round((now - self._since) * 1000), now
        self.worker_id = uuid.uuid4().hex[:14]
        self.state = self.fault.state_name

    def finish(self, result: Mapping[str, Any]) -> None:
        """Its worker has answered, in the form of the SDK: `output` or `error`."""
        self.output = result.get("output", _NOTHING)
        self._end("FAILED" if "error" in result else "COMPLETED", result.get("error"))

    def time_out(self) -> None:
        """It has taken longer than its policy allows."""
        self._end("TIMED_OUT", "job timed out")

    def cancel(self) -> None:
        """Its client wants it no more."""
        self._end("CANCELLED", None)

    def told(self) -> dict[str, Any]:
        """Return what /status tells: times appear as they are known, alphabetically."""
        facts: dict[str, Any] = {"id": self.job_id, "status": self.state}
        if self.worker_id is not None:
            facts |= {"delayTime": self.delay_ms, "workerId": self.worker_id}
        if self.state in ENDED and self.worker_id is not None:
            facts["executionTime"] = self.execution_ms
        if self.output is not _NOTHING:
            facts["output"] = self.output
        if self.error is not None:
            facts["error"] = self.error
        return dict(sorted(facts.items()))

    def _end(self, state: str, error: str | None) -> None:
        if self.worker_id is not None:
            self.execution_ms = round((time.monotonic() - self._since) * 1000)
        self.state, self.error = state, error
        self.ended.set()
