"""What can be made to go wrong with a job, on request.

A fault is a JSON object. It comes with a request to /run or /runsync as the key `_fault` of its
input or as the header `X-Fault` (the worker never sees it), or from the plan that a call to
`POST /_control/faults` has laid: that is for whoever does not call RunPod himself.

    queue_ms     how long the job waits before a worker takes it
    run_ms       how long the worker takes longer than it needs
    state_name   what /status calls a job in progress: IN_PROGRESS or RUNNING
    end          error    the output says {"status": "error"} in a COMPLETED job
                 failed   the worker raises: FAILED
                 crash    the worker dies: FAILED
                 stuck    the worker never answers: TIMED_OUT by the policy's executionTimeout
    output       as other workers give it: data_uri, audio_url, duration_s, nested, list
                 or as none should: wrong_types, not_audio, missing, pickled, huge (40 MB)
    url          what an output of audio_url names, instead of an address that works
    webhook      lost     never sent
                 doubled  sent twice at once
                 late     sent webhook_ms after the job ended
                 early    sent webhook_ms before /status tells that the job ended
                 stale    followed, webhook_ms later, by one that says IN_PROGRESS
    webhook_ms   2000 unless given
    run          a list: how the calls that start the job are answered, one after another, before
                 it starts. Calls with the same body count as the same
    status       a list: how the calls for its status are answered, one after another
    slow_ms      how long a slow answer takes, 2000 unless given

An answer is a number (429, 500, 503, ...), `half` (the JSON ends in the middle), `cut` (the
connection ends in the middle), `reset` (it ends before the answer), `slow`, `ok`, or, of run
alone, `lost` (the job starts, and the connection is reset all the same). A call that is answered
with a number or `reset` starts no job; with any other answer it does.

The plan is `{"queue": [fault, ...]}`, one for each of the next jobs, where a fault may name its
`endpoint` to wait for a job there; or `{"seed": 7, "chance": 0.1}`, which draws each fault of
`plan.CHANCES` for each job with that probability; `chance` may be an object with one for each name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

_MAX_MS = 600_000
_CHOICES: Mapping[str, frozenset[str]] = {
    "state_name": frozenset({"IN_PROGRESS", "RUNNING"}),
    "end": frozenset({"error", "failed", "crash", "stuck"}),
    "output": frozenset(
        {
            "data_uri",
            "audio_url",
            "duration_s",
            "nested",
            "list",
            "wrong_types",
            "not_audio",
            "missing",
            "pickled",
            "huge",
        }
    ),
    "webhook": frozenset({"lost", "doubled", "late", "early", "stale"}),
}
_ANSWERS = frozenset({"half", "cut", "reset", "slow", "ok"})

Answer = int | str


class FaultInvalid(Exception):
    """The object is no fault; the text names what is wrong."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one job; nothing, unless told."""

    queue_ms: int = 0
    run_ms: int = 0
    state_name: str = "IN_PROGRESS"
    end: str | None = None
    output: str | None = None
    url: str | None = None
    webhook: str | None = None
    webhook_ms: int = 2000
    run: tuple[Answer, ...] = ()
    status: tuple[Answer, ...] = ()
    slow_ms: int = 2000

    @classmethod
    def read(cls, wanted: object) -> "Fault":
        """Read a fault from JSON. Raises FaultInvalid."""
        if not isinstance(wanted, Mapping):
            raise FaultInvalid("A fault is an object.")
        if unknown := wanted.keys() - {each.name for each in fields(cls)}:
            raise FaultInvalid(f"A fault has no {', '.join(sorted(map(str, unknown)))}.")
        return cls(**{name: _checked(name, value) for name, value in wanted.items()})


def _checked(name: str, value: Any) -> Any:
    if name.endswith("_ms"):
        good = isinstance(value, int) and 0 <= value <= _MAX_MS
    elif name in {"run", "status"}:
        words = _ANSWERS | {"lost"} if name == "run" else _ANSWERS
        good = isinstance(value, list) and all(_is_answer(each, words) for each in value)
        value = tuple(value) if good else value
    elif name == "url":
        good = isinstance(value, str)
    else:
        good = value in _CHOICES[name]
    if not good:
        raise FaultInvalid(f"{name} cannot be {value!r}.")
    return value


def _is_answer(value: object, words: frozenset[str]) -> bool:
    return value in words if isinstance(value, str) else value in range(400, 600)
