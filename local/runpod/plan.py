"""Which faults the jobs to come will have, and how the calls that start them are answered."""

import hashlib
import random
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from local.runpod.faults import Answer, Fault, FaultInvalid

# Every way in which a job may go wrong by chance, with a second of waiting at most.
CHANCES: Mapping[str, Mapping[str, Any]] = {
    "queued": {"queue_ms": 300},
    "working": {"run_ms": 300},
    "running": {"state_name": "RUNNING"},
    "error": {"end": "error"},
    "failed": {"end": "failed"},
    "crash": {"end": "crash"},
    "run_429": {"run": (429,)},
    "run_500": {"run": (500,)},
    "run_reset": {"run": ("reset",)},
    "run_lost": {"run": ("lost",)},
    "run_half": {"run": ("half",)},
    "status_429": {"status": (429,)},
    "status_500": {"status": (500, 500)},
    "status_half": {"status": ("half",)},
    "status_cut": {"status": ("cut",)},
    "status_reset": {"status": ("reset",)},
    "webhook_lost": {"webhook": "lost"},
    "webhook_doubled": {"webhook": "doubled"},
    "webhook_late": {"webhook": "late", "webhook_ms": 1000},
    "webhook_early": {"webhook": "early", "webhook_ms": 500},
    "webhook_stale": {"webhook": "stale", "webhook_ms": 300},
    "data_uri": {"output": "data_uri"},
    "duration_s": {"output": "duration_s"},
    "nested": {"output": "nested"},
    "list": {"output": "list"},
    "wrong_types": {"output": "wrong_types"},
    "not_audio": {"output": "not_audio"},
    "missing": {"output": "missing"},
    "pickled": {"output": "pickled"},
    "huge": {"output": "huge"},
}


@dataclass
class FaultPlan:
    """The faults of the jobs to come."""

    queue: list[tuple[str | None, Fault]] = field(default_factory=list)
    chances: Mapping[str, float] = field(default_factory=dict)
    # Which jobs go wrong must be the same in every run, not hard to guess.
    dice: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311

    @classmethod
    def read(cls, wanted: object) -> "FaultPlan":
        """Read a plan from JSON. Raises FaultInvalid."""
        if not isinstance(wanted, Mapping):
            raise FaultInvalid("A plan is an object.")
        if unknown := wanted.keys() - {"queue", "seed", "chance"}:
            raise FaultInvalid(f"A plan has no {', '.join(sorted(unknown))}.")
        queue = []
        for each in wanted.get("queue", []):
            if not isinstance(each, Mapping):
                raise FaultInvalid("A fault is an object.")
            rest = {name: value for name, value in each.items() if name != "endpoint"}
            queue.append((each.get("endpoint"), Fault.read(rest)))
        chance = wanted.get("chance", {})
        chances = dict(chance if isinstance(chance, Mapping) else dict.fromkeys(CHANCES, chance))
        if unknown := chances.keys() - CHANCES.keys():
            raise FaultInvalid(f"There is no chance of {', '.join(sorted(unknown))}.")
        return cls(queue, chances, random.Random(wanted.get("seed", 0)))  # noqa: S311

    def draw(self, endpoint: str) -> Fault:
        """Return the fault of the next job of an endpoint, once."""
        for position, (wanted, fault) in enumerate(self.queue):
            if wanted in {None, endpoint}:
                del self.queue[position]
                return fault
        fault = Fault()
        for name, chance in self.chances.items():
            if self.dice.random() < chance:
                changes = dict(CHANCES[name])
                for answers in changes.keys() & {"run", "status"}:
                    changes[answers] = getattr(fault, answers) + changes[answers]
                fault = replace(fault, **changes)
        return fault


class Starts:
    """The calls that start a job: calls with the same body are tries of one."""

    def __init__(self) -> None:
        """Begin without a plan."""
        self.plan = FaultPlan()
        self._carried: dict[str, deque[Answer]] = {}
        self._drawn: dict[str, tuple[Fault, deque[Answer]]] = {}

    def next(self, endpoint: str, body: bytes, carried: object) -> tuple[Fault, Answer]:
        """Return the fault of a call, and its answer. Raises FaultInvalid.

        A fault that the request carries comes again with each try, and goes on where it was; one
        of the plan is over as soon as the job has started.
        """
        digest = hashlib.sha256(endpoint.encode() + b"/" + body).hexdigest()
        if carried is not None:
            fault = Fault.read(carried)
            answers = self._carried.setdefault(digest, deque(fault.run))
            return fault, answers.popleft() if answers else "ok"
        if digest not in self._drawn:
            drawn = self.plan.draw(endpoint)
            self._drawn[digest] = (drawn, deque(drawn.run))
        fault, answers = self._drawn[digest]
        answer = answers.popleft() if answers else "ok"
        if starts_job(answer):
            del self._drawn[digest]
        return fault, answer


def starts_job(answer: Answer) -> bool:
    """Tell whether a call that is answered like this starts its job."""
    return isinstance(answer, str) and answer != "reset"
