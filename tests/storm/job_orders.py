"""Jobs on RunPod: started, followed, cancelled, tried again, taken over and forgotten."""

import base64
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.job_clients import ENDED
from tests.storm.answers import LOST, Answer
from tests.storm.fleet import Fleet
from tests.storm.library import SPEECHES, VOICES, Library, Unlike, facts_of
from tests.storm.requests import BODY_NAMES, PATHS, Request
from tests.storm.worlds import Stage

_ENDS_WITHIN_S = 60.0
_TRIES = 40
_PAUSE_S = 0.4
# What may pass by itself, and what RunPod's own faults bring.
_AGAIN = {"None", "unavailable", "in_progress", "runpod_error", "quota_exceeded"}
_NO_ITEM = {"failed", "cancelled", "timed_out"}
# What is not known of an item until it is seen.
_UNSEEN = {"version": 1, "audio": None, "profile": None, "runpod_job_id": None, "favorite": False}
_UNSEEN |= {"language": None, "tags": (), "parameters": {}, "consent": None}


@dataclass(eq=False)
class Job(Request):
    """One job from its start to its end. `label` is its text or name, found in nothing else.

    `cancels` after its start; `stranger` has another function save what RunPod tells of it;
    `webhooks` are called once more when it has ended.
    """

    kind: str = SPEECHES
    label: str = ""
    voice_id: str = ""
    sample: bytes = b""
    cancels: bool = False
    follow_up: str = ""
    job: dict[str, Any] = field(default_factory=dict)
    item: dict[str, Any] | None = None

    ends_with_its_lease = False

    def __str__(self) -> str:
        """Return what stands in a report."""
        by = f" by {self.voice_id}" if self.voice_id else ""
        done = f"{self.job.get('job_id')} {self.job.get('state')} {self.job.get('result')}"
        return f"job: {self.kind} {self.label!r}{by} ({done})"

    @property
    def stages(self) -> Sequence[Stage]:
        """Return what it does when its end is not heard of."""
        return (self._happened,)

    def send(self, fleet: Fleet) -> Answer:
        """Start it, wait for its end, and look at what it has made."""
        answer = self._started(fleet)
        if answer.status != 202:
            return answer
        self.job = answer.body["job"]
        if self.cancels:
            self._patiently(fleet, "jobs", "POST", f"/api/jobs/{self._id}/cancel")
        if not self._ended(fleet):
            return LOST
        self._followed_up(fleet)
        if self.job["state"] != "done":
            return Answer(200, {"job": self.job})
        item_id = self._item_id()
        answer = self._patiently(fleet, "library", "GET", f"{PATHS[self.kind]}/{item_id}")
        self.item = answer.body.get(BODY_NAMES[self.kind])
        return answer if answer.is_done or not answer.is_heard else Answer(200, {"gone": item_id})

    @property
    def _id(self) -> str:
        return str(self.job["job_id"])

    def _item_id(self) -> str:
        result = self.job["result"]
        return str(result["voice_id"] if self.kind == VOICES else result["generation_id"])

    def _started(self, fleet: Fleet) -> Answer:
        headers = {"Idempotency-Key": f"job {self.number}"}
        if self.kind == VOICES:
            audio = base64.b64encode(self.sample).decode()
            target, body = "voices_clone", {"voice_name": self.label, "audio_base64": audio}
        else:
            target, body = "tts_generate", {"voice_id": self.voice_id, "text": self.label}
        return self._patiently(fleet, target, "POST", "/", json=body, headers=headers)

    def _ended(self, fleet: Fleet) -> bool:
        deadline = time.monotonic() + _ENDS_WITHIN_S
        while self.job["state"] not in ENDED:
            if time.monotonic() > deadline:
                return False
            time.sleep(_PAUSE_S)
            answer = fleet.call(self.person, "jobs", "GET", f"/api/jobs/{self._id}")
            self.job = answer.body["job"] if answer.is_done else self.job
        return True

    def _followed_up(self, fleet: Fleet) -> None:
        """Do one of the things that may be done to a job that has ended."""
        job, path = self.job, f"/api/jobs/{self._id}"
        if self.follow_up == "retry" and job["state"] == "failed":
            answer = self._patiently(fleet, "jobs", "POST", f"{path}/retry")
            if answer.status == 202:
                self.job = answer.body["job"]
                self._ended(fleet)
        elif self.follow_up == "import" and job["runpod_job_id"]:
            kind = "clone" if self.kind == VOICES else "speech"
            body = {"kind": kind, "runpod_job_id": job["runpod_job_id"], "voice_id": self.voice_id}
            if job["state"] == "done":
                self._patiently(fleet, "jobs", "POST", "/api/jobs/import", json=body)
        elif self.follow_up == "webhook":
            for attempt in fleet.runpod.control("calls")["webhooks"]:
                if f"/{self._id}/" in attempt["url"]:
                    secret = attempt["url"].rpartition("/")[2]
                    hook = f"/api/runpod/webhook/{self._id}/{secret}"
                    fleet.call(None, "runpod_webhook", "POST", hook, json={"id": "replayed"})
        elif self.follow_up == "delete":
            self._patiently(fleet, "jobs", "DELETE", path)

    def _patiently(
        self, fleet: Fleet, target: str, method: str, path: str, **options: Any
    ) -> Answer:
        for _ in range(_TRIES):
            answer = fleet.call(self.person, target, method, path, **options)
            if answer.is_done or answer.code not in _AGAIN:
                return answer
            time.sleep(_PAUSE_S)
        return answer

    def _happened(self, library: Library) -> Library | None:
        if self.kind == VOICES and library.holder(self.label) is not None:
            return None
        return self._put(library, f"?{self.number}", None)

    def _put(self, library: Library, item_id: str, shown: dict[str, Any] | None) -> Library:
        voice = library.voices.get(self.voice_id)
        label = {"name": self.label} if self.kind == VOICES else {"text": self.label}
        of = self.number if self.kind == VOICES else voice and voice["_of"]
        facts = (shown or _UNSEEN | {"voice_id": self.voice_id}) | label
        own = {"_of": of, "_audio_unknown": shown is None}
        return library.put(self.kind, item_id, {**facts, **own})

    def after(self, library: Library, answer: Answer) -> Library:
        """See `Operation`."""
        if answer.is_done and self.job.get("state") in _NO_ITEM:
            return library
        if answer.is_done and self.item is None:
            raise Unlike(f"it is done, and its item is gone: {answer.body}")
        if answer.is_done:
            assert self.item is not None
            shown = facts_of(self.kind, self.item)
            label = "name" if self.kind == VOICES else "text"
            if shown[label] != self.label:
                raise Unlike(f"it became {shown[label]!r}")
            return self._put(library, self._item_id(), shown)
        right = {
            "not_found": self.kind == SPEECHES and self.voice_id not in library.voices,
            "voice_exists": self.kind == VOICES and library.holder(self.label) is not None,
            "invalid_request": self._has_no_profile(library),
        }
        if not right.get(answer.code):
            raise Unlike(f"it was refused: {answer}")
        return library

    def _has_no_profile(self, library: Library) -> bool:
        voice = library.voices.get(self.voice_id)
        return voice is not None and voice["profile"] is None
