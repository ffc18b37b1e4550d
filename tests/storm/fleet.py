"""The functions that the storm attacks: some twice, each behind proxies of its own."""

import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import httpx

from benchmarks.servers import Backends
from local.runpod.process import RunningStandIn, running
from tests.chaos.clients import Person, new_person
from tests.chaos.job_lab import Instance
from tests.chaos.lab import LEASE_S, Lab
from tests.chaos.processes import HOST, free_port
from tests.storm.answers import LOST, Answer

# So many instances of each function; requests go to them in turn, so that clocks differ.
INSTANCES = {
    "voices_save": 2,
    "tts_save": 2,
    "library": 2,
    "voices_clone": 1,
    "tts_generate": 1,
    "jobs": 1,
    "runpod_webhook": 1,
    "reconcile": 1,
}
_CALM = ("voices_save", "tts_save", "library")
_SHIFTED = Path(__file__).with_name("shifted")
_TIMEOUT_S = 90.0
_RESTARTS_WITHIN_S = 60.0
# Longer than any clock is put forward or back, as `auth_time` has to be past everywhere.
_SIGNED_IN_S = 3 * 86_400
# The client libraries try again for so long; what is answered by then may be a fault's doing.
FAULT_LASTS_S = 30.0
_LIMITS = {"MAX_ACTIVE_JOBS": "20", "MAX_JOBS_PER_DAY": "100000", "UNDO_FOR_S": "86400"}


class Fleet:
    """Everything that the storm's users call. Use it as a context manager, within a laboratory."""

    def __init__(self, lab: Lab, environ: Mapping[str, str]) -> None:
        self.lab, self._environ = lab, environ
        self._resources = ExitStack()
        self._turns: dict[str, int] = defaultdict(int)
        self._lock = threading.Lock()
        self._faults_until: dict[Instance | None, float] = {}
        # When each sound run of `reconcile` that went through had started.
        self.reconciled_at = 0.0
        # While it is calm, requests go to the laboratory's functions, which no fault reaches.
        self.is_calm = False
        self.wrong: list[str] = []

    def __enter__(self) -> Self:
        enter = self._resources.enter_context
        self.runpod: RunningStandIn = enter(running(webhook_retry_s=1.0))
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        self._http = enter(httpx.Client(timeout=_TIMEOUT_S, trust_env=False, limits=limits))
        ports = {target: [free_port() for _ in range(n)] for target, n in INSTANCES.items()}
        environ = self._function_environ(f"http://{HOST}:{ports['runpod_webhook'][0]}")
        self.instances: dict[str, list[Instance]] = defaultdict(list)
        for target, own in ports.items():
            for port in own:
                instance = Instance(self.lab, target, environ, port)
                self.instances[target].append(instance)
                self._resources.callback(instance.close)
        for instance in self.all:
            instance.process.ready()
        return self

    def __exit__(self, *exception: object) -> None:
        self._resources.close()

    @property
    def all(self) -> list[Instance]:
        """Return all instances of all functions."""
        return [one for instances in self.instances.values() for one in instances]

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
            "LEASE_S": str(LEASE_S),
            "THREADS": "16",
            "PYTHONPATH": str(_SHIFTED),
            **_LIMITS,
        }

    def person(self) -> Person:
        """Make a user whose token every clock of the fleet believes."""
        return new_person(self.lab.project, _SIGNED_IN_S)

    def call(
        self, person: Person | None, target: str, method: str, path: str, **options: Any
    ) -> Answer:
        """Call a function; LOST when it died. One that restarts is waited for."""
        if self.is_calm and target in _CALM:
            return self._called(None, self.lab.sound(target).url, person, method, path, options)
        with self._lock:
            self._turns[target] += 1
            instances = self.instances[target]
            instance = instances[self._turns[target] % len(instances)]
        return self._called(instance, instance.url, person, method, path, options)

    def fetch(self, url: str) -> Answer:
        """Play an address, given without its host."""
        answer = self._http.get(f"http://{self._environ['FIREBASE_STORAGE_EMULATOR_HOST']}{url}")
        return Answer(answer.status_code, content=answer.content)

    def _called(
        self,
        instance: Instance | None,
        url: str,
        person: Person | None,
        method: str,
        path: str,
        options: dict[str, Any],
    ) -> Answer:
        headers = {**(person.headers if person else {}), **options.get("headers", {})}
        deadline = time.monotonic() + _RESTARTS_WITHIN_S
        while True:
            try:
                answer = self._http.request(method, url + path, **{**options, "headers": headers})
            except httpx.ConnectError:
                # It was not sent: nobody listens there yet.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            except httpx.HTTPError:
                return LOST
            else:
                told = _answer(answer)
                self._blame(instance, f"{method} {path}", told)
                return told

    def _blame(self, instance: Instance | None, what: str, answer: Answer) -> None:
        """Note an answer of 5xx that no fault explains; RunPod's stand-in has faults of its own."""
        if answer.status is None or answer.status < 500 or answer.code == "runpod_error":
            return
        excused = answer.status == 503 and self._faults_until.get(instance, 0) > time.monotonic()
        if not excused:
            target = instance.process.target if instance else "calm"
            self.wrong.append(f"{target} {what}: {answer} {answer.body.get('request_id')}")

    def stop_at_runpod(self, kind: str, runpod_job_id: str) -> None:
        """Cancel a job at RunPod, as its operator may."""
        url = f"{self.runpod.base_url}/{kind}/cancel/{runpod_job_id}"
        self._http.post(url, headers=self.runpod.headers).raise_for_status()

    def reconcile_sound(self, *, deep: bool) -> Answer:
        """Reconcile with the function that no fault reaches; a run that settled all is noted."""
        started = time.monotonic()
        url = self.lab.sound("reconcile").url
        answer = self._called(None, url, None, "POST", "/", {"json": {"deep": deep}})
        if answer.status == 200 and not answer.body["failed"]:
            self.reconciled_at = started
        return answer

    def faulted(self, instance: Instance) -> None:
        """Note that a fault reaches an instance now."""
        self._faults_until[instance] = time.monotonic() + FAULT_LASTS_S

    @property
    def outlived_before(self) -> float:
        """Return the moment before which every lease has been settled."""
        return self.reconciled_at - LEASE_S - 1


def _answer(answer: httpx.Response) -> Answer:
    is_json = answer.headers.get("content-type") == "application/json"
    body = answer.json() if is_json and answer.content else {}
    replayed = answer.headers.get("Idempotent-Replayed") == "true"
    return Answer(answer.status_code, body, replayed, dict(answer.headers), answer.content)
