"""The laboratory: emulators, proxies, functions, and users who use them at the same time."""

import os
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
from google.cloud import firestore

from benchmarks.servers import Backends
from tests.chaos.bucket import Bucket
from tests.chaos.clients import Delete, Outcome, Person, Save, new_person
from tests.chaos.faults import Switchboard
from tests.chaos.firestore_proxy import FirestoreProxy
from tests.chaos.invariants import Checker
from tests.chaos.ledger import Ledger
from tests.chaos.processes import FunctionProcess
from tests.chaos.storage_proxy import StorageProxy

# Long enough for twenty saves at once on two cores, short enough to be waited for.
LEASE_S = 6
# Longer than any experiment: what is to be purged in one is deleted by a function of its own.
UNDO_FOR_S = 3600
# Every user of an experiment may be held at the same boundary at once.
THREADS = 100
_TARGETS = ("voices_save", "tts_save", "library", "reconcile")
_T = TypeVar("_T")


class Lab:
    """Everything that an experiment needs. Use it as a context manager."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._backends = Backends.read(environ)
        self.project = self._backends.project
        self._storage = environ["FIREBASE_STORAGE_EMULATOR_HOST"]
        self._firestore_host = environ["FIRESTORE_EMULATOR_HOST"]
        self._resources = ExitStack()
        self.board = Switchboard()
        self.ledger = Ledger()

    def __enter__(self) -> Self:
        enter = self._resources.enter_context
        self._logs = Path(tempfile.mkdtemp(prefix="voxshelf-chaos-"))
        self.storage = StorageProxy(self._storage, self.board)
        self.firestore = FirestoreProxy(self._firestore_host, self.board)
        self._resources.callback(self.storage.close)
        self._resources.callback(self.firestore.close)
        self.client = firestore.Client(project=self.project)
        self._resources.callback(self.client.close)
        self.bucket = Bucket(self._storage, self._backends.bucket)
        self._resources.callback(self.bucket.close)
        self.checker = Checker(self.client, self.bucket, self.ledger)
        self._pool = enter(ThreadPoolExecutor(max_workers=2 * THREADS))
        self._http = enter(httpx.Client(timeout=120, trust_env=False))
        # Straight at the emulators: they put right what the faulty ones have left behind.
        self._sound = {target: self._started(target, faulty=False) for target in _TARGETS}
        self._faulty: dict[tuple[str, int], FunctionProcess] = {}
        for server in self._sound.values():
            server.ready()
        return self

    def __exit__(self, *exception: object) -> None:
        self._resources.close()

    @property
    def bucket_name(self) -> str:
        """Return the name of the bucket that the functions use."""
        return self._backends.bucket

    @property
    def logs(self) -> Path:
        """The folder of the functions' logs."""
        return self._logs

    def _started(
        self, target: str, *, faulty: bool, environ: Mapping[str, str] | None = None
    ) -> FunctionProcess:
        storage = self.storage.address if faulty else self._storage
        hosts = {
            "FIRESTORE_EMULATOR_HOST": self.firestore.address if faulty else self._firestore_host,
            "FIREBASE_STORAGE_EMULATOR_HOST": storage,
            "STORAGE_EMULATOR_HOST": f"http://{storage}",
        }
        more = {"LEASE_S": str(LEASE_S), "UNDO_FOR_S": str(UNDO_FOR_S), "THREADS": str(THREADS)}
        log = self._logs / f"{target}{'-faulty' if faulty else ''}.log"
        whole = {**self._backends.function_environ(), **hosts, **more, **(environ or {})}
        server = FunctionProcess(target, whole, log)
        self._resources.callback(server.kill)
        return server

    def sound(self, target: str) -> FunctionProcess:
        """Return the function that no fault reaches."""
        return self._sound[target]

    def faulty(self, target: str, instance: int = 0) -> FunctionProcess:
        """Return an instance behind the proxies that lives on; its faults are a user's."""
        place = (target, instance)
        if place not in self._faulty:
            self._faulty[place] = self._started(target, faulty=True).ready()
        return self._faulty[place]

    def victim(self, target: str, **environ: str) -> FunctionProcess:
        """Start a function behind the proxies, to be killed; it may not listen yet."""
        return self._started(target, faulty=True, environ=environ)

    def person(self) -> Person:
        """Make a user."""
        return new_person(self.project)

    def beside(self, act: Callable[..., _T], *arguments: Sequence[Any]) -> list[_T]:
        """Do it for all at the same time; the results in their order."""
        return list(self._pool.map(act, *arguments))

    def pool(self) -> ThreadPoolExecutor:
        """Return the threads that act as clients."""
        return self._pool

    def clear(self) -> None:
        """Empty both emulators, and forget rules and promises."""
        self.board.clear()
        self.ledger.forget()
        url = (
            f"http://{self._firestore_host}/emulator/v1/projects/{self.project}"
            "/databases/(default)/documents"
        )
        self._http.delete(url).raise_for_status()
        self.bucket.clear()

    def saved(self, *saves: Save) -> list[Outcome]:
        """Save without any fault, all at once."""
        outcomes = self.beside(lambda save: save.send(self.sound(save.target), self.ledger), saves)
        for outcome in outcomes:
            if outcome.status != 201:
                raise AssertionError(f"A save without a fault failed: {outcome}")
        return outcomes

    def deleted(self, *deletes: Delete) -> None:
        """Delete without any fault, all at once."""
        server = self.sound("library")
        for outcome in self.beside(lambda delete: delete.send(server, self.ledger), deletes):
            if not outcome.done:
                raise AssertionError(f"A deletion without a fault failed: {outcome}")

    def reconcile(self) -> dict[str, Any] | None:
        """Run `reconcile --deep`, which no fault reaches; return its summary, None if it failed."""
        url = self.sound("reconcile").url + "/"
        answer = self._http.post(url, json={"deep": True})
        return answer.json() if answer.status_code == 200 else None


def in_threads(acts: Sequence[Callable[[], _T]]) -> list[_T]:
    """Do all at the same moment; the results in their order."""
    start = threading.Barrier(len(acts))

    def act(one: Callable[[], _T]) -> _T:
        start.wait()
        return one()

    with ThreadPoolExecutor(max_workers=len(acts)) as pool:
        return list(pool.map(act, acts))
