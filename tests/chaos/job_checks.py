"""What must hold of jobs when all is over: one item or a reason, limits free, no secret told."""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from google.cloud import firestore

from tests.chaos.job_clients import ENDED, Browser
from tests.chaos.job_lab import JobLab
from tests.chaos.stored import View
from tests.chaos.violation import Violation

# What RunPod may answer with at most, base64 and all (`adapters.runpod_api`).
_MAX_BASE64 = 32 * 1024 * 1024
_KEPT = "/jobs/"


class Judgement:
    """Jobs, items and the stand-in's own record, held against each other."""

    def __init__(self, site: JobLab, jobs: list[firestore.DocumentSnapshot], view: View) -> None:
        self._site, self._view = site, view
        self._jobs = [(job.reference.path.split("/")[1], job.to_dict() or {}) for job in jobs]
        self._items = Counter(
            (record.uid, record.fields["runpod_job_id"])
            for record in view.records
            if record.is_ready and record.fields.get("runpod_job_id")
        )
        self._calls = [
            call
            for call in site.journal()["calls"]
            if call["path"].endswith("/run") and "job_id" in call
        ]
        self.counts: Counter[str] = Counter()

    def all(self, browsers: Iterable[Browser]) -> Iterable[Violation]:
        """Yield what is wrong, and count what is told beside it."""
        for uid, job in self._jobs:
            yield from self._of_job(uid, job)
        yield from self._doubled(browsers)
        yield from self._of_browsers(browsers)
        yield from self._limits()

    def _of_job(self, uid: str, job: Mapping[str, Any]) -> Iterable[Violation]:
        who, runpod_job_id = f"{job['job_id']} of {uid}", job["runpod_job_id"]
        items = self._items[uid, runpod_job_id]
        if job["state"] not in ENDED:
            yield Violation("I7", f"{who} is still {job['state']}")
        elif job["state"] == "done":
            yield from self._of_done(who, uid, job)
        elif job["state"] != "cancelled":
            failure = job["failure"] or {}
            self.counts[f"failed: {failure.get('code')}"] += 1
            if not failure.get("code") or not failure.get("message"):
                yield Violation("I7", f"{who} ended {job['state']} without a reason")
            if not items and self._good_audio(job) is not None:
                text = f"acknowledged, {who} has a result at RunPod, and {failure}"
                yield Violation("I4", text)

    def _of_done(self, who: str, uid: str, job: Mapping[str, Any]) -> Iterable[Violation]:
        kind = "voices" if job["kind"] == "clone" else "generations"
        records = [r for r in self._view.of(uid, kind) if r.item_id == job["result_id"]]
        if len(records) != 1 or not records[0].is_ready:
            yield Violation("I4", f"acknowledged, {who} is done, and its item is not there")
            return
        sha256 = self._good_audio(job)
        if sha256 not in {None, records[0].state.audio}:
            yield Violation("I4", f"{who} became an item with other audio")
        if records[0].fields["runpod_job_id"] != job["runpod_job_id"]:
            yield Violation("I3", f"{who} is done with the item of another job")

    def _good_audio(self, job: Mapping[str, Any]) -> str | None:
        """Return the digest of the audio that RunPod has for a job, if it is any good."""
        if job["runpod_job_id"] is None:
            return None
        told = None
        # Its faults may not be over.
        for _ in range(6):
            told = told or self._site.told(job["kind"], job["runpod_job_id"])
        return good_audio(told)

    def _doubled(self, browsers: Iterable[Browser]) -> Iterable[Violation]:
        for (uid, runpod_job_id), count in self._items.items():
            if count > 1:
                yield Violation("I3", f"{runpod_job_id} of {uid} became {count} items")
        texts = Counter(r.fields.get("text") for r in self._view.records if r.is_ready)
        names = Counter(r.fields.get("name") for r in self._view.records if r.is_ready)
        starts = Counter(
            call["input"].get("text") or call["input"].get("name") for call in self._calls
        )
        for browser in browsers:
            items = texts[browser.label] + names[browser.label]
            if items > 1:
                yield Violation("I3", f"{browser.label} is there {items} times")
            if starts[browser.label] > 1:
                text = f"{browser.label} was started {starts[browser.label]} times at RunPod"
                yield Violation("I3", text)

    def _of_browsers(self, browsers: Iterable[Browser]) -> Iterable[Violation]:
        there = {job["job_id"]: job for _, job in self._jobs}
        started = {call["input"].get("text") or call["input"].get("name") for call in self._calls}
        for browser in browsers:
            for job_id in browser.job_ids:
                if job_id not in there:
                    yield Violation("I4", f"acknowledged, {job_id} has no document")
                elif there[job_id]["runpod_job_id"] is None and browser.label in started:
                    # RunPod's answer and every webhook were lost: nobody ever heard its id.
                    self.counts["id never heard"] += 1

    def _limits(self) -> Iterable[Violation]:
        begun_by = Counter(uid for uid, _ in self._jobs)
        for uid, count in begun_by.items():
            use = self._view.accounts[uid]["jobs"]
            if use["active"] != 0:
                yield Violation("counters", f"{uid} has {use['active']} jobs at once, of none")
            if use["today"] > count:
                yield Violation("counters", f"{uid} began {count} jobs, and {use} are counted")


def good_audio(told: Mapping[str, Any] | None) -> str | None:
    """Return the digest of the audio in what RunPod tells of a completed job.

    This reads the forms of `local.runpod.outputs`, apart from the service's own parser.
    """
    if told is None or told["status"] != "COMPLETED":
        return None
    output = told.get("output")
    output = output[0] if isinstance(output, list) else output
    output = output.get("output", output) if isinstance(output, dict) else {}
    text = output.get("audio_base64") or output.get("audio")
    if not isinstance(text, str) or len(text) > _MAX_BASE64:
        return None
    audio = base64.b64decode(text.removeprefix("data:audio/wav;base64,"))
    return hashlib.sha256(audio).hexdigest() if audio.startswith(b"RIFF") else None


def without_kept(view: View) -> View:
    """Return the view without outputs that are kept for a day, so that a retry needs no GPU."""
    kept = {path for path in view.objects if path.startswith("uploads/") and _KEPT in path}
    return replace(view, objects=view.objects - kept)


def secrets_of(site: JobLab) -> set[str]:
    """Return RunPod's key, and the secrets of the webhooks that RunPod has called."""
    called = {attempt["url"].rpartition("/")[2] for attempt in site.journal()["webhooks"]}
    return called | {site.runpod.key}


def leaks(site: JobLab) -> list[str]:
    """Return where a secret stands: in answers, the logs of the functions, or documents."""
    places = {"an answer": site.answers}
    places |= {log.name: [log.read_text()] for log in site.lab.logs.glob("*.log")}
    for kind in ("users", "jobs", "voices", "generations", "requests", "trusted_profiles"):
        found = site.lab.client.collection_group(kind).stream()
        places[kind] = [f"{one.reference.path} {one.to_dict()}" for one in found]
    secrets = secrets_of(site)
    return [
        f"{place} holds a secret"
        for place, texts in places.items()
        for text in texts
        if any(secret in text for secret in secrets)
    ]
