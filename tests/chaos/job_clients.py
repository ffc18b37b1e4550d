"""People who start jobs, and what their browsers do meanwhile."""

import base64
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from local.speech import synthesise
from tests.chaos.clients import Outcome, Person
from tests.chaos.job_lab import JobLab
from tests.chaos.violation import Violation

ENDED = frozenset({"done", "failed", "cancelled", "timed_out"})
# Answers after which the same request may well be taken.
_AGAIN = frozenset({"None", "unavailable", "quota_exceeded", "in_progress"})
_PAUSE_S = 0.4
_WILD_PAUSE_S = 0.05
_GIVES_UP_AFTER_S = 90.0
# A worker that hangs is watched by nobody for ever.
_WATCHES_FOR_S = 10.0


@dataclass(frozen=True)
class Habits:
    """What one browser does with its job, drawn at random."""

    closes: bool
    asks_wildly: bool
    saves_itself: bool
    cancels: bool
    retries: bool
    pause_s: float

    @classmethod
    def drawn(cls, dice: random.Random) -> "Habits":
        """Draw: half of those that stay open save the result, too."""
        return cls(
            closes=dice.random() < 0.3,
            asks_wildly=dice.random() < 0.3,
            saves_itself=dice.random() < 0.5,
            cancels=dice.random() < 0.1,
            retries=dice.random() < 0.5,
            pause_s=dice.uniform(0, 1.5),
        )


@dataclass
class Browser:
    """One person's browser around one job; `label` is found in nothing else."""

    site: JobLab
    person: Person
    voice_id: str
    kind: str
    label: str
    sample: bytes
    habits: Habits
    job_ids: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[Violation] = field(default_factory=list)

    def live(self) -> None:
        """Start the job, and do what its person does."""
        job = self._started()
        if job is None or self.habits.closes:
            return
        if self.habits.cancels:
            time.sleep(self.habits.pause_s)
            self._call("jobs", "POST", f"/api/jobs/{job['job_id']}/cancel")
        job = self._watched(job)
        if job["state"] == "failed" and self.habits.retries:
            outcome = self._patiently("jobs", "POST", f"/api/jobs/{job['job_id']}/retry")
            if outcome.status == 202:
                self.job_ids.append(outcome.body["job_id"])
            elif outcome.code != "invalid_request":
                self._blame(f"its retry was answered {outcome}")

    def _started(self) -> dict[str, Any] | None:
        headers = {"Idempotency-Key": self.label}
        if self.kind == "clone":
            audio = base64.b64encode(self.sample).decode()
            target, path = "voices_clone", "/api/voices/clone"
            body = {"voice_name": self.label, "audio_base64": audio}
        else:
            target, path = "tts_generate", "/api/tts/generate"
            body = {"voice_id": self.voice_id, "text": self.label}
        outcome = self._patiently(target, "POST", path, json=body, headers=headers)
        if outcome.code == "runpod_error":
            # It was written down all the same: the same key tells of it.
            outcome = self._patiently(target, "POST", path, json=body, headers=headers)
        if outcome.status != 202:
            self._blame(f"its start was answered {outcome}")
            return None
        self.job_ids.append(outcome.body["job_id"])
        job: dict[str, Any] = outcome.body["job"]
        return job

    def _watched(self, job: dict[str, Any]) -> dict[str, Any]:
        """Ask until the job has ended, and save its result meanwhile where that is the habit."""
        saves = self.habits.saves_itself
        deadline = time.monotonic() + _WATCHES_FOR_S
        while job["state"] not in ENDED and time.monotonic() < deadline:
            if saves and job["runpod_job_id"]:
                saves = False
                time.sleep(self.habits.pause_s)
                self._saves_itself(job["runpod_job_id"])
            time.sleep(_WILD_PAUSE_S if self.habits.asks_wildly else _PAUSE_S)
            outcome = self._call("jobs", "GET", f"/api/jobs/{job['job_id']}")
            if outcome.status == 200:
                job = outcome.body["job"]
            elif outcome.code not in _AGAIN:
                self._blame(f"it was answered {outcome}")
            elif outcome.status is None:
                time.sleep(_PAUSE_S)
        return job

    def _saves_itself(self, runpod_job_id: str) -> None:
        """Save what RunPod tells, as browsers with a key of their own do."""
        told = self.site.told(self.kind, runpod_job_id)
        output = told.get("output") if told else None
        if not isinstance(output, dict) or output.get("status") != "success":
            return
        body = {**output, "runpod_job_id": runpod_job_id}
        if self.kind == "clone":
            outcome = self._patiently("voices_save", "POST", "/api/voices/save", json=body)
        else:
            body["voice_id"] = self.voice_id
            outcome = self._patiently("tts_save", "POST", "/api/tts/save", json=body)
        # What is no audio is refused, as it is from the job.
        if outcome.status not in {201, 400, 413, 415, 422}:
            self._blame(f"its own save was answered {outcome}")

    def _patiently(self, target: str, method: str, path: str, **options: Any) -> Outcome:
        deadline = time.monotonic() + _GIVES_UP_AFTER_S
        while True:
            outcome = self._call(target, method, path, **options)
            if outcome.done or outcome.code not in _AGAIN or time.monotonic() > deadline:
                return outcome
            time.sleep(2 * _PAUSE_S)

    def _call(self, target: str, method: str, path: str, **options: Any) -> Outcome:
        outcome = self.site.call(self.person, target, method, path, **options)
        self.answers["no answer" if outcome.status is None else str(outcome.status)] += 1
        if outcome.code == "internal":
            self._blame(f"{path} answered 500: {outcome.body}")
        return outcome

    def _blame(self, what: str) -> None:
        self.wrong.append(Violation("I7", f"{self.label} of {self.person.uid}: {what}"))


def recorded() -> bytes:
    """Return a recording of a voice, as a clone needs it."""
    return synthesise("This is a sample of my voice.")
