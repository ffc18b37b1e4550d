"""The functions of jobs, at addresses that outlive their processes, around a stand-in for RunPod.

Each has proxies of its own, so that it can be killed at a boundary between two of its own steps.
"""

import functools
import os
import secrets
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Self

import grpc
import httpx
from google.cloud import firestore

from benchmarks.servers import Backends
from local.runpod.process import RunningStandIn, running
from local.runpod.voice import Profile
from tests.chaos.clients import Outcome, Person, voice_save
from tests.chaos.faults import COMMIT, EVER, Fail, Gate, Hold, LoseAnswer, Rule, Switchboard
from tests.chaos.firestore_proxy import FirestoreProxy
from tests.chaos.lab import LEASE_S, Lab
from tests.chaos.processes import HOST, FunctionProcess, free_port
from tests.chaos.storage_proxy import StorageProxy

TARGETS = ("voices_clone", "tts_generate", "jobs", "runpod_webhook", "reconcile")
MAX_ACTIVE_JOBS = 4
_TIMEOUT_S = 90.0
_WEBHOOK_RETRY_S = 1.0


class Instance:
    """One function behind proxies of its own; its address stays when its process is killed."""

    def __init__(self, lab: Lab, target: str, environ: Mapping[str, str], port: int) -> None:
        self.board = Switchboard()
        self._storage = StorageProxy(environ["FIREBASE_STORAGE_EMULATOR_HOST"], self.board)
        self._firestore = FirestoreProxy(environ["FIRESTORE_EMULATOR_HOST"], self.board)
        hosts = {
            "FIRESTORE_EMULATOR_HOST": self._firestore.address,
            "FIREBASE_STORAGE_EMULATOR_HOST": self._storage.address,
            "STORAGE_EMULATOR_HOST": f"http://{self._storage.address}",
        }
        self.environ = {**environ, **hosts}
        self._start = functools.partial(
            FunctionProcess, target, self.environ, lab.logs / f"jobs-{target}.log", port
        )
        self.process = self._start()

    @property
    def url(self) -> str:
        """Return the function's own address."""
        return self.process.url

    def die_at(self, kind: str | None, number: int, *, answered: bool, within_s: float) -> bool:
        """Kill it at its n-th call of this kind from now on, or when the time is over.

        Returns whether it came to that call. It listens again when this returns.
        """
        gate = Gate(1, self.process.kill)
        self.board.add(Rule(Hold(gate, answered), kind, first=number, times=EVER))
        deadline = time.monotonic() + within_s
        while not gate.is_open and time.monotonic() < deadline:
            time.sleep(0.01)
        came = gate.is_open
        gate.open()
        self.board.clear()
        self.restart()
        return came

    def lose_commits(self, number: int, times: int, *, arriving: bool, for_s: float) -> None:
        """Answer so many commits from the n-th on with a failure; those that arrive do happen."""
        lost = LoseAnswer() if arriving else Fail(grpc.StatusCode.CANCELLED)
        self.board.add(Rule(lost, COMMIT, first=number, times=times))
        time.sleep(for_s)
        self.board.clear()

    def restart(self) -> None:
        """Start it again after its end; it listens when this returns."""
        self.process = self._start()
        self.process.ready()

    def close(self) -> None:
        """End the process and its proxies."""
        self.process.kill()
        self._storage.close()
        self._firestore.close()


