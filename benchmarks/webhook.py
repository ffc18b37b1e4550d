"""RunPod's call when a job has ended, beside a bare save of the same audio by a client.

The stand-in holds results that were finished before, so that nothing but the call is measured.
"""

import base64
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from benchmarks import api
from benchmarks.client import Client, Request
from benchmarks.figures import Figure, interleaved
from benchmarks.latency_proxy import LatencyProxy
from benchmarks.report import Listing, Result
from benchmarks.round_trips import Recorder, lines
from benchmarks.servers import Backends, ServerFailed, serving
from benchmarks.shelf import Shelf
from local.ports import HOST
from local.runpod.process import RunningStandIn, running
from local.runpod.voice import Profile

ROUNDS = 40
WANTED = 1.5
_WARM_UP = 5
_LISTED = 3
# About half a minute of speech.
_TEXT = "The shelf keeps what was said, so that it is there tomorrow, on any device. " * 6
# Any voice that the stand-in's worker can speak with.
_PROFILE = Profile(140.0, -20.0, 4.0, (-20.0,) * 32).npy()
_ENDS_WITHIN_S = 120.0
_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class _Finished:
    """A finished job: where RunPod would call, and with what."""

    path: str
    told: Mapping[str, Any]

    @property
    def call(self) -> Request:
        """RunPod's call: the job with its result."""
        return Request("POST", self.path, json.dumps(self.told).encode(), _JSON)

    @property
    def output(self) -> Mapping[str, Any]:
        """What the worker returned."""
        output: Mapping[str, Any] = self.told["output"]
        return output


def measure(
    backends: Backends, shelf: Shelf, rounds: int, say: Callable[[str], None]
) -> list[Result]:
    """Measure the webhook and both forms of a bare save."""
    with running(webhook_retries=0) as runpod:
        environ = {**backends.function_environ(), **runpod_settings(runpod)}
        voice_id = speaker(backends, shelf)
        count = rounds + _WARM_UP + _LISTED
        say(f"Speaking {count} times ...")
        jobs = _finished(environ, runpod, shelf, voice_id, count)
        audio = base64.b64decode(jobs[0].output["audio_base64"])
        say("Warm runpod_webhook:")
        with (
            serving("runpod_webhook", environ) as hook,
            serving("tts_save", environ) as save,
        ):
            called, saving = hook.client(), save.client(shelf.user.id_token)
            measures = [
                lambda number: called.timed(jobs[number].call, 200),
                lambda number: saving.timed(_as_json(voice_id, jobs[number].output), 201),
                lambda number: saving.timed(
                    api.save_speech(voice_id, f"Form {number}", audio), 201
                ),
            ]
            webhook, by_json, by_form = interleaved(measures, rounds, warm_up=_WARM_UP, say=say)
        trips = _counted(backends, environ, jobs[-_LISTED:])
    name, size = "warm runpod_webhook", f"{len(audio) / 1e6:.2f} MB"
    return [
        Figure(f"{name}, {size}", webhook, "tts_save of its output as JSON", by_json, WANTED),
        Figure(f"{name}, {size}, form", webhook, "tts_save of its audio in a form", by_form),
        Listing("Round trips of one warm runpod_webhook", trips),
    ]


def runpod_settings(runpod: RunningStandIn) -> dict[str, str]:
    """The settings of functions that ask this stand-in."""
    return {
        "RUNPOD_BASE_URL": runpod.base_url,
        "RUNPOD_API_KEY": runpod.key,
        "RUNPOD_CLONE_ENDPOINT": "clone",
        "RUNPOD_SPEECH_ENDPOINT": "speech",
        # Nobody listens there: RunPod's own calls must not do what is to be measured.
        "PUBLIC_BASE_URL": f"http://{HOST}:9",
        "MAX_ACTIVE_JOBS": "100000",
        "MAX_JOBS_PER_DAY": "100000",
    }


def speaker(backends: Backends, shelf: Shelf) -> str:
    """Save a voice that the stand-in can speak with; return its id."""
    with serving("voices_save", backends.function_environ()) as server:
        request = api.save_voice(f"Speaker {secrets.token_hex(4)}", shelf.audio, _PROFILE)
        voice_id: str = server.client(shelf.user.id_token).object(request, 201)["voice_id"]
    return voice_id


def _finished(
    environ: Mapping[str, str], runpod: RunningStandIn, shelf: Shelf, voice_id: str, count: int
) -> list[_Finished]:
    """Start jobs, and wait until RunPod has tried to tell of each."""
    with serving("tts_generate", environ) as server:
        client = server.client(shelf.user.id_token)
        started = [start_speech(client, voice_id, number) for number in range(count)]
    deadline = time.monotonic() + _ENDS_WITHIN_S
    while len(attempts := runpod.control("calls")["webhooks"]) < count:
        if time.monotonic() > deadline:
            raise ServerFailed("The stand-in for RunPod does not finish its jobs.")
        time.sleep(0.2)
    paths = {one["job_id"]: httpx.URL(one["url"]).path for one in attempts}
    with httpx.Client(trust_env=False, headers=runpod.headers) as http:
        return [
            _Finished(paths[job_id], http.get(f"{runpod.base_url}/speech/status/{job_id}").json())
            for job_id in started
        ]


def start_speech(client: Client, voice_id: str, number: int) -> str:
    """Start a job of speech; return its id at RunPod."""
    body = json.dumps({"voice_id": voice_id, "text": f"{_TEXT} {number}"}).encode()
    job = client.object(Request("POST", "/api/tts/generate", body, _JSON), 202)["job"]
    runpod_job_id: str = job["runpod_job_id"]
    return runpod_job_id


def _as_json(voice_id: str, output: Mapping[str, Any]) -> Request:
    """A save of what the worker returned, as browsers send it."""
    body = json.dumps({**output, "voice_id": voice_id}).encode()
    return Request("POST", "/api/tts/save", body, _JSON)


def _counted(
    backends: Backends, environ: Mapping[str, str], jobs: Sequence[_Finished]
) -> list[str]:
    """List the round trips of the last of these calls, on warm connections."""
    recorder = Recorder()
    with _watched(backends, environ, recorder) as client:
        for job in jobs:
            recorder.taken()
            client.send(job.call, 200)
    trips, job_id = recorder.taken(), jobs[-1].told["id"]
    for trip in trips:
        if job_id in trip.name:
            trip.backend, trip.name = "RunPod", trip.name.replace(job_id, "*")
    return lines(trips)


@contextmanager
def _watched(
    backends: Backends, environ: Mapping[str, str], recorder: Recorder
) -> Iterator[Client]:
    runpod = httpx.URL(environ["RUNPOD_BASE_URL"])
    with (
        LatencyProxy(backends.storage, 0.0, recorder.http) as storage,
        LatencyProxy(backends.firestore, 0.0, recorder.grpc) as firestore,
        LatencyProxy(f"{runpod.host}:{runpod.port}", 0.0, recorder.http) as before_runpod,
    ):
        moved = {
            **environ,
            "FIREBASE_STORAGE_EMULATOR_HOST": storage.address,
            "STORAGE_EMULATOR_HOST": f"http://{storage.address}",
            "FIRESTORE_EMULATOR_HOST": firestore.address,
            "RUNPOD_BASE_URL": f"http://{before_runpod.address}{runpod.path}",
        }
        with serving("runpod_webhook", moved) as server:
            yield server.client()