class JobLab:
    """Everything that an experiment with jobs needs beside the laboratory; a context manager."""

    def __init__(self, lab: Lab, environ: Mapping[str, str] = os.environ) -> None:
        self.lab, self._environ = lab, environ
        self._resources = ExitStack()
        # Every answer, as its client saw it: what must not be said is looked for in them.
        self.answers: list[str] = []

    def __enter__(self) -> Self:
        enter = self._resources.enter_context
        self.runpod: RunningStandIn = enter(running(webhook_retry_s=_WEBHOOK_RETRY_S))
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        self._http = enter(httpx.Client(timeout=_TIMEOUT_S, trust_env=False, limits=limits))
        ports = {target: free_port() for target in TARGETS}
        environ = self._function_environ(f"http://{HOST}:{ports['runpod_webhook']}")
        self.instances: dict[str, Instance] = {}
        for target, port in ports.items():
            self.instances[target] = Instance(self.lab, target, environ, port)
            self._resources.callback(self.instances[target].close)
        for instance in self.instances.values():
            instance.process.ready()
        return self

    def __exit__(self, *exception: object) -> None:
        self._resources.close()

    def _function_environ(self, site: str) -> dict[str, str]:
        storage = self._environ["FIREBASE_STORAGE_EMULATOR_HOST"]
        return {
            **Backends.read(self._environ).function_environ(),
            "STORAGE_EMULATOR_HOST": f"http://{storage}",
            "RUNPOD_BASE_URL": self.runpod.base_url,
            "RUNPOD_API_KEY": self.runpod.key,
            "RUNPOD_CLONE_ENDPOINT": "clone",
            "RUNPOD_SPEECH_ENDPOINT": "speech",
            "PUBLIC_BASE_URL": site,
            "MAX_ACTIVE_JOBS": str(MAX_ACTIVE_JOBS),
            "LEASE_S": str(LEASE_S),
            "THREADS": "16",
        }

    def url(self, target: str) -> str:
        """Return a function's address; those that know nothing of jobs are the laboratory's."""
        instance = self.instances.get(target)
        return instance.url if instance else self.lab.sound(target).url

    def call(
        self, person: Person | None, target: str, method: str, path: str, **options: Any
    ) -> Outcome:
        """Call a function; an answer that does not come has no status."""
        headers = {**(person.headers if person else {}), **options.pop("headers", {})}
        try:
            url = self.url(target) + path
            answer = self._http.request(method, url, headers=headers, **options)
        except httpx.HTTPError:
            return Outcome(None, {})
        self.answers.append(f"{dict(answer.headers)} {answer.text}")
        body = answer.json() if answer.headers.get("content-type") == "application/json" else {}
        return Outcome(answer.status_code, body, "idempotent-replayed" in answer.headers)

    def told(self, kind: str, runpod_job_id: str) -> dict[str, Any] | None:
        """Return what RunPod tells of a job, None where it does not answer in one piece."""
        url = f"{self.runpod.base_url}/{kind}/status/{runpod_job_id}"
        try:
            answer = self._http.get(url, headers=self.runpod.headers)
            told: dict[str, Any] = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError):
            return None
        return told

    def stop(self, kind: str, runpod_job_id: str) -> None:
        """Cancel a job at RunPod, as its operator may."""
        url = f"{self.runpod.base_url}/{kind}/cancel/{runpod_job_id}"
        self._http.post(url, headers=self.runpod.headers).raise_for_status()

    def journal(self) -> dict[str, Any]:
        """Return what the stand-in was called, and called itself."""
        told: dict[str, Any] = self.runpod.control("calls")
        return told

    def jobs(self) -> list[firestore.DocumentSnapshot]:
        """Return the documents of all jobs."""
        return list(self.lab.client.collection_group("jobs").stream())

    def leases(self) -> dict[str, Any]:
        """Return until when each job's result is being saved, by the job's id."""
        beside = self.lab.client.collection_group("job_secrets").stream()
        return {one.id: (one.to_dict() or {}).get("saving_until") for one in beside}

    def speaker(self) -> tuple[Person, str]:
        """Make a user with a voice that can speak; return him and the voice's id."""
        person = self.lab.person()
        # Plain, so that it is sent as it is; another each time, so that no cache knows it.
        pitch_hz = 100 + secrets.randbelow(100_000) / 1000
        profile = Profile(pitch_hz, -20.0, 4.0, (-20.0,) * 32).npy()
        [saved] = self.lab.saved(voice_save(person).again(profile=profile))
        return person, saved.body["voice_id"]

    def reconcile(self) -> Outcome:
        """Run `reconcile` once, with its look at jobs."""
        return self.call(None, "reconcile", "POST", "/", json={"deep": False})
